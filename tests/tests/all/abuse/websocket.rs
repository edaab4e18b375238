//! The WebSocket of peers held to RFC 6455, by the cases of the Autobahn test suite under their numbers, in the
//! form that they have where messages are binary and nothing is echoed: what is a message at all is answered or
//! refused by the protocol above, and text ends the connection whatever it says.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use mote_core::codec::decode;
use mote_core::wire::{MESSAGE_MAX_BYTES, Message};
use mote_tests::abuse::Target;
use mote_tests::abuse::socket::{BINARY, frame, greeting, open_peer};
use mote_tests::fixtures::wire;
use mote_tests::processes::PATIENCE;

use super::victim::Victim;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// What the node is expected to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// It answers all pings with these payloads, the message behind them too, and the connection goes on.
    Answers(Vec<Vec<u8>>),
    /// It takes the message for one and refuses what is in it.
    Refuses,
    /// It closes the connection with this code; none where it closes without.
    Closes(Option<u16>),
}

/// A case: its number, what is sent, and how.
struct Case {
    number: String,
    bytes: Vec<u8>,
    /// How much is written at once.
    piece: usize,
    end: End,
}

fn case(number: &str, frames: &[Vec<u8>], end: End) -> Case {
    Case { number: number.to_owned(), bytes: frames.concat(), piece: usize::MAX, end }
}

fn in_pieces(number: &str, frames: &[Vec<u8>], piece: usize, end: End) -> Case {
    Case { piece, ..case(number, frames, end) }
}

fn pongs(payloads: &[&[u8]]) -> End {
    End::Answers(payloads.iter().map(|payload| payload.to_vec()).collect())
}

fn closes(code: u16) -> End {
    End::Closes(Some(code))
}

/// A message that the node answers.
fn question() -> Vec<u8> {
    wire(&Message::Ping(7))
}

/// The bytes of a frame whose flags say whether more follow.
fn part(opcode: u8, is_last: bool, payload: &[u8]) -> Vec<u8> {
    frame(opcode | u8::from(is_last) << 7, payload)
}

/// A binary message in frames of at most so many bytes.
fn parts(message: &[u8], length: usize) -> Vec<Vec<u8>> {
    let count = message.chunks(length).count();
    let chunks = message.chunks(length).enumerate();
    chunks.map(|(index, chunk)| part(if index == 0 { 2 } else { 0 }, index + 1 == count, chunk)).collect()
}

fn framing() -> Vec<Case> {
    let garbage = |length: usize| frame(BINARY, &vec![0xfe; length]);
    let mut cases = vec![
        case("1.1.1", &[frame(TEXT, b"")], closes(1003)),
        case("1.1.2", &[frame(TEXT, &[b'*'; 125])], closes(1003)),
        case("1.1.6", &[frame(TEXT, &[b'*'; 65_535])], closes(1003)),
        case("1.2.1", &[frame(BINARY, b"")], End::Refuses),
        in_pieces("1.2.8", &[garbage(65_536)], 997, End::Refuses),
        case("1.2, a message that is answered", &[frame(BINARY, &question())], pongs(&[])),
    ];
    let lengths = [
        ("1.2.2", 125),
        ("1.2.3", 126),
        ("1.2.4", 127),
        ("1.2.5", 128),
        ("1.2.6", 65_535),
        ("1.2.7", 65_536),
    ];
    cases.extend(lengths.map(|(number, length)| case(number, &[garbage(length)], End::Refuses)));
    cases
}

fn pings() -> Vec<Case> {
    let ten: Vec<Vec<u8>> = (0..10).map(|number| frame(PING, &[b'p', number])).collect();
    let answers = End::Answers((0..10).map(|number| vec![b'p', number]).collect());
    vec![
        case("2.1", &[frame(PING, b"")], pongs(&[b""])),
        case("2.2", &[frame(PING, b"Hello, world!")], pongs(&[b"Hello, world!"])),
        case("2.3", &[frame(PING, &[0, 0xff, 0xfe, 0xfd])], pongs(&[&[0, 0xff, 0xfe, 0xfd]])),
        case("2.4", &[frame(PING, &[0xfe; 125])], pongs(&[&[0xfe; 125]])),
        case("2.5", &[frame(PING, &[0xfe; 126])], closes(1002)),
        in_pieces("2.6", &[frame(PING, &[0xfe; 125])], 1, pongs(&[&[0xfe; 125]])),
        case("2.7", &[frame(PONG, b"")], pongs(&[])),
        case("2.8", &[frame(PONG, b"unsolicited")], pongs(&[])),
        case("2.9", &[frame(PONG, b"unsolicited"), frame(PING, b"ping")], pongs(&[b"ping"])),
        case("2.10", &ten, answers.clone()),
        in_pieces("2.11", &ten, 1, answers),
    ]
}

