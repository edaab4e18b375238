//! What honest nodes owe each other: to be believed, and to have their payments mined.

use std::collections::BTreeMap;

use mote_core::codec;
use mote_core::keys::PublicKey;
use mote_core::transaction::Transaction;
use mote_core::wire::Message;

use super::audit::can_be_next;
use super::checker::{Demand, Violation};
use super::network::End;
use super::place::Place;
use super::replay::transaction_id;
use super::world::World;

impl World {
    /// Looks at what a node sends: whether it refuses another honest one.
    pub(super) fn watch(&mut self, from: End, message: &[u8]) {
        let is_honest = |place: &Place| !place.is_byzantine && !place.is_rotten;
        let Some(to) = self.network.other(from).filter(|to| to.place != from.place) else { return };
        let both = [from.place, to.place].map(|number| self.places.get(number).is_some_and(is_honest));
        if both == [true, true]
            && let Ok(Message::Refused(reason)) = codec::decode::<Message>(message)
        {
            self.unfair = Some(Violation {
                millis: self.millis,
                node: Some(from.place),
                demand: Demand::Fairness,
                got: format!("node {} is refused: {reason}", to.place),
                expected: "honest nodes believe each other".to_owned(),
            });
        }
    }

    /// The payments that are next to be mined at some honest node.
    pub(super) fn waiting_payments(&self) -> Vec<Transaction> {
        let mut waiting = BTreeMap::new();
        for node in self.honest().filter_map(|place| place.node.as_ref()) {
            let mut first: BTreeMap<PublicKey, Transaction> = BTreeMap::new();
            for entry in node.mempool().by_priority() {
                let transaction = entry.transaction();
                let earliest = first.entry(transaction.sender).or_insert_with(|| transaction.clone());
                if transaction.nonce < earliest.nonce {
                    *earliest = transaction.clone();
                }
            }
            waiting.extend(first.into_values().map(|payment| (transaction_id(&payment), payment)));
        }
        waiting.into_values().collect()
    }

    /// One of these payments that could still be mined next after the block on which the honest nodes agree.
    pub(super) fn left_over<'p>(&self, payments: &'p [Transaction]) -> Option<&'p Transaction> {
        let first = self.honest().next().map(|place| self.checker.tip(place.number))?;
        let tip = self.checker.replay().get(&first)?;
        payments.iter().find(|payment| can_be_next(tip, payment))
    }
}
