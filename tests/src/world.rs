//! A few nodes in one process, on disks in memory, with a clock and a network that the test owns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Reply, Request, Switch};
use mote::node::status::{Direction, Event};
use mote::node::{Input, Node, Now, Options, Output, PeerId, Ticket};
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote::store::segment::Identity;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, SecretKey};
use mote_core::params::Params;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Moment, Timestamp};

/// Where a world's clock starts: long after genesis.
const START_SECONDS: u64 = 1_800_000_000;

/// A node and what it did.
pub struct Place {
    /// The node; `None` while it is down.
    pub node: Option<Node<MemoryDisk>>,
    /// Its disk, which outlives it.
    pub disk: MemoryDisk,
    /// Replies by ticket.
    pub replies: BTreeMap<u64, Reply>,
    /// What it told those who watch.
    pub events: Vec<Event>,
    /// Why its connections were closed.
    pub closed: Vec<String>,
    /// How far its clock is off, in seconds.
    pub skew_seconds: i64,
    next_ticket: u64,
}

/// A direction of a connection: who sends, and how the receiver knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    place: usize,
    peer: PeerId,
}

/// Nodes, their connections, and the time.
pub struct World {
    /// The network's parameters.
    pub params: Arc<Params>,
    /// The nodes; number `i` listens at port `i + 1` of 127.0.0.1.
    pub places: Vec<Place>,
    millis: u64,
    next_peer: u64,
    /// The other end of each end of a connection.
    links: BTreeMap<End, End>,
    /// Pairs of nodes that cannot reach each other.
    cuts: BTreeSet<(usize, usize)>,
    frames: VecDeque<(End, Vec<u8>)>,
}

/// The secret key of account `number`.
pub fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

/// The public key of account `number`.
pub fn account(number: u8) -> PublicKey {
    key(number).public_key()
}

/// A signed payment.
pub fn payment(params: &Params, from: u8, to: PublicKey, grains: u64, fee: u64, nonce: u64) -> Transaction {
    let (amount, fee) = (Amount::from_grains(grains), Amount::from_grains(fee));
    Payment { recipient: to, amount, fee, nonce, memo: Memo::new() }.sign(params, &key(from))
}

impl World {
    /// A world of `count` nodes that do not know of each other.
    pub fn new(params: Params, count: usize) -> Self {
        let mut world = Self {
            params: Arc::new(params),
            places: Vec::new(),
            millis: 0,
            next_peer: 0,
            links: BTreeMap::new(),
            cuts: BTreeSet::new(),
            frames: VecDeque::new(),
        };
        for index in 0..count {
            let place = Place {
                node: None,
                disk: MemoryDisk::new(),
                replies: BTreeMap::new(),
                events: Vec::new(),
                closed: Vec::new(),
                skew_seconds: 0,
                next_ticket: 0,
            };
            world.places.push(place);
            world.start(index);
        }
        world
    }

    /// Starts a node that is down, over its disk.
    pub fn start(&mut self, index: usize) {
        let disk = self.places[index].disk.clone();
        let identity =
            Identity { network: self.params.network().to_string(), genesis: self.params.genesis_id() };
        let (ledger, _) =
            Ledger::open(disk.clone(), self.params.clone(), 7, |_| {}).expect("the ledger opens");
        let (journal, open) =
            Journal::open(disk.clone(), &identity, JournalLimits::default(), 7, ledger.journal_end())
                .expect("the journal opens");
        let mining =
            MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
        let options =
            Options { port: port(index), nonce: 1_000 + index as u64, mining, mempool_capacity: 4_096 };
        let node = Node::new(disk, ledger, (journal, open.transactions), self.params.clone(), options);
        self.places[index].node = Some(node.expect("the node starts"));
    }

    /// Stops a node without giving it a chance to write anything.
    pub fn kill(&mut self, index: usize) {
        self.places[index].node = None;
        let ends: Vec<End> = self.links.keys().filter(|end| end.place == index).copied().collect();
        ends.into_iter().for_each(|end| self.unlink(end, "the other side is gone"));
    }

