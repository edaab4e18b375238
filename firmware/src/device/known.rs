//! What the device knows, and the report that is made of it.

use mote_core::card::NAME_MAX_BYTES;
use mote_core::units::Moment;

use super::card_slot::CardSlot;
use crate::meter::Meter;
use crate::net::Seen;
use crate::node::Node;
use crate::report::{Cycles, Fault, Load, Memory, PeerState, Refused, Report, Stage};

/// What the device knows.
pub struct Known<'d, 'm> {
    name: heapless::String<NAME_MAX_BYTES>,
    pub node: &'d mut Node<'m>,
    pub card: CardSlot,
    pub has_address: bool,
    pub refused: Option<Refused>,
    /// The fault that was told last.
    pub told: Option<Fault>,
    pub work: Work,
    memory: Memory,
    pace: Meter,
    pace_tenths: u32,
}

/// Where the processor's work went, in the board's units.
pub struct Work {
    pub checks: u64,
    pub mining: u64,
    all: u64,
    before: u64,
}

impl<'d, 'm> Known<'d, 'm> {
    pub fn new(
        name: heapless::String<NAME_MAX_BYTES>,
        node: &'d mut Node<'m>,
        card: CardSlot,
        work: u64,
    ) -> Self {
        Self {
            name,
            node,
            card,
            has_address: false,
            refused: None,
            told: None,
            work: Work { checks: 0, mining: 0, all: 0, before: work },
            memory: Memory::default(),
            pace: Meter::new(),
            pace_tenths: 0,
        }
    }

    /// Takes note of what is measured now and then.
    pub fn measure(&mut self, now: Moment, memory: Memory) {
        self.memory = memory;
        let height = self.node.stage().progress().map_or(0, |(height, _)| height.get());
        self.pace_tenths = self.pace.observe(now, height);
    }

    /// What the owner must be told of before anything else.
    pub fn fault(&self, seen: &Seen) -> Option<Fault> {
        let is_alone = seen.peers.iter().all(|peer| peer.state != PeerState::Connected);
        let nobody_honest = (is_alone && self.refused.is_some()).then_some(Fault::NoHonestPeer);
        self.card.fault().or(self.node.fault()).or(nobody_honest)
    }

    /// Everything that can be shown.
    pub fn report(&self, now: Moment, seen: Seen) -> Report<'_> {
        let node = &*self.node;
        Report {
            name: &self.name,
            params: node.params(),
            uptime: now,
            clock: node.time(now),
            ip: seen.ip,
            tip: node.tip(),
            stage: if self.has_address { node.stage() } else { Stage::NoNetwork },
            pace_tenths: self.pace_tenths,
            peers: seen.peers,
            refused: self.refused,
            mining: node.mining(),
            key: node.key(),
            account: node.account(),
            prepared: node.prepared(),
            payments: node.payments(),
            fault: self.fault(&seen),
            memory: self.memory,
            load: self.work.load(),
            card: self.card.report(),
        }
    }
}

impl Work {
    /// Takes note of the board's count.
    pub fn count(&mut self, now: u64) {
        self.all += now - self.before;
        self.before = now;
    }

    fn load(&self) -> Load {
        let permille = |part: u64| (part.saturating_mul(1_000) / self.all.max(1)).min(1_000) as u16;
        let (checks, mining) = (permille(self.checks), permille(self.mining));
        let cycles = Cycles { all: self.all, checks: self.checks, mining: self.mining };
        Load { checks, mining, other: 1_000_u16.saturating_sub(checks + mining), cycles }
    }
}
