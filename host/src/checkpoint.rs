//! Signed checkpoints: somebody vouches for a block, and a node whose operator named that key never leaves a
//! chain that has it. That is the operator's policy and no rule of consensus: nodes that name no key, or
//! another, follow the chain of most work as ever.
//!
//! What is signed is `"mote checkpoint v1" || genesis id || height u64 || block id`, the height little-endian
//! as in all preimages. As JSON, on one line of a file or as the body of a request:
//!
//! ```text
//! {"genesis":"…","height":7,"block":"…","key":"lmote1…","signature":"…"}
//! ```
//!
//! This is not what a device is built with (`mote device provision`), which it trusts without a signature.

use mote_core::address::{Address, AddressPrefix};
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey, Signature, verify};
use mote_core::params::Params;
use mote_core::units::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::forms::{HexSignature, Text, address, hex};

/// What a signed message starts with, so that no signature of something else is one of a checkpoint.
pub const SIGNATURE_CONTEXT: &[u8] = b"mote checkpoint v1";

/// The longest text of a checkpoint, in bytes.
pub const TEXT_MAX_BYTES: usize = 1_024;

/// A block that the owner of a key vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The genesis block of the chain.
    pub genesis: Hash32,
    /// The block's height.
    pub height: Height,
    /// Its id.
    pub block: Hash32,
    /// Who vouches for it.
    pub key: PublicKey,
    /// Their signature.
    pub signature: Signature,
}

/// Why something is no checkpoint for this network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCheckpoint {
    /// It is for another chain.
    #[error("expected the genesis block {expected}, got {got}")]
    Genesis {
        /// The one that it names.
        got: Hash32,
        /// This network's.
        expected: Hash32,
    },
    /// The key is of another network.
    #[error("{0} is no key of this network")]
    Key(String),
    /// The genesis block needs nobody who vouches for it.
    #[error("expected a height of at least 1, got 0")]
    Height,
    /// The signature is not the key's, or of something else.
    #[error("the signature is not that of {key} over block {block} at height {height}")]
    Signature {
        /// The key's address.
        key: String,
        /// The block.
        block: Hash32,
        /// Its height.
        height: Height,
    },
}

/// A checkpoint as text.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Checkpoint)]
#[serde(deny_unknown_fields)]
pub struct CheckpointJson {
    /// Id of the network's genesis block.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    genesis: String,
    /// The block's height, at least 1.
    height: u64,
    /// The block's id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    block: String,
    /// Address of the key that vouches for it.
    #[schema(example = "lmote1…")]
    key: String,
    /// Its Ed25519 signature of `"mote checkpoint v1" || genesis || height u64 || block`.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    signature: String,
}

impl CheckpointJson {
    /// The text form of a checkpoint.
    pub fn new(prefix: AddressPrefix, checkpoint: &Checkpoint) -> Self {
        Self {
            genesis: checkpoint.genesis.to_string(),
            height: checkpoint.height.get(),
            block: checkpoint.block.to_string(),
            key: address(prefix, checkpoint.key),
            signature: hex(checkpoint.signature.as_bytes()),
        }
    }
}

/// A checkpoint as it comes in: of the right form, and not judged yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadCheckpoint {
    genesis: Text<Hash32>,
    height: u64,
    block: Text<Hash32>,
    key: Text<Address>,
    signature: Text<HexSignature>,
}

impl ReadCheckpoint {
    /// Judges it: it is for the network of `params`, and its key's owner has signed it.
    pub fn check(self, params: &Params) -> Result<Checkpoint, InvalidCheckpoint> {
        let (Text(got), expected) = (self.genesis, params.genesis_id());
        if got != expected {
            return Err(InvalidCheckpoint::Genesis { got, expected });
        }
        if self.key.0.prefix() != params.address_prefix {
            return Err(InvalidCheckpoint::Key(self.key.0.to_string()));
        }
        if self.height == 0 {
            return Err(InvalidCheckpoint::Height);
        }
        let checkpoint = Checkpoint {
            genesis: got,
            height: Height::new(self.height),
            block: self.block.0,
            key: self.key.0.public_key(),
            signature: self.signature.0.0,
        };
        if checkpoint.is_signed() {
            return Ok(checkpoint);
        }
        let Checkpoint { height, block, .. } = checkpoint;
        Err(InvalidCheckpoint::Signature { key: self.key.0.to_string(), block, height })
    }
}

impl Checkpoint {
    /// Vouches for a block with a key.
    pub fn sign(genesis: Hash32, height: Height, block: Hash32, key: &SecretKey) -> Self {
        let signature = key.sign(&message(&genesis, height, &block));
        Self { genesis, height, block, key: key.public_key(), signature }
    }

    /// The checkpoint as one line of JSON.
    pub fn line(&self, prefix: AddressPrefix) -> String {
        // Strings and a number always serialise.
        serde_json::to_string(&CheckpointJson::new(prefix, self)).unwrap_or_default()
    }

    fn is_signed(&self) -> bool {
        verify(&self.key, &message(&self.genesis, self.height, &self.block), &self.signature)
    }
}

/// The bytes that a signature covers.
fn message(genesis: &Hash32, height: Height, block: &Hash32) -> Vec<u8> {
    [SIGNATURE_CONTEXT, genesis.as_bytes(), &height.get().to_le_bytes(), block.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::params::Network;

    fn read(text: &str, params: &Params) -> Result<Checkpoint, String> {
        let read: ReadCheckpoint = serde_json::from_str(text).map_err(|error| error.to_string())?;
        read.check(params).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_signed_is_what_is_documented() {
        let (params, key) = (Params::new(Network::Regtest), SecretKey::from_seed(&[5; 32]));
        let block = Hash32::from_bytes([0xab; 32]);
        let checkpoint = Checkpoint::sign(params.genesis_id(), Height::new(0x0102), block, &key);
        let mut documented = b"mote checkpoint v1".to_vec();
        documented.extend_from_slice(params.genesis_id().as_bytes());
        documented.extend_from_slice(&[2, 1, 0, 0, 0, 0, 0, 0]);
        documented.extend_from_slice(&[0xab; 32]);
        assert_eq!(checkpoint.signature, key.sign(&documented));
        assert_eq!(read(&checkpoint.line(params.address_prefix), &params), Ok(checkpoint));
    }

    #[test]
    fn nothing_about_a_checkpoint_can_be_changed() {
        let (params, key) = (Params::new(Network::Regtest), SecretKey::from_seed(&[5; 32]));
        let block = Hash32::from_bytes([0xab; 32]);
        let line =
            Checkpoint::sign(params.genesis_id(), Height::new(7), block, &key).line(params.address_prefix);
        for place in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
            let damaged = String::from_utf8(bytes).unwrap();
            assert!(read(&damaged, &params).is_err(), "{damaged}");
        }
        let other = Params::new(Network::Test);
        assert!(
            read(&line, &other).unwrap_err().starts_with("expected the genesis block"),
            "another network"
        );
        for (text, reason) in [
            (line.replace("\"height\":7", "\"height\":0"), "at least 1"),
            (line.replace("\"height\":7", "\"height\":8"), "the signature is not that of"),
        ] {
            assert!(read(&text, &params).unwrap_err().contains(reason));
        }
    }
}
