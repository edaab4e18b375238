//! Writes a response in pieces: texts from flash, and the JSON through a small buffer.

use core::fmt::{self, Write};

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

/// The start of the head of the page. The digests are those of its own style and script; a test holds them.
pub const PAGE_HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n",
    "Referrer-Policy: no-referrer\r\n",
    "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; ",
    "style-src 'sha256-toHTI654zU0v/Dx2MVQrT6V9EvUsANJhr6/oHpWNncg='; ",
    "script-src 'sha256-eRQQA9QiRGPLjCX0ZasVTzw1iwAmajzWv9FgHVweeWM='; ",
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
);

/// The start of the head of the status.
const STATUS_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

/// Why a request gets nothing else: what an `application/problem+json` (RFC 9457) says.
pub struct Problem {
    status: u16,
    title: &'static str,
    /// What was expected.
    detail: &'static str,
}

impl Reply {
    /// What is wrong with the request, where something is.
    pub const fn problem(self) -> Option<Problem> {
        let (status, title, detail) = match self {
            Self::Page | Self::Status => return None,
            Self::Malformed => (400, "Bad Request", "expected HTTP/1.1 with a Host header"),
            Self::NotFound => (404, "Not Found", "expected / or /status"),
            Self::Method => (405, "Method Not Allowed", "expected GET or HEAD"),
            Self::Misdirected => (421, "Misdirected Request", "expected an IP address or localhost as host"),
            Self::TooLarge => (431, "Request Header Fields Too Large", "expected at most 2048 bytes"),
        };
        Some(Problem { status, title, detail })
    }
}

impl Problem {
    fn write_head(&self, out: &mut dyn Write) -> fmt::Result {
        let Self { status, title, .. } = self;
        write!(
            out,
            "HTTP/1.1 {status} {title}\r\nAllow: GET, HEAD\r\nContent-Type: application/problem+json\r\n"
        )
    }

    fn write_body(&self, out: &mut dyn Write) -> fmt::Result {
        let Self { status, title, detail } = self;
        write!(
            out,
            "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"detail\":\"{detail}\"}}"
        )
    }
}

/// What is written next, always from the piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing: the request is not complete.
    Waiting,
    /// The start of the head.
    Head,
    /// The rest of the head.
    HeadEnd,
    /// The page.
    Page,
    /// The report, or what is wrong.
    Json,
    Done,
}

/// A response that is being written.
pub struct Response {
    reply: Reply,
    body: Body,
    part: Part,
    status: StatusJson,
    /// Bytes of the part, or of its piece, that are written.
    written: usize,
    /// What was made and waits to be written.
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
        if let Some(problem) = reply.problem() {
            // It fits by far.
            let _ = problem.write_head(&mut self.piece);
        }
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
            let part = match (self.part, self.reply) {
                (Part::Waiting | Part::Done, _) => break,
                (Part::Head, Reply::Page) => PAGE_HEAD,
                (Part::Head, Reply::Status) => STATUS_HEAD,
                (Part::Page, _) => PAGE,
                (Part::Head | Part::HeadEnd | Part::Json, _) => self.piece.as_str(),
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
        let (next, made) = match (self.part, self.reply) {
            (Part::Head, reply) => {
                let length = if reply == Reply::Page { PAGE.len() } else { 0 };
                (Part::HeadEnd, write_head_end(length, &mut self.piece))
            }
            (Part::HeadEnd, _) if self.body == Body::Omitted => (Part::Done, Ok(())),
            (Part::HeadEnd, Reply::Page) => (Part::Page, Ok(())),
            (Part::HeadEnd | Part::Json, Reply::Status) if !self.status.is_done() => {
                (Part::Json, self.status.write_piece(report, &mut self.piece))
            }
            (Part::HeadEnd, reply) => match reply.problem() {
                Some(problem) => (Part::Json, problem.write_body(&mut self.piece)),
                None => (Part::Done, Ok(())),
            },
            _ => (Part::Done, Ok(())),
        };
        self.part = if made.is_ok() { next } else { Part::Done };
    }
}

/// What ends every head. A device has few connections, and none to keep open; so only the page, whose
/// length is known, says it.
fn write_head_end(length: usize, out: &mut dyn Write) -> fmt::Result {
    if length > 0 {
        write!(out, "Content-Length: {length}\r\n")?;
    }
    out.write_str("Connection: close\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n")
}
