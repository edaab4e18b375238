//! The way from the simulated network to a node that really runs.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::router::SharedPipe;

/// The way to a node.
pub struct Bridge {
    to: SocketAddr,
    open: Vec<(SharedPipe, TcpStream)>,
}

impl Bridge {
    /// A way to a node that listens there.
    pub fn new(to: SocketAddr) -> Self {
        Self { to, open: Vec::new() }
    }

    pub(super) fn accept(&mut self, pipe: SharedPipe) {
        let stream = TcpStream::connect(self.to).and_then(|stream| {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => self.open.push((pipe, stream)),
            Err(_) => pipe.borrow_mut().is_reset = true,
        }
    }

    pub(super) fn turn(&mut self) -> bool {
        let mut is_busy = false;
        self.open.retain_mut(|(pipe, stream)| {
            let mut pipe = pipe.borrow_mut();
            let (front, _) = pipe.heard.as_slices();
            let written = if front.is_empty() { Ok(0) } else { stream.write(front) };
            let written = match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                written => written,
            };
            let mut buffer = [0; 4_096];
            let read = match stream.read(&mut buffer) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                read => read,
            };
            let (Ok(written), Ok(read)) = (written, read) else {
                pipe.is_closing = true;
                return false;
            };
            pipe.heard.drain(..written);
            pipe.said.extend(&buffer[..read]);
            is_busy |= written + read > 0;
            !pipe.has_ended
        });
        is_busy
    }
}
