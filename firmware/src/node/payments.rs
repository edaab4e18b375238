//! Open transactions on a device: its own payments, which it never forgets while they are open, and a
//! few of others that it may put into the blocks that it mines.

use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::rules::KeptTransaction;
use mote_core::state::Account;
use mote_core::transaction::{Payment, Transaction};
use mote_core::units::{Amount, Height};

use crate::report::OWN_PAYMENTS;

/// Transactions of others that are kept.
const RELAYED: usize = 2;

/// The most transactions in a block that this device makes.
pub const BLOCK_TRANSACTIONS: usize = OWN_PAYMENTS + RELAYED;

/// Where an own payment was mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// The block's height.
    pub height: Height,
    /// The work of the chain before the block.
    pub before: Work,
}

/// An own payment.
#[derive(Debug)]
pub struct Own {
    kept: KeptTransaction,
    mined: Option<Mined>,
    /// Where it is mined in the branch that is being validated.
    mined_in_branch: Option<Mined>,
}

impl Own {
    /// The transaction.
    pub fn transaction(&self) -> &Transaction {
        self.kept.checked().transaction()
    }

    /// Its id.
    pub fn id(&self) -> Hash32 {
        self.kept.checked().id()
    }

    /// Where it was mined.
    pub fn mined(&self) -> Option<Mined> {
        self.mined
    }
}

/// Transactions of a block, as bits: the own ones first, then those of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection(u8);

