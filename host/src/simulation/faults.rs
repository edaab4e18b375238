//! What goes wrong in the world, and when.

use mote_core::params::Retarget;

use super::knobs::Planted;
use super::network::PATIENCE_MS;
use super::world::{Happening, World};
use crate::store::memory::{Fault as DiskFault, PowerCut};

/// A power cut comes within so many operations of a disk.
pub(super) const OPERATIONS_MAX: u64 = 64;

/// A disk that fills up does so within so many bytes.
const FULL_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A power cut that keeps the beginning of what was not synced keeps so many bytes at the most: about as many as a
/// node writes before it syncs, so that it is cut off anywhere.
const KEPT_MAX_BYTES: u64 = 16 * 1024;

/// How much faster miners find blocks at the easiest target than they should, where targets follow.
const HASTE: u64 = 8;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Some nodes cannot reach the others, in one direction or both.
    Partition,
    /// What one node sends is held up.
    Silence,
    /// The power fails at an operation of a disk.
    Crash,
    /// A disk is full, or does not sync, or cannot be written.
    Disk,
    /// A bit flips.
    BitRot,
    /// A clock jumps.
    Clock,
    /// A miner gets faster or slower.
    Rate,
    /// One side of a connection gives it up, and the other does not know yet.
    Reset,
    /// A node leaves for good.
    Leave,
}

impl Fault {
    const ALL: [Self; 9] = [
        Self::Partition,
        Self::Silence,
        Self::Crash,
        Self::Disk,
        Self::BitRot,
        Self::Clock,
        Self::Rate,
        Self::Reset,
        Self::Leave,
    ];

    /// Its name in a summary.
    fn name(self) -> &'static str {
        match self {
            Self::Partition => "partitions",
            Self::Silence => "silences",
            Self::Crash => "power_cuts",
            Self::Disk => "disk_faults",
            Self::BitRot => "flipped_bits",
            Self::Clock => "clock_jumps",
            Self::Rate => "rate_changes",
            Self::Reset => "resets",
            Self::Leave => "leaves",
        }
    }
}

impl World {
    /// Plans the first fault of each kind.
    pub(super) fn plan_faults(&mut self) {
        Fault::ALL.into_iter().for_each(|fault| self.plan(fault));
    }

    fn plan(&mut self, fault: Fault) {
        let knobs = &self.knobs;
        let interval = match fault {
            Fault::Partition => knobs.partition_interval_ms,
            Fault::Silence => knobs.silence_interval_ms,
            Fault::Crash => knobs.crash_interval_ms,
            Fault::Disk => knobs.disk_fault_interval_ms,
            Fault::BitRot => knobs.bit_rot_interval_ms,
            Fault::Clock => knobs.clock_jump_interval_ms,
            Fault::Rate => knobs.rate_interval_ms,
            Fault::Reset => knobs.reset_interval_ms,
            Fault::Leave => knobs.leave_interval_ms,
        };
        if interval > 0 {
            let then = self.millis + self.random.exponential(interval);
            if then < self.healed_at {
                self.queue.add(then, Happening::Fault(fault));
            }
        }
    }

    /// Plans the next block of a miner.
    pub(super) fn plan_block(&mut self, number: usize) {
        let rate = match self.device_at(number).and_then(|device| self.devices.get(device)) {
            Some(device) => Some((device.rate, device.rate_changes)),
            None => self.places.get(number).map(|place| (place.rate, place.rate_changes)),
        };
        let Some((rate, changes)) = rate.filter(|(rate, _)| *rate > 0) else { return };
        let haste = if self.knobs.retarget == Retarget::EveryBlock { HASTE } else { 1 };
        let mean = self.knobs.block_interval_ms.saturating_mul(self.everyone() as u64) / (rate * haste);
        let then = self.millis + self.random.exponential(mean.max(1));
        self.queue.add(then, Happening::Found(number, changes));
    }

    /// How far a clock is off.
    pub(super) fn drawn_skew(&mut self) -> i64 {
        let most = self.knobs.clock_skew_max_seconds as i64;
        self.random.below(2 * most as u64 + 1) as i64 - most
    }

