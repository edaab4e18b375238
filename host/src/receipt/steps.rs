//! The proofs of a receipt, step by step. Nothing here looks at how a receipt is written.

use mote_core::block::{Header, history_leaf};
use mote_core::hash::Hash32;
use mote_core::merkle::{leaf_hash, verify_inclusion};
use mote_core::params::Params;
use mote_core::rules::{check_transaction, inspect_header};
use mote_core::state::Account;
use mote_core::units::Height;

use super::error::ReceiptError;
use super::{AccountProof, BlockProof, TransactionProof};

impl TransactionProof {
    /// That the sender signed the transaction and that it is in the block.
    pub(super) fn check(&self, params: &Params) -> Result<(), ReceiptError> {
        let checked = check_transaction(params, &self.transaction).map_err(ReceiptError::Transaction)?;
        let header = &self.block.header;
        let (index, count) = (u64::from(self.index), u64::from(header.transaction_count));
        verify_inclusion(&checked.id(), index, count, &self.path, &header.transactions_root)
            .map_err(ReceiptError::TransactionPath)
    }
}

impl AccountProof {
    /// What the account held after the block; none where it was never used.
    pub(super) fn check(&self) -> Result<Option<Account>, ReceiptError> {
        self.proof
            .get(&self.block.header.state_root, &self.owner.account_key())
            .map_err(ReceiptError::AccountPath)
    }
}

impl BlockProof {
    /// That the block was mined and is the tip, or in the history that the tip commits to; the ids of
    /// both.
    pub(super) fn check(&self, params: &Params) -> Result<(Hash32, Hash32), ReceiptError> {
        let id = check_header(params, "header", &self.header)?;
        let tip = check_header(params, "tip", &self.tip)?;
        match &self.place {
            None if id == tip => {}
            None => return Err(ReceiptError::Below { got: id, expected: tip }),
            Some(place) => {
                let leaf = leaf_hash(&history_leaf(&id, &place.work));
                let (index, size) = (self.header.height.get(), self.tip.height.get());
                verify_inclusion(&leaf, index, size, &place.path, &self.tip.history_root)
                    .map_err(ReceiptError::HistoryPath)?;
            }
        }
        Ok((id, tip))
    }
}

/// That a header is the network's genesis, or shows proof of work of a target that the network allows.
fn check_header(params: &Params, field: &'static str, header: &Header) -> Result<Hash32, ReceiptError> {
    if header.height == Height::GENESIS {
        let (got, expected) = (header.id(), params.genesis_id());
        if got == expected {
            return Ok(got);
        }
        let (got, expected) = (got.to_string(), expected.to_string());
        return Err(ReceiptError::Field { field: format!("{field}.id"), got, expected });
    }
    let sound = inspect_header(params, header).map_err(|error| ReceiptError::Header { field, error })?;
    if header.target.expand() > params.floor.expand() {
        return Err(ReceiptError::Floor { field, got: header.target, expected: params.floor });
    }
    Ok(sound.id())
}
