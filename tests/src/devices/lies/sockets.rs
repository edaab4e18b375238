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

fn frames(ground: &Ground) -> Vec<Lie> {
    let raw = |name: &str, reasons, bytes: Vec<u8>| {
        ground.lie(name, reasons, Script::greeted(vec![Out::Raw(bytes)]))
    };
    let masked = [vec![0x82, 0x80 | 2], vec![1, 2, 3, 4], vec![11 ^ 1, 7 ^ 2]].concat();
    let long_ping = [frame_head(0x89, 126), vec![0; 126]].concat();
    vec![
        raw("a masked frame", SOCKET, masked),
        raw("a reserved bit", SOCKET, vec![0xc2, 2, 11, 7]),
        raw("a reserved opcode", SOCKET, vec![0x83, 2, 11, 7]),
        raw("a piece of nothing", SOCKET, vec![0x80, 2, 11, 7]),
        raw("a message within a message", SOCKET, vec![0x02, 1, 11, 0x82, 2, 11, 7]),
        raw("a ping in pieces", SOCKET, vec![0x09, 0]),
        raw("a ping that is too long", SOCKET, long_ping),
        raw("bytes of no kind", SOCKET, vec![0xff; 64]),
        raw("a frame of a terabyte", LARGE, frame_head(0x82, 1 << 40)),
        raw("a frame of more than there can be", LARGE, frame_head(0x82, u64::MAX)),
        raw("a frame of 64 KiB", LARGE, [frame_head(0x82, 65_536), vec![0; 65_536]].concat()),
        ground.lie("text", SOCKET, Script::greeted(vec![Out::Text("hello")])),
        ground.lie(
            "a message in pieces that are too many",
            LARGE,
            Script::greeted(vec![Out::Pieces(vec![0; 65_536], 1_000)]),
        ),
    ]
}

pub fn broken_off(ground: &Ground) -> Vec<Lie> {
    let id = ground.longer.tip().id();
    let lie = |name: &str, script| ground.lie(name, &[], script);
    let bytes = |name: &str, bytes: &[u8]| lie(name, Script::upgrade(Upgrade::Bytes(bytes.to_vec())));
    vec![
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
