//! Lines of bounded length, so that no file can fill the memory.

use std::io::{self, BufRead, Read};

use super::LINE_MAX_BYTES;
use super::read::LineError;

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The file cannot be read.
    #[error("cannot read the chain file: {0}")]
    Io(#[from] io::Error),
    /// The line cannot be used.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// The lines of a chain file, one at a time.
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
}

impl<R: BufRead> Lines<R> {
    /// Starts at line 1.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), number: 0, bytes: 0 }
    }

    /// Number of the line that was read last, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line without its line feed, `None` at the end of the file.
    pub fn next_line(&mut self) -> Result<Option<&str>, LinesError> {
        self.line.clear();
        let limit = LINE_MAX_BYTES as u64 + 1;
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if read as u64 == limit {
            let reason = format!("the line is longer than {LINE_MAX_BYTES} bytes");
            return Err(
                LineError { line: self.number, column: LINE_MAX_BYTES + 1, field: None, reason }.into()
            );
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line)),
            Err(error) => {
                let (column, reason) = (error.valid_up_to() + 1, "the bytes are not UTF-8".to_owned());
                Err(LineError { line: self.number, column, field: None, reason }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_text() {
        let mut lines = Lines::new(&b"a\n\nb"[..]);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push(line.to_owned());
        }
        assert_eq!((all, lines.number(), lines.bytes()), (vec!["a".into(), String::new(), "b".into()], 3, 4));
        let error = Lines::new(&b"ab\xff"[..]).next_line().map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "line 1, column 3: the bytes are not UTF-8");
        let long = vec![b' '; LINE_MAX_BYTES + 10];
        assert!(Lines::new(&long[..]).next_line().is_err());
        assert!(Lines::new(&long[..LINE_MAX_BYTES]).next_line().is_ok());
    }
}
