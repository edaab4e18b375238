//! An eclipse: one attacker with many addresses fills the slots and the address book of a victim and keeps the
//! newest blocks from it (Heilman, Kendler, Zohar, Goldberg: "Eclipse Attacks on Bitcoin's Peer-to-Peer
//! Network", 2015).
//!
//! The victim is the last honest node. Nobody keeps a connection to it by hand, and it keeps none itself: it found
//! honest peers by hearsay before the attack, and again and again its power fails.

use std::net::{IpAddr, Ipv4Addr};

use mote_core::hash::Hash32;

use super::story::Story;
use crate::node::request::{PeerAddress, Request};
use crate::simulation::checker::{Demand, Violation};
use crate::simulation::place::address;
use crate::simulation::wide::Wide;
use crate::simulation::world::{Happening, World};

/// The number by which the network knows the attacker.
pub(in crate::simulation) const ECLIPSE: usize = super::FIRST_RAID - 1;

/// An eclipse has a victim where there are so many nodes: beside it one that finds it, and one more.
pub const ECLIPSE_NODES_MIN: usize = 3;

/// Connections that the attacker tries to have, of which the victim has room for 64.
const CALLS: usize = 72;

/// Callers of one network group, as many as the victim takes.
const CALLERS_OF_GROUP: usize = 4;

/// The network groups that the attacker has addresses in.
const GROUPS: usize = 256;

/// How many addresses are told at once.
const TOLD: usize = 64;

/// How often the attacker looks after its connections, in milliseconds.
const PACE_MS: u64 = 500;

/// Time between two power cuts of the victim, in milliseconds.
const LIFE_MS: u64 = 180_000;

/// Within this time after its start the victim must have what all had, this long before, in milliseconds.
const GRACE_MS: u64 = 60_000;

/// An eclipse that goes on.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Eclipse {
    /// The tip that the attacker tells of; none before it begins.
    stale: Option<Hash32>,
    /// When the victim's power fails next.
    next_cut: u64,
    /// When the victim was last off.
    off_at: u64,
    /// The greatest work of the honest nodes at some times, the latest last.
    course: Vec<(u64, Wide)>,
}

/// The attacker's address with this number.
fn attacker_address(number: usize) -> IpAddr {
    let (group, host) = (number % GROUPS, number / GROUPS);
    IpAddr::V4(Ipv4Addr::new(150, group as u8, host as u8, 1))
}

/// Whether an address is the attacker's.
pub(in crate::simulation) fn is_attackers(address: &PeerAddress) -> bool {
    matches!(address.ip(), Some(IpAddr::V4(ip)) if ip.octets()[0] == 150)
}

impl World {
    /// The number of the victim of an eclipse, where there is one.
    pub(in crate::simulation) fn victim(&self) -> Option<usize> {
        let last = self.honest().last().map(|place| place.number);
        last.filter(|victim| self.knobs.eclipse_after_ms > 0 && *victim + 1 >= ECLIPSE_NODES_MIN)
    }

    /// Plans the eclipse: the first node calls the victim until then.
    pub(in crate::simulation) fn plan_eclipse(&mut self) {
        if self.victim().is_some() {
            self.queue.add(self.knobs.eclipse_after_ms, Happening::Eclipse);
        }
    }

    /// Goes on with the eclipse, and looks what the victim knows.
    pub(in crate::simulation) fn eclipse(&mut self) -> Result<(), Violation> {
        let Some(victim) = self.victim() else { return Ok(()) };
        let millis = self.millis;
        self.queue.add(millis + PACE_MS, Happening::Eclipse);
        if self.attackers.eclipse.stale.is_none() {
            self.request(0, Request::RemovePeer(address(victim)))?;
            self.attackers.eclipse.stale = Some(self.checker.tip(0));
            self.attackers.eclipse.next_cut = millis + LIFE_MS / 2;
        }
        if millis >= self.attackers.eclipse.next_cut && millis < self.healed_at {
            self.attackers.eclipse.next_cut = millis + LIFE_MS;
            self.power_off(victim);
        }
        if self.places.get(victim).is_none_or(|place| place.node.is_none()) {
            self.attackers.eclipse.off_at = millis;
        }
        self.besiege(victim)?;
        self.look_at_victim(victim)
    }

    /// Calls the victim from every address that it may still have room for.
    fn besiege(&mut self, victim: usize) -> Result<(), Violation> {
        let (stale, replay) = (self.attackers.eclipse.stale, self.checker.replay());
        let Some(tip) = stale.and_then(|id| replay.get(&id)).cloned() else { return Ok(()) };
        for _ in self.network.ends_of(ECLIPSE).len()..CALLS {
            let number = self.attackers.random.index(CALLERS_OF_GROUP * GROUPS);
            let caller = PeerAddress::from_ip(attacker_address(number), 40_000);
            let story = self.attackers.besieger(&tip);
            self.call(ECLIPSE, victim, caller, story)?;
        }
        Ok(())
    }

    /// The attacker takes a call: it speaks as an honest node does whose chain has stopped.
    pub(in crate::simulation) fn take_call(&mut self) -> Option<Story> {
        let tip = self.attackers.eclipse.stale.and_then(|id| self.checker.replay().get(&id)).cloned()?;
        Some(self.attackers.besieger(&tip))
    }

    fn look_at_victim(&mut self, victim: usize) -> Result<(), Violation> {
        let work = |world: &Self, number| world.checker.replay().work(&world.checker.tip(number));
        let others = self.honest().map(|place| place.number).filter(|number| *number != victim);
        let best = others.map(|number| work(self, number)).max().unwrap_or_default();
        let (millis, got) = (self.millis, work(self, victim));
        let eclipse = &mut self.attackers.eclipse;
        eclipse.course.push((millis, best));
        let past = eclipse.course.iter().rev().find(|(then, _)| then + GRACE_MS <= millis);
        let expected = past.map(|(_, work)| *work).unwrap_or_default();
        if millis >= eclipse.off_at + GRACE_MS && got < expected {
            let tip = self.checker.tip(victim);
            return Err(Violation {
                millis,
                node: Some(victim),
                demand: Demand::Eclipse,
                got: format!("tip {tip} of {} attempts", got.low()),
                expected: format!("{} attempts, which all others had a minute ago", expected.low()),
            });
        }
        Ok(())
    }
}

impl super::Attackers {
    /// What a besieger tells: a chain that has stopped, and more besiegers.
    fn besieger(&mut self, tip: &crate::simulation::replay::Replayed) -> Story {
        let first = self.random.index(usize::from(u8::MAX) * GROUPS);
        let addresses =
            (first..first + TOLD).map(|number| attacker_address(number % (255 * GROUPS))).collect();
        Story { addresses, is_true: true, port: 7_700, ..Story::honest(tip, self.random.next()) }
    }
}
