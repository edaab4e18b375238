//! How everything that went wrong is put right, and what must be so a while later.

use mote_core::hash::Hash32;

use super::checker::{Demand, Violation};
use super::knobs::Planted;
use super::replay::transaction_id;
use super::world::{Happening, World};
use crate::store::memory::Fault as DiskFault;

impl World {
    /// Ends all faults: clocks are right, disks work, every node is on, and one of them mines.
    pub(super) fn heal(&mut self) {
        let nodes = self.places.len();
        for number in 0..nodes {
            let is_first = number == 0 && self.knobs.planted != Some(Planted::NoMiner);
            self.set_rate(number, if is_first { nodes as u64 } else { 0 });
            let is_off = match self.place(number) {
                Some(place) => {
                    place.skew_seconds = 0;
                    place.is_broken = false;
                    place.disk.set_fault(DiskFault::None);
                    place.disk.keep_power();
                    place.node.is_none() && !place.is_gone
                }
                None => continue,
            };
            if is_off {
                self.queue.add(self.millis, Happening::Start(number));
            }
        }
        self.replace_rotten();
        self.heal_devices();
    }

    /// Waits until all honest nodes have one tip that is above those from before, devices have it too and have told
    /// of their payments, and what waited to be mined is mined; says when.
    pub(super) fn agree(&mut self) -> Result<u64, Violation> {
        let end = self.millis + self.knobs.agreement_ms;
        let honest: Vec<usize> =
            self.honest().filter(|place| !place.is_gone).map(|place| place.number).collect();
        let height = |world: &Self| {
            honest.iter().map(|number| world.checker.height(&world.checker.tip(*number))).max().unwrap_or(0)
        };
        let first = honest.first().copied().unwrap_or(0);
        let before = height(self);
        let mut waiting = self.waiting_payments();
        while self.step(end)? {
            self.keep_waiting(&mut waiting);
            let tip = self.checker.tip(first);
            let is_agreed = self.checker.is_agreed(honest.iter().copied()) && height(self) > before;
            if is_agreed
                && self.left_over(&waiting).is_none()
                && self.are_devices_at(tip)
                && self.untold(&tip).is_none()
            {
                return Ok(self.millis);
            }
        }
        let (after, tip) = (height(self), self.checker.tip(first));
        let is_agreed = self.checker.is_agreed(honest.iter().copied());
        let violation = |node, demand, got, expected: &str| Violation {
            millis: end,
            node,
            demand,
            got,
            expected: expected.to_owned(),
        };
        if after == before {
            let got = format!("height {after}");
            return Err(violation(None, Demand::Liveness, got, "a greater height than before"));
        }
        if let (true, Some(payment)) = (is_agreed, self.left_over(&waiting)) {
            let got = format!("payment {} is not mined", transaction_id(payment));
            return Err(violation(None, Demand::Inclusion, got, "what an honest node holds open is mined"));
        }
        if let (true, true, Some((device, payment))) =
            (is_agreed, self.are_devices_at(tip), self.untold(&tip))
        {
            let got = format!("no word of payment {payment}, which is mined");
            return Err(violation(Some(device), Demand::Told, got, "a word that it was mined"));
        }
        let mut tips: Vec<String> =
            honest.iter().map(|number| self.checker.tip(*number).to_string()).collect();
        tips.sort_unstable();
        tips.dedup();
        let got = format!("{} tips: {}", tips.len(), tips.join(", "));
        Err(violation(None, Demand::Agreement, got, "one tip, of devices too"))
    }

    /// A device, and a payment of its that this chain has and of which it has not told that it was mined.
    fn untold(&self, tip: &Hash32) -> Option<(usize, Hash32)> {
        let (device, payment) = self.device_checker.untold(tip, self.checker.replay())?;
        Some((self.places.len() + device, payment))
    }
}
