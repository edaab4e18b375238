//! Blocks as the host holds them: the core's block over a vector, and its canonical bytes.

mod transactions;

use mote_core::block::{BlockOf, Header};
use mote_core::codec::{self, DecodeError};
use mote_core::hash::Hash32;
use mote_core::merkle::root_in_place;
use mote_core::rules::IdentifiedTransaction;
use mote_core::transaction::Transaction;

use crate::encoding::encoded;
use crate::sha256::many::SideBySide;

/// A header and its transactions. Its wire form is that of every [`BlockOf`].
pub type Block = BlockOf<Vec<Transaction>>;

/// Reads a block that takes up all of `bytes`, in its canonical form.
pub fn decode(bytes: &[u8]) -> Result<Block, DecodeError> {
    read(bytes).map_or_else(|| codec::decode(bytes), Ok)
}

fn read(bytes: &[u8]) -> Option<Block> {
    let (header, rest) = codec::decode_prefix(bytes).ok()?;
    Some(Block { header, transactions: transactions::read_all(rest)? })
}

/// The wire form of `block`, which is also what the log holds.
pub fn encode(block: &Block) -> Vec<u8> {
    encode_parts(&block.header, block.transactions.iter())
}

/// The same for a block whose transactions lie elsewhere.
pub fn encode_parts<'a>(
    header: &Header,
    transactions: impl ExactSizeIterator<Item = &'a Transaction>,
) -> Vec<u8> {
    let mut bytes = encoded(header);
    transactions::write_all(&mut bytes, transactions);
    bytes
}

/// What the header has to say of the transactions of `block`, as [`mote_core::block::transactions_root`] has it.
pub fn transactions_root(block: &Block) -> Hash32 {
    let hashes = SideBySide::fastest();
    let identified = IdentifiedTransaction::of_all(&block.transactions, &hashes);
    let mut ids: Vec<Hash32> = identified.map(|identified| identified.id()).collect();
    root_in_place(&mut ids, &hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::keys::{PublicKey, Signature};
    use mote_core::params::{Network, Params};
    use mote_core::transaction::Memo;
    use mote_core::units::Amount;

    /// Else all blocks would be read by the plain form.
    #[test]
    fn transactions_are_read_field_by_field() {
        let [sender, recipient] = [[7; 32], [9; 32]].map(PublicKey::from_bytes);
        let [amount, fee] = [u64::MAX, 1_000].map(Amount::from_grains);
        let (memo, signature) = (Memo::from_slice(&[3; 64]).unwrap(), Signature::from_bytes([5; 64]));
        let first = Transaction { sender, recipient, amount, fee, nonce: 0, memo, signature };
        let second = Transaction { memo: Memo::new(), nonce: 128, ..first.clone() };
        let header = Params::new(Network::Regtest).genesis().clone();
        let block = Block { header, transactions: vec![first, second] };
        assert_eq!(read(&encode(&block)), Some(block));
    }

    #[test]
    fn bytes_and_blocks_correspond() {
        let block =
            Block { header: Params::new(Network::Regtest).genesis().clone(), transactions: Vec::new() };
        let bytes = encode(&block);
        assert_eq!(decode(&bytes), Ok(block));
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
