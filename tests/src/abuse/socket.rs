//! Sockets as attackers use them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::pow::Work;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{Hello, MESSAGE_MAX_BYTES, Message, PROTOCOL_VERSION, Services};

use crate::fixtures::wire;

/// How long an attacker waits for a node before it tries something else.
const ATTENTION: Duration = Duration::from_secs(2);

/// A connection; none where the node does not take it in time.
pub fn connect(to: SocketAddr) -> Option<TcpStream> {
    let socket = TcpStream::connect_timeout(&to, ATTENTION).ok()?;
    socket.set_read_timeout(Some(ATTENTION)).ok()?;
    socket.set_write_timeout(Some(ATTENTION)).ok()?;
    socket.set_nodelay(true).ok()?;
    Some(socket)
}

/// Writes as much as the node takes at once; whether the connection is still open.
pub fn write_some(socket: &mut TcpStream, bytes: &[u8]) -> bool {
    if socket.set_nonblocking(true).is_err() {
        return false;
    }
    match socket.write(bytes) {
        Ok(count) => count > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// Whether the node has ended a connection on which it has sent nothing that was not read.
pub fn is_ended(socket: &TcpStream) -> bool {
    if socket.set_nonblocking(true).is_err() {
        return true;
    }
    match socket.peek(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// The request that opens a peer's WebSocket, whose answer is known.
pub fn handshake(to: SocketAddr) -> String {
    format!(
        "GET /peer HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: mote.v1\r\n\r\n"
    )
}

/// A peer's open WebSocket; none where the node does not open it.
pub fn open_peer(to: SocketAddr) -> Option<TcpStream> {
    let mut socket = connect(to)?;
    socket.write_all(handshake(to).as_bytes()).ok()?;
    let head = read_head(&mut socket)?;
    head.starts_with("HTTP/1.1 101 ").then_some(socket)
}

/// The head of an answer.
pub fn read_head(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// A greeting that claims nothing. The number is what the node takes for the peer's own.
pub fn greeting(params: &Params, number: u64) -> Vec<u8> {
    let genesis: Hash32 = params.genesis_id();
    wire(&Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        genesis,
        tip: genesis,
        height: Height::GENESIS,
        work: Work::ZERO,
        time: Timestamp::from_seconds(std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())),
        services: Services::FULL,
        witness_from: Height::GENESIS,
        message_max: MESSAGE_MAX_BYTES as u32,
        nonce: number,
        port: 0,
    }))
}

/// A client's frame (RFC 6455 section 5.2) with this first byte, which has the opcode and the flags. It is
/// masked with zeros, which change nothing.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// The first byte of a whole binary message.
pub const BINARY: u8 = 0x82;
