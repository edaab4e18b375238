//! A few real nodes in one process, on disks in memory, with a network and a clock that go step by step.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use mote_core::params::{GENESIS_SECONDS, Network, Params};
use mote_core::units::{Moment, Timestamp};

use crate::node::request::{MiningSettings, PeerAddress, RateLimit, Reply, Request, Switch};
use crate::node::status::{Direction, Event};
use crate::node::{Input, Node, Now, Options, Output, PeerId, Ticket};
use crate::store::error::StoreError;
use crate::store::journal::{Journal, JournalLimits};
use crate::store::ledger::Ledger;
use crate::store::memory::MemoryDisk;
use crate::store::segment::Identity;

/// How often nodes are given time, in milliseconds.
const TICK_MS: u64 = 100;

/// How long nodes that may reach each other again are waited for, in milliseconds: they try at growing intervals.
const REJOIN_MAX_MS: u64 = 120_000;

/// A block takes two attempts on average; so many without success do not happen.
const ATTEMPTS_MAX: u64 = 1 << 12;

/// A node and what it said.
struct Place {
    node: Node<MemoryDisk>,
    reply: Option<Reply>,
    events: Vec<Event>,
}

/// One side of a connection: a node, and how it names the connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    place: usize,
    peer: PeerId,
}

/// Nodes, their connections, and the time.
pub(super) struct World {
    pub params: Arc<Params>,
    places: Vec<Place>,
    millis: u64,
    next_peer: u64,
    /// The other end of each end of a connection.
    links: BTreeMap<End, End>,
    /// Pairs of nodes that cannot reach each other, the lower number first.
    cuts: BTreeSet<(usize, usize)>,
    frames: VecDeque<(End, Vec<u8>)>,
}

impl World {
    /// So many nodes, each connected to all others.
    pub fn new(count: usize) -> Result<Self, StoreError> {
        let params = Arc::new(Params::new(Network::Regtest));
        let mut places = Vec::with_capacity(count);
        for index in 0..count {
            let node = start(params.clone(), index)?;
            places.push(Place { node, reply: None, events: Vec::new() });
        }
        let mut world = Self {
            params,
            places,
            millis: 0,
            next_peer: 0,
            links: BTreeMap::new(),
            cuts: BTreeSet::new(),
            frames: VecDeque::new(),
        };
        for (a, b) in pairs(count) {
            world.request(a, Request::AddPeer(address(b)));
        }
        world.pass(2_000);
        Ok(world)
    }

    /// The node with this number, if there is one.
    pub fn node(&self, index: usize) -> Option<&Node<MemoryDisk>> {
        self.places.get(index).map(|place| &place.node)
    }

    /// The nodes by their numbers.
    pub fn nodes(&self) -> impl Iterator<Item = &Node<MemoryDisk>> {
        self.places.iter().map(|place| &place.node)
    }

    /// What a node has told since it was last asked.
    pub fn take_events(&mut self, index: usize) -> Vec<Event> {
        self.places.get_mut(index).map(|place| std::mem::take(&mut place.events)).unwrap_or_default()
    }

    /// Milliseconds since the start.
    pub fn millis(&self) -> u64 {
        self.millis
    }

    /// The nodes that this one is connected to.
    pub fn peers(&self, index: usize) -> BTreeSet<usize> {
        let links = self.links.iter().filter(|(end, _)| end.place == index);
        links.map(|(_, other)| other.place).collect()
    }

    /// Makes a request and lets the world settle; the reply, where there is one at once.
    pub fn request(&mut self, index: usize, request: Request) -> Option<Reply> {
        self.input(index, Input::Request(Ticket(0), request));
        self.settle();
        self.places.get_mut(index).and_then(|place| place.reply.take())
    }

