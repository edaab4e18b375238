//! Who pays whom in the world, and when.

use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;

use super::checker::Violation;
use super::place::key;
use super::replay::transaction_id;
use super::world::{Happening, World};
use crate::node::request::Request;

impl World {
    /// Plans the next payment.
    pub(super) fn plan_payment(&mut self) {
        if self.knobs.payment_interval_ms > 0 {
            let then = self.millis + self.random.exponential(self.knobs.payment_interval_ms);
            self.queue.add(then, Happening::Payment);
        }
    }

    /// Has somebody pay somebody, at any node.
    pub(super) fn pay(&mut self) -> Result<(), Violation> {
        self.plan_payment();
        let (from, at) = (self.random.index(self.everyone()), self.random.index(self.places.len()));
        let (to, grains) = (self.random.index(self.everyone()), 1 + self.random.below(1_000_000));
        if let Some(device) = self.device_at(from) {
            return self.device_pays(device, to, grains);
        }
        let secret = key(from);
        let node = self.places.get(at).and_then(|place| place.node.as_ref());
        // What a broken disk cannot say is not paid from.
        let Some(account) = node.and_then(|node| node.pending(&secret.public_key()).ok()) else {
            return Ok(());
        };
        let (amount, fee) = (Amount::from_grains(grains), Amount::from_grains(1_000 + grains % 1_000));
        if account.balance.grains() < grains + 2_000 {
            return Ok(());
        }
        let recipient = key(to).public_key();
        let payment = Payment { recipient, amount, fee, nonce: account.nonce, memo: Memo::new() };
        let transaction = payment.sign(&self.params, &secret);
        self.checker.replay_mut().note_signed(transaction_id(&transaction));
        self.request(at, Request::Submit(transaction)).map(drop)
    }
}
