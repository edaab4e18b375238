//! The world: nodes, the network between them and the time, driven event by event.

use std::collections::BTreeMap;
use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::params::{FUTURE_MAX_SECONDS, Params};
use mote_core::pow::CompactTarget;
use mote_core::transaction::Transaction;

use super::adversary::{Attackers, POOL};
use super::checker::{Checker, Demand, Violation};
use super::device::Device;
use super::device_checker::DeviceChecker;
use super::faults::Fault;
use super::knobs::{Knobs, NODES_MAX, Planted};
use super::liar::Liar;
use super::network::{Delays, End, Network};
use super::place::{Place, address};
use super::queue::Queue;
use super::random::Random;
use super::replay::Facts;
use super::tally::Tally;
use crate::node::Input;
use crate::node::request::{PeerAddress, Request};
use crate::store::error::StoreError;

/// Something that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A node is switched on.
    Start(usize),
    /// A node that lives its life with this number is given time.
    Tick(usize, u64),
    /// A message arrives.
    Frame(End, Vec<u8>),
    /// One side notices that a connection has ended.
    Closed(End, String),
    /// A connection breaks.
    Breaks(End),
    /// A dial by a node in this life reaches the other node.
    Dialled(usize, u64, PeerAddress),
    /// A dial by a node in this life has failed.
    DialFailed(usize, u64, PeerAddress),
    /// A dial by a device in this life reaches a node.
    DeviceDialled(usize, u64, usize),
    /// A dial by a device in this life has failed.
    DeviceDialFailed(usize, u64, usize),
    /// A miner finds a nonce, unless its rate has changed since.
    Found(usize, u64),
    /// Somebody pays somebody.
    Payment,
    /// Something goes wrong.
    Fault(Fault),
    /// A new node takes a place that was left.
    Join(usize),
    /// A node is told of another.
    Meet(usize, usize),
    /// Somebody attacks.
    Attack,
    /// The attackers of a raid hang up.
    Retreat(usize),
    /// An eclipse goes on.
    Eclipse,
    /// The miner who withholds blocks finds one.
    PoolFinds,
    /// That miner looks how far the others are.
    PoolLooks,
    /// A broken disk is replaced, or emptied, and its node restarted.
    Repair(usize),
}

/// Nodes, their connections, and the time.
pub struct World {
    pub(super) knobs: Knobs,
    pub(super) params: Arc<Params>,
    pub(super) millis: u64,
    pub(super) queue: Queue<Happening>,
    pub(super) network: Network,
    pub(super) places: Vec<Place>,
    pub(super) devices: Vec<Device>,
    pub(super) random: Random,
    pub(super) checker: Checker,
    pub(super) device_checker: DeviceChecker,
    pub(super) tally: Tally,
    /// Payments that were submitted and are not acknowledged yet, by their tickets.
    pub(super) submitted: BTreeMap<u64, (usize, Transaction)>,
    pub(super) liars: BTreeMap<usize, Liar>,
    pub(super) attackers: Attackers,
    /// Which nodes each node is told of at its start.
    pub(super) acquaintances: Vec<Vec<usize>>,
    /// Until when faults go on.
    pub(super) healed_at: u64,
    pub(super) next_ticket: u64,
    /// What an honest node has just done to another.
    pub(super) unfair: Option<Violation>,
}

impl World {
    /// A world in which nothing has happened yet.
    pub fn new(knobs: Knobs) -> Result<Self, StoreError> {
        let knobs = Knobs { nodes: knobs.nodes.clamp(1, NODES_MAX), tick_ms: knobs.tick_ms.max(1), ..knobs };
        let facts = Facts { retarget: knobs.retarget, capacity: knobs.block_transactions };
        let params = Arc::new(facts.params());
        let mut random = Random::new(knobs.seed);
        let delays = Delays {
            least_ms: knobs.latency_least_ms,
            more_ms: knobs.latency_more_ms,
            loss_per_mille: knobs.loss_per_mille,
        };
        let network = Network::new(delays, random.part());
        let tolerance = FUTURE_MAX_SECONDS + knobs.clock_skew_max_seconds;
        let checker = Checker::new(facts, knobs.nodes, tolerance);
        let device_checker = DeviceChecker::new(knobs.devices, params.genesis_id());
        let attackers = Attackers::new(knobs.seed, knobs.nodes);
        let healed_at = knobs.faults_ms();
        let mut world = Self {
            params,
            millis: 0,
            queue: Queue::default(),
            network,
            places: (0..knobs.nodes).map(|number| Place::new(number, knobs.planted)).collect(),
            devices: Vec::new(),
            random,
            checker,
            device_checker,
            tally: Tally::new(knobs.nodes + knobs.devices),
            submitted: BTreeMap::new(),
            liars: BTreeMap::new(),
            attackers,
            acquaintances: Vec::new(),
            healed_at,
            next_ticket: 0,
            unfair: None,
            knobs,
        };
        world.populate();
        Ok(world)
    }

