//! What the node remembers over a power cut, as records: the chain's last blocks and its own payments.

use mote_core::chain::Kept;
use mote_core::codec::{DecodeError, decode, decode_prefix};
use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::rules::check_transaction;
use mote_core::transaction::Transaction;
use mote_core::units::Height;
use serde::{Deserialize, Serialize};

use super::payments::Mined;
use super::{Node, RING};
use crate::command::Mining;

/// The longest record: a tip.
pub const RECORD_MAX_BYTES: usize = 1_800;

/// Blocks in one record.
const GROUP: usize = 16;

const GENESIS: u8 = 1;
const BASE: u8 = 2;
const BLOCKS: u8 = 3;
const PAYMENT: u8 = 4;
const SWITCH: u8 = 5;

const _: () = assert!(RING.is_multiple_of(GROUP));

/// Where records go.
pub trait Records {
    /// Why a record was not written.
    type Error;

    /// Writes a record.
    fn record<T: Serialize>(&mut self, kind: u8, value: &T) -> Result<(), Self::Error>;
}

/// Why records are not the state of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A record is no encoding of what it should be.
    #[error("record of kind {kind}: {error}")]
    Malformed {
        /// The record's kind.
        kind: u8,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The state belongs to another network.
    #[error("the state belongs to the network with genesis {got}, expected {expected}")]
    Network {
        /// The network of the state.
        got: Hash32,
        /// The network of the node.
        expected: Hash32,
    },
    /// The log of blocks in the state contradicts itself.
    #[error("the log of {size} blocks has {got} peaks")]
    History {
        /// How many blocks the log has.
        size: u64,
        /// How many peaks it has.
        got: usize,
    },
    /// No state of a node has such a record.
    #[error("unknown record of kind {kind}")]
    Kind {
        /// The record's kind.
        kind: u8,
    },
}

#[derive(Serialize, Deserialize)]
struct PaymentRecord {
    transaction: Transaction,
    mined: Option<(Height, Work)>,
}

impl Node<'_> {
    /// Whether something changed since the state was saved.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The state was saved.
    pub fn note_saved(&mut self) {
        self.is_changed = false;
    }

    /// Writes the state.
    pub fn save<R: Records>(&self, records: &mut R) -> Result<(), R::Error> {
        records.record(GENESIS, &self.params.genesis_id())?;
        records.record(BASE, self.chain.base())?;
        let mut group = heapless::Vec::<Kept, GROUP>::new();
        for kept in self.chain.ring() {
            let _ = group.push(*kept);
            if group.is_full() {
                records.record(BLOCKS, &group)?;
                group.clear();
            }
        }
        if !group.is_empty() {
            records.record(BLOCKS, &group)?;
        }
        for own in self.payments.own() {
            let mined = own.mined().map(|mined| (mined.height, mined.before));
            records.record(PAYMENT, &PaymentRecord { transaction: own.transaction().clone(), mined })?;
        }
        records.record(SWITCH, &(self.miner.switch == Mining::On))
    }

    /// Takes in a record of the state that was saved last, in the order in which they were written.
    pub fn restore(&mut self, kind: u8, payload: &[u8]) -> Result<(), StateError> {
        let malformed = |error| StateError::Malformed { kind, error };
        match kind {
            GENESIS => {
                let (got, expected) = (decode(payload).map_err(malformed)?, self.params.genesis_id());
                if got == expected { Ok(()) } else { Err(StateError::Network { got, expected }) }
            }
            BASE => {
                let mut decoded = Ok(());
                self.chain.start(|tip| {
                    decoded = tip.decode_from(payload);
                    decoded.is_ok()
                });
                decoded.map_err(malformed)?;
                let history = self.chain.tip().history();
                let (size, got) = (history.size(), history.peaks().len());
                if self.chain.tip().is_consistent() { Ok(()) } else { Err(StateError::History { size, got }) }
            }
            BLOCKS => {
                let (count, mut rest) = decode_prefix::<u32>(payload).map_err(malformed)?;
                for _ in 0..count {
                    let (kept, behind) = decode_prefix::<Kept>(rest).map_err(malformed)?;
                    self.chain.push_kept(kept);
                    self.peak.note(kept.time, kept.target);
                    rest = behind;
                }
                Ok(())
            }
            PAYMENT => {
                let PaymentRecord { transaction, mined } = decode(payload).map_err(malformed)?;
                if let Ok(checked) = check_transaction(&self.params, &transaction) {
                    let mined = mined.map(|(height, before)| Mined { height, before });
                    self.payments.keep_own(checked.keep(), mined);
                }
                Ok(())
            }
            SWITCH => {
                let is_on: bool = decode(payload).map_err(malformed)?;
                self.miner.switch = if is_on { Mining::On } else { Mining::Off };
                Ok(())
            }
            kind => Err(StateError::Kind { kind }),
        }
    }

    /// Forgets all that was restored: the state that it came from is of no use.
    pub fn forget(&mut self) {
        self.chain.start(|tip| self.origin.fill(&self.params, tip));
    }

    /// All was restored. A chain that could be followed back below the checkpoint is given up for it; what is
    /// known of own payments stays.
    pub fn note_restored(&mut self) {
        let lowest = self.origin.height();
        if self.chain.base().height() < lowest {
            self.forget();
            self.payments.adopt_branch(lowest, |_, _| {});
        }
    }
}
