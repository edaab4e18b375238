//! Looks at the devices of the world after every step of theirs: what they may never hold, say or lose.

use std::collections::{BTreeMap, BTreeSet};

use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::state::Account;
use mote_firmware::event::Event;
use mote_firmware::report::{PaymentReport, PaymentState, TipReport};

use super::audit::Finding;
use super::checker::{Checker, Demand, Violation};
use super::device::Device;
use super::replay::{Replay, Replayed, transaction_id};

/// What is known of one device.
#[derive(Clone, Debug, Default)]
struct Kept {
    tip: Option<Hash32>,
    has_changed: bool,
    /// The last tip that was compared with what follows from the blocks up to it.
    compared: Option<Hash32>,
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
        (kept.tip, kept.compared, kept.account) = (None, None, None);
        Ok(())
    }

    /// A payment of some device that this chain has, and of which that device has not told that it was mined.
    pub fn untold(&self, tip: &Hash32, replay: &Replay) -> Option<(usize, Hash32)> {
        let mined: BTreeSet<Hash32> = replay
            .chain(tip)
            .flat_map(|(_, replayed)| replayed.block.transactions.iter().map(transaction_id))
            .collect();
        self.devices.iter().enumerate().find_map(|(index, kept)| {
            let mut untold = kept.payments.difference(&kept.paid).filter(|id| mined.contains(*id));
            untold.next().map(|id| (index, *id))
        })
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
        }
        // One of its own is known here once a node has taken it.
        let Some(replayed) = checker.replay().get(&tip.id) else { return Ok(()) };
        let found = (|| {
            if kept.compared != Some(tip.id) {
                compare(&tip, replayed)?;
                node.payments().iter().try_for_each(|payment| kept.look_at(payment, &tip, checker))?;
                kept.compared = Some(tip.id);
            }
            if let Some((account, key)) = node.account().zip(node.key())
                && kept.account != Some(account)
            {
                let expected = replayed.accounts.account(&key);
                if expected != account {
                    let (got, expected) = (format!("{account:?}"), format!("{expected:?}"));
                    return Err(Finding::new(Demand::Balance, got, expected));
                }
                kept.account = Some(account);
            }
            Ok(())
        })();
        found.map_err(|Finding { demand, got, expected }| violation(demand, got, expected))
    }
}

/// Whether a device says of its tip what follows from the blocks up to it.
fn compare(tip: &TipReport, replayed: &Replayed) -> Result<(), Finding> {
    let header = &replayed.block.header;
    let work = Work::from_be_bytes(&replayed.work.to_be_bytes());
    let expected = (header.height, header.state_root, work);
    let got = (tip.height, tip.state_root, tip.work);
    if got != expected {
        let expected = format!("{expected:?} at block {}", tip.id);
        return Err(Finding::new(Demand::ValidChain, format!("{got:?}"), expected));
    }
    Ok(())
}

impl Kept {
    /// Whether a payment that is shown as mined is so where it says, and was told of.
    fn look_at(&self, payment: &PaymentReport, tip: &TipReport, checker: &Checker) -> Result<(), Finding> {
        let PaymentState::Mined { height, .. } = payment.state else { return Ok(()) };
        let got = format!("payment {} shown as mined at height {height}", payment.id);
        if !self.paid.contains(&payment.id) {
            return Err(Finding::new(Demand::Told, got, "a word that it was mined"));
        }
        let block = self.ancestor(checker, tip, height.get());
        let Some(replayed) = block.and_then(|id| checker.replay().get(&id)) else { return Ok(()) };
        if !replayed.block.transactions.iter().any(|paid| transaction_id(paid) == payment.id) {
            return Err(Finding::new(Demand::ValidChain, got, "a payment of that block"));
        }
        Ok(())
    }

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
