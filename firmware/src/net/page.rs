//! One socket of the device's page: it listens, answers one request, and listens again.

use mote_core::units::Moment;
use smoltcp::socket::tcp::{Socket, State};

use crate::http::Exchange;
use crate::report::Report;

/// Sockets of the page; whoever comes while all are taken is refused and may try again.
pub const PAGES: usize = 2;

/// Bytes of a request that wait to be read.
pub const PAGE_RECEIVE_BYTES: usize = 256;

/// Bytes of a response that wait to be acknowledged.
pub const PAGE_SEND_BYTES: usize = 768;

/// Where the page is.
const PORT: u16 = 80;

/// How long a connection may take in all, in milliseconds: nobody keeps a socket from others.
const TIMEOUT_MS: u64 = 5_000;

/// One socket of the page.
pub struct Page {
    exchange: Exchange,
    opened: Option<Moment>,
}

impl Page {
    /// A socket that does not listen yet.
    pub const fn new() -> Self {
        Self { exchange: Exchange::new(), opened: None }
    }

    /// Does what can be done now; `true` where there may be more.
    pub fn turn<'r>(
        &mut self,
        socket: &mut Socket<'_>,
        now: Moment,
        report: &impl Fn() -> Report<'r>,
    ) -> bool {
        match socket.state() {
            State::Listen => return false,
            State::Closed => {
                *self = Self::new();
                // Only a port of 0 or an open socket is refused.
                let _ = socket.listen(PORT);
                return true;
            }
            _ => {}
        }
        let opened = *self.opened.get_or_insert(now);
        if now.since(opened) >= TIMEOUT_MS {
            socket.abort();
            return true;
        }
        // Both sides have said that they are done: the socket is needed for others.
        if socket.state() == State::TimeWait {
            socket.abort();
            return true;
        }
        let received = socket.recv(|bytes| (self.exchange.receive(bytes), bytes.len())).unwrap_or_default();
        let mut written = 0;
        if self.exchange.has_response() && !self.exchange.is_done() && socket.can_send() {
            let report = report();
            let write = |out: &mut [u8]| {
                let length = self.exchange.write(&report, out);
                (length, length)
            };
            written = socket.send(write).unwrap_or_default();
        }
        let is_over = self.exchange.is_done() || (!self.exchange.has_response() && !socket.may_recv());
        if is_over && socket.may_send() {
            socket.close();
        }
        received + written > 0
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}
