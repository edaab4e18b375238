//! The console: a line editor, the requests that can be typed, and what is printed. A line of output is a
//! line of text, stable enough to be searched; `status json` is for programs.

mod print;
mod request;
#[cfg(test)]
mod tests;

use core::fmt::{self, Write};

use crate::event::Event;
pub use print::{write_address, write_event, write_help, write_outcome, write_peers, write_status};
pub use request::{HexError, ParseError, Request, parse};

/// The longest line, in bytes: a payment of the largest amount with the longest memo in hex.
pub const LINE_MAX_BYTES: usize = 224;

/// Erases the line that the cursor is in.
const ERASE: &str = "\r\x1b[K";

/// A line editor for a terminal that sends a byte a key and shows what is sent back.
pub struct Console {
    line: heapless::Vec<u8, LINE_MAX_BYTES>,
    progress: Progress,
    escape: Escape,
    /// The last byte was a carriage return, and a line feed after it is part of it.
    returned: bool,
}

/// How far the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Typing,
    /// The line is too long; what is still to come of it is dropped.
    TooLong,
    /// The line was handed out and is erased with the next byte.
    Ended,
}

/// How much of an escape sequence (ECMA-48), such as that of an arrow key, was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Outside,
    Begun,
    Inside,
}

/// What a byte on the console led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Nothing yet.
    Pending,
    /// A line that is not empty.
    Line(&'a str),
    /// A line that cannot be read.
    Refused(LineError),
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is too long, and was dropped.
    #[error("the line is longer than {limit} bytes: nothing was done")]
    TooLong {
        /// The longest line, in bytes.
        limit: usize,
    },
    /// Its bytes are not text.
    #[error("the line is not UTF-8: nothing was done")]
    NotText,
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl Console {
    /// An empty line.
    pub const fn new() -> Self {
        Self {
            line: heapless::Vec::new(),
            progress: Progress::Typing,
            escape: Escape::Outside,
            returned: false,
        }
    }

    /// Takes in a byte and shows it. Return, line feed or both end a line.
    pub fn receive(&mut self, byte: u8, echo: &mut dyn Write) -> Input<'_> {
        if self.progress == Progress::Ended {
            self.line.clear();
            self.progress = Progress::Typing;
        }
        let after_return = core::mem::replace(&mut self.returned, byte == b'\r');
        if self.is_escaped(byte) || (byte == b'\n' && after_return) {
            return Input::Pending;
        }
        // A console that shows nothing still takes its commands.
        let _ = match byte {
            b'\r' | b'\n' => return self.end(echo),
            0x08 | 0x7f => self.erase(echo),
            // Ctrl-C and Ctrl-U.
            0x03 | 0x15 => {
                self.line.clear();
                self.progress = Progress::Typing;
                echo.write_str(ERASE)
            }
            b'\t' => self.insert(b' ', echo),
            0x00..0x20 => Ok(()),
            _ => self.insert(byte, echo),
        };
        Input::Pending
    }

    /// Prints an event on a line of its own, and what was typed of a line again below.
    pub fn write_event(&self, event: &Event, out: &mut dyn Write) -> fmt::Result {
        let typed = match self.progress {
            Progress::Typing => core::str::from_utf8(&self.line).unwrap_or_default(),
            Progress::TooLong | Progress::Ended => "",
        };
        if !typed.is_empty() {
            out.write_str(ERASE)?;
        }
        print::write_event(event, out)?;
        out.write_str(typed)
    }

    fn end(&mut self, echo: &mut dyn Write) -> Input<'_> {
        let _ = echo.write_str("\n");
        let progress = core::mem::replace(&mut self.progress, Progress::Ended);
        if progress == Progress::TooLong {
            return Input::Refused(LineError::TooLong { limit: LINE_MAX_BYTES });
        }
        match core::str::from_utf8(&self.line) {
            Ok(line) if line.trim_ascii().is_empty() => Input::Pending,
            Ok(line) => Input::Line(line),
            Err(_) => Input::Refused(LineError::NotText),
        }
    }

    fn insert(&mut self, byte: u8, echo: &mut dyn Write) -> fmt::Result {
        if self.progress == Progress::TooLong {
            return Ok(());
        }
        if self.line.push(byte).is_err() {
            self.line.clear();
            self.progress = Progress::TooLong;
            return Ok(());
        }
        // A character of several bytes is shown once its last one is here, and dropped where it would move the
        // cursor, as control characters of one byte are.
        let start = self.last_character();
        match self.line.get(start..).map(core::str::from_utf8) {
            Some(Ok(character)) if character.contains(char::is_control) => {
                self.line.truncate(start);
                Ok(())
            }
            Some(Ok(character)) => echo.write_str(character),
            _ => Ok(()),
        }
    }

    fn erase(&mut self, echo: &mut dyn Write) -> fmt::Result {
        if self.line.is_empty() {
            return Ok(());
        }
        self.line.truncate(self.last_character());
        echo.write_str("\x08 \x08")
    }

    /// Where the last character begins, in text that need not be valid.
    fn last_character(&self) -> usize {
        self.line.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or_default()
    }

    /// Whether a byte belongs to an escape sequence.
    fn is_escaped(&mut self, byte: u8) -> bool {
        let before = self.escape;
        self.escape = match (before, byte) {
            (_, 0x1b) => Escape::Begun,
            (Escape::Begun, b'[' | b'O') => Escape::Inside,
            (Escape::Inside, 0x20..0x40) => Escape::Inside,
            _ => Escape::Outside,
        };
        // Whatever ends a line also ends a sequence that was cut short.
        !matches!(byte, b'\r' | b'\n') && (before != Escape::Outside || self.escape != Escape::Outside)
    }
}

/// Makes a terminal of what takes bytes: a line feed also returns the carriage.
pub struct Terminal<F>(
    /// Where the bytes go.
    pub F,
);

impl<F: FnMut(&[u8])> Write for Terminal<F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                (self.0)(b"\r\n");
            }
            if !line.is_empty() {
                (self.0)(line.as_bytes());
            }
        }
        Ok(())
    }
}