fn reserved() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, bits) in (1..8).zip(1_u8..) {
        let first = |opcode: u8| opcode | bits << 4;
        // In front of nothing, behind a message, and on a control frame.
        let opcode = [BINARY, PING, CLOSE][usize::from(bits) % 3];
        cases.push(case(&format!("3.{number}"), &[frame(first(opcode), b"x")], closes(1002)));
        let behind = [frame(BINARY, &question()), frame(first(BINARY), &question())];
        cases.push(in_pieces(&format!("3.{number} behind a message"), &behind, 1, closes(1002)));
    }
    for (group, opcodes) in [(1, 3..8), (2, 11..16)] {
        for (number, opcode) in (1..).zip(opcodes) {
            let name = format!("4.{group}.{number}");
            cases.push(case(&name, &[frame(0x80 | opcode, b"")], closes(1002)));
            cases.push(case(
                &format!("{name} with a payload"),
                &[frame(0x80 | opcode, b"reserved")],
                closes(1002),
            ));
        }
    }
    // Section 5.1: a server must not take frames that are not masked.
    cases.push(case("5.1 of the RFC: no mask", &[vec![BINARY, 2, 11, 7]], closes(1002)));
    cases
}

fn fragments() -> Vec<Case> {
    let message = question();
    let (head, tail) = message.split_at(1);
    let whole = [part(2, false, head), part(0, true, tail)];
    let with_ping = [part(2, false, head), frame(PING, b"ping"), part(0, true, tail)];
    let continuation = |is_last| part(0, is_last, b"nothing before it");
    let five: Vec<Vec<u8>> = [
        part(2, false, head),
        frame(PING, b"1"),
        part(0, false, b""),
        frame(PING, b"2"),
        part(0, true, tail),
    ]
    .to_vec();
    vec![
        case("5.1", &[part(9, false, b"frag"), part(0, true, b"ment")], closes(1002)),
        case("5.2", &[part(10, false, b"frag"), part(0, true, b"ment")], closes(1002)),
        case("5.3", &whole, pongs(&[])),
        in_pieces("5.5", &whole, 1, pongs(&[])),
        case("5.6", &with_ping, pongs(&[b"ping"])),
        in_pieces("5.8", &with_ping, 1, pongs(&[b"ping"])),
        case("5.9", &[continuation(true), frame(BINARY, &message)], closes(1002)),
        in_pieces("5.11", &[continuation(true), frame(BINARY, &message)], 1, closes(1002)),
        case("5.12", &[continuation(false), frame(BINARY, &message)], closes(1002)),
        case(
            "5.15",
            &[part(2, false, head), part(0, true, tail), continuation(false), frame(BINARY, &message)],
            closes(1002),
        ),
        case("5.16", &[continuation(false), part(2, false, head), part(0, true, tail)], closes(1002)),
        case("5.17", &[continuation(true), part(2, false, head), part(0, true, tail)], closes(1002)),
        case("5.18", &[part(2, false, head), part(2, true, tail)], closes(1002)),
        case("5.19", &five, pongs(&[b"1", b"2"])),
        in_pieces("5.20", &five, 1, pongs(&[b"1", b"2"])),
    ]
}

fn text() -> Vec<Case> {
    let valid = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    // A surrogate, an overlong slash, beyond Unicode, a byte that never is, an end that is missing.
    let invalid: [(&str, &[u8]); 5] = [
        ("6.3.1", b"\xce\xba\xed\xa0\x80"),
        ("6.12", b"\xc0\xaf"),
        ("6.4.1", b"\xf4\x90\x80\x80"),
        ("6.14", b"\xff"),
        ("6.6.1", b"\xce"),
    ];
    let mut cases = vec![
        case("6.2.1", &[frame(TEXT, valid)], closes(1003)),
        case("6.2.2", &[part(1, false, &valid[..9]), part(0, true, &valid[9..])], closes(1003)),
        in_pieces("6.2.3", &[frame(TEXT, valid)], 1, closes(1003)),
        case("6.1.2", &[part(1, false, b""), part(0, false, b""), part(0, true, b"")], closes(1003)),
    ];
    cases.extend(invalid.map(|(number, bytes)| case(number, &[frame(TEXT, bytes)], closes(1007))));
    cases
}

fn closing() -> Vec<Case> {
    let close = |code: u16, reason: &[u8]| frame(CLOSE, &[&code.to_be_bytes(), reason].concat());
    let message = question();
    let mut cases = vec![
        case("7.1.1", &[frame(BINARY, &message), close(1000, b"")], closes(1000)),
        case("7.1.2", &[close(1000, b""), close(1000, b"")], closes(1000)),
        case("7.1.3", &[close(1000, b""), frame(PING, b"")], closes(1000)),
        case("7.1.4", &[close(1000, b""), frame(BINARY, &message)], closes(1000)),
        case("7.1.5", &[part(2, false, &message), close(1000, b""), part(0, true, b"")], closes(1000)),
        case("7.3.1", &[frame(CLOSE, b"")], End::Closes(None)),
        case("7.3.2", &[frame(CLOSE, b"a")], closes(1002)),
        case("7.3.3", &[close(1000, b"")], closes(1000)),
        case("7.3.4", &[close(1000, b"Hello World!")], closes(1000)),
        case("7.3.5", &[close(1000, &[b'*'; 123])], closes(1000)),
        case("7.3.6", &[close(1000, &[b'*'; 124])], closes(1002)),
        case("7.5.1", &[close(1000, b"\xce\xba\xed\xa0\x80")], closes(1007)),
    ];
    let right = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for (number, code) in (1..).zip(right) {
        cases.push(case(&format!("7.7.{number}"), &[close(code, b"")], closes(code)));
    }
    let wrong = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535];
    for (number, code) in (1..).zip(wrong) {
        cases.push(case(&format!("7.9.{number}, code {code}"), &[close(code, b"")], closes(1002)));
    }
    cases
}

