//! The server's side of WebSockets by a library that shares nothing with the device, over any stream.

use std::io::{Read, Write};

use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{Frame as RawFrame, FrameHeader};
use tungstenite::{Message as Frame, WebSocket};

/// Answers a request to open a WebSocket, naming this subprotocol; none where it does not come to be.
pub fn accept<S: Read + Write>(stream: S, protocol: Option<&'static str>) -> Option<WebSocket<S>> {
    #[expect(clippy::result_large_err, reason = "the type is the library's")]
    let answer = |_: &Request, mut response: Response| {
        if let Some(protocol) = protocol {
            let value = protocol.parse().expect("a header");
            response.headers_mut().insert("sec-websocket-protocol", value);
        }
        Ok(response)
    };
    tungstenite::accept_hdr(stream, answer).ok()
}

/// Sends one binary message in frames of at most so many bytes.
pub fn send_pieces<S: Read + Write>(
    socket: &mut WebSocket<S>,
    bytes: &[u8],
    length: usize,
) -> Result<(), tungstenite::Error> {
    let count = bytes.chunks(length).len();
    for (index, piece) in bytes.chunks(length).enumerate() {
        let code = if index == 0 { Data::Binary } else { Data::Continue };
        let head = FrameHeader {
            is_final: index + 1 == count,
            opcode: OpCode::Data(code),
            ..FrameHeader::default()
        };
        socket.send(Frame::Frame(RawFrame::from_payload(head, piece.to_vec().into())))?;
    }
    Ok(())
}
