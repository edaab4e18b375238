//! The device's page and its status over HTTP/1.1 (RFC 9112), for one connection, without a socket: bytes
//! of the request go in, bytes of the response come out in whatever pieces fit.
//!
//! Nothing of a request is kept but the line that is being read. Every connection is closed after one
//! response, so the JSON needs no length in front: it ends where the connection does.

mod request;
mod response;
#[cfg(test)]
mod tests;

use crate::report::Report;
use request::{Parsed, Request};
use response::Response;

/// One request and its response. All zeros at first, so that it costs no flash.
pub struct Exchange {
    request: Request,
    response: Response,
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

impl Exchange {
    /// Nothing received yet.
    pub const fn new() -> Self {
        Self { request: Request::new(), response: Response::new() }
    }

    /// Forgets everything, for the next connection.
    pub fn reset(&mut self) {
        self.request.reset();
        self.response.reset();
    }

    /// Takes in bytes of the request and returns how many: all of them, since what follows a request is
    /// of no interest and only in the way.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes.iter();
        while !self.has_response()
            && let Some(&byte) = rest.next()
        {
            if let Parsed::Complete { reply, body } = self.request.push(byte) {
                self.response.begin(reply, body);
            }
        }
        bytes.len()
    }

    /// Whether the request is complete and there is, or was, something to write.
    pub fn has_response(&self) -> bool {
        self.response.is_begun()
    }

    /// Writes as much of the response as fits, from the report as it is now, and returns how many bytes
    /// that are; 0 before the request is complete and when everything is written.
    pub fn write(&mut self, report: &Report<'_>, out: &mut [u8]) -> usize {
        self.response.write(report, out)
    }

    /// Whether the response is written, so that the connection can be closed.
    pub fn is_done(&self) -> bool {
        self.response.is_done()
    }
}
