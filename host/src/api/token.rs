//! The token that stands for the operator where the address of a request does not: a file in the data
//! folder that only the operator can read, made anew at every start (as Bitcoin Core's cookie).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::wallet::hex::encode;

/// The file's name in the data folder.
pub const TOKEN_FILE: &str = "api-token";

/// The digits of a token.
const DIGITS: usize = 64;

/// 32 random bytes in hex, which whoever may use the wallet knows.
pub struct Token(Zeroizing<String>);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The operating system gave no entropy.
    #[error("the operating system gave no entropy for the access token: {0}")]
    Random(getrandom::Error),
    /// The file cannot be written.
    #[error("cannot write the access token to {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Token {
    /// Makes a new token and writes it to [`TOKEN_FILE`] in `folder`.
    pub fn create(folder: &Path) -> Result<Self, TokenError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(TokenError::Random)?;
        let token = Self(encode(&*bytes));
        let path = folder.join(TOKEN_FILE);
        token.write(&path).map_err(|source| TokenError::Io { path, source })?;
        Ok(token)
    }

    /// Whether `text` is the token, in a time that does not depend on where they differ.
    pub fn is(&self, text: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(text).into()
    }

    /// Replaces the file, so that its mode is right whatever was there before and nobody ever reads half
    /// of it.
    fn write(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension("new");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(self.0.as_bytes())?;
        file.write_all(b"\n")?;
        fs::rename(&temporary, path)
    }
}

/// The text of the token in the file at `path`, for whoever may read that; what is no token is an
/// [`io::ErrorKind::InvalidData`].
pub fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    // One digit more would show: nothing is cut off unseen. The room is reserved at once, since a growing
    // string would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(DIGITS + 2));
    File::open(path)?.take(DIGITS as u64 + 2).read_to_string(&mut text)?;
    let length = text.trim_end().len();
    text.truncate(length);
    if length == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    let reason = format!("expected {DIGITS} hexadecimal digits, got something else");
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_token_is_the_operators_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TOKEN_FILE);
        fs::write(&path, "old").unwrap();
        let token = Token::create(folder.path()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim_end().len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(token.is(text.trim_end().as_bytes()));
        for place in 0..64 {
            let mut other = text.trim_end().as_bytes().to_vec();
            other[place] = if other[place] == b'0' { b'1' } else { b'0' };
            assert!(!token.is(&other), "digit {place} counts");
            assert!(!token.is(&text.as_bytes()[..place]) && !token.is(&text.as_bytes()[1..=place]));
        }
        assert!(!token.is(b"old") && !token.is(b"") && !token.is(text.as_bytes()));
        assert_eq!(*read(&path).unwrap(), text.trim_end());
        let next = Token::create(folder.path()).unwrap();
        assert!(!next.is(text.trim_end().as_bytes()));
        for strange in ["", "\n", &text[..63], &text.replacen(|_: char| true, "g", 1), &format!("0{text}")] {
            fs::write(&path, strange).unwrap();
            assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{strange}");
        }
    }
}
