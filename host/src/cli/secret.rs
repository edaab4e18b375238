//! Passphrases, words and keys: from a prompt that shows nothing, a file or standard input, and never from
//! the command line, which every process on the computer can read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Stdin, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::error::CliError;
use crate::wallet::hex::decode_all;

/// A longer line is neither a passphrase nor words.
const LINE_MAX_BYTES: u64 = 4_096;

/// How often a passphrase is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Once: the wallet tells whether it is right.
    Once,
    /// Twice, as nobody else can tell; without one the wallet is not encrypted.
    TwiceOrNone,
}

/// The passphrase from the first line of `file`; else from a prompt, or from standard input where that
/// is no terminal. An empty one is none.
pub fn passphrase(file: Option<&Path>, ask: Ask) -> Result<Option<Zeroizing<String>>, CliError> {
    let text = match file {
        Some(path) => first_line(path, PASSPHRASE)?,
        None if !io::stdin().is_terminal() => read_line(&mut io::stdin().lock(), PASSPHRASE)?,
        None if ask == Ask::Once => prompt("Passphrase: ", PASSPHRASE)?,
        None => {
            let first = prompt("Passphrase (empty for none): ", PASSPHRASE)?;
            if !first.is_empty() && prompt("The same again: ", PASSPHRASE)? != first {
                return Err(input_error(PASSPHRASE, "the two differ"));
            }
            first
        }
    };
    Ok((!text.is_empty()).then_some(text))
}

/// The 24 words, from a prompt or the next line of standard input.
pub fn words() -> Result<Zeroizing<String>, CliError> {
    if io::stdin().is_terminal() {
        return prompt("The 24 words, in their order (they are not shown): ", WORDS);
    }
    read_line(&mut io::stdin().lock(), WORDS)
}

/// The bytes that the first line of `file` spells in lower-case hex.
pub fn hex(file: &Path, what: &'static str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let line = first_line(file, what)?;
    let reason = || format!("the first line of {} is no lower-case hex", file.display());
    decode_all(&line).ok_or_else(|| input_error(what, reason()))
}

const PASSPHRASE: &str = "the passphrase";
const WORDS: &str = "the words";

fn input_error(what: &'static str, reason: impl ToString) -> CliError {
    CliError::Input { what, reason: reason.to_string() }
}

fn prompt(text: &str, what: &'static str) -> Result<Zeroizing<String>, CliError> {
    let stdin = io::stdin();
    // To the terminal also where the result goes to a file.
    let mut stderr = io::stderr();
    write!(stderr, "{text}").and_then(|()| stderr.flush()).map_err(|error| input_error(what, error))?;
    let silence = Silence::new(&stdin).map_err(|error| input_error(what, error))?;
    let line = read_line(&mut stdin.lock(), what);
    drop(silence);
    // The line feed that ended the line was not shown either.
    let _ = writeln!(stderr);
    line
}

fn first_line(file: &Path, what: &'static str) -> Result<Zeroizing<String>, CliError> {
    let opened = File::open(file);
    let opened = opened.map_err(|source| CliError::File { action: "read", path: file.to_owned(), source })?;
    read_line(&mut BufReader::new(opened), what)
}

fn read_line(reader: &mut impl BufRead, what: &'static str) -> Result<Zeroizing<String>, CliError> {
    // The room is reserved at once: a growing string would leave copies of a secret behind.
    let mut line = Zeroizing::new(String::with_capacity(LINE_MAX_BYTES as usize));
    reader.take(LINE_MAX_BYTES).read_line(&mut line).map_err(|error| input_error(what, error))?;
    if line.len() as u64 == LINE_MAX_BYTES {
        return Err(input_error(what, format_args!("the line is longer than {LINE_MAX_BYTES} bytes")));
    }
    let length = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(length);
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence<'a> {
    stdin: &'a Stdin,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn new(stdin: &'a Stdin) -> io::Result<Self> {
        let before = tcgetattr(stdin)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        tcsetattr(stdin, OptionalActions::Flush, &silent)?;
        Ok(Self { stdin, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to show.
        let _ = tcsetattr(self.stdin, OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one_and_bounded() {
        let mut input = &b"one two\r\n three \n"[..];
        assert_eq!(read_line(&mut input, WORDS).unwrap().as_str(), "one two");
        assert_eq!(read_line(&mut input, WORDS).unwrap().as_str(), " three ");
        assert_eq!(read_line(&mut input, WORDS).unwrap().as_str(), "");
        assert!(read_line(&mut &vec![b'a'; 5_000][..], WORDS).is_err());
        assert!(read_line(&mut &b"\xff\n"[..], WORDS).is_err());
    }
}
