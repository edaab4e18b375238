//! What is no WebSocket (RFC 6455), and connections that end or go silent.

use super::{Ground, Lie};
use crate::devices::script::{Out, Script, Upgrade, all as as_they_are, frame_head};

/// What a device says of bytes that are no WebSocket of this protocol.
const SOCKET: &[&str] = &["not a WebSocket of this protocol"];

/// What it says of a message that is too large; that can be noticed by the socket or the session.
const LARGE: &[&str] = &["not a WebSocket of this protocol", "expected at most"];

/// An answer that opens a WebSocket for somebody else.
const WRONG_KEY: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mote.v1\r\n\r\n";

pub fn all(ground: &Ground) -> Vec<Lie> {
    let mut lies = upgrades(ground);
    lies.extend(frames(ground));
    lies
}

fn upgrades(ground: &Ground) -> Vec<Lie> {
    let lie = |name: &str, upgrade| ground.lie(name, SOCKET, Script::upgrade(upgrade));
    let bytes = |name: &str, text: &str| lie(name, Upgrade::Bytes(text.as_bytes().to_vec()));
    let endless = format!("HTTP/1.1 101 Switching Protocols\r\n{}", "X-More: and more\r\n".repeat(4_000));
    vec![
        lie("another subprotocol", Upgrade::Subprotocol(Some("mote.v2"))),
        lie("no subprotocol", Upgrade::Subprotocol(None)),
        bytes("the answer to another key", WRONG_KEY),
        bytes("an answer without a key", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        bytes("an answer without end", &endless),
    ]
}

/// The cases of the Autobahn test suite under their numbers, as far as a client can be held to them that takes
/// whole binary messages and nothing else: whatever is split, text or reserved is refused.
fn frames(ground: &Ground) -> Vec<Lie> {
    let raw = |name: &str, reasons, bytes: Vec<u8>| {
        ground.lie(name, reasons, Script::greeted(vec![Out::Raw(bytes)]))
    };
    let masked = [vec![0x82, 0x80 | 2], vec![1, 2, 3, 4], vec![11 ^ 1, 7 ^ 2]].concat();
    let mut lies = vec![
        ground.lie("1.1.2 text", SOCKET, Script::greeted(vec![Out::Text("hello")])),
        raw("1.1.1 an empty text", SOCKET, vec![0x81, 0]),
        raw("2.5 a ping that is too long", SOCKET, [frame_head(0x89, 126), vec![0; 126]].concat()),
        raw("5.1 a ping in pieces", SOCKET, vec![0x09, 0]),
        raw("5.2 a pong in pieces", SOCKET, vec![0x0a, 0]),
        raw("5.3 a message in pieces", SOCKET, vec![0x02, 1, 11, 0x80, 1, 7]),
        raw("5.9 a piece of nothing", SOCKET, vec![0x80, 2, 11, 7]),
        raw("5.12 a piece of nothing that goes on", SOCKET, vec![0x00, 2, 11, 7]),
        raw("5.18 a message within a message", SOCKET, vec![0x02, 1, 11, 0x82, 2, 11, 7]),
        raw("6.4.1 text that is no UTF-8", SOCKET, vec![0x81, 2, 0xc0, 0xaf]),
        raw("7.3.6 a farewell that is too long", SOCKET, [frame_head(0x88, 126), vec![0; 126]].concat()),
        raw("9.2 a message of 64 KiB", LARGE, [frame_head(0x82, 65_536), vec![0; 65_536]].concat()),
        raw("9.2 a message of a terabyte", LARGE, frame_head(0x82, 1 << 40)),
        raw("9.2 a message of more than there can be", LARGE, frame_head(0x82, u64::MAX)),
        ground.lie(
            "9.4 a message in pieces that are too many",
            LARGE,
            Script::greeted(vec![Out::Pieces(vec![0; 65_536], 1_000)]),
        ),
        raw("a masked frame", SOCKET, masked),
        raw("a length in more bytes than it needs", SOCKET, vec![0x82, 126, 0, 2, 11, 7]),
        raw("bytes of no kind", SOCKET, vec![0xff; 64]),
    ];
    let reserved = (1..8_u8)
        .map(|bits| raw(&format!("3.{bits} reserved bits"), SOCKET, vec![0x82 | bits << 4, 2, 11, 7]));
    lies.extend(reserved);
    for (group, opcodes) in [(1, 3..8_u8), (2, 11..16)] {
        for (number, opcode) in (1..).zip(opcodes) {
            let name = format!("4.{group}.{number} a reserved opcode");
            lies.push(raw(&name, SOCKET, vec![0x80 | opcode, 2, 11, 7]));
        }
    }
    lies
}

pub fn broken_off(ground: &Ground) -> Vec<Lie> {
    let id = ground.longer.tip().id();
    let lie = |name: &str, script| ground.lie(name, &[], script);
    let bytes = |name: &str, bytes: &[u8]| lie(name, Script::upgrade(Upgrade::Bytes(bytes.to_vec())));
    // Whatever a farewell says, it is one: nothing follows, and the other side has to close.
    let farewell =
        |name: &str, bytes: &[u8]| lie(name, Script::greeted(vec![Out::Raw(bytes.to_vec()), Out::Silence]));
    vec![
        farewell("7.3.1 a farewell without a reason", &[0x88, 0]),
        farewell("7.3.2 a farewell with half a code", &[0x88, 1, 3]),
        farewell("7.3.4 a farewell with a reason", b"\x88\x07\x03\xe8hello"),
        farewell("7.5.1 a farewell that is no UTF-8", b"\x88\x04\x03\xe8\xc0\xaf"),
        farewell("7.9.1 a farewell with a code that there is not", &[0x88, 2, 0, 0]),
        bytes("a page", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        bytes("a way to elsewhere", b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n"),
        bytes("too many peers", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        bytes("an answer that does not end", &[0xff; 200]),
        lie("nobody answers", Script::upgrade(Upgrade::Silent)),
        lie("the connection is closed at once", Script::upgrade(Upgrade::Closed)),
        lie("no greeting", Script::greeting(|_| vec![Out::Silence])),
        lie("nothing after the greeting", Script::greeted(vec![Out::Silence])),
        lie(
            "the end in the middle of a witness",
            Script::witness(id, |messages| [as_they_are(messages[..2].to_vec()), vec![Out::End]].concat()),
        ),
        lie(
            "the end in the middle of a message",
            Script::witness(id, |messages| {
                let message = &messages[1];
                let half =
                    [frame_head(0x82, message.len() as u64), message[..message.len() / 2].to_vec()].concat();
                vec![Out::Message(messages[0].clone()), Out::Raw(half), Out::End]
            }),
        ),
        lie(
            "nothing in the middle of a witness",
            Script::witness(id, |messages| {
                [as_they_are(messages[..2].to_vec()), vec![Out::Silence]].concat()
            }),
        ),
        lie(
            "nothing in the middle of a message",
            Script::witness(id, |messages| {
                let message = &messages[1];
                let half =
                    [frame_head(0x82, message.len() as u64), message[..message.len() / 2].to_vec()].concat();
                vec![Out::Message(messages[0].clone()), Out::Raw(half), Out::Silence]
            }),
        ),
        lie("no headers", Script::headers(|_| vec![Out::Silence])),
    ]
}
