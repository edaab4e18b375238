//! The text of a wallet file.
//!
//! JSON, indented, at most [`MAX_FILE_BYTES`]; keys and hex are lower case, an unknown, repeated or
//! missing key is refused.
//!
//! | key | value |
//! | --- | --- |
//! | `version` | 1 |
//! | `network` | the network's name, such as `local` or `local:NAME` |
//! | `secret` | `{"plain": …}` or `{"encrypted": …}` |
//! | `secret.plain.entropy` | 32 bytes in hex, the entropy of the 24 words |
//! | `secret.encrypted.kdf` | `algorithm` (`argon2id`, its version 1.3), `memory_kib`, `passes`, `lanes`, `salt` (16 bytes) |
//! | `secret.encrypted.cipher` | `algorithm` (`xchacha20poly1305`), `nonce` (24 bytes), `ciphertext` (the entropy, encrypted: 32 bytes and a tag of 16) |
//! | `public_keys` | the keys in use, 32 bytes each: entry `i` is `m/44'/7700'/i'` |
//!
//! The cipher's associated data are `mote wallet`, the version in 4 and the length of the network's
//! name in 8 little-endian bytes, the name; then memory, passes and lanes in 4 little-endian bytes
//! each, and the salt. The public keys are not part of them, since addresses are added without the
//! passphrase at hand; they are compared with the derived ones at unlocking.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::hex;
use super::seal::{KdfCost, KdfCostError, Sealed};
use super::seed::Entropy;

/// The version of the format that is written and read.
pub const VERSION: u32 = 1;

/// The most addresses of one wallet: each is derived again at unlocking, and all of them fit in
/// [`MAX_FILE_BYTES`].
pub const MAX_ADDRESSES: usize = 10_000;

/// The longest file that is read. An entry of `public_keys` takes 72 bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// Bytes of a file besides its network and its public keys, rounded up.
const FRAME_BYTES: usize = 1024;

/// Bytes of one public key with its indentation, quotes, comma and line end.
const PUBLIC_KEY_BYTES: usize = 72;

const _: () = assert!(FRAME_BYTES + MAX_ADDRESSES * PUBLIC_KEY_BYTES < MAX_FILE_BYTES);

/// What a wallet file says.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) network: String,
    pub(super) secret: Secret,
    pub(super) public_keys: Vec<[u8; 32]>,
}

/// The entropy, in clear or encrypted.
#[derive(Debug)]
pub(super) enum Secret {
    Plain(Entropy),
    Encrypted(Sealed),
}

/// Why bytes are no wallet file.
///
/// Values are named only where they cannot be a misplaced secret; otherwise line and column are.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file is longer than any wallet.
    #[error("the file is too long: got more than {MAX_FILE_BYTES} bytes")]
    TooLong,
    /// The text is not JSON, or not of the wallet's shape.
    #[error("line {line}, column {column}: {problem}")]
    Shape {
        /// What is wrong, in general.
        problem: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// The file is of another version.
    #[error("version: got {got}, expected {VERSION}")]
    Version {
        /// The version of the file.
        got: u64,
    },
    /// An algorithm is not the one that this version of the format uses.
    #[error("{field}: got {got:?}, expected {expected:?}")]
    Algorithm {
        /// The key in the file.
        field: &'static str,
        /// What is there, cut to 32 characters.
        got: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A value is not lower-case hex of the right length.
    #[error("{field}: got {got} characters, expected {expected} lower-case hex digits")]
    Hex {
        /// The key in the file.
        field: String,
        /// The number of characters there.
        got: usize,
        /// The number of digits expected.
        expected: usize,
    },
    /// The file asks for more of the key derivation than is allowed.
    #[error("secret.encrypted.kdf: {0}")]
    Cost(#[from] KdfCostError),
    /// The wallet has no address, or too many.
    #[error("public_keys: got {got}, expected 1 to {MAX_ADDRESSES}")]
    AddressCount {
        /// The number of public keys.
        got: usize,
    },
}

/// The first part of the cipher's associated data: what the file is, its version and its network.
pub(super) fn header(network: &str) -> Vec<u8> {
    let mut bytes = b"mote wallet".to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(network.len() as u64).to_le_bytes());
    bytes.extend_from_slice(network.as_bytes());
    bytes
}

/// The text of a file with these contents.
pub(super) fn encode(contents: &Contents) -> Zeroizing<Vec<u8>> {
    let secret = match &contents.secret {
        Secret::Plain(entropy) => {
            SecretDocument::Plain { entropy: Text::Written(hex::encode(entropy.as_bytes())) }
        }
        Secret::Encrypted(sealed) => SecretDocument::Encrypted {
            kdf: KdfDocument {
                algorithm: KDF.into(),
                memory_kib: sealed.cost.memory_kib().into(),
                passes: sealed.cost.passes().into(),
                lanes: sealed.cost.lanes().into(),
                salt: Text::Written(hex::encode(&sealed.salt)),
            },
            cipher: CipherDocument {
                algorithm: CIPHER.into(),
                nonce: Text::Written(hex::encode(&sealed.nonce)),
                ciphertext: Text::Written(hex::encode(&sealed.ciphertext)),
            },
        },
    };
    let document = Document {
        version: VERSION.into(),
        network: contents.network.as_str().into(),
        secret,
        public_keys: contents.public_keys.iter().map(|key| Text::Written(hex::encode(key))).collect(),
    };
    // The room is reserved at once (JSON escapes make a name at most 6 times as long): a growing
    // buffer would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        FRAME_BYTES + contents.network.len() * 6 + contents.public_keys.len() * PUBLIC_KEY_BYTES,
    ));
    serde_json::to_writer_pretty(&mut *bytes, &document)
        .expect("numbers and strings written to memory cannot fail");
    bytes.push(b'\n');
    bytes
}

