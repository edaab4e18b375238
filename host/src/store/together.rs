//! Checking the transactions of several blocks at once, before the ledger comes to them: many signatures that are
//! judged together cost a fraction of what they cost block by block.

use std::borrow::Cow;

use mote_core::block::Header;
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, KeptTransaction, Signatures, judge_all};

use super::body::{self, Seen, all_checked, see};
use super::ledger::AddError;
use super::states::{RETAINED_EVERY, RETAINED_EVERY_OF_MANY};
use crate::block::{self, Block};
use crate::signatures::{Known, Verifier};

/// A block whose transactions are those of its header and obey every rule that needs no accounts: B2, B3, T1 to T5.
/// Of its header and its chain nothing is known.
#[derive(Clone, Debug)]
pub struct CheckedBlock<'a> {
    header: &'a Header,
    transactions: Vec<CheckedTransaction<'a>>,
}

/// The same, owning itself.
#[derive(Debug)]
pub struct KeptBlock {
    header: Header,
    transactions: Vec<KeptTransaction>,
}

impl<'a> CheckedBlock<'a> {
    /// The header.
    pub fn header(&self) -> &'a Header {
        self.header
    }

    /// The transactions.
    pub fn transactions(&self) -> &[CheckedTransaction<'a>] {
        &self.transactions
    }

    /// A copy that can be kept.
    pub fn keep(&self) -> KeptBlock {
        let transactions = self.transactions.iter().map(CheckedTransaction::keep).collect();
        KeptBlock { header: self.header.clone(), transactions }
    }

    fn encode(&self) -> Vec<u8> {
        block::encode_parts(self.header, self.transactions.iter().map(CheckedTransaction::transaction))
    }
}

impl KeptBlock {
    /// The block, as checked as it was when it was kept.
    pub fn checked(&self) -> CheckedBlock<'_> {
        let transactions = self.transactions.iter().map(KeptTransaction::checked).collect();
        CheckedBlock { header: &self.header, transactions }
    }
}

/// A block that is to be added.
#[derive(Clone, Copy)]
pub(super) enum Candidate<'a> {
    /// One of which nothing is known, but that the signatures of some of its transactions were judged.
    Block(&'a Block, &'a dyn Known),
    /// One whose transactions were checked.
    Checked(&'a CheckedBlock<'a>),
}

impl<'a> Candidate<'a> {
    /// The header.
    pub(super) fn header(self) -> &'a Header {
        match self {
            Self::Block(block, _) => &block.header,
            Self::Checked(block) => block.header,
        }
    }

    /// How often the accounts at the tip are kept in memory.
    pub(super) fn retained_every(self) -> usize {
        match self {
            Self::Block(..) => RETAINED_EVERY,
            Self::Checked(_) => RETAINED_EVERY_OF_MANY,
        }
    }

    /// What the log holds of it.
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Block(block, _) => block::encode(block),
            Self::Checked(block) => block.encode(),
        }
    }

    /// Checks the transactions, unless that was done: that they are those of the header (B2, B3), and what can be
    /// said of each alone (T1 to T5).
    pub(super) fn check(
        self,
        params: &Params,
        verifier: &Verifier,
    ) -> Result<Cow<'a, [CheckedTransaction<'a>]>, AddError> {
        let (block, known) = match self {
            Self::Block(block, known) => (block, known),
            Self::Checked(block) => return Ok(Cow::Borrowed(&block.transactions)),
        };
        body::check(params, block, known, verifier).map(Cow::Owned)
    }
}

/// Checks the transactions of all `blocks`, and judges the signatures of those that are not known together. There is
/// no answer where a single one of them breaks a rule: it takes adding them one by one to know which.
pub(super) fn check_together<'a>(
    params: &Params,
    blocks: &[&'a Block],
    known: &dyn Known,
    signatures: &dyn Signatures,
) -> Option<Vec<CheckedBlock<'a>>> {
    let (mut all, mut unknown) = (Vec::new(), Vec::new());
    for block in blocks {
        for seen in see(block, known).ok()? {
            match seen {
                Seen::Known(_) => {}
                Seen::Unknown(inspected) => unknown.push(inspected),
                Seen::Broken(..) => return None,
            }
            all.push(seen);
        }
    }
    let mut checked = all_checked(all, judge_all(params, &unknown, signatures)?);
    let check = |block: &&'a Block| {
        let transactions = checked.by_ref().take(block.transactions.len()).collect();
        CheckedBlock { header: &block.header, transactions }
    };
    Some(blocks.iter().map(check).collect())
}