    /// Lets a fault happen, and plans the next one of its kind.
    pub(super) fn strike(&mut self, fault: Fault) {
        self.plan(fault);
        let number = self.random.index(self.everyone());
        let has_struck = match fault {
            Fault::Partition => self.divide(),
            Fault::Silence => {
                let until = self.end_of_fault(self.knobs.partition_ms);
                (0..self.everyone()).for_each(|other| self.network.block(number, other, until));
                true
            }
            Fault::Crash => {
                self.cut_power_of(number);
                // It strikes when there is something to be written.
                false
            }
            Fault::Disk => self.break_disk(number),
            Fault::BitRot => self.rot(number),
            Fault::Clock => {
                let skew = self.drawn_skew();
                let place = self.place(number);
                place.map(|place| place.skew_seconds = skew).is_some()
            }
            Fault::Reset => self.reset(number),
            Fault::Leave => self.leave(number),
            Fault::Rate => {
                let rate = 1 << self.random.below(4);
                self.set_rate(number, rate);
                true
            }
        };
        if has_struck {
            self.tally.fault(self.millis, fault.name());
        }
    }

    /// Lets the power of a node or device fail at one of its next writes.
    fn cut_power_of(&mut self, number: usize) {
        if let Some(device) = self.device_at(number) {
            return self.cut_device(device);
        }
        let (operations, is_after_removal) = (self.random.below(OPERATIONS_MAX), self.random.chance(250));
        match self.place(number) {
            Some(place) if is_after_removal => place.disk.cut_after_removal(),
            Some(place) => place.disk.cut_after(operations),
            None => {}
        }
    }

    /// The power of a node or device has failed while it ran.
    pub(super) fn count_power_cut(&mut self) {
        self.tally.fault(self.millis, Fault::Crash.name());
    }

    /// Breaks the disk of a node that is on; whether it is.
    fn break_disk(&mut self, number: usize) -> bool {
        let fault = match self.random.below(3) {
            0 => DiskFault::Full(self.random.below(FULL_MAX_BYTES)),
            1 => DiskFault::SyncFails,
            _ => DiskFault::ReadOnly,
        };
        let until = self.end_of_fault(self.knobs.off_ms);
        let Some(place) = self.place(number).filter(|place| place.node.is_some()) else { return false };
        place.disk.set_fault(fault);
        place.is_broken = true;
        self.queue.add(until, Happening::Repair(number));
        true
    }

    pub(super) fn end_of_fault(&mut self, mean: u64) -> u64 {
        (self.millis + self.random.exponential(mean.max(1))).min(self.healed_at)
    }

    /// Parts the network in two; whether there is somebody on both sides.
    fn divide(&mut self) -> bool {
        let until = self.end_of_fault(self.knobs.partition_ms);
        let is_one_way = self.random.chance(500);
        let sides: Vec<bool> = (0..self.everyone()).map(|_| self.random.chance(500)).collect();
        for (from, side) in sides.iter().enumerate() {
            for (to, other) in sides.iter().enumerate() {
                if side != other && (*side || !is_one_way) {
                    self.network.block(from, to, until);
                }
            }
        }
        sides.contains(&true) && sides.contains(&false)
    }

    pub(super) fn set_rate(&mut self, number: usize, rate: u64) {
        if let Some(device) = self.device_at(number).and_then(|device| self.devices.get_mut(device)) {
            device.rate = rate;
            device.rate_changes += 1;
        }
        if let Some(place) = self.place(number) {
            place.rate = rate;
            place.rate_changes += 1;
        }
        self.plan_block(number);
    }

    /// A node's power fails; it comes back after a while.
    pub(super) fn power_off(&mut self, number: usize) {
        let cut = match self.random.below(3) {
            _ if self.knobs.planted == Some(Planted::FilesNotSynced) => PowerCut::LosesAll,
            0 => PowerCut::LosesAll,
            1 => PowerCut::Keeps(self.random.below(KEPT_MAX_BYTES)),
            _ => PowerCut::Tears(self.random.next()),
        };
        let then = self.end_of_fault(self.knobs.off_ms);
        let Some(place) = self.places.get_mut(number) else { return };
        let stays_off = place.is_gone;
        place.node = None;
        place.order = None;
        place.disk.power_on(cut);
        self.submitted.retain(|_, (submitter, _)| *submitter != number);
        self.tally.tip_is(self.millis, number, None);
        for end in self.network.ends_of(number) {
            // Nobody says goodbye: the others notice when they next hear nothing.
            if let Some((other, _)) = self.network.close(self.millis, end) {
                let noticed = self.millis + self.random.below(PATIENCE_MS);
                self.queue.add(noticed, Happening::Closed(other, "the connection timed out".to_owned()));
            }
        }
        if !stays_off {
            self.queue.add(then.max(self.millis + 1), Happening::Start(number));
        }
    }

    /// A disk works again, and its node, which writes nothing after a failure, is started anew.
    pub(super) fn repair(&mut self, number: usize) {
        if let Some(place) = self.place(number) {
            place.disk.set_fault(DiskFault::None);
            place.is_broken = false;
        }
        self.power_off(number);
    }
}
