//! What the owner tells the node to do.

use mote_core::params::FEE_MIN_GRAINS;
use mote_core::rules::check_transaction;
use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;

use super::Node;
use crate::command::{Command, Outcome, Refusal};
use crate::report::OWN_PAYMENTS;

impl Node<'_> {
    /// Carries out a command. A payment that was sent must be remembered over a power cut before the next
    /// message leaves, or be taken back.
    pub fn command(&mut self, command: Command) -> Outcome {
        let done = match command {
            Command::Pay { recipient, amount, memo } => self.prepare(recipient, amount, memo),
            Command::Notarise(memo) => match &self.key {
                Some(key) => self.prepare(key.public_key(), Amount::from_grains(1), memo),
                None => Err(Refusal::NoKey),
            },
            Command::Confirm => self.confirm(),
            Command::Decline => match self.payments.take_prepared() {
                Some(_) => Ok(Outcome::Done),
                None => Err(Refusal::NothingPrepared),
            },
            Command::Mine(switch) => {
                self.is_changed |= self.miner.switch != switch;
                self.miner.switch = switch;
                match (switch, &self.key) {
                    (crate::command::Mining::On, None) => Err(Refusal::NoKey),
                    _ => Ok(Outcome::Done),
                }
            }
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    /// Takes back a payment that could not be remembered.
    pub fn take_back(&mut self, id: &mote_core::hash::Hash32) {
        self.payments.take_back(id);
    }

    /// Tells every peer of the open payments.
    pub fn announce_payments(&mut self) {
        self.peers.iter_mut().flatten().for_each(|peer| peer.due.announcement = true);
    }

    fn prepare(
        &mut self,
        recipient: mote_core::keys::PublicKey,
        amount: Amount,
        memo: Memo,
    ) -> Result<Outcome, Refusal> {
        let payment = self.payment(recipient, amount, memo)?;
        let fee = payment.fee;
        self.payments.prepare(payment);
        Ok(Outcome::Prepared { recipient, amount, fee })
    }

    /// A payment that could be mined, as far as is known.
    fn payment(
        &self,
        recipient: mote_core::keys::PublicKey,
        amount: Amount,
        memo: Memo,
    ) -> Result<Payment, Refusal> {
        if self.key.is_none() {
            return Err(Refusal::NoKey);
        }
        if amount == Amount::ZERO {
            return Err(Refusal::Amount);
        }
        if recipient.is_small_order() {
            return Err(Refusal::Recipient);
        }
        if !self.payments.has_room() {
            return Err(Refusal::TooManyOpen { limit: OWN_PAYMENTS });
        }
        let (_, account) = self.account.ok_or(Refusal::BalanceUnknown)?;
        let left = self.payments.after_own(account);
        let fee = Amount::from_grains(FEE_MIN_GRAINS);
        let needed = amount.checked_add(fee).unwrap_or(Amount::from_grains(u64::MAX));
        if left.balance < needed {
            return Err(Refusal::Balance { needed, balance: left.balance });
        }
        Ok(Payment { recipient, amount, fee, nonce: left.nonce, memo })
    }

    fn confirm(&mut self) -> Result<Outcome, Refusal> {
        let Payment { recipient, amount, memo, .. } =
            self.payments.take_prepared().ok_or(Refusal::NothingPrepared)?;
        // Blocks may have come since it was prepared: nonce and balance are looked at again.
        let payment = self.payment(recipient, amount, memo)?;
        let key = self.key.as_ref().ok_or(Refusal::NoKey)?;
        let transaction = payment.sign(&self.params, key);
        // Its own rules are asked too: what leaves here is what others will check.
        let checked = check_transaction(&self.params, &transaction).map_err(|_| Refusal::Recipient)?;
        let replaced = self.payments.keep_own(checked.keep(), None);
        let replaced = replaced.ok_or(Refusal::TooManyOpen { limit: OWN_PAYMENTS })?;
        // A block whose payments are gone can be served no more.
        self.miner.found.take_if(|found| found.transactions.meets(replaced));
        self.is_changed = true;
        Ok(Outcome::Sent { id: checked.id() })
    }
}
