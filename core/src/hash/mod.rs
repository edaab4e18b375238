//! SHA-256 (FIPS 180-4), the only hash of the ledger, and the tag bytes that keep its preimages
//! apart. Nothing else in the workspace's consensus code calls the hash library.

mod compress;

use core::fmt;
use core::str::FromStr;

use compress::{INITIAL, compress};
use serde::{Deserialize, Serialize};
use sha2::Digest;

/// First byte of every preimage, so that no two kinds of object can share a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// A leaf of a log tree (RFC 6962 section 2.1).
    LogLeaf = 0x00,
    /// An inner node of a log tree (RFC 6962 section 2.1).
    LogNode = 0x01,
    /// A leaf of the account tree.
    AccountLeaf = 0x02,
    /// A branch of the account tree.
    AccountBranch = 0x03,
    /// The commitment of a header to all its fields but the nonce.
    HeaderCommitment = 0x04,
    /// The key under which an account stands in the account tree.
    AccountKey = 0x05,
    /// The `previous` field of a genesis header.
    Genesis = 0x06,
}

/// A SHA-256 digest. Shown and parsed as 64 lower-case hexadecimal digits, first byte first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash32(#[serde(with = "crate::codec::bytes")] [u8; 32]);

impl Hash32 {
    /// 32 zero bytes: the root of an empty account tree.
    pub const ZERO: Self = Self([0; 32]);

