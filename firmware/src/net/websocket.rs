//! The WebSocket of a client (RFC 6455), as much of it as one message in one frame needs: neither side
//! of this protocol splits a message into frames.

use core::fmt::Write;
use core::net::SocketAddrV4;

use base64ct::{Base64, Encoding};
use mote_core::wire::SUBPROTOCOL;

use super::sha1::sha1;

/// The longest answer to an upgrade that is read, in bytes.
pub const RESPONSE_MAX_BYTES: usize = 1_024;

/// The longest head of a frame that a client sends: two bytes, a length, a mask.
pub const HEAD_MAX_BYTES: usize = 8;

/// The longest payload of a control frame (RFC 6455 section 5.5).
pub const CONTROL_MAX_BYTES: usize = 125;

/// What is appended to a key before it is hashed (RFC 6455 section 1.3).
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The number of a client's connection, as it stands in the request: 16 random bytes in base64.
#[derive(Clone, Copy, Debug)]
pub struct Key([u8; 24]);

impl Key {
    /// The key of 16 random bytes.
    pub fn new(random: &[u8; 16]) -> Self {
        let mut text = [0; 24];
        // 16 bytes are 24 characters.
        let _ = Base64::encode(random, &mut text);
        Self(text)
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What a server that read the key answers.
    fn accepts(&self, answer: &[u8]) -> bool {
        let digest = sha1(&[&self.0, ACCEPT_SUFFIX]);
        let mut text = [0; 28];
        Base64::encode(&digest, &mut text).is_ok_and(|expected| expected.as_bytes() == answer)
    }
}

/// Writes the request to upgrade a connection to a node at `address`.
pub fn write_request(out: &mut impl Write, address: SocketAddrV4, key: &Key) -> core::fmt::Result {
    write!(
        out,
        "GET /peer HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n",
        key.as_str()
    )
}

/// What came of a request to upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// The answer is not complete.
    Incomplete,
    /// The connection is a WebSocket behind so many bytes.
    Done(usize),
    /// The server wants no connection, now at least.
    Declined,
    /// What came is no answer of a server that read the request.
    Wrong(&'static str),
}

/// Reads the answer to the request with this key.
pub fn read_response(bytes: &[u8], key: &Key) -> Upgrade {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        let is_long = bytes.len() >= RESPONSE_MAX_BYTES;
        return if is_long { Upgrade::Wrong("an answer without an end") } else { Upgrade::Incomplete };
    };
    let head = bytes.get(..end).unwrap_or_default();
    match head.strip_prefix(b"HTTP/1.1 ") {
        Some([b'1', b'0', b'1', ..]) => {}
        Some([_, _, _, ..]) => return Upgrade::Declined,
        _ => return Upgrade::Wrong("no answer of HTTP/1.1"),
    }
    if !header(head, b"Sec-WebSocket-Accept").is_some_and(|accept| key.accepts(accept)) {
        return Upgrade::Wrong("an answer to another key");
    }
    if header(head, b"Sec-WebSocket-Protocol") != Some(SUBPROTOCOL.as_bytes()) {
        return Upgrade::Wrong("another subprotocol");
    }
    if header(head, b"Sec-WebSocket-Extensions").is_some() {
        return Upgrade::Wrong("an extension that was not asked for");
    }
    Upgrade::Done(end + 4)
}

/// The value of a header. A line may end without a carriage return (RFC 9112 section 2.2).
#[inline(never)]
fn header<'h>(head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        found.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
    })
}

/// What a frame carries (RFC 6455 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A message.
    Binary = 2,
    /// A farewell.
    Close = 8,
    /// A request for a sign of life.
    Ping = 9,
    /// A sign of life.
    Pong = 10,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it carries.
    pub opcode: Opcode,
    /// Bytes of payload behind it.
    pub length: usize,
    /// Bytes of the head itself.
    pub size: usize,
}

/// Reads the head of a frame of a server; `None` where it is not complete.
pub fn read_head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & 0x80 == 0 || first & 0x0f == 0 {
        return Err("a message in several frames");
    }
    if first & 0x70 != 0 {
        return Err("a reserved bit is set");
    }
    if second & 0x80 != 0 {
        return Err("a server's frame is masked");
    }
    let opcode = match first & 0x0f {
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        1 => return Err("a text message"),
        _ => return Err("an unknown opcode"),
    };
    let (length, size) = match (second & 0x7f, rest) {
        (126, [high, low, ..]) => (u64::from(u16::from_be_bytes([*high, *low])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10),
        (126 | 127, _) => return Ok(None),
        (length, _) => (u64::from(length), 2),
    };
    let is_shortest = match size {
        4 => length > 125,
        10 => length > u64::from(u16::MAX),
        _ => true,
    };
    if !is_shortest {
        return Err("a length in more bytes than it needs");
    }
    if opcode != Opcode::Binary && length > CONTROL_MAX_BYTES as u64 {
        return Err("a control frame with too long a payload");
    }
    Ok(Some(Head { opcode, length: usize::try_from(length).unwrap_or(usize::MAX), size }))
}

