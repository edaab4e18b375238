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

/// One request and its response.
pub struct Exchange {
    request: Request,
    response: Option<Response>,
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

impl Exchange {
    /// Nothing received yet.
    pub const fn new() -> Self {
        Self { request: Request::new(), response: None }
    }

    /// Takes in bytes of the request and returns how many: all of them, since what follows a request is
    /// of no interest and only in the way.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes.iter();
        while self.response.is_none()
            && let Some(&byte) = rest.next()
        {
            if let Parsed::Complete { reply, body } = self.request.push(byte) {
                self.response = Some(Response::new(reply, body));
            }
        }
        bytes.len()
    }

    /// Whether the request is complete and there is something to write.
    pub fn has_response(&self) -> bool {
        self.response.is_some()
    }

    /// Writes as much of the response as fits, from the report as it is now, and returns how many bytes
    /// that are; 0 before the request is complete and when everything is written.
    pub fn write(&mut self, report: &Report<'_>, out: &mut [u8]) -> usize {
        self.response.as_mut().map_or(0, |response| response.write(report, out))
    }

    /// Whether the response is written, so that the connection can be closed.
    pub fn is_done(&self) -> bool {
        self.response.as_ref().is_some_and(Response::is_done)
    }
}
