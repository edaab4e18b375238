//! Looks at the devices of the world after every step of theirs: what they may never hold, say or lose.

use std::collections::{BTreeMap, BTreeSet};

use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::state::Account;
use mote_firmware::event::Event;
use mote_firmware::report::{PaymentState, TipReport};

use super::checker::{Checker, Demand, Violation};
use super::device::Device;
use super::replay::transaction_id;

/// What is known of one device.
#[derive(Clone, Debug, Default)]
struct Kept {
    tip: Option<Hash32>,
    has_changed: bool,
    account: Option<Account>,
    /// Blocks that it has mined, with their parents.
    own: BTreeMap<Hash32, Hash32>,
    /// The work of the chain that it has saved.
    saved: Work,
    /// Payments that left.
    payments: BTreeSet<Hash32>,
    /// Those that it told of as mined: another one may take their place on the card.
    paid: BTreeSet<Hash32>,
}

/// All that is known of all devices.
pub struct DeviceChecker {
    devices: Vec<Kept>,
    genesis: Hash32,
}

impl DeviceChecker {
    /// A checker of so many devices of the network with this genesis block.
    pub fn new(devices: usize, genesis: Hash32) -> Self {
        Self { devices: vec![Kept::default(); devices], genesis }
    }

    /// The tip of a device, where it has changed since this was last asked.
    pub fn changed(&mut self, index: usize) -> Option<Hash32> {
        let kept = self.devices.get_mut(index)?;
        std::mem::take(&mut kept.has_changed).then_some(kept.tip).flatten()
    }

    /// A payment of a device has left, which may only be once it is on the card.
    pub fn payment_acknowledged(&mut self, index: usize, id: Hash32) {
        if let Some(kept) = self.devices.get_mut(index) {
            kept.payments.insert(id);
        }
    }

    /// Looks at a device that has started again: what was saved is there.
    pub fn look_after_start(&mut self, millis: u64, index: usize, device: &Device) -> Result<(), Violation> {
        let Some((kept, node)) = self.devices.get_mut(index).zip(device.node()) else { return Ok(()) };
        let violation = |demand, got, expected: &str| {
            let expected = expected.to_owned();
            Err(Violation { millis, node: Some(device.number), demand, got, expected })
        };
        if let Some(fault) = device.slot().fault() {
            return violation(
                Demand::Restart,
                format!("{fault:?}"),
                "a card that is whole after any power cut",
            );
        }
        let tip = node.tip();
        if tip.work < kept.saved {
            let got = format!("a chain of work {} at height {}", tip.work.as_f64(), tip.height);
            return violation(Demand::Durability, got, "the chain that was saved");
        }
        let open: BTreeSet<Hash32> = node.payments().iter().map(|payment| payment.id).collect();
        if let Some(lost) = kept.payments.difference(&kept.paid).find(|id| !open.contains(id)) {
            return violation(Demand::Durability, format!("no payment {lost}"), "every payment that left");
        }
        kept.tip = None;
        kept.account = None;
        Ok(())
    }

    /// Takes note of what a device told, which it may have done right before its power failed.
    pub fn note(&mut self, index: usize, told: &[Event]) {
        let Some(kept) = self.devices.get_mut(index) else { return };
        let before = kept.tip.unwrap_or(self.genesis);
        for event in told {
            match event {
                Event::Found { id, .. } => {
                    kept.own.insert(*id, before);
                }
                Event::Paid { id, .. } => {
                    kept.paid.insert(*id);
                }
                _ => {}
            }
        }
    }

    /// Looks at a device after a step in which it told this.
    pub fn look(
        &mut self,
        millis: u64,
        index: usize,
        device: &Device,
        told: &[Event],
        checker: &Checker,
    ) -> Result<(), Violation> {
        let Some((kept, node)) = self.devices.get_mut(index).zip(device.node()) else { return Ok(()) };
        if told.iter().any(|event| matches!(event, Event::Saved { .. })) {
            kept.saved = node.tip().work;
        }
        let violation =
            |demand, got, expected| Violation { millis, node: Some(device.number), demand, got, expected };
        let tip = node.tip();
        if kept.tip != Some(tip.id) {
            (kept.tip, kept.has_changed, kept.account) = (Some(tip.id), true, None);
            let is_valid = |id: &Hash32| *id == self.genesis || checker.seen().contains_key(id);
            if !is_valid(&tip.id) && !kept.own.contains_key(&tip.id) {
                let got = format!("the tip {} at height {}", tip.id, tip.height);
                return Err(violation(Demand::ValidChain, got, "a block that obeys every rule".to_owned()));
            }
            if let Some(replayed) = checker.replay().get(&tip.id) {
                let header = &replayed.block.header;
                let work = Work::from_be_bytes(&replayed.work.to_be_bytes());
                let expected = (header.height, header.state_root, work);
                let got = (tip.height, tip.state_root, tip.work);
                if got != expected {
                    return Err(violation(
                        Demand::ValidChain,
                        format!("{got:?}"),
                        format!("{expected:?} at block {}", tip.id),
                    ));
                }
            }
            for payment in node.payments() {
                let PaymentState::Mined { height, .. } = payment.state else { continue };
                if !kept.paid.contains(&payment.id) {
                    let got = format!("payment {} shown as mined at height {height}", payment.id);
                    return Err(violation(Demand::Told, got, "a word that it was mined".to_owned()));
                }
                let block = kept.ancestor(checker, &tip, height.get());
                // One of its own that no node has taken yet is seen once one does.
                let Some(replayed) = block.and_then(|id| checker.replay().get(&id)) else { continue };
                let mut ids = replayed.block.transactions.iter().map(transaction_id);
                if !ids.any(|id| id == payment.id) {
                    let got = format!("payment {} shown as mined at height {height}", payment.id);
                    let expected = "a payment of that block".to_owned();
                    return Err(violation(Demand::ValidChain, got, expected));
                }
            }
        }
        if let Some((account, key)) = node.account().zip(node.key())
            && kept.account != Some(account)
        {
            kept.account = Some(account);
            let expected = checker.replay().get(&tip.id).map(|replayed| replayed.accounts.account(&key));
            if expected.is_some_and(|expected| expected != account) {
                let (got, expected) = (format!("{account:?}"), format!("{expected:?}"));
                return Err(violation(Demand::Balance, got, expected));
            }
        }
        Ok(())
    }
}

impl Kept {
    /// The block at a height of the chain that ends in `tip`; none where that is not known.
    fn ancestor(&self, checker: &Checker, tip: &TipReport, height: u64) -> Option<Hash32> {
        let mut id = tip.id;
        for _ in height..tip.height.get() {
            let seen = checker.seen().get(&id).map(|seen| seen.parent);
            id = seen.or_else(|| self.own.get(&id).copied())?;
        }
        Some(id)
    }
}
