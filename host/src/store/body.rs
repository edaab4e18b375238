//! What can be said of the transactions of a block without the accounts.

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::merkle::root_in_place;
use mote_core::params::Params;
use mote_core::rules::{
    CheckedTransaction, Executed, IdentifiedTransaction, InspectedTransaction, RuleError, judge_together,
};

use super::ledger::AddError;
use crate::block::Block;
use crate::sha256::many::SideBySide;
use crate::signatures::{Known, Verifier};

/// A transaction with what it says by itself, and what those say that were checked before.
#[derive(Clone, Copy)]
pub enum Seen<'a> {
    /// It was checked before.
    Known(CheckedTransaction<'a>),
    /// Its signature is still to be judged.
    Unknown(InspectedTransaction<'a>),
    /// The one with this id breaks a rule.
    Broken(Hash32, RuleError),
}

impl<'a> Seen<'a> {
    fn of(transaction: IdentifiedTransaction<'a>, known: &dyn Known) -> Self {
        let id = transaction.id();
        if let Some(checked) = known.get(&id).and_then(|known| transaction.vouched_for_by(&known)) {
            return Self::Known(checked);
        }
        transaction.inspect().map_or_else(|error| Self::Broken(id, error), Self::Unknown)
    }

    fn id(&self) -> Hash32 {
        match self {
            Self::Known(checked) => checked.id(),
            Self::Unknown(inspected) => inspected.id(),
            Self::Broken(id, _) => *id,
        }
    }
}

/// The transactions of a block, of which those that are known are not judged again. That they are those of its header is
/// checked (B2, B3), whether they are any good or not.
pub fn see<'a>(block: &'a Block, known: &dyn Known) -> Result<Vec<Seen<'a>>, RuleError> {
    let hashes = SideBySide::fastest();
    let identified = IdentifiedTransaction::of_all(&block.transactions, &hashes);
    let seen: Vec<Seen<'_>> = identified.map(|transaction| Seen::of(transaction, known)).collect();
    check_root(&block.header, seen.iter().map(Seen::id).collect())?;
    Ok(seen)
}

fn check_root(header: &Header, mut ids: Vec<Hash32>) -> Result<(), RuleError> {
    Executed {
        // A vector of 2^32 transactions has no room in memory; here it would not match the header.
        transaction_count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        transactions_root: root_in_place(&mut ids, &SideBySide::fastest()),
        state_root: header.state_root,
    }
    .check(header)
}

/// Checks that the transactions are those of the header (B2, B3), and what can be said of each alone (T1 to T5). Of
/// several that break a rule, the first is named.
pub fn check<'a>(
    params: &Params,
    block: &'a Block,
    known: &dyn Known,
    verifier: &Verifier,
) -> Result<Vec<CheckedTransaction<'a>>, AddError> {
    let rule = |place, error| AddError::Rule { error, transaction: Some(place) };
    // A body of somebody else says nothing about the header, so this is told before any transaction is blamed.
    let seen = see(block, known).map_err(AddError::block)?;
    let (mut unknown, mut places, mut broken) = (Vec::new(), Vec::new(), None);
    for (place, seen) in seen.iter().enumerate() {
        match seen {
            Seen::Known(_) => {}
            Seen::Unknown(inspected) => {
                unknown.push(*inspected);
                places.push(place);
            }
            // The signatures of those before it are judged first.
            Seen::Broken(_, error) => {
                broken = Some(rule(place, *error));
                break;
            }
        }
    }
    let judged = judge_together(params, &unknown, verifier);
    let judged = judged.map_err(|(nth, error)| rule(places.get(nth).copied().unwrap_or(nth), error))?;
    broken.map_or_else(|| Ok(all_checked(seen, judged).collect()), Err)
}

/// All of these transactions, of which none is broken and the unknown ones were judged.
pub fn all_checked<'a>(
    seen: Vec<Seen<'a>>,
    mut judged: impl Iterator<Item = CheckedTransaction<'a>>,
) -> impl Iterator<Item = CheckedTransaction<'a>> {
    seen.into_iter().filter_map(move |seen| match seen {
        Seen::Known(checked) => Some(checked),
        Seen::Unknown(_) => judged.next(),
        Seen::Broken(..) => None,
    })
}
