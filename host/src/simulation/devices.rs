//! The devices of the world: how they are switched on, given their turns and connected.

use mote_core::units::Amount;
use mote_firmware::device::Remembered;

use super::checker::Violation;
use super::device::{Action, Device};
use super::network::{DIAL_MS, End, PATIENCE_MS};
use super::place::{address, key};
use super::world::{Happening, World};
use crate::node::status::Direction;
use crate::node::{Input, PeerId};

/// A power cut comes within so many writes of a card: a state is some twenty of them.
const WRITES_MAX: u64 = 60;

impl World {
    /// Draws which nodes each device knows, and when it is switched on. The first is one that stays and does not
    /// lie: with nobody honest to follow, a device can only stand still.
    pub(super) fn populate_devices(&mut self) {
        let (nodes, honest) = (self.places.len(), self.honest().count());
        for number in nodes..nodes + self.knobs.devices {
            let first = self.random.index(honest);
            let others = (nodes > 1).then(|| (first + 1 + self.random.index(nodes - 1)) % nodes);
            let known: Vec<usize> = [first].into_iter().chain(others).collect();
            self.devices.push(Device::new(number, &self.params, &known));
            let start = self.random.below(self.healed_at.max(2) / 2);
            self.queue.add(start, Happening::Start(number));
            self.plan_block(number);
        }
    }

    /// Which device has this number; none where it is a node's.
    pub(super) fn device_at(&self, number: usize) -> Option<usize> {
        number.checked_sub(self.places.len()).filter(|device| *device < self.devices.len())
    }

    /// How many nodes and devices there are.
    pub(super) fn everyone(&self) -> usize {
        self.places.len() + self.devices.len()
    }

    /// Switches a device on.
    pub(super) fn start_device(&mut self, index: usize) -> Result<(), Violation> {
        let millis = self.millis;
        let Some(device) = self.devices.get_mut(index).filter(|device| device.node().is_none()) else {
            return Ok(());
        };
        device.start(millis);
        self.tally.device_starts += 1;
        if device.card.is_off() {
            self.count_start_cut();
            self.device_off(index);
            return Ok(());
        }
        self.device_checker.look_after_start(millis, index, device)?;
        let (number, life) = (device.number, device.life);
        self.queue.add(millis, Happening::Tick(number, life));
        self.serve_device(index, |_, _| Vec::new())
    }

    /// Gives a device its turn, and plans the next one.
    pub(super) fn tick_device(&mut self, index: usize, life: u64) -> Result<(), Violation> {
        let Some(device) = self.devices.get(index) else { return Ok(()) };
        if device.life != life || device.node().is_none() {
            return Ok(());
        }
        self.queue.add(self.millis + self.knobs.tick_ms, Happening::Tick(device.number, life));
        self.serve_device(index, |_, _| Vec::new())
    }

    /// Hands a device what would be a node's input.
    pub(super) fn device_input(&mut self, index: usize, input: Input) -> Result<(), Violation> {
        self.serve_device(index, |device, millis| match input {
            Input::Frame { peer, bytes } => device.hear(peer, &bytes, millis),
            Input::Closed { peer, .. } => {
                device.closed(peer, millis);
                Vec::new()
            }
            Input::Opened { .. } | Input::DialFailed { .. } | Input::Found { .. } | Input::Request(..) => {
                Vec::new()
            }
        })
    }

    /// A dial of a device reaches the node that it is meant for, or does not.
    pub(super) fn device_dialled(&mut self, index: usize, life: u64, to: usize) -> Result<(), Violation> {
        let millis = self.millis;
        let Some(device) = self.devices.get(index) else { return Ok(()) };
        if device.life != life || device.node().is_none() {
            return Ok(());
        }
        let number = device.number;
        let is_up = self.places.get(to).is_some_and(|place| place.node.is_some());
        if !is_up || self.network.is_blocked(millis, number, to) {
            self.queue.add(millis + DIAL_MS, Happening::DeviceDialFailed(index, life, to));
            return Ok(());
        }
        let (near, far) = self.network.connect(number, to);
        self.tally.connections += 1;
        let caller = address(number);
        self.input(to, Input::Opened { peer: far.peer, direction: Direction::Inbound, address: caller })?;
        self.serve_device(index, |device, millis| {
            device.dialled(to, Some(near.peer), millis);
            Vec::new()
        })
    }

    /// A dial of a device has failed.
    pub(super) fn device_dial_failed(&mut self, index: usize, life: u64, to: usize) -> Result<(), Violation> {
        self.serve_device(index, |device, millis| {
            if device.life == life {
                device.dialled(to, None, millis);
            }
            Vec::new()
        })
    }