/// What the text of a file says.
pub(super) fn decode(bytes: &[u8]) -> Result<Contents, FormatError> {
    // Before anything else is judged, so that a later version is called by its name.
    let Version { version } = serde_json::from_slice(bytes).map_err(shape)?;
    if version != u64::from(VERSION) {
        return Err(FormatError::Version { got: version });
    }
    let document: Document<'_> = serde_json::from_slice(bytes).map_err(shape)?;
    let got = document.public_keys.len();
    if !(1..=MAX_ADDRESSES).contains(&got) {
        return Err(FormatError::AddressCount { got });
    }
    Ok(Contents {
        network: document.network.into_owned(),
        secret: document.secret.try_into()?,
        public_keys: document
            .public_keys
            .iter()
            .enumerate()
            .map(|(index, key)| Ok(*key.bytes(format_args!("public_keys[{index}]"))?))
            .collect::<Result<_, FormatError>>()?,
    })
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    version: u64,
    #[serde(borrow)]
    network: Cow<'a, str>,
    secret: SecretDocument<'a>,
    public_keys: Vec<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum SecretDocument<'a> {
    Plain {
        #[serde(borrow)]
        entropy: Text<'a>,
    },
    Encrypted {
        kdf: KdfDocument<'a>,
        cipher: CipherDocument<'a>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KdfDocument<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    memory_kib: u64,
    passes: u64,
    lanes: u64,
    salt: Text<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CipherDocument<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    nonce: Text<'a>,
    ciphertext: Text<'a>,
}

/// Hex digits: read in place, so that no copy of a secret outlives the buffer that is wiped, and
/// written from memory that is wiped.
enum Text<'a> {
    Read(&'a str),
    Written(Zeroizing<String>),
}

impl Text<'_> {
    fn digits(&self) -> &str {
        match self {
            Self::Read(digits) => digits,
            Self::Written(digits) => digits,
        }
    }

    fn bytes<const N: usize>(&self, field: impl fmt::Display) -> Result<Zeroizing<[u8; N]>, FormatError> {
        hex::decode(self.digits()).ok_or_else(|| FormatError::Hex {
            field: field.to_string(),
            got: self.digits().chars().count(),
            expected: N * 2,
        })
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer).map(Self::Read)
    }
}

impl TryFrom<SecretDocument<'_>> for Secret {
    type Error = FormatError;

    fn try_from(document: SecretDocument<'_>) -> Result<Self, FormatError> {
        match document {
            SecretDocument::Plain { entropy } => {
                let bytes = entropy.bytes("secret.plain.entropy")?;
                Ok(Self::Plain(Entropy::from_bytes(bytes)))
            }
            SecretDocument::Encrypted { kdf, cipher } => {
                expect("secret.encrypted.kdf.algorithm", &kdf.algorithm, KDF)?;
                expect("secret.encrypted.cipher.algorithm", &cipher.algorithm, CIPHER)?;
                Ok(Self::Encrypted(Sealed {
                    cost: KdfCost::new(kdf.memory_kib, kdf.passes, kdf.lanes)?,
                    salt: *kdf.salt.bytes("secret.encrypted.kdf.salt")?,
                    nonce: *cipher.nonce.bytes("secret.encrypted.cipher.nonce")?,
                    ciphertext: *cipher.ciphertext.bytes("secret.encrypted.cipher.ciphertext")?,
                }))
            }
        }
    }
}

fn expect(field: &'static str, got: &str, expected: &'static str) -> Result<(), FormatError> {
    if got == expected {
        return Ok(());
    }
    Err(FormatError::Algorithm { field, got: got.chars().take(32).collect(), expected })
}

