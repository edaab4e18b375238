//! What a device reads of a WebSocket: heads of frames and answers to its upgrade, held against the library that the
//! tests speak WebSocket by.

use std::io::Cursor;

use mote_firmware::net::websocket::{
    CONTROL_MAX_BYTES, HEAD_MAX_BYTES, Head, Key, Mask, Opcode, RESPONSE_MAX_BYTES, Upgrade, read_head,
    read_response, write_head,
};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Choices;

/// The number of the connection whose answers are read.
const RANDOM: [u8; 16] = *b"the sample nonce";

/// The number as it stands in the request.
const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";

/// The first byte says what is read.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 3 {
        0 => head(bytes),
        1 => response(bytes),
        _ => frame(&mut Choices::new(bytes)),
    }
}

/// Heads of every length, and answers.
pub fn seeds() -> Vec<Vec<u8>> {
    let accept = derive_accept_key(KEY);
    let answer = |status: &str, more: &str| {
        format!("\u{1}HTTP/1.1 {status}\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: mote.v1\r\n{more}\r\n\u{2}").into_bytes()
    };
    vec![
        answer("101 Switching Protocols", ""),
        answer("101 x", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        answer("503 Busy", ""),
        vec![0, 0x82, 5],
        vec![0, 0x82, 126, 1, 0],
        vec![0, 0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0],
        vec![0, 0x89, 4, 1, 2, 3, 4],
        vec![2, 1, 200, 1, 2, 3, 4, 5, 6, 7],
    ]
}

/// Every head that is read is one of RFC 6455, and is refused only for what this protocol does without.
fn head(bytes: &[u8]) {
    // More bytes change nothing of what was read.
    for more in [[0; 12], [0xff; 12]] {
        let longer = [bytes, &more].concat();
        match compare(bytes) {
            Ok(None) => drop(compare(&longer)),
            read => assert_eq!(compare(&longer), read),
        }
    }
}

fn compare(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let read = read_head(bytes);
    let mut cursor = Cursor::new(bytes);
    let parsed = FrameHeader::parse(&mut cursor);
    match (read, parsed) {
        (Ok(Some(head)), Ok(Some((header, length)))) => {
            let opcode = match head.opcode {
                Opcode::Binary => OpCode::Data(Data::Binary),
                Opcode::Close => OpCode::Control(Control::Close),
                Opcode::Ping => OpCode::Control(Control::Ping),
                Opcode::Pong => OpCode::Control(Control::Pong),
            };
            assert_eq!(header.opcode, opcode);
            assert!(header.is_final && !(header.rsv1 || header.rsv2 || header.rsv3) && header.mask.is_none());
            assert_eq!((head.length as u64, head.size as u64), (length, cursor.position()));
            assert!(head.opcode == Opcode::Binary || head.length <= CONTROL_MAX_BYTES);
        }
        (Ok(Some(head)), parsed) => panic!("{head:?} and {parsed:?}"),
        // It is not complete.
        (Ok(None), parsed) => assert!(matches!(parsed, Ok(None)), "{parsed:?}"),
        (Err(error), Ok(Some((header, length)))) => {
            let is_control = matches!(header.opcode, OpCode::Control(_));
            let is_known = is_control || header.opcode == OpCode::Data(Data::Binary);
            let is_plain = header.is_final && !(header.rsv1 || header.rsv2 || header.rsv3);
            let is_short = !is_control || length <= CONTROL_MAX_BYTES as u64;
            let shortest = match length {
                0..126 => 2,
                126..=0xffff => 4,
                _ => 10,
            };
            let is_good =
                is_known && is_plain && is_short && header.mask.is_none() && cursor.position() == shortest;
            assert!(!is_good, "{error}: {header:?} of {length} bytes");
        }
        // It is refused by its first bytes, or by the library too.
        (Err(_), Ok(None) | Err(_)) => {}
    }
    read
}

fn response(bytes: &[u8]) {
    let key = Key::new(&RANDOM);
    let read = read_response(bytes, &key);
    match read {
        Upgrade::Done(size) => {
            assert!(size <= bytes.len());
            assert!(bytes[..size].starts_with(b"HTTP/1.1 101") && bytes[..size].ends_with(b"\r\n\r\n"));
            let accept = derive_accept_key(KEY);
            let holds = bytes[..size].windows(accept.len()).any(|part| part == accept.as_bytes());
            assert!(holds, "an answer to another key is taken");
            // It says nothing to whoever asked with another number.
            assert!(matches!(read_response(bytes, &Key::new(&[7; 16])), Upgrade::Wrong(_)));
        }
        Upgrade::Incomplete => assert!(bytes.len() < RESPONSE_MAX_BYTES),
        Upgrade::Declined | Upgrade::Wrong(_) => {}
    }
    if read != Upgrade::Incomplete && bytes.len() < RESPONSE_MAX_BYTES {
        assert_eq!(read_response(&[bytes, b"more"].concat(), &key), read);
    }
}

/// What a device sends is what the library reads.
fn frame(choices: &mut Choices<'_>) {
    let opcode = *choices.of(&[Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong]);
    let (mask, payload) = (choices.array(), choices.rest());
    let mut head = [0; HEAD_MAX_BYTES];
    let Ok(length) = u16::try_from(payload.len()) else { return };
    let size = write_head(&mut head, opcode, length, mask);
    let mut masked = payload.to_vec();
    let mut going_on = Mask::new(mask);
    for part in masked.chunks_mut(7) {
        going_on.apply(part);
    }
    let mut cursor = Cursor::new(&head[..size]);
    let (header, got) = FrameHeader::parse(&mut cursor).expect("a head is sent").expect("all of it is");
    assert_eq!((got, cursor.position()), (u64::from(length), size as u64));
    assert_eq!(header.mask, Some(mask));
    let again: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    assert_eq!(again, payload);
    assert!(matches!(read_head(&head[..size]), Err("a server's frame is masked")));
}