fn limits() -> Vec<Case> {
    let zeros = |length: usize| vec![0xfe; length];
    let largest = zeros(MESSAGE_MAX_BYTES);
    let endless: Vec<Vec<u8>> = std::iter::once(part(2, false, &zeros(65_536)))
        .chain((0..16).map(|_| part(0, false, &zeros(65_536))))
        .collect();
    let many: Vec<Vec<u8>> = (0..500).map(|_| frame(PONG, &[0; 100])).collect();
    // Claims of what never comes: 1 TiB, and more than there can be.
    let claim = |length: u64| [&[BINARY, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    vec![
        case("9.2, the largest", &[frame(BINARY, &largest)], End::Refuses),
        case("9.2, one byte more", &[frame(BINARY, &zeros(MESSAGE_MAX_BYTES + 1))], closes(1009)),
        case("9.2, a claim", &[claim(1 << 40)], closes(1009)),
        case("9.2, the largest claim", &[claim(u64::MAX >> 1)], closes(1009)),
        case("9.4, small pieces", &parts(&zeros(65_536), 64), End::Refuses),
        case("9.4, large pieces", &parts(&largest, 65_536), End::Refuses),
        case("9.4, too many pieces", &endless, closes(1009)),
        in_pieces("9.6", &[frame(BINARY, &largest)], 64 * 1024, End::Refuses),
        case("9.8", &many, pongs(&[])),
    ]
}

/// What the node did with a case.
#[derive(Debug, Default)]
struct Seen {
    pongs: Vec<Vec<u8>>,
    is_answered: bool,
    refusal: Option<String>,
    /// The code of the last frame, if it came and had one.
    close: Option<Option<u16>>,
}

/// The next frame of the node; none once the connection is over.
fn receive(socket: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut read = |length: usize| {
        let mut bytes = vec![0; length];
        match socket.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("neither answered nor closed"),
            Err(_) => None,
        }
    };
    let head = read(2)?;
    assert_eq!((head[0] & 0x70, head[1] & 0x80), (0, 0), "a server's frame has no reserved bit and no mask");
    let length = match head[1] {
        126 => read(2)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        127 => read(8)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        length => usize::from(length),
    };
    Some((head[0], read(length)?))
}

/// What becomes of a case on a connection of its own, which ends at the latest with the message behind it.
fn play(target: &Target, number: u64, case: &Case) -> Seen {
    let mut socket = open_peer(target.address).unwrap_or_else(|| panic!("{}: no connection", case.number));
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let _ = socket.write_all(&frame(BINARY, &greeting(&target.params, number)));
    for piece in case.bytes.chunks(case.piece.min(case.bytes.len())) {
        // A node that has seen enough takes no more.
        let _ = socket.write_all(piece);
    }
    const LAST: u64 = 1_001;
    if let End::Answers(_) = case.end {
        let _ = socket.write_all(&frame(BINARY, &wire(&Message::Ping(LAST))));
    }
    let mut seen = Seen::default();
    while let Some((first, payload)) = receive(&mut socket) {
        match first {
            PONG => seen.pongs.push(payload),
            CLOSE => {
                seen.close = Some(payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]])));
                return seen;
            }
            BINARY => match decode::<Message<'_>>(&payload).expect("a node sends messages") {
                Message::Pong(LAST) => {
                    seen.is_answered = true;
                    return seen;
                }
                Message::Refused(reason) => seen.refusal = Some(reason.to_owned()),
                _ => {}
            },
            other => panic!("{}: an unexpected frame {other:#x}", case.number),
        }
    }
    seen
}

impl Seen {
    fn is(&self, end: &End) -> bool {
        match end {
            End::Answers(pongs) => self.is_answered && self.pongs == *pongs && self.close.is_none(),
            End::Refuses => {
                self.refusal.as_ref().is_some_and(|reason| reason.starts_with("malformed message"))
                    && self.close == Some(Some(1000))
            }
            End::Closes(code) => self.close == Some(*code) && self.refusal.is_none(),
        }
    }
}

#[test]
fn a_peers_websocket_is_that_of_the_rfc() {
    let victim = Victim::start();
    let target = victim.target();
    let mut wrong = Vec::new();
    let groups = [framing(), pings(), reserved(), fragments(), text(), closing(), limits()];
    for (number, case) in (1 << 20..).zip(groups.into_iter().flatten()) {
        let seen = play(&target, number, &case);
        if !seen.is(&case.end) {
            wrong.push(format!("{}: expected {:?}, got {seen:?}", case.number, case.end));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    victim.is_well();
}
