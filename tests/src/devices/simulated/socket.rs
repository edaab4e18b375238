//! The server's side of a WebSocket over a pipe of bytes, by a library that shares nothing with the device.

use std::io::{self, Read, Write};

use mote_core::wire::SUBPROTOCOL;
use tungstenite::{Message as Frame, WebSocket};

use super::router::SharedPipe;
use crate::devices::script::{Out, Upgrade};
use crate::devices::websocket;

/// A connection that ends after so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes are sent.
    pub after: usize,
    /// What happens then.
    pub how: CutHow,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutHow {
    /// It is closed.
    Closed,
    /// It is torn down.
    Reset,
    /// Nothing more comes.
    Silent,
}

/// What came of a connection.
pub enum Event {
    /// It is open.
    Open,
    /// A binary message.
    Message(Vec<u8>),
    /// The answer to a ping of the WebSocket.
    Pong(Vec<u8>),
}

/// The server's side of a connection.
pub struct Socket {
    pipe: SharedPipe,
    upgrade: Upgrade,
    cut: Option<Cut>,
    never_closes: bool,
    stage: Stage,
}

enum Stage {
    Upgrading,
    Open(Box<WebSocket<Stream>>),
    /// Nothing is said any more; what comes is thrown away.
    Silent,
    Over,
}

struct Stream {
    pipe: SharedPipe,
    cut: Option<Cut>,
    said: usize,
}

impl Socket {
    /// A connection that was just accepted.
    pub fn new(pipe: SharedPipe, upgrade: Upgrade, cut: Option<Cut>, never_closes: bool) -> Self {
        Self { pipe, upgrade, cut, never_closes, stage: Stage::Upgrading }
    }

    /// Takes nothing any more of what comes.
    pub fn make_deaf(&mut self) {
        self.pipe.borrow_mut().is_deaf = true;
    }

    /// Says how many bytes leave in a turn.
    pub fn set_pace(&mut self, pace: Option<usize>) {
        self.pipe.borrow_mut().pace = pace;
    }

    /// How many bytes were said.
    pub fn said(&self) -> usize {
        match &self.stage {
            Stage::Open(socket) => socket.get_ref().said,
            Stage::Upgrading | Stage::Silent | Stage::Over => 0,
        }
    }

    /// Whether both sides are done.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Tears the connection down.
    pub fn reset(&mut self) {
        self.pipe.borrow_mut().is_reset = true;
        self.stage = Stage::Over;
    }

    /// Neither hears nor says anything any more, without a sign.
    pub fn vanish(&mut self) {
        let mut pipe = self.pipe.borrow_mut();
        pipe.is_deaf = true;
        pipe.said.clear();
        drop(pipe);
        self.stage = Stage::Over;
    }

    /// What came; to be called until there is nothing.
    pub fn poll(&mut self) -> Option<Event> {
        match &mut self.stage {
            Stage::Over => None,
            Stage::Silent => {
                let mut pipe = self.pipe.borrow_mut();
                pipe.heard.clear();
                if pipe.is_gone || (pipe.has_ended && !self.never_closes) {
                    pipe.is_closing = true;
                    drop(pipe);
                    self.stage = Stage::Over;
                }
                None
            }
            Stage::Upgrading => self.answer_upgrade(),
            Stage::Open(socket) => loop {
                match socket.read() {
                    Ok(Frame::Binary(bytes)) => return Some(Event::Message(bytes.to_vec())),
                    Ok(Frame::Pong(payload)) => return Some(Event::Pong(payload.to_vec())),
                    Ok(_) => {}
                    Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                        return None;
                    }
                    Err(_) => {
                        self.pipe.borrow_mut().is_closing = true;
                        self.stage = Stage::Over;
                        return None;
                    }
                }
            },
        }
    }

    fn answer_upgrade(&mut self) -> Option<Event> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.has_ended {
            pipe.is_closing = true;
            drop(pipe);
            self.stage = Stage::Over;
            return None;
        }
        let bytes: Vec<u8> = pipe.heard.iter().copied().collect();
        if !bytes.ends_with(b"\r\n\r\n") {
            return None;
        }
        let protocol = match &self.upgrade {
            Upgrade::Honest => Some(SUBPROTOCOL),
            Upgrade::Subprotocol(protocol) => *protocol,
            Upgrade::Bytes(bytes) => {
                pipe.said.extend(bytes);
                drop(pipe);
                self.stage = Stage::Silent;
                return None;
            }
            Upgrade::Closed => {
                pipe.is_closing = true;
                drop(pipe);
                self.stage = Stage::Over;
                return None;
            }
            Upgrade::Silent => {
                drop(pipe);
                self.stage = Stage::Silent;
                return None;
            }
        };
        drop(pipe);
        let stream = Stream { pipe: self.pipe.clone(), cut: self.cut, said: 0 };
        let Some(socket) = websocket::accept(stream, protocol) else {
            panic!("the device asks for a WebSocket as it must");
        };
        self.stage = Stage::Open(Box::new(socket));
        Some(Event::Open)
    }

    /// Sends something.
    pub fn send(&mut self, out: Out) {
        let Stage::Open(socket) = &mut self.stage else { return };
        // What becomes of a connection that has ended shows when it is read.
        let _ = match out {
            Out::Message(bytes) => socket.send(Frame::Binary(bytes.into())),
            Out::Text(text) => socket.send(Frame::Text(text.into())),
            Out::Raw(bytes) => socket.get_mut().write_all(&bytes).map_err(Into::into),
            Out::Pieces(bytes, length) => websocket::send_pieces(socket, &bytes, length),
            Out::End => {
                self.pipe.borrow_mut().is_closing = true;
                self.stage = Stage::Silent;
                return;
            }
            Out::Silence => {
                self.stage = Stage::Silent;
                return;
            }
        };
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.heard.is_empty() && !pipe.has_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = into.len().min(pipe.heard.len());
        into.iter_mut().zip(pipe.heard.drain(..count)).for_each(|(into, from)| *into = from);
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let left = self.cut.map_or(usize::MAX, |cut| cut.after.saturating_sub(self.said));
        let mut pipe = self.pipe.borrow_mut();
        pipe.said.extend(&from[..left.min(from.len())]);
        self.said += from.len();
        if let Some(cut) = self.cut.filter(|_| left < from.len()) {
            match cut.how {
                CutHow::Closed => pipe.is_closing = true,
                CutHow::Reset if pipe.said.is_empty() => pipe.is_reset = true,
                CutHow::Reset => pipe.is_closing = true,
                CutHow::Silent => {}
            }
        }
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