/// Writes the head of a client's frame and returns its size. Payloads of a device fit 16 bits of length.
pub fn write_head(into: &mut [u8; HEAD_MAX_BYTES], opcode: Opcode, length: u16, mask: [u8; 4]) -> usize {
    let mut head = heapless::Vec::<u8, HEAD_MAX_BYTES>::new();
    let _ = head.push(0x80 | opcode as u8);
    if usize::from(length) <= CONTROL_MAX_BYTES {
        let _ = head.push(0x80 | length as u8);
    } else {
        let _ = head.push(0x80 | 126);
        let _ = head.extend_from_slice(&length.to_be_bytes());
    }
    let _ = head.extend_from_slice(&mask);
    into.iter_mut().zip(&head).for_each(|(to, from)| *to = *from);
    head.len()
}

/// The mask of a client's payload (RFC 6455 section 5.3), as it goes on.
pub struct Mask {
    bytes: [u8; 4],
    at: usize,
}

impl Mask {
    /// The mask from the payload's first byte on.
    pub fn new(bytes: [u8; 4]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Masks the next bytes of the payload.
    pub fn apply(&mut self, payload: &mut [u8]) {
        for byte in payload {
            *byte ^= self.bytes.get(self.at % 4).copied().unwrap_or_default();
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    /// The example of RFC 6455 section 1.3.
    const SAMPLE: &[u8; 16] = b"the sample nonce";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    #[test]
    fn the_key_is_that_of_the_rfc() {
        let key = Key::new(SAMPLE);
        assert_eq!(key.as_str(), "dGhlIHNhbXBsZSBub25jZQ==");
        let mut request = String::new();
        write_request(&mut request, SocketAddrV4::new([10, 0, 2, 2].into(), 7700), &key).unwrap();
        assert!(request.starts_with("GET /peer HTTP/1.1\r\nHost: 10.0.2.2:7700\r\n"));
        assert!(request.ends_with("\r\n\r\n"));
    }

    #[test]
    fn only_an_answer_to_the_key_opens_a_connection() {
        let key = Key::new(SAMPLE);
        let answer = |status: &str, accept: &str, protocol: &str| {
            format!(
                "HTTP/1.1 {status}\r\nsec-websocket-accept: {accept}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
            )
        };
        let good = answer("101 Switching Protocols", ACCEPT, "mote.v1");
        for end in 0..good.len() {
            assert_eq!(read_response(&good.as_bytes()[..end], &key), Upgrade::Incomplete);
        }
        let behind = format!("{good}\u{2}");
        assert_eq!(read_response(behind.as_bytes(), &key), Upgrade::Done(good.len()));
        assert_eq!(read_response(answer("503 Busy", "", "").as_bytes(), &key), Upgrade::Declined);
        for wrong in [
            answer("101 x", "AAAA", "mote.v1"),
            answer("101 x", ACCEPT, "mote.v2"),
            good.replace("1.1", "1.0"),
            good.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
            "x".repeat(RESPONSE_MAX_BYTES),
        ] {
            assert!(matches!(read_response(wrong.as_bytes(), &key), Upgrade::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn heads_of_a_server_are_read_and_others_refused() {
        let head = |opcode, length, size| Ok(Some(Head { opcode, length, size }));
        assert_eq!(read_head(&[0x82, 5]), head(Opcode::Binary, 5, 2));
        assert_eq!(read_head(&[0x82, 126, 1, 0]), head(Opcode::Binary, 256, 4));
        assert_eq!(read_head(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), head(Opcode::Binary, 65_536, 10));
        assert_eq!(read_head(&[0x89, 0]), head(Opcode::Ping, 0, 2));
        for incomplete in [&[][..], &[0x82], &[0x82, 126, 1], &[0x82, 127, 0, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(read_head(incomplete), Ok(None));
        }
        for wrong in [
            &[0x02, 5][..],
            &[0x80, 5],
            &[0x81, 5],
            &[0xc2, 5],
            &[0x82, 0x85],
            &[0x83, 0],
            &[0x89, 126, 0, 126],
            &[0x82, 126, 0, 125],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 1, 0],
        ] {
            assert!(read_head(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_masked_example_of_the_rfc() {
        // Section 5.7, but for the opcode.
        let (mut head, mut payload) = ([0; HEAD_MAX_BYTES], *b"Hello");
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        assert_eq!(write_head(&mut head, Opcode::Binary, 5, mask), 6);
        assert_eq!(head[..6], [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d]);
        let mut masked = Mask::new(mask);
        let (first, rest) = payload.split_at_mut(2);
        masked.apply(first);
        masked.apply(rest);
        assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        assert_eq!(write_head(&mut head, Opcode::Binary, 300, mask), 8);
        assert_eq!(head[..4], [0x82, 0xfe, 1, 44]);
    }
}