impl Selection {
    /// Whether a transaction is among them.
    pub fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }

    fn add(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    /// Takes a transaction out.
    pub fn remove(&mut self, place: usize) {
        self.0 &= !(1 << place);
    }

    /// Whether a transaction is among both.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

const _: () = assert!(BLOCK_TRANSACTIONS <= 8, "a selection is one byte");

/// Open transactions, and own payments that were mined lately.
#[derive(Debug, Default)]
pub struct Payments {
    own: [Option<Own>; OWN_PAYMENTS],
    relayed: [Option<KeptTransaction>; RELAYED],
    /// Those of others that the last block had; they are dropped when the next one comes, so that a block
    /// of this device can be served until then.
    mined_relayed: Selection,
    prepared: Option<Payment>,
}

impl Payments {
    /// The payment that waits for confirmation.
    pub fn prepared(&self) -> Option<&Payment> {
        self.prepared.as_ref()
    }

    /// Puts a payment up for confirmation, in the place of one that waited.
    pub fn prepare(&mut self, payment: Payment) {
        self.prepared = Some(payment);
    }

    /// Takes the payment that waits.
    pub fn take_prepared(&mut self) -> Option<Payment> {
        self.prepared.take()
    }

    /// The own payments.
    pub fn own(&self) -> impl Iterator<Item = &Own> {
        self.own.iter().flatten()
    }

    /// What own payments take from the account, as far as it does not count them yet, and the nonce of the next
    /// one. The account may be that of an earlier tip: then those that were mined since are among them.
    pub fn after_own(&self, account: Account) -> Account {
        let uncounted = self.own().map(Own::transaction).filter(|own| own.nonce >= account.nonce);
        uncounted.fold(account, |account, transaction| {
            let taken = transaction.amount.checked_add(transaction.fee).unwrap_or(account.balance);
            Account {
                balance: account.balance.checked_sub(taken).unwrap_or(Amount::ZERO),
                nonce: account.nonce.max(transaction.nonce.saturating_add(1)),
            }
        })
    }

    /// Whether another own payment has room.
    pub fn has_room(&self) -> bool {
        self.own.iter().any(|slot| slot.as_ref().is_none_or(|own| own.mined.is_some()))
    }

    /// Keeps an own payment, in the place of the one that was mined longest ago where all are taken, and
    /// returns what had the place before; none, and nothing done, where all are open.
    pub fn keep_own(&mut self, kept: KeptTransaction, mined: Option<Mined>) -> Option<Selection> {
        let rank = |slot: &Option<Own>| match slot {
            None => Some(Height::GENESIS),
            Some(own) => own.mined.map(|mined| mined.height),
        };
        let slots = self.own.iter_mut().enumerate();
        let (place, slot) =
            slots.filter(|(_, slot)| rank(slot).is_some()).min_by_key(|(_, slot)| rank(slot))?;
        *slot = Some(Own { kept, mined, mined_in_branch: None });
        let mut before = Selection::default();
        before.add(place);
        Some(before)
    }

    /// Takes back the payment that was kept last, which the card does not know of.
    pub fn take_back(&mut self, id: &Hash32) {
        let of_id = |slot: &Option<Own>| slot.as_ref().is_some_and(|own| own.id() == *id);
        self.own.iter_mut().filter(|slot| of_id(slot)).for_each(|slot| *slot = None);
    }

    /// Whether there is room for a transaction of somebody else that is not here yet.
    pub fn wants(&self, id: &Hash32) -> bool {
        self.get(id).is_none() && self.relayed.iter().any(Option::is_none)
    }

    /// Keeps a transaction of somebody else, where there is room.
    pub fn keep_relayed(&mut self, kept: KeptTransaction) {
        if self.wants(&kept.checked().id())
            && let Some(slot) = self.relayed.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some(kept);
        }
    }

    /// Drops what others sent and is open: one of it cannot be mined, and nobody says which. Returns what
    /// was dropped.
    pub fn drop_relayed(&mut self) -> Selection {
        let mut dropped = Selection::default();
        for (place, slot) in (OWN_PAYMENTS..).zip(&mut self.relayed) {
            if !self.mined_relayed.has(place) && slot.take().is_some() {
                dropped.add(place);
            }
        }
        dropped
    }

    fn slots(&self) -> impl Iterator<Item = Option<&KeptTransaction>> {
        let own = self.own.iter().map(|slot| slot.as_ref().map(|own| &own.kept));
        own.chain(self.relayed.iter().map(Option::as_ref))
    }

    /// A transaction that is kept.
    pub fn get(&self, id: &Hash32) -> Option<&KeptTransaction> {
        self.slots().flatten().find(|kept| kept.checked().id() == *id)
    }

    /// The transaction at a place of a selection.
    pub fn at(&self, place: usize) -> Option<&KeptTransaction> {
        self.slots().nth(place).flatten()
    }

    /// The transactions of a selection in the order in which a block has them: by nonce, so that
    /// each sender's follow one another.
    pub fn selected(&self, selection: Selection) -> heapless::Vec<&KeptTransaction, BLOCK_TRANSACTIONS> {
        let mut selected = heapless::Vec::<&KeptTransaction, BLOCK_TRANSACTIONS>::new();
        for (_, kept) in self.slots().enumerate().filter(|(place, _)| selection.has(*place)) {
            let Some(kept) = kept else { continue };
            let nonce = kept.checked().transaction().nonce;
            let later = selected.iter().position(|other| other.checked().transaction().nonce > nonce);
            // There is room for every place of a selection.
            let _ = selected.insert(later.unwrap_or(selected.len()), kept);
        }
        selected
    }

    /// All that is open.
    pub fn open(&self) -> Selection {
        let mut selection = Selection::default();
        for (place, slot) in self.own.iter().enumerate() {
            if slot.as_ref().is_some_and(|own| own.mined.is_none()) {
                selection.add(place);
            }
        }
        for (place, slot) in self.relayed.iter().enumerate() {
            let place = OWN_PAYMENTS + place;
            if slot.is_some() && !self.mined_relayed.has(place) {
                selection.add(place);
            }
        }
        selection
    }

    /// Notes in `selection` that a block has this transaction, where it is kept here.
    pub fn note(&self, id: &Hash32, selection: &mut Selection) {
        let place = self.slots().position(|slot| slot.is_some_and(|kept| kept.checked().id() == *id));
        place.into_iter().for_each(|place| selection.add(place));
    }

    /// A block that has these transactions joined the chain.
    pub fn mined(&mut self, selection: Selection, mined: Mined, mut tell: impl FnMut(Hash32)) {
        for (place, slot) in self.relayed.iter_mut().enumerate() {
            if self.mined_relayed.has(OWN_PAYMENTS + place) {
                *slot = None;
            }
        }
        self.mined_relayed = selection;
        for (place, slot) in self.own.iter_mut().enumerate() {
            if let (true, Some(own)) = (selection.has(place), slot) {
                own.mined = Some(mined);
                tell(own.kept.checked().id());
            }
        }
    }

    /// A block of the branch that is being validated has these transactions.
    pub fn mined_in_branch(&mut self, selection: Selection, mined: Mined) {
        for (place, slot) in self.own.iter_mut().enumerate() {
            if let (true, Some(own)) = (selection.has(place), slot) {
                own.mined_in_branch = Some(mined);
            }
        }
    }

    /// The branch that was being validated is given up.
    pub fn forget_branch(&mut self) {
        self.own.iter_mut().flatten().for_each(|own| own.mined_in_branch = None);
    }

    /// The branch that was being validated took the place of all blocks above `fork`. Tells which payments it
    /// has, and at which height.
    pub fn adopt_branch(&mut self, fork: Height, mut tell: impl FnMut(Hash32, Height)) {
        for own in self.own.iter_mut().flatten() {
            let stays = own.mined.filter(|mined| mined.height <= fork);
            if let Some(mined) = own.mined_in_branch {
                tell(own.kept.checked().id(), mined.height);
            }
            own.mined = own.mined_in_branch.take().or(stays);
        }
        self.mined_relayed = Selection::default();
    }

    /// Drops open payments whose nonce the account has used otherwise: they can never be mined.
    pub fn drop_used(&mut self, nonce: u64) {
        for slot in &mut self.own {
            if slot.as_ref().is_some_and(|own| own.mined.is_none() && own.transaction().nonce < nonce) {
                *slot = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::keys::SecretKey;
    use mote_core::params::{Network, Params};
    use mote_core::rules::check_transaction;
    use mote_core::transaction::Memo;

    #[test]
    fn a_payment_that_was_mined_since_the_account_was_proven_keeps_its_nonce() {
        let params = Params::new(Network::Regtest);
        let secret = SecretKey::from_seed(&[1; 32]);
        let (amount, fee) = (Amount::from_grains(5_000), Amount::from_grains(1_000));
        let recipient = SecretKey::from_seed(&[2; 32]).public_key();
        let proven = Account { balance: Amount::from_grains(100_000), nonce: 7 };
        let mut payments = Payments::default();
        for (nonce, mined) in [(6, true), (7, true), (8, false)] {
            let payment = Payment { recipient, amount, fee, nonce, memo: Memo::new() };
            let transaction = payment.sign(&params, &secret);
            let checked = check_transaction(&params, &transaction).unwrap();
            let mined = mined.then_some(Mined { height: Height::new(nonce), before: Work::ZERO });
            assert!(payments.keep_own(checked.keep(), mined).is_some());
        }
        let next = Account { balance: Amount::from_grains(88_000), nonce: 9 };
        assert_eq!(payments.after_own(proven), next);
        // Once the account is proven with the first of them, only the open one is missing.
        let later = Account { balance: Amount::from_grains(94_000), nonce: 8 };
        assert_eq!(payments.after_own(later), next);
    }
}