    /// Wraps 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Hash32 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Pages show many of them, so that writing digit by digit would show too.
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
        let pairs = self.0.map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]);
        formatter.write_str(core::str::from_utf8(pairs.as_flattened()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Why a text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHashError {
    /// The text has another length than 64 digits.
    #[error("expected 64 hexadecimal digits, got {got} characters")]
    Length {
        /// Length of the text in bytes.
        got: usize,
    },
    /// A character is no hexadecimal digit.
    #[error("character {position} is not a lower-case hexadecimal digit")]
    Digit {
        /// Offset of the first wrong character.
        position: usize,
    },
}

impl FromStr for Hash32 {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 64 {
            return Err(ParseHashError::Length { got: text.len() });
        }
        let mut bytes = [0; 32];
        let digits = text.as_bytes().chunks_exact(2).enumerate();
        for ((index, pair), byte) in digits.zip(&mut bytes) {
            for (offset, &character) in pair.iter().enumerate() {
                let digit = match character {
                    b'0'..=b'9' => character - b'0',
                    b'a'..=b'f' => character - b'a' + 10,
                    _ => return Err(ParseHashError::Digit { position: 2 * index + offset }),
                };
                *byte = *byte << 4 | digit;
            }
        }
        Ok(Self(bytes))
    }
}

/// SHA-256 of `tag || parts[0] || parts[1] || …`.
pub fn tagged(tag: Tag, parts: &[&[u8]]) -> Hash32 {
    let mut hasher = Hasher::new();
    hasher.update(&[tag as u8]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

/// What [`tagged`] hashes, where it has `N` bytes: what does not fit is left out.
pub(crate) fn preimage<const N: usize>(tag: Tag, parts: &[&[u8]]) -> [u8; N] {
    let mut preimage = [tag as u8; N];
    let mut rest = preimage.get_mut(1..).unwrap_or_default();
    for part in parts {
        let (filled, free) = rest.split_at_mut(part.len().min(rest.len()));
        let (part, _) = part.split_at(filled.len());
        filled.copy_from_slice(part);
        rest = free;
    }
    preimage
}

/// How many messages are given to [`Hashes`] at a time.
pub const SIDE_BY_SIDE: usize = 16;

/// A way to hash many messages that is faster than one by one.
///
/// Whoever implements it answers for consensus: a hash that is not [`sha256`] of its message would split this node off
/// the others.
pub trait Hashes {
    /// Puts the SHA-256 of each message in the place with its number. There are as many places as messages.
    fn hash(&self, messages: &[&[u8]], hashes: &mut [Hash32]);

    /// The same for messages of one length, at most 119 bytes.
    fn hash_alike<const N: usize>(&self, messages: &[[u8; N]], hashes: &mut [Hash32]);
}

/// The hashes of up to [`SIDE_BY_SIDE`] messages of one length, and behind them zeros.
pub(crate) fn hash_all_alike<const N: usize>(
    hashes: &impl Hashes,
    messages: &heapless::Vec<[u8; N], SIDE_BY_SIDE>,
) -> [Hash32; SIDE_BY_SIDE] {
    let mut all = [Hash32::ZERO; SIDE_BY_SIDE];
    let (places, _) = all.split_at_mut(messages.len());
    hashes.hash_alike(messages, places);
    all
}

/// The hashes of up to [`SIDE_BY_SIDE`] messages, and behind them zeros.
pub(crate) fn hash_all<M: AsRef<[u8]>>(
    hashes: &impl Hashes,
    messages: &heapless::Vec<M, SIDE_BY_SIDE>,
) -> [Hash32; SIDE_BY_SIDE] {
    let mut borrowed = [&[][..]; SIDE_BY_SIDE];
    borrowed.iter_mut().zip(messages).for_each(|(place, message)| *place = message.as_ref());
    let mut all = [Hash32::ZERO; SIDE_BY_SIDE];
    let (messages, _) = borrowed.split_at(messages.len());
    let (places, _) = all.split_at_mut(messages.len());
    hashes.hash(messages, places);
    all
}

/// The state as the bytes of a hash.
fn digest(state: [u32; 8]) -> Hash32 {
    let mut digest = [0; 32];
    let (words, _) = digest.as_chunks_mut();
    words.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    Hash32(digest)
}

/// SHA-256 of `bytes` without a tag: the root of an empty log tree (`sha256(b"")`, RFC 6962), and
/// what published vectors are checked with.
pub fn sha256(bytes: &[u8]) -> Hash32 {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// SHA-512 of `parts`, one after another: what Ed25519 is made of, and nothing else.
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut hasher = sha2::Sha512::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// A message being hashed (FIPS 180-4 section 5 and 6.2).
struct Hasher {
    state: [u32; 8],
    /// The bytes of the present block, the first `length % 64` of which are the message's.
    block: [u8; 64],
    /// Length of the message so far, in bytes.
    length: u64,
}

impl Hasher {
    fn new() -> Self {
        Self { state: INITIAL, block: [0; 64], length: 0 }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let filled = (self.length % 64) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(64 - filled));
            if let Some(free) = self.block.get_mut(filled..filled + now.len()) {
                free.copy_from_slice(now);
            }
            self.length += now.len() as u64;
            bytes = later;
            if self.length.is_multiple_of(64) {
                compress(&mut self.state, &self.block);
            }
        }
    }

    /// Pads the message with a set bit, zeros, and its length in bits.
    fn finish(mut self) -> Hash32 {
        let bits = (self.length * 8).to_be_bytes();
        self.update(&[0x80]);
        let filled = (self.length % 64) as usize;
        self.block.get_mut(filled..).unwrap_or_default().fill(0);
        if filled > 56 || filled == 0 {
            if filled != 0 {
                compress(&mut self.state, &self.block);
            }
            self.block = [0; 64];
        }
        self.block.iter_mut().skip(56).zip(bits).for_each(|(to, from)| *to = from);
        compress(&mut self.state, &self.block);
        digest(self.state)
    }
}

/// One attempt of a miner: SHA-256 of `commitment || nonce`, 40 bytes and so one compression.
pub fn attempt(commitment: &Hash32, nonce: u64) -> Hash32 {
    let mut preimage = [0; 40];
    let (head, tail) = preimage.split_at_mut(32);
    head.copy_from_slice(&commitment.0);
    tail.copy_from_slice(&nonce.to_le_bytes());
    sha256(&preimage)
}

/// The padded block of [`attempt`], of which only the nonce changes from one attempt to the next, so
/// that an attempt costs its compression and hardly more.
#[derive(Clone, Debug)]
pub struct Attempts([u8; 64]);

impl Attempts {
    /// The attempts upon a header with this commitment.
    pub fn new(commitment: &Hash32) -> Self {
        let mut block = [0; 64];
        let (head, tail) = block.split_at_mut(32);
        head.copy_from_slice(&commitment.0);
        // FIPS 180-4 section 5.1.1: a set bit behind the message, its length in bits at the end.
        let (padding, length) = tail.split_at_mut(24);
        padding.iter_mut().skip(8).take(1).for_each(|byte| *byte = 0x80);
        length.copy_from_slice(&(40_u64 * 8).to_be_bytes());
        Self(block)
    }

    /// The first 32 bits of an attempt's hash as a big-endian number: what decides all but one of 2^32
    /// attempts at most.
    pub fn leading(&mut self, nonce: u64) -> u32 {
        self.0.iter_mut().skip(32).zip(nonce.to_le_bytes()).for_each(|(byte, digit)| *byte = digit);
        let mut state = INITIAL;
        compress(&mut state, &self.0);
        let [first, ..] = state;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn hashes_are_those_of_the_library(parts: Vec<Vec<u8>>) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let message = [&[Tag::AccountBranch as u8], &*parts.concat()].concat();
            let expected: [u8; 32] = sha2::Sha256::digest(&message).into();
            prop_assert_eq!(tagged(Tag::AccountBranch, &parts), Hash32(expected));
            prop_assert_eq!(sha256(&message), Hash32(expected));
        }
    }

    #[test]
    fn messages_of_every_length_up_to_three_blocks() {
        let message = [7; 200];
        for length in 0..message.len() {
            let (head, _) = message.split_at(length);
            let whole = [&[0], head].concat();
            let expected: [u8; 32] = sha2::Sha256::digest(&whole).into();
            assert_eq!(tagged(Tag::LogLeaf, &[head]), Hash32(expected), "{length}");
        }
    }
}
