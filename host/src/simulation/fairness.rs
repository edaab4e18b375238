//! What honest nodes owe each other: to be believed, and to have their payments mined.

use std::collections::BTreeMap;

use mote_core::codec;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::peer::Offence;
use mote_core::transaction::Transaction;
use mote_core::wire::{Message, REFUSAL_MAX_BYTES};

use super::adversary::POOL;
use super::audit::{Step, can_be_next, stays_payable};
use super::checker::{Demand, Violation};
use super::network::End;
use super::replay::transaction_id;
use super::world::World;

/// The longest message that tells why a connection ends: its index, a length, and the text.
const REFUSED_MAX_BYTES: usize = REFUSAL_MAX_BYTES + 8;

/// How the reason begins where a block or payment broke a rule.
const BROKE_RULE: &str = "broke rule";

impl World {
    /// Looks whether a message tells that its receiver is dropped.
    pub(super) fn notice_refusal(&mut self, from: End, message: &[u8]) {
        if message.len() > REFUSED_MAX_BYTES {
            return;
        }
        let Ok(Message::Refused(reason)) = codec::decode(message) else { return };
        let Some(to) = self.network.other(from) else { return };
        let is_wronged = self.is_truth_told(&to) && reason.starts_with(BROKE_RULE);
        // A node that has come upon itself by an address that it was told says so and goes.
        if reason != Offence::Itself.to_string() {
            let dropped = self.drops(from.place, to.place, is_wronged, reason);
            self.unfair = self.unfair.take().or(dropped.err());
        }
    }

    /// A node or device has dropped another for an offence, which no honest one does to an honest one. What a
    /// disk with flipped bits holds is not what its node would say. An attacker is wronged where it told the truth
    /// and is said to have broken a rule.
    pub(super) fn drops(
        &mut self,
        by: usize,
        whom: usize,
        is_wronged: bool,
        offence: &str,
    ) -> Result<(), Violation> {
        let is_sound = |number: usize| {
            number < POOL
                && self
                    .places
                    .get(number)
                    .is_none_or(|place| !place.is_byzantine && !place.rotten.is_felt(self.millis))
        };
        if !(is_sound(by) && (is_wronged || is_sound(whom))) {
            self.tally.refusals += 1;
            return Ok(());
        }
        Err(Violation {
            millis: self.millis,
            node: Some(by),
            demand: Demand::Fairness,
            got: format!("node {whom} dropped for: {offence}"),
            expected: "no offence of an honest node, or of one that tells the truth".to_owned(),
        })
    }

    /// The payments that are next to be mined at some honest node.
    pub(super) fn waiting_payments(&self) -> Vec<Waiting> {
        let mut waiting: BTreeMap<Hash32, Waiting> = BTreeMap::new();
        for place in self.honest() {
            let mut first: BTreeMap<PublicKey, &Transaction> = BTreeMap::new();
            for entry in place.node.iter().flat_map(|node| node.mempool().by_priority()) {
                let transaction = entry.transaction();
                let earliest = first.entry(transaction.sender).or_insert(transaction);
                if transaction.nonce < earliest.nonce {
                    *earliest = transaction;
                }
            }
            for payment in first.into_values() {
                let new = || Waiting { payment: payment.clone(), holders: BTreeMap::new() };
                let waiting = waiting.entry(transaction_id(payment)).or_insert_with(new);
                waiting.holders.insert(place.number, self.checker.tip(place.number));
            }
        }
        waiting.into_values().collect()
    }

    /// Notes which nodes came to a branch on which payments cannot be mined next.
    pub(super) fn keep_waiting(&self, waiting: &mut [Waiting]) {
        for Waiting { payment, holders } in waiting {
            holders.retain(|number, before| {
                let tip = self.checker.tip(*number);
                let step = Step { before: std::mem::replace(before, tip), tip, is_start: false };
                step.before == tip || stays_payable(self.checker.replay(), step, payment)
            });
        }
    }

    /// One of these payments that could still be mined next after the block on which the honest nodes agree, and
    /// that some node never had a reason to drop.
    pub(super) fn left_over<'w>(&self, waiting: &'w [Waiting]) -> Option<&'w Transaction> {
        let first = self.honest().next().map(|place| self.checker.tip(place.number))?;
        let tip = self.checker.replay().get(&first)?;
        let held = waiting.iter().filter(|waiting| !waiting.holders.is_empty());
        held.map(|waiting| &waiting.payment).find(|payment| can_be_next(tip, payment))
    }
}

/// A payment that waits to be mined.
pub struct Waiting {
    payment: Transaction,
    /// The nodes that hold it open, and the tips that they had when they were last looked at.
    holders: BTreeMap<usize, Hash32>,
}
