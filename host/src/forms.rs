//! The JSON forms of what a chain is made of, the same wherever they appear: amounts are decimal
//! strings of motes, ids, keys and memos lower-case hex, accounts addresses.

use std::marker::PhantomData;
use std::str::FromStr;

use mote_core::address::{Address, AddressPrefix};
use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, Signature};
use mote_core::params::MEMO_MAX_BYTES;
use mote_core::pow::CompactTarget;
use mote_core::transaction::{Memo, Transaction};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A signed payment, as it is sent in and shown everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Transaction)]
pub struct TransactionJson {
    /// Names the transaction, its signature included.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub id: String,
    /// Address of the account that pays.
    #[schema(example = "lmote1…")]
    pub sender: String,
    /// Address of the account that is paid.
    #[schema(example = "lmote1…")]
    pub recipient: String,
    /// What the recipient gets, in motes.
    #[schema(example = "12.5")]
    pub amount: String,
    /// What the miner gets, in motes.
    #[schema(example = "0.001")]
    pub fee: String,
    /// How many transactions the sender had made before.
    pub nonce: u64,
    /// 0 to 64 bytes in hex.
    #[schema(pattern = "^([0-9a-f]{2}){0,64}$")]
    pub memo: String,
    /// The Ed25519 signature in hex.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    pub signature: String,
}

impl TransactionJson {
    /// The form of `transaction`, whose id the caller may know already.
    pub fn new(prefix: AddressPrefix, id: &Hash32, transaction: &Transaction) -> Self {
        let Transaction { sender, recipient, amount, fee, nonce, memo, signature } = transaction;
        Self {
            id: id.to_string(),
            sender: address(prefix, *sender),
            recipient: address(prefix, *recipient),
            amount: amount.to_string(),
            fee: fee.to_string(),
            nonce: *nonce,
            memo: hex(memo),
            signature: hex(signature.as_bytes()),
        }
    }
}

/// A header: what proof of work covers, and its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Header)]
pub struct HeaderJson {
    /// Names the block.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub id: String,
    /// The version of the rules.
    pub version: u16,
    /// The number of blocks below.
    pub height: u64,
    /// Id of the parent.
    pub previous: String,
    /// RFC 6962 root over all blocks before this one.
    pub history_root: String,
    /// RFC 6962 root over the transactions.
    pub transactions_root: String,
    /// How many transactions the block has.
    pub transaction_count: u32,
    /// Root of the account tree after this block.
    pub state_root: String,
    /// Address of the account that gets the reward and the fees.
    pub miner: String,
    /// When the miner says that it made the block, in Unix seconds.
    pub time: u64,
    /// What the id must not be above, in compact form: 8 hexadecimal digits.
    #[schema(example = "1f00ffff")]
    pub target: String,
    /// How many attempts a block of this target takes on average; for people to look at.
    pub difficulty: f64,
    /// What the miner varied to get there: any unsigned 64-bit number.
    pub nonce: u64,
}

impl HeaderJson {
    /// The form of `header`.
    pub fn new(prefix: AddressPrefix, header: &Header) -> Self {
        Self {
            id: header.id().to_string(),
            version: header.version,
            height: header.height.get(),
            previous: header.previous.to_string(),
            history_root: header.history_root.to_string(),
            transactions_root: header.transactions_root.to_string(),
            transaction_count: header.transaction_count,
            state_root: header.state_root.to_string(),
            miner: address(prefix, header.miner),
            time: header.time.seconds(),
            target: header.target.to_string(),
            difficulty: difficulty(header.target),
            nonce: header.nonce,
        }
    }
}

/// How many attempts a block of this target takes on average, 0 where it is no target.
pub fn difficulty(target: CompactTarget) -> f64 {
    target.expand().map_or(0.0, |target| target.work().as_f64())
}

/// The text form of an account.
pub fn address(prefix: AddressPrefix, key: PublicKey) -> String {
    Address::new(prefix, key).to_string()
}

/// Lower-case hexadecimal digits, first byte first.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]));
    text
}

/// Why a text is not the hex form of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHexError {
    /// A character is no lower-case hexadecimal digit.
    #[error("character {position} is not a lower-case hexadecimal digit")]
    Digit {
        /// Offset of the first wrong character.
        position: usize,
    },
    /// The number of digits is odd.
    #[error("expected an even number of hexadecimal digits, got {got}")]
    Odd {
        /// How many there are.
        got: usize,
    },
    /// There are too many or too few bytes.
    #[error("expected {expected}, got {got}")]
    Length {
        /// How many bytes there are.
        got: usize,
        /// How many there may be.
        expected: &'static str,
    },
}

fn parse_hex(text: &str) -> Result<Vec<u8>, ParseHexError> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if let Some(position) = text.bytes().position(|byte| !is_digit(byte)) {
        return Err(ParseHexError::Digit { position });
    }
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ParseHexError::Odd { got: text.len() });
    }
    let value = |digit: u8| if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
    Ok(pairs.iter().map(|[high, low]| value(*high) << 4 | value(*low)).collect())
}

/// Any bytes in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

impl FromStr for HexBytes {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

/// A memo in hex.
#[derive(Clone, Debug)]
pub struct HexMemo(pub Memo);

impl FromStr for HexMemo {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = parse_hex(text)?;
        let length = ParseHexError::Length { got: bytes.len(), expected: "at most 64 bytes" };
        const { assert!(MEMO_MAX_BYTES == 64, "the message says 64") };
        Memo::from_slice(&bytes).map(Self).map_err(|_| length)
    }
}

/// A signature in hex.
#[derive(Clone, Debug)]
pub struct HexSignature(pub Signature);

impl FromStr for HexSignature {
    type Err = ParseHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = parse_hex(text)?;
        let length = ParseHexError::Length { got: bytes.len(), expected: "64 bytes" };
        bytes.try_into().map(|bytes| Self(Signature::from_bytes(bytes))).map_err(|_| length)
    }
}

/// A value that JSON carries as a string, in the value's own text form. A number is no amount: what
/// a float has lost cannot be told from what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<'de, T: FromStr<Err: std::fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parse<T>(PhantomData<T>);
        impl<T: FromStr<Err: std::fmt::Display>> Visitor<'_> for Parse<T> {
            type Value = Text<T>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<T>, E> {
                text.parse().map(Text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Parse(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use mote_core::units::Amount;

    use super::*;

    #[test]
    fn numbers_are_no_amounts() {
        assert_eq!(serde_json::from_str::<Text<Amount>>("\"0.5\"").unwrap().0.grains(), 500_000);
        for wrong in ["0.5", "5", "true", "null", "[\"5\"]", "\"-5\"", "\"5e3\"", "\"Infinity\"", "\"\""] {
            assert!(serde_json::from_str::<Text<Amount>>(wrong).is_err(), "{wrong}");
        }
    }
}
