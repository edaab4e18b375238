//! Nodes that come and go, connections that only one side has given up, slow ones, and power that fails while a
//! node starts.

use super::checker::Violation;
use super::disk::SimulatedDisk;
use super::faults::OPERATIONS_MAX;
use super::network::PATIENCE_MS;
use super::place::address;
use super::rot::Rotten;
use super::world::{Happening, World};
use crate::node::request::Request;

/// A start writes to a device's card this often at the most.
const START_WRITES_MAX: u64 = 3;

impl World {
    /// Draws whose connections are slow.
    pub(super) fn draw_speeds(&mut self) {
        for number in 0..self.everyone() {
            if self.random.chance(self.knobs.slow_per_mille) {
                self.network.slow_down(number, self.knobs.slow_bytes_per_second);
            }
        }
    }

    /// One side gives a connection up, and may open another at once. The other side takes what is under way on
    /// the old one for as long as it does not notice. Whether there was one to give up.
    pub(super) fn reset(&mut self, number: usize) -> bool {
        let ends = self.network.ends_of(number);
        let Some(end) = ends.get(self.random.index(ends.len())).copied() else { return false };
        let noticed = self.millis + self.random.below(PATIENCE_MS);
        if let Some((other, _)) = self.network.close(self.millis, end) {
            self.queue.add(noticed, Happening::Closed(other, "the connection timed out".to_owned()));
        }
        self.queue.add(self.millis, Happening::Closed(end, "connection reset".to_owned()));
        true
    }

    /// A node leaves for good, or until a new one takes its place. Those stay without whom others could not go
    /// on: the first, half of the honest ones, and all that a device trusts to be there. Whether it left.
    pub(super) fn leave(&mut self, number: usize) -> bool {
        let stay = self.honest().filter(|place| !place.is_gone).count();
        let honest = self.honest().count();
        let is_needed = number == 0 || self.devices.iter().any(|device| device.knows(number));
        let Some(place) = self.places.get_mut(number) else { return false };
        if is_needed || place.is_gone || (!place.is_byzantine && 2 * (stay - 1) < honest) {
            return false;
        }
        place.is_gone = true;
        self.power_off(number);
        self.tally.left += 1;
        if self.random.chance(500) {
            let then = self.millis + self.random.below(self.healed_at.saturating_sub(self.millis).max(1));
            self.queue.add(then, Happening::Join(number));
        }
        // Whoever kept a connection to it is told of another, as its owner would do.
        let next = self.next_present(number);
        let neighbours: Vec<usize> = self.knowing(number).filter(|place| *place != next).collect();
        neighbours.into_iter().for_each(|place| self.queue.add(self.millis, Happening::Meet(place, next)));
        true
    }

    /// A new node, with an empty disk, takes a place that was left.
    pub(super) fn join(&mut self, number: usize) {
        self.empty_disk(number);
        self.tally.joined += 1;
        if let Some(place) = self.places.get_mut(number) {
            place.is_gone = false;
        }
        self.queue.add(self.millis, Happening::Start(number));
    }

    /// A node is told of another one.
    pub(super) fn meet(&mut self, number: usize, other: usize) -> Result<(), Violation> {
        self.request(number, Request::AddPeer(address(other))).map(drop)
    }

    /// The nodes that were told of another one at their start.
    fn knowing(&self, number: usize) -> impl Iterator<Item = usize> {
        let known = self.acquaintances.iter().enumerate();
        known.filter(move |(_, known)| known.contains(&number)).map(|(place, _)| place)
    }

    /// The next honest node that has not left.
    fn next_present(&self, number: usize) -> usize {
        let honest = self.honest().count();
        let is_there = |other: &usize| self.places.get(*other).is_some_and(|place| !place.is_gone);
        (1..=honest).map(|step| (number + step) % honest).find(is_there).unwrap_or(0)
    }

    /// Lets the power fail within the next writes of a node that is about to start, now and then.
    pub(super) fn cut_start(&mut self, number: usize) {
        let (operations, bytes) = (self.random.next(), self.random.below(513) as usize);
        if self.millis >= self.healed_at || !self.random.chance(self.knobs.start_cut_per_mille) {
            return;
        }
        if let Some(device) = self.device_at(number).and_then(|device| self.devices.get_mut(device)) {
            device.card.cut_after(operations % START_WRITES_MAX, bytes);
        } else if let Some(place) = self.places.get(number) {
            place.disk.cut_after(operations % OPERATIONS_MAX);
        }
    }

    /// The power of a node or device has failed while it started.
    pub(super) fn count_start_cut(&mut self) {
        self.tally.fault(self.millis, "power_cuts_in_starts");
    }

    /// Gives a node an empty disk in the place of one that has lost bits.
    pub(super) fn replace_disk(&mut self, number: usize) {
        self.tally.replaced_disks += 1;
        self.empty_disk(number);
    }

    /// Gives a node an empty disk.
    fn empty_disk(&mut self, number: usize) {
        self.checker.excuse(number);
        let (planted, millis) = (self.knobs.planted, self.millis);
        if let Some(place) = self.place(number) {
            place.disk = SimulatedDisk::new(planted);
            place.rotten = Rotten::mended(millis);
        }
    }
}