    /// A device's miner has had as many attempts as a block takes.
    pub(super) fn device_found(&mut self, index: usize, changes: u64) -> Result<(), Violation> {
        let Some(device) = self.devices.get(index) else { return Ok(()) };
        if device.rate_changes != changes {
            return Ok(());
        }
        self.plan_block(device.number);
        self.serve_device(index, |device, millis| {
            device.mine(millis);
            Vec::new()
        })
    }

    /// A device pays somebody, where it can.
    pub(super) fn device_pays(&mut self, index: usize, to: usize, grains: u64) -> Result<(), Violation> {
        let recipient = key(to).public_key();
        let mut paid = None;
        self.serve_device(index, |device, _| {
            paid = device.pay(recipient, Amount::from_grains(grains));
            Vec::new()
        })?;
        let Some((id, remembered)) = paid else { return Ok(()) };
        // Whether it was remembered or not: a card that failed half-way may have it.
        self.checker.replay_mut().note_signed(id);
        if remembered != Remembered::No
            && self.devices.get(index).is_some_and(|device| device.node().is_some())
        {
            self.tally.device_payments += 1;
            self.device_checker.payment_acknowledged(index, id);
        }
        Ok(())
    }

    /// Has a device do something and take its turn, carries out what it wants done, and looks at it.
    fn serve_device(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut Device, u64) -> Vec<Action>,
    ) -> Result<(), Violation> {
        let millis = self.millis;
        let Some(device) = self.devices.get_mut(index).filter(|device| device.node().is_some()) else {
            return Ok(());
        };
        let mut actions = act(device, millis);
        actions.extend(device.turn(millis));
        let told = device.told();
        self.device_checker.note(index, &told);
        if device.card.is_off() {
            // Whatever it wanted to say, it did not get to it.
            self.count_power_cut();
            self.device_off(index);
            return Ok(());
        }
        let (number, life) = (device.number, device.life);
        for event in &told {
            self.tally.device_told(event);
        }
        self.device_checker.look(millis, index, device, &told, &self.checker)?;
        if let Some(tip) = self.device_checker.changed(index) {
            self.tally.tip_is(millis, number, Some(tip));
        }
        actions.into_iter().try_for_each(|action| self.carry_out_for_device(index, (number, life), action))
    }

    fn carry_out_for_device(
        &mut self,
        index: usize,
        (number, life): (usize, u64),
        action: Action,
    ) -> Result<(), Violation> {
        let millis = self.millis;
        let end = |peer: PeerId| End { place: number, peer };
        match action {
            Action::Dial(to) => {
                let then = millis + self.network.latency();
                self.queue.add(then, Happening::DeviceDialled(index, life, to));
            }
            Action::Send(peer, message) => self.send(end(peer), message),
            Action::Close(peer, offence) => {
                let other = self.network.close(millis, end(peer));
                if let Some((other, then)) = other {
                    self.queue.add(then, Happening::Closed(other, "closed by the peer".to_owned()));
                }
                if let (Some(offence), Some((other, _))) = (offence, other) {
                    self.drops(number, other.place, false, &offence.to_string())?;
                }
            }
        }
        Ok(())
    }

    /// A device's power fails at one of its next writes to the card.
    pub(super) fn cut_device(&mut self, index: usize) {
        let (writes, bytes) = (self.random.below(WRITES_MAX), self.random.below(513) as usize);
        if let Some(device) = self.devices.get_mut(index) {
            device.card.cut_after(writes, bytes);
        }
    }

    /// A device's power has failed; it comes back after a while.
    fn device_off(&mut self, index: usize) {
        let then = self.end_of_fault(self.knobs.off_ms).max(self.millis + 1);
        let Some(device) = self.devices.get_mut(index) else { return };
        device.power_off();
        let number = device.number;
        self.tally.tip_is(self.millis, number, None);
        for end in self.network.ends_of(number) {
            if let Some((other, _)) = self.network.close(self.millis, end) {
                let noticed = self.millis + self.random.below(PATIENCE_MS);
                self.queue.add(noticed, Happening::Closed(other, "the connection timed out".to_owned()));
            }
        }
        self.queue.add(then, Happening::Start(number));
    }

    /// Switches on every device that is off.
    pub(super) fn heal_devices(&mut self) {
        for number in self.places.len()..self.everyone() {
            self.set_rate(number, 0);
            if let Some(device) = self.device_at(number).and_then(|device| self.devices.get_mut(device)) {
                device.card.keep_power();
            }
            self.queue.add(self.millis, Happening::Start(number));
        }
    }

    /// Whether every device is at this tip and knows what it has there.
    pub(super) fn are_devices_at(&self, tip: mote_core::hash::Hash32) -> bool {
        self.devices
            .iter()
            .all(|device| device.node().is_some_and(|node| node.tip().id == tip && node.account().is_some()))
    }
}
