//! Reads a request without keeping it.

use super::response::{Body, Reply};

/// The longest request, in bytes: browsers send about 500.
const REQUEST_MAX_BYTES: u16 = 2_048;

/// How much of a line is kept: a request line of this server, or a Host header with an address.
const LINE_BYTES: usize = 40;

/// How far a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// There is more to come.
    Partial,
    /// It is known what to answer.
    Complete {
        /// The answer.
        reply: Reply,
        /// Whether its body is asked for.
        body: Body,
    },
}

/// Who the request says that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Unnamed,
    Here,
    Elsewhere,
}

/// What a request line asks for; unknown, which is all zeros, before it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
enum Wanted {
    Unknown,
    Known(Reply, Body),
}

/// A request that is being read.
pub struct Request {
    line: heapless::Vec<u8, LINE_BYTES>,
    /// Bytes so far, of the whole request.
    length: u16,
    /// What the request line asks for.
    wanted: Wanted,
    host: Host,
}

impl Request {
    pub const fn new() -> Self {
        Self { line: heapless::Vec::new(), length: 0, wanted: Wanted::Unknown, host: Host::Unnamed }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.line.clear();
        (self.length, self.wanted, self.host) = (0, Wanted::Unknown, Host::Unnamed);
    }

    /// Takes in one byte.
    pub fn push(&mut self, byte: u8) -> Parsed {
        self.length += 1;
        if self.length > REQUEST_MAX_BYTES {
            return self.answer(Reply::TooLarge);
        }
        if byte != b'\n' {
            // Of a longer line the start is enough.
            let _ = self.line.push(byte);
            return Parsed::Partial;
        }
        let is_whole = !self.line.is_full();
        let line = match self.line.as_slice() {
            [line @ .., b'\r'] => line,
            line => line,
        };
        let parsed = match (line, self.wanted) {
            // An empty line may come before a request.
            ([], Wanted::Unknown) => Parsed::Partial,
            ([], Wanted::Known(reply, body)) => {
                let reply = match self.host {
                    Host::Here => reply,
                    Host::Elsewhere => Reply::Misdirected,
                    Host::Unnamed => Reply::Malformed,
                };
                Parsed::Complete { reply, body }
            }
            (line, Wanted::Unknown) => match request_line(line, is_whole) {
                Some((reply, body)) => {
                    self.wanted = Wanted::Known(reply, body);
                    Parsed::Partial
                }
                None => self.answer(Reply::Malformed),
            },
            (line, Wanted::Known(..)) => {
                if let Some(host) = host(line, is_whole) {
                    // One that names two hosts is for neither.
                    self.host = if self.host == Host::Unnamed { host } else { Host::Elsewhere };
                }
                Parsed::Partial
            }
        };
        self.line.clear();
        parsed
    }

    fn answer(&self, reply: Reply) -> Parsed {
        let body = match self.wanted {
            Wanted::Known(_, body) => body,
            Wanted::Unknown => Body::Sent,
        };
        Parsed::Complete { reply, body }
    }
}

/// What a request line asks for; none where it is none. Of a line that is longer than what is kept, the
/// version is taken for granted.
fn request_line(line: &[u8], is_whole: bool) -> Option<(Reply, Body)> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next()?, words.next()?);
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    let is_version = match (words.next(), words.next()) {
        (Some(version), None) => matches!(version, b"HTTP/1.1" | b"HTTP/1.0"),
        _ => false,
    };
    if !is_word(method) || !is_word(target) || (is_whole && !is_version) {
        return None;
    }
    let path = target.split(|byte| *byte == b'?').next()?;
    let reply = match path {
        b"/" => Reply::Page,
        b"/status" => Reply::Status,
        _ => Reply::NotFound,
    };
    Some(match (method, reply) {
        (b"GET", reply) => (reply, Body::Sent),
        (b"HEAD", reply) => (reply, Body::Omitted),
        (_, Reply::NotFound) => (Reply::NotFound, Body::Sent),
        _ => (Reply::Method, Body::Sent),
    })
}

/// Whom a Host header names; none where the line is another header. The device has no name of its own: a
/// page elsewhere whose name was made to lead here must not read what the device says.
fn host(line: &[u8], is_whole: bool) -> Option<Host> {
    let (name, value) = line.split_at_checked(5)?;
    if !name.eq_ignore_ascii_case(b"host:") {
        return None;
    }
    let host = value.trim_ascii().split(|byte| *byte == b':').next()?;
    let is_address = !host.is_empty() && host.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let is_here = is_whole && (is_address || host.eq_ignore_ascii_case(b"localhost"));
    Some(if is_here { Host::Here } else { Host::Elsewhere })
}