    /// Draws who knows whom, who lies, and when everything begins.
    fn populate(&mut self) {
        let nodes = self.knobs.nodes;
        let liars = (nodes * self.knobs.byzantine_per_mille as usize).div_ceil(1_000);
        let honest = nodes - liars.min(nodes - 1);
        for number in 0..nodes {
            // The ring of honest nodes is what keeps the world in one piece.
            let next = if number < honest { (number + 1) % honest } else { self.random.index(honest) };
            let mut known = vec![next];
            for _ in 0..self.knobs.acquaintances {
                known.push(self.random.index(nodes));
            }
            known.retain(|other| *other != number);
            if self.knobs.eclipse_after_ms > 0 {
                // The last one is the victim: it knows nobody, and the first one knows it until the eclipse.
                known.retain(|other| *other + 1 != honest);
                match number {
                    0 => known.push(honest - 1),
                    _ if number + 1 == honest => known.clear(),
                    _ => {}
                }
            }
            self.acquaintances.push(known);
            if number >= honest {
                let liar = Liar::new(self.random.part(), self.knobs.lie_per_mille);
                self.liars.insert(number, liar);
            }
            let is_late = self.random.chance(self.knobs.late_per_mille);
            let start = self.random.below(if is_late { self.healed_at / 2 } else { self.knobs.tick_ms });
            self.queue.add(start, Happening::Start(number));
            let skew = self.drawn_skew();
            if let Some(place) = self.places.get_mut(number) {
                place.is_byzantine = number >= honest;
                place.skew_seconds = skew;
            }
            self.plan_block(number);
        }
        self.populate_devices();
        self.draw_speeds();
        self.plan_payment();
        self.plan_faults();
        self.plan_attack();
        self.plan_eclipse();
        self.plan_pool();
        match self.knobs.planted {
            Some(Planted::FastClock) => self.places.iter_mut().take(1).for_each(|place| {
                place.skew_seconds = 3_600;
            }),
            Some(Planted::NeverHealed) => {
                for other in 1..nodes {
                    self.network.block(0, other, u64::MAX / 2);
                    self.network.block(other, 0, u64::MAX / 2);
                }
            }
            _ => {}
        }
    }

    /// Lets everything happen that does so before `end`.
    pub fn run_until(&mut self, end: u64) -> Result<(), Violation> {
        while self.step(end)? {}
        self.millis = end;
        Ok(())
    }

