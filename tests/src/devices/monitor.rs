//! The way to an emulator beside the board: its buttons, its display, its reset line.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::processes::{PATIENCE, wait_until};

/// How long a key is held, in milliseconds: longer than a board takes between two looks at its buttons.
const HOLD_MS: u64 = 100;

/// A connection to the emulator's monitor (QMP).
pub struct Monitor {
    reader: BufReader<UnixStream>,
}

impl Monitor {
    /// Connects to an emulator that was just started; none where it has ended before.
    pub fn connect(path: &Path, has_ended: impl Fn() -> bool) -> Option<Self> {
        let stream = wait_until("the emulator runs", PATIENCE, || match UnixStream::connect(path) {
            Ok(stream) => Ok(Some(stream)),
            Err(_) if has_ended() => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        })?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let mut monitor = Self { reader: BufReader::new(stream) };
        monitor.next();
        monitor.run("qmp_capabilities", &json!({}));
        Some(monitor)
    }

    /// Carries out a command and returns what came of it.
    pub fn run(&mut self, command: &str, arguments: &Value) -> Value {
        let line = json!({ "execute": command, "arguments": arguments }).to_string();
        writeln!(self.reader.get_mut(), "{line}").expect("the emulator listens");
        loop {
            let said = self.next();
            if let Some(value) = said.get("return") {
                return value.clone();
            }
            assert!(said.get("error").is_none(), "{command}: {said}");
        }
    }

    /// Presses a key and releases it.
    pub fn press(&mut self, key: &str) {
        let keys = json!([{ "type": "qcode", "data": key }]);
        self.run("send-key", &json!({ "keys": keys, "hold-time": HOLD_MS }));
    }

    /// Writes what the display shows into a file, in a format that the emulator knows.
    pub fn screenshot(&mut self, path: &Path, format: &str) {
        self.run("screendump", &json!({ "filename": path, "format": format }));
    }

    /// Resets the board.
    pub fn reset(&mut self) {
        self.run("system_reset", &json!({}));
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("the emulator answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the emulator said {line:?}: {error}"))
    }
}
