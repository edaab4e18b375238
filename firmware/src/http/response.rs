//! Writes a response in pieces: texts from flash, and the JSON through a small buffer.

use core::fmt::Write;

use crate::json::{PIECE_MAX_BYTES, StatusJson};
use crate::report::Report;

/// The page, whole: style and script are part of it.
pub const PAGE: &str = include_str!("page.html");

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The page.
    Page,
    /// The report as JSON.
    Status,
    /// There is nothing at this path.
    NotFound,
    /// This cannot be done with it.
    Method,
    /// The request is none.
    Malformed,
    /// The request is too long.
    TooLarge,
    /// The request is for another host.
    Misdirected,
}

/// Whether a body follows the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It does.
    Sent,
    /// Only the head was asked for.
    Omitted,
}

/// What every head has. A device has few connections, and none to keep open.
const COMMON: &str = "Connection: close\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Cache-Control: no-store\r\n";

impl Reply {
    /// The start of the head.
    pub const fn head(self) -> &'static str {
        match self {
            // The digests are those of the page's own style and script; a test holds them.
            Self::Page => concat!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n",
                "Referrer-Policy: no-referrer\r\n",
                "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; ",
                "style-src 'sha256-03fs7iWC7OAB/TmlpQOl0H5Cftq/ECpzrCwtuUIYpZY='; ",
                "script-src 'sha256-eRQQA9QiRGPLjCX0ZasVTzw1iwAmajzWv9FgHVweeWM='; ",
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
            ),
            Self::Status => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
            Self::NotFound => "HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\n",
            Self::Method => {
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Type: application/problem+json\r\n"
            }
            Self::Malformed => "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n",
            Self::TooLarge => {
                "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/problem+json\r\n"
            }
            Self::Misdirected => {
                "HTTP/1.1 421 Misdirected Request\r\nContent-Type: application/problem+json\r\n"
            }
        }
    }

    /// The body, where it is always the same.
    pub const fn text(self) -> Option<&'static str> {
        Some(match self {
            Self::Page => PAGE,
            Self::Status => return None,
            Self::NotFound => {
                r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"expected / or /status","code":"not-found"}"#
            }
            Self::Method => {
                r#"{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"expected GET or HEAD","code":"method-not-allowed"}"#
            }
            Self::Malformed => {
                r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"expected a request of HTTP/1.1 with a Host header","code":"malformed"}"#
            }
            Self::TooLarge => {
                r#"{"type":"about:blank","title":"Request Header Fields Too Large","status":431,"detail":"expected at most 2048 bytes","code":"too-large"}"#
            }
            Self::Misdirected => {
                r#"{"type":"about:blank","title":"Misdirected Request","status":421,"detail":"expected an IP address or localhost as host","code":"misdirected"}"#
            }
        })
    }
}

/// What is written next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing: the request is not complete.
    Waiting,
    /// The start of the head.
    Head,
    /// What every head has.
    Common,
    /// The length, where it is known, and the empty line.
    Length,
    /// A body that is always the same.
    Text,
    /// The report.
    Status,
    Done,
}

/// A response that is being written.
pub struct Response {
    reply: Reply,
    body: Body,
    part: Part,
    status: StatusJson,
    /// Bytes of the part, or of the piece, that are written.
    written: usize,
    /// What was made of the report, or of the length, and waits to be written.
    piece: heapless::String<PIECE_MAX_BYTES>,
}

impl Response {
    /// Nothing to write yet.
    pub const fn new() -> Self {
        Self {
            reply: Reply::Page,
            body: Body::Sent,
            part: Part::Waiting,
            status: StatusJson::new(),
            written: 0,
            piece: heapless::String::new(),
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.part = Part::Waiting;
    }

    /// Begins to answer.
    pub fn begin(&mut self, reply: Reply, body: Body) {
        (self.reply, self.body, self.part) = (reply, body, Part::Head);
        (self.status, self.written) = (StatusJson::new(), 0);
        self.piece.clear();
    }

    /// Whether there is, or was, something to write.
    pub fn is_begun(&self) -> bool {
        self.part != Part::Waiting
    }

    /// Whether everything is written.
    pub fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Writes as much as fits and returns how much that was.
    pub fn write(&mut self, report: &Report<'_>, out: &mut [u8]) -> usize {
        let mut total = 0;
        loop {
            let part = match self.part {
                Part::Waiting | Part::Done => break,
                Part::Head => self.reply.head(),
                Part::Common => COMMON,
                Part::Text => self.reply.text().unwrap_or_default(),
                Part::Length | Part::Status => self.piece.as_str(),
            };
            let rest = part.as_bytes().get(self.written..).unwrap_or_default();
            let room = out.get_mut(total..).unwrap_or_default();
            let count = rest.len().min(room.len());
            room.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            (total, self.written) = (total + count, self.written + count);
            if count < rest.len() {
                break;
            }
            self.advance(report);
        }
        total
    }

    /// Goes on to the next part or piece. Where a piece does not fit its buffer, which a test rules out,
    /// the response ends early, and the JSON does not parse.
    fn advance(&mut self, report: &Report<'_>) {
        self.written = 0;
        self.piece.clear();
        let text = self.reply.text();
        let was_whole = self.status.is_done();
        let written = match (self.part, text) {
            (Part::Common, Some(text)) => write!(self.piece, "Content-Length: {}\r\n\r\n", text.len()),
            (Part::Common, None) => self.piece.write_str("\r\n"),
            (Part::Length, None) | (Part::Status, _) if self.body == Body::Sent => {
                self.status.write_piece(report, &mut self.piece)
            }
            _ => Ok(()),
        };
        self.part = match (self.part, text) {
            _ if written.is_err() => Part::Done,
            (Part::Head, _) => Part::Common,
            (Part::Common, _) => Part::Length,
            (Part::Length, _) if self.body == Body::Omitted => Part::Done,
            (Part::Length, Some(_)) => Part::Text,
            (Part::Length, None) => Part::Status,
            (Part::Status, _) if !was_whole => Part::Status,
            _ => Part::Done,
        };
    }
}
