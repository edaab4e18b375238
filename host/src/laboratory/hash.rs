//! A text, its hash, and one attempt of a miner.

use mote_core::hash::{attempt, sha256};
use mote_core::pow::{CompactTarget, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Unfit, search};
use crate::forms::hex;

/// The longest text, in bytes.
pub const TEXT_MAX_BYTES: usize = 4_096;

/// The most leading zero bits that can be asked for: a search for more would often end without a nonce.
pub const ZERO_BITS_MAX: u32 = 20;

/// A text to hash, and an attempt to make with it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryHashRequest)]
#[serde(deny_unknown_fields)]
pub struct HashRequest {
    /// What to hash, at most 4,096 bytes.
    pub text: String,
    /// The nonce to try, or to search from.
    #[serde(default)]
    pub nonce: u32,
    /// With how many zero bits the id must begin at least, 0 to 20.
    #[serde(default)]
    #[schema(maximum = 20)]
    pub zero_bits: u32,
    /// Whether to search on from the nonce until an id meets the target.
    #[serde(default)]
    pub search: Search,
}

/// Whether nonces are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = LaboratorySearch)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// The nonce is tried as it is.
    #[default]
    No,
    /// The first nonce is taken that meets the target.
    On,
}

/// A hash, and an attempt that takes it for a header's commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryHash)]
pub struct HashAnswer {
    /// SHA-256 of the text.
    pub hash: String,
    /// The nonce that was tried last.
    pub nonce: u64,
    /// What the attempt comes to: SHA-256 of the hash and the nonce's eight bytes.
    pub id: String,
    /// With how many zero bits the id begins.
    pub zero_bits: u32,
    /// What the id must not be above.
    pub target: String,
    /// Whether it is not.
    pub meets: bool,
    /// How many attempts it takes on average.
    pub expected_attempts: u64,
    /// How many attempts were made.
    pub attempts: u64,
}

/// Hashes the text and makes the attempt.
pub fn hash(request: &HashRequest) -> Result<HashAnswer, Unfit> {
    let HashRequest { text, nonce, zero_bits, search } = request;
    if text.len() > TEXT_MAX_BYTES {
        return Err(Unfit::new(
            "text",
            format_args!("expected at most {TEXT_MAX_BYTES} bytes, got {}", text.len()),
        ));
    }
    let target = target(*zero_bits)?;
    let (hash, from) = (sha256(text.as_bytes()), u64::from(*nonce));
    // The compact form has two or three bytes, so a target of whole bits is not lost in it.
    let (nonce, attempts) = match search {
        Search::No => (from, 1),
        Search::On => match search::nonce(hash, target.compact(), from) {
            Some(found) => (found, found - from + 1),
            None => (from, search::ATTEMPTS_MAX),
        },
    };
    let id = attempt(&hash, nonce);
    Ok(HashAnswer {
        hash: hash.to_string(),
        nonce,
        zero_bits: leading_zeros(id.as_bytes()),
        meets: target.is_met_by(&id),
        id: id.to_string(),
        target: hex(&target.to_be_bytes()),
        expected_attempts: target.work().saturating_u64(),
        attempts,
    })
}

/// With how many zero bits the bytes begin.
pub(super) fn leading_zeros(bytes: &[u8]) -> u32 {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    8 * zeros as u32 + bytes.get(zeros).map_or(0, |byte| byte.leading_zeros())
}

/// The largest target in compact form that ids with so many zero bits meet, and hardly others.
fn target(zero_bits: u32) -> Result<Target, Unfit> {
    // As many ones behind the zeros as the compact form has room for beside its sign.
    let (bytes, shift) = (32_u32.saturating_sub(zero_bits / 8), zero_bits % 8);
    let bits = match shift {
        0 => (bytes + 1) << 24 | 0x00_ffff,
        shift => bytes << 24 | 0x007f_ffff >> (shift - 1),
    };
    let target = CompactTarget::from_bits(bits).expand().filter(|_| zero_bits <= ZERO_BITS_MAX);
    let reason = || format!("expected a number from 0 to {ZERO_BITS_MAX}, got {zero_bits}");
    target.ok_or_else(|| Unfit::new("zero_bits", reason()))
}