/// The place of a fault without the library's own words, which quote the text: it may be a secret.
fn shape(error: serde_json::Error) -> FormatError {
    FormatError::Shape {
        problem: match error.classify() {
            Category::Syntax => "not json",
            Category::Eof | Category::Io => "the text ends too early",
            Category::Data => "a key is unknown, repeated or missing, or a value is of a wrong type",
        },
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::passphrase::Passphrase;

    fn plain() -> Contents {
        Contents {
            network: "local:\"class\" é".into(),
            secret: Secret::Plain(Entropy::from_bytes(Zeroizing::new([0xab; 32]))),
            public_keys: vec![[1; 32], [2; 32]],
        }
    }

    fn encrypted() -> Contents {
        let passphrase = Passphrase::new(String::from("pass").into()).unwrap();
        let cost = KdfCost::new(8, 1, 1).unwrap();
        let entropy = Entropy::generate().unwrap();
        let sealed = Sealed::seal(&entropy, &passphrase, cost, &header("local")).unwrap();
        Contents { network: "local".into(), secret: Secret::Encrypted(sealed), public_keys: vec![[7; 32]] }
    }

    fn error(text: &str) -> String {
        decode(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn round_trip_in_the_room_reserved() {
        for contents in [plain(), encrypted()] {
            let bytes = encode(&contents);
            let estimate =
                FRAME_BYTES + contents.network.len() * 6 + contents.public_keys.len() * PUBLIC_KEY_BYTES;
            assert!(bytes.len() <= estimate, "{} > {estimate}", bytes.len());
            let decoded = decode(&bytes).unwrap();
            assert_eq!(decoded.network, contents.network);
            assert_eq!(decoded.public_keys, contents.public_keys);
            assert_eq!(*encode(&decoded), *bytes);
        }
    }

    #[test]
    fn the_largest_wallet_fits() {
        let mut contents = encrypted();
        contents.public_keys = vec![[7; 32]; MAX_ADDRESSES];
        let bytes = encode(&contents);
        assert!(bytes.len() <= MAX_FILE_BYTES);
        assert_eq!(decode(&bytes).unwrap().public_keys.len(), MAX_ADDRESSES);
        contents.public_keys.push([7; 32]);
        assert_eq!(
            error(std::str::from_utf8(&encode(&contents)).unwrap()),
            "public_keys: got 10001, expected 1 to 10000"
        );
        contents.public_keys.clear();
        assert!(decode(&encode(&contents)).is_err());
    }

    #[test]
    fn every_truncation_is_refused() {
        for contents in [plain(), encrypted()] {
            let bytes = encode(&contents);
            // The last byte is the line end, which says nothing.
            for end in 0..bytes.len() - 1 {
                assert!(decode(&bytes[..end]).is_err(), "{end} bytes");
            }
        }
    }

    #[test]
    fn errors_say_where_and_what() {
        let bytes = encode(&encrypted());
        let text = std::str::from_utf8(&bytes).unwrap();
        let with = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            error(&text.replacen(from, to, 1))
        };
        for (from, to, message) in [
            ("\"version\": 1", "\"version\": 2", "version: got 2, expected 1"),
            ("argon2id", "scrypt", "secret.encrypted.kdf.algorithm: got \"scrypt\", expected \"argon2id\""),
            (
                "xchacha20poly1305",
                "none",
                "secret.encrypted.cipher.algorithm: got \"none\", expected \"xchacha20poly1305\"",
            ),
            (
                "\"memory_kib\": 8",
                "\"memory_kib\": 107374182400",
                "secret.encrypted.kdf: argon2id memory_kib: got 107374182400, expected 8 to 1048576",
            ),
            (
                "\"salt\": \"",
                "\"salt\": \"A",
                "secret.encrypted.kdf.salt: got 33 characters, expected 32 lower-case hex digits",
            ),
            (
                "\"0707070707070707",
                "\"707070707070707",
                "public_keys[0]: got 63 characters, expected 64 lower-case hex digits",
            ),
        ] {
            assert_eq!(with(from, to), message);
        }
    }

    #[test]
    fn wrong_shapes_are_refused_and_never_quoted() {
        let bytes = encode(&plain());
        let text = std::str::from_utf8(&bytes).unwrap();
        let entropy = "ab".repeat(32);
        let quoted = format!("\"{entropy}\"");
        for (from, to) in [
            // The secret where it does not belong, as key, value and variant.
            ("\"plain\": {", format!("\"plain\": {quoted}, {{")),
            ("\"plain\"", quoted.clone()),
            ("\"entropy\"", quoted.clone()),
            ("\"version\": 1", format!("\"version\": {quoted}")),
            ("\"network\": ", format!("{quoted}: 1, \"network\": ")),
            // Unknown and repeated keys, numbers of every wrong kind, and depth.
            ("\"network\": ", "\"version\": 1, \"network\": ".into()),
            ("\"network\": ", "\"colour\": 1, \"network\": ".into()),
            ("\"version\": 1", "\"version\": -1".into()),
            ("\"version\": 1", "\"version\": 1.0".into()),
            ("\"version\": 1", "\"version\": 1e999".into()),
            ("\"version\": 1", "\"version\": 18446744073709551616".into()),
            ("\"version\": 1", format!("\"version\": {}", "[".repeat(100_000))),
            (&quoted, "null".into()),
            (&quoted, "7".into()),
            ("\"public_keys\": [", "\"public_keys\": [[], ".into()),
        ] {
            assert!(text.contains(from), "{from}");
            let message = error(&text.replacen(from, &to, 1));
            assert!(message.starts_with("line "), "{message}");
            assert!(!message.contains("abab"), "{message}");
        }
        assert!(decode(b"\xff\xfe").is_err());
        assert!(decode(&[text.as_bytes(), b"x"].concat()).is_err());
    }
}