    /// Cuts the network between two nodes.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.cuts.insert((a.min(b), a.max(b)));
        let severed = |end: &End, other: &End| [(a, b), (b, a)].contains(&(end.place, other.place));
        let ends: Vec<End> =
            self.links.iter().filter(|(end, other)| severed(end, other)).map(|(end, _)| *end).collect();
        ends.into_iter().for_each(|end| self.unlink(end, "connection reset"));
        self.settle();
    }

    /// Mends the network between two nodes and waits until they are connected.
    pub fn join(&mut self, a: usize, b: usize) {
        self.cuts.remove(&(a.min(b), a.max(b)));
        let until = self.millis + REJOIN_MAX_MS;
        while !self.peers(a).contains(&b) && self.millis < until {
            self.pass(1_000);
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, millis: u64) {
        let until = self.millis + millis;
        while self.millis < until {
            self.millis += TICK_MS;
            let now = self.now();
            for index in 0..self.places.len() {
                if let Some(place) = self.places.get_mut(index) {
                    place.node.tick(now);
                }
                self.carry_out(index);
            }
            self.settle();
        }
    }

    /// What all clocks show.
    fn now(&self) -> Now {
        let time = Timestamp::from_seconds(GENESIS_SECONDS).plus(self.millis / 1_000);
        Now { time, moment: Moment::from_millis(self.millis) }
    }

    /// Delivers messages until none is under way.
    fn settle(&mut self) {
        while let Some((end, bytes)) = self.frames.pop_front() {
            if self.links.contains_key(&end) {
                self.input(end.place, Input::Frame { peer: end.peer, bytes });
            }
        }
    }

    fn input(&mut self, index: usize, input: Input) {
        let now = self.now();
        if let Some(place) = self.places.get_mut(index) {
            place.node.handle(now, input);
        }
        self.carry_out(index);
    }

    fn carry_out(&mut self, index: usize) {
        let now = self.now();
        while let Some(place) = self.places.get_mut(index) {
            let outputs: Vec<Output> = place.node.commit(now).collect();
            if outputs.is_empty() {
                return;
            }
            outputs.into_iter().for_each(|output| self.carry_out_one(index, output));
        }
    }

    fn carry_out_one(&mut self, index: usize, output: Output) {
        match output {
            Output::Send { peer, message } => {
                if let Some(other) = self.links.get(&End { place: index, peer }) {
                    self.frames.push_back((*other, message));
                }
            }
            Output::Close { peer, reason } => self.unlink(End { place: index, peer }, &reason),
            Output::Dial(to) => self.dial(index, to),
            Output::Reply(_, reply) => {
                if let Some(place) = self.places.get_mut(index) {
                    place.reply = Some(reply);
                }
            }
            Output::Event(event) => {
                if let Some(place) = self.places.get_mut(index) {
                    place.events.push(event);
                }
            }
            Output::Mine(Some(order)) => {
                if let Some(nonce) = order.job.search(0..ATTEMPTS_MAX) {
                    self.input(index, Input::Found { job: order.id, nonce });
                }
            }
            Output::Mine(None) => {}
        }
    }

    fn dial(&mut self, from: usize, to: PeerAddress) {
        let target = (0..self.places.len()).find(|index| address(*index) == to);
        let target = target.filter(|to| !self.cuts.contains(&(from.min(*to), from.max(*to))));
        let Some(target) = target else {
            let reason = "connection refused".to_owned();
            return self.input(from, Input::DialFailed { address: to, reason });
        };
        let (near, far) = (self.new_end(from), self.new_end(target));
        self.links.insert(near, far);
        self.links.insert(far, near);
        // Callers are told apart by their ports.
        let caller = PeerAddress::from_ip(Ipv4Addr::LOCALHOST.into(), 40_000 + (near.peer.0 % 10_000) as u16);
        self.input(target, Input::Opened { peer: far.peer, direction: Direction::Inbound, address: caller });
        self.input(from, Input::Opened { peer: near.peer, direction: Direction::Outbound, address: to });
    }

    fn new_end(&mut self, place: usize) -> End {
        self.next_peer += 1;
        End { place, peer: PeerId(self.next_peer) }
    }

    fn unlink(&mut self, end: End, reason: &str) {
        let Some(other) = self.links.remove(&end) else { return };
        self.links.remove(&other);
        for End { place, peer } in [other, end] {
            self.input(place, Input::Closed { peer, reason: reason.to_owned() });
        }
    }
}

/// All pairs of so many nodes.
pub(super) fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
}

fn start(params: Arc<Params>, index: usize) -> Result<Node<MemoryDisk>, StoreError> {
    let disk = MemoryDisk::new();
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (ledger, _) = Ledger::open(disk.clone(), params.clone(), 0, |_| {})?;
    let (journal, open) =
        Journal::open(disk.clone(), &identity, JournalLimits::default(), 0, ledger.journal_end())?;
    let mining = MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
    let options = Options { port: port(index), nonce: 1 + index as u64, mining, mempool_capacity: 64 };
    Node::new(disk, ledger, (journal, open.transactions), params, options)
}

fn address(index: usize) -> PeerAddress {
    PeerAddress::from_ip(Ipv4Addr::LOCALHOST.into(), port(index))
}

fn port(index: usize) -> u16 {
    7_700 + index as u16
}