    /// The node with this number.
    pub fn node(&self, index: usize) -> &Node<MemoryDisk> {
        self.places[index].node.as_ref().expect("the node is up")
    }

    /// What the node's clocks show.
    pub fn now(&self, index: usize) -> Now {
        let time = START_SECONDS as i64 + (self.millis / 1_000) as i64 + self.places[index].skew_seconds;
        Now { time: Timestamp::from_seconds(time as u64), moment: Moment::from_millis(self.millis) }
    }

    /// The tip's height.
    pub fn height(&self, index: usize) -> u64 {
        self.node(index).ledger().tip().height().get()
    }

    /// The tip's id.
    pub fn tip(&self, index: usize) -> Hash32 {
        self.node(index).ledger().tip().id()
    }

    /// An account's balance in grains.
    pub fn balance(&self, index: usize, of: &PublicKey) -> u64 {
        self.node(index).account(of).expect("the store works").balance.grains()
    }

    /// Makes a request and lets the world settle; the reply, if there is one yet.
    pub fn request(&mut self, index: usize, request: Request) -> Option<Reply> {
        let ticket = self.places[index].next_ticket;
        self.places[index].next_ticket += 1;
        self.input(index, Input::Request(Ticket(ticket), request));
        self.settle();
        self.places[index].replies.remove(&ticket)
    }

    /// Has a node mine a block for `miner`.
    pub fn mine(&mut self, index: usize, miner: u8) -> Hash32 {
        match self.request(index, Request::MineBlock(account(miner))) {
            Some(Reply::Mined(Ok((id, _)))) => id,
            other => panic!("expected a block, got {other:?}"),
        }
    }

    /// Has a node mine `count` blocks, a second apart.
    pub fn mine_many(&mut self, index: usize, miner: u8, count: usize) {
        for _ in 0..count {
            self.mine(index, miner);
            self.pass(1_000);
        }
    }

    /// Submits a transaction.
    pub fn submit(&mut self, index: usize, transaction: Transaction) -> Reply {
        self.request(index, Request::Submit(transaction)).expect("submitting is answered at once")
    }

    /// Adds `to` to the peers of `from`.
    pub fn connect(&mut self, from: usize, to: usize) {
        let reply = self.request(from, Request::AddPeer(address(to)));
        assert!(matches!(reply, Some(Reply::PeerChanged(Ok(())))), "{reply:?}");
        self.pass(1_000);
    }

    /// Cuts the network between two nodes, or mends it.
    pub fn set_cut(&mut self, a: usize, b: usize, cut: bool) {
        for pair in [(a, b), (b, a)] {
            if cut {
                self.cuts.insert(pair)
            } else {
                self.cuts.remove(&pair)
            };
        }
        let severed = |end: &End, other: &End| cut && [(a, b), (b, a)].contains(&(end.place, other.place));
        let ends: Vec<End> =
            self.links.iter().filter(|(end, other)| severed(end, other)).map(|(end, _)| *end).collect();
        ends.into_iter().for_each(|end| self.unlink(end, "connection reset"));
        self.settle();
    }

    /// Lets time pass.
    pub fn pass(&mut self, millis: u64) {
        let until = self.millis + millis;
        while self.millis < until {
            self.millis = (self.millis + 100).min(until);
            for index in 0..self.places.len() {
                let now = self.now(index);
                if let Some(node) = &mut self.places[index].node {
                    node.tick(now);
                }
                self.carry_out(index);
            }
            self.settle();
        }
    }

    /// Opens a connection to a node that the test speaks on by itself.
    pub fn intrude(&mut self, index: usize) -> PeerId {
        let peer = self.new_peer();
        let address = "127.0.0.1:60000".parse().expect("an address");
        self.input(index, Input::Opened { peer, direction: Direction::Inbound, address });
        peer
    }