    /// Lets the next thing happen, if it does so before `end`; whether there was one.
    pub(super) fn step(&mut self, end: u64) -> Result<bool, Violation> {
        let Some((millis, happening)) = self.queue.next(end) else { return Ok(false) };
        self.millis = millis;
        self.tally.steps += 1;
        match happening {
            Happening::Start(number) => self.start(number)?,
            Happening::Tick(number, life) => {
                if let Some(device) = self.device_at(number) {
                    self.tick_device(device, life)?;
                } else if self.place(number).is_some_and(|place| place.life == life && place.node.is_some()) {
                    self.queue.add(millis + self.knobs.tick_ms, Happening::Tick(number, life));
                    self.serve(number, |node, now| node.tick(now))?;
                }
            }
            Happening::Frame(to, bytes) => {
                if self.network.arrive(to, bytes.len()) {
                    self.tally.messages += 1;
                    self.tally.bytes += bytes.len() as u64;
                    if to.place >= POOL {
                        self.attacker_hears(to, &bytes);
                    }
                    self.input(to.place, Input::Frame { peer: to.peer, bytes })?;
                }
            }
            Happening::Closed(end, reason) => {
                let _ = self.network.close(millis, end);
                self.attacker_lost(end);
                self.input(end.place, Input::Closed { peer: end.peer, reason })?;
            }
            Happening::Breaks(end) => {
                for end in [Some(end), self.network.other(end)].into_iter().flatten() {
                    self.queue.add(millis, Happening::Closed(end, "the connection timed out".to_owned()));
                }
            }
            Happening::Dialled(number, life, to) => self.dialled(number, life, to)?,
            Happening::DialFailed(number, life, address) => {
                if self.place(number).is_some_and(|place| place.life == life) {
                    let reason = "cannot be reached".to_owned();
                    self.input(number, Input::DialFailed { address, reason })?;
                }
            }
            Happening::DeviceDialled(device, life, to) => self.device_dialled(device, life, to)?,
            Happening::DeviceDialFailed(device, life, to) => self.device_dial_failed(device, life, to)?,
            Happening::Found(number, changes) => self.found(number, changes)?,
            Happening::Payment => self.pay()?,
            Happening::Fault(fault) => self.strike(fault),
            Happening::Join(number) => self.join(number),
            Happening::Meet(number, other) => self.meet(number, other)?,
            Happening::Attack => self.attack()?,
            Happening::Retreat(raid) => self.retreat(raid),
            Happening::Eclipse => self.eclipse()?,
            Happening::PoolFinds => self.pool_finds(),
            Happening::PoolLooks => self.pool_looks()?,
            Happening::Repair(number) => self.repair(number),
        }
        Ok(true)
    }

    pub(super) fn place(&mut self, number: usize) -> Option<&mut Place> {
        self.places.get_mut(number)
    }

    /// Switches a node on.
    pub(super) fn start(&mut self, number: usize) -> Result<(), Violation> {
        let mut params = self.params.clone();
        if self.knobs.planted == Some(Planted::EasyTarget) && number == 0 {
            Arc::make_mut(&mut params).floor = CompactTarget::from_bits(0x2100_ffff);
        }
        let is_startable = |place: &Place| place.node.is_none() && !place.is_gone;
        let device = self.device_at(number);
        if device.is_some() || self.places.get(number).is_some_and(is_startable) {
            self.cut_start(number);
        }
        if let Some(device) = device {
            return self.start_device(device);
        }
        let Some(place) = self.places.get_mut(number).filter(|place| is_startable(place)) else {
            return Ok(());
        };
        if let Err(error) = place.start(&params) {
            if place.disk.is_off() || place.is_broken {
                if place.disk.is_off() {
                    self.count_start_cut();
                }
                self.power_off(number);
                return Ok(());
            }
            let violation = Violation {
                millis: self.millis,
                node: Some(number),
                demand: Demand::Restart,
                got: error.to_string(),
                expected: "a store that opens after whatever was not synced is lost".to_owned(),
            };
            return self.forgive(number, violation);
        }
        if place.disk.is_off() {
            self.count_start_cut();
            self.power_off(number);
            return Ok(());
        }
        self.tally.starts += 1;
        if let Some(node) = &place.node {
            let looked = self.checker.look_after_start(self.millis, number, node);
            if let Err(violation) = looked {
                return self.forgive(number, violation);
            }
        }
        let Some(place) = self.places.get(number) else { return Ok(()) };
        self.tally.tip_is(self.millis, number, Some(self.checker.tip(number)));
        self.queue.add(self.millis, Happening::Tick(number, place.life));
        for other in self.acquaintances.get(number).cloned().unwrap_or_default() {
            self.request(number, Request::AddPeer(address(other)))?;
        }
        Ok(())
    }

    /// The messages that byzantine nodes have tampered with.
    pub(super) fn lies(&self) -> u64 {
        self.liars.values().map(Liar::lies).sum()
    }

    /// The nodes that the world counts on: those that do not lie.
    pub(super) fn honest(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| !place.is_byzantine)
    }

    /// The chain that the first honest node has, the tip first.
    pub(super) fn main_chain(&self) -> Vec<Hash32> {
        let mut id = self.checker.tip(0);
        let mut chain = Vec::new();
        while let Some(seen) = self.checker.seen().get(&id) {
            chain.push(id);
            id = seen.parent;
        }
        chain
    }
}
