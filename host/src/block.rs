//! Blocks as the host holds them: the core's block over a vector, and its canonical bytes.

use mote_core::block::BlockOf;
use mote_core::codec::{self, DecodeError};
use mote_core::transaction::Transaction;
use serde::Serialize;

/// A header and its transactions. Its wire form is that of every [`BlockOf`].
pub type Block = BlockOf<Vec<Transaction>>;

/// Reads a block that takes up all of `bytes`, in its canonical form.
pub fn decode(bytes: &[u8]) -> Result<Block, DecodeError> {
    codec::decode(bytes)
}

/// The wire form of `block`, which is also what the log holds.
pub fn encode<T: Serialize>(block: &BlockOf<T>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(codec::encoded_len(block));
    codec::encode_into(block, |piece| bytes.extend_from_slice(piece));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::params::{Network, Params};

    #[test]
    fn bytes_and_blocks_correspond() {
        let block =
            Block { header: Params::new(Network::Regtest).genesis().clone(), transactions: Vec::new() };
        let bytes = encode(&block);
        assert_eq!(decode(&bytes), Ok(block));
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