    /// Gives a node one input and carries out what it wants done.
    pub fn input(&mut self, index: usize, input: Input) {
        let now = self.now(index);
        if let Some(node) = &mut self.places[index].node {
            node.handle(now, input);
        }
        self.carry_out(index);
    }

    /// Delivers frames until none is under way.
    pub fn settle(&mut self) {
        while let Some((end, bytes)) = self.frames.pop_front() {
            if self.links.contains_key(&end) {
                self.input(end.place, Input::Frame { peer: end.peer, bytes });
            }
        }
    }

    fn new_peer(&mut self) -> PeerId {
        self.next_peer += 1;
        PeerId(self.next_peer)
    }

    fn carry_out(&mut self, index: usize) {
        loop {
            let now = self.now(index);
            let Some(node) = &mut self.places[index].node else { return };
            let outputs: Vec<Output> = node.commit(now).collect();
            if outputs.is_empty() {
                return;
            }
            outputs.into_iter().for_each(|output| self.do_output(index, output));
        }
    }

    fn do_output(&mut self, index: usize, output: Output) {
        match output {
            Output::Send { peer, message } => {
                if let Some(other) = self.links.get(&End { place: index, peer }) {
                    self.frames.push_back((*other, message));
                }
            }
            Output::Close { peer, reason } => {
                self.places[index].closed.push(reason.clone());
                // What was sent before still arrives.
                let end = End { place: index, peer };
                if let Some(other) = self.links.get(&end).copied() {
                    let (sent, rest) =
                        std::mem::take(&mut self.frames).into_iter().partition(|(to, _)| *to == other);
                    self.frames = rest;
                    let sent: VecDeque<(End, Vec<u8>)> = sent;
                    sent.into_iter().for_each(|(_, bytes)| {
                        self.input(other.place, Input::Frame { peer: other.peer, bytes })
                    });
                }
                self.unlink(end, &reason);
            }
            Output::Dial(to) => self.dial(index, to),
            Output::Reply(ticket, reply) => {
                self.places[index].replies.insert(ticket.0, reply);
            }
            Output::Event(event) => self.places[index].events.push(event),
            Output::Mine(Some(order)) => {
                if let Some(nonce) = order.job.search(0..1 << 24) {
                    self.input(index, Input::Found { job: order.id, nonce });
                }
            }
            Output::Mine(None) => {}
        }
    }

    fn dial(&mut self, from: usize, to: PeerAddress) {
        let target = (0..self.places.len()).find(|index| address(*index) == to);
        let target = target
            .filter(|target| self.places[*target].node.is_some() && !self.cuts.contains(&(from, *target)));
        let Some(target) = target else {
            return self
                .input(from, Input::DialFailed { address: to, reason: "connection refused".to_owned() });
        };
        let near = End { place: from, peer: self.new_peer() };
        let far = End { place: target, peer: self.new_peer() };
        self.links.insert(near, far);
        self.links.insert(far, near);
        let caller = PeerAddress::from_ip([127, 0, 0, 1].into(), 40_000 + near.peer.0 as u16);
        self.input(target, Input::Opened { peer: far.peer, direction: Direction::Inbound, address: caller });
        self.input(from, Input::Opened { peer: near.peer, direction: Direction::Outbound, address: to });
    }

    fn unlink(&mut self, end: End, reason: &str) {
        let Some(other) = self.links.remove(&end) else { return };
        self.links.remove(&other);
        self.input(other.place, Input::Closed { peer: other.peer, reason: reason.to_owned() });
        self.input(end.place, Input::Closed { peer: end.peer, reason: reason.to_owned() });
    }
}

/// Where a node listens.
pub fn address(index: usize) -> PeerAddress {
    PeerAddress::from_ip([127, 0, 0, 1].into(), port(index))
}

fn port(index: usize) -> u16 {
    index as u16 + 1
}
