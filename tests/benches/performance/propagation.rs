//! How soon a new block is everywhere: whole nodes in one process, each connected to eight others that chance
//! chose, whose messages take one link time each and nothing else. What processors and disks take is left out, so
//! that the figures are the protocol's own and the same on every machine.
//!
//! Two kinds of blocks are measured: full ones, whose payments all nodes have open already, and empty ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Request, Switch};
use mote::node::status::{Direction, Event};
use mote::node::{Input, Node, Now, Options, Output, PeerId, Ticket};
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote::store::segment::Identity;
use mote_core::hash::Hash32;
use mote_core::params::{BLOCK_TRANSACTIONS_DEVICE_MAX, Params};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Moment, Timestamp};
use mote_tests::fixtures::{account, key, regtest};
use mote_tests::random::Random;

use crate::bench::{Bench, Found};
use crate::picture::{Picture, Series};
use crate::row::{Figure, Goal, Row};

/// How many nodes each world has.
const NODES: [usize; 3] = [10, 100, 1_000];

/// How many others each node calls.
const OUTBOUND: usize = 8;

/// How long a message takes from one node to another, in milliseconds.
const LINK_MS: u64 = 50;

/// How often a node is given time, in milliseconds.
const TICK_MS: u64 = 100;

/// How many full blocks spread in each world.
const FULL_BLOCKS: usize = 4;

/// Who pays: each mines an empty block first, and makes an equal share of a full block's payments.
const SENDERS: usize = 16;

/// Within this time a block must be everywhere, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// How long all that was said before is left to arrive, in milliseconds.
const REST_MS: u64 = 2_000;

/// When the worlds begin, long after genesis.
const START_SECONDS: u64 = 1_800_000_000;

/// What the row is called.
pub const ROWS: [&str; 1] = ["a full block to 90 % of 1,000 nodes, in link times"];

/// Measures in how many link times a full block comes to half, nine tenths and all of the nodes.
pub fn measure(bench: &mut Bench) -> Found {
    let spread = |nodes: usize| {
        let mut world = World::new(nodes);
        (0..SENDERS).for_each(|sender| drop(world.spread(sender)));
        let delays = (0..bench.times(FULL_BLOCKS)).flat_map(|round| world.spread_full(round)).collect();
        (nodes as f64, percentiles(delays))
    };
    let measured = NODES.map(spread);
    let series = |name, of: fn(&(f64, f64, f64)) -> f64| {
        let points = measured.iter().map(|(nodes, delays)| (*nodes, of(delays)));
        Series { name, points: points.collect() }
    };
    let picture = Picture {
        name: "propagation",
        title: "Until nodes that know some others have a new block",
        x: "nodes, each connected to eight others",
        y: "link times",
        series: vec![
            series("half of them", |delays| delays.0),
            series("nine tenths", |delays| delays.1),
            series("all", |delays| delays.2),
        ],
    };
    let [.., (_, (_, most, _))] = measured;
    let figure = |count| Figure::count("link times", count);
    let row = Row::alone(ROWS[0], Goal::Most(figure(5.0)), figure(most));
    Found { rows: vec![row], pictures: vec![picture] }
}

/// The 50th, 90th and 100th percentile of these milliseconds, in link times.
fn percentiles(mut delays: Vec<u64>) -> (f64, f64, f64) {
    delays.sort_unstable();
    let at = |percent: usize| delays[(delays.len() * percent).div_ceil(100) - 1] as f64 / LINK_MS as f64;
    (at(50), at(90), at(100))
}

/// One side of a connection: a node, and how it names the connection.
type End = (usize, PeerId);

/// Something that happens to a node.
enum Happening {
    Tick(usize),
    Frame(End, Vec<u8>),
    Called { by: usize, whom: usize },
    Closed(End),
}

/// Nodes, the links between them, and the time.
struct World {
    params: Arc<Params>,
    millis: u64,
    nodes: Vec<Node<MemoryDisk>>,
    links: HashMap<End, End>,
    /// In the order of their times, and of their causes.
    queue: BTreeMap<(u64, u64), Happening>,
    happenings: u64,
    peers: u64,
    random: Random,
    /// The last block that each node has told of, and when.
    told: Vec<Option<(Hash32, u64)>>,
}

impl World {
    fn new(count: usize) -> Self {
        let mut params = regtest();
        params.block_transactions_max = BLOCK_TRANSACTIONS_DEVICE_MAX;
        let params = Arc::new(params);
        let mut world = Self {
            millis: 0,
            nodes: (0..count).map(|number| start(number, &params)).collect(),
            params,
            links: HashMap::new(),
            queue: BTreeMap::new(),
            happenings: 0,
            peers: 0,
            random: Random::new(count as u64),
            told: vec![None; count],
        };
        for number in 0..count {
            world.add(number as u64 % TICK_MS, Happening::Tick(number));
        }
        let mut pairs = BTreeSet::new();
        for number in 0..count {
            let mut called = 0;
            // In a small world most others are connected before this node's turn.
            for _ in 0..64 * OUTBOUND {
                let other = world.any_node();
                let pair = (number.min(other), number.max(other));
                if called < OUTBOUND && other != number && pairs.insert(pair) {
                    world.input(number, Input::Request(Ticket(0), Request::AddPeer(address(other))));
                    world.commit(number);
                    called += 1;
                }
            }
        }
        world.pass(REST_MS);
        world
    }

    fn any_node(&mut self) -> usize {
        (self.random.next_u64() % self.nodes.len() as u64) as usize
    }

    fn add(&mut self, millis: u64, happening: Happening) {
        self.queue.insert((millis, self.happenings), happening);
        self.happenings += 1;
    }

    fn now(&self) -> Now {
        let time = Timestamp::from_seconds(START_SECONDS + self.millis / 1_000);
        Now { time, moment: Moment::from_millis(self.millis) }
    }

    /// Has some node find a block for an account, and waits until all have it: after how many milliseconds each.
    fn spread(&mut self, miner: usize) -> Vec<u64> {
        let (finder, found) = (self.any_node(), self.millis);
        self.input(finder, Input::Request(Ticket(0), Request::MineBlock(account(miner as u64))));
        self.commit(finder);
        let (id, _) = self.told[finder].expect("a block takes two attempts, so it is found at once");
        let has_it = |told: &Option<(Hash32, u64)>| told.is_some_and(|(last, _)| last == id);
        while !self.told.iter().all(has_it) {
            assert!(self.millis < found + PATIENCE_MS, "the block does not come to everybody");
            self.pass(LINK_MS);
        }
        self.pass(REST_MS);
        self.told.iter().flatten().map(|(_, then)| then - found).collect()
    }

    /// The same of a block full of payments that all nodes have open.
    fn spread_full(&mut self, round: usize) -> Vec<u64> {
        let share = BLOCK_TRANSACTIONS_DEVICE_MAX / SENDERS;
        let nonces = (round * share) as u64..((round + 1) * share) as u64;
        let of = |sender| nonces.clone().map(move |nonce| (sender, nonce));
        let payments: Vec<Transaction> = (0..SENDERS as u64)
            .flat_map(of)
            .map(|(sender, nonce)| pay(&self.params, sender, nonce))
            .collect();
        for number in 0..self.nodes.len() {
            for payment in &payments {
                self.input(number, Input::Request(Ticket(0), Request::Submit(payment.clone())));
            }
            self.commit(number);
        }
        self.pass(REST_MS);
        assert!(self.nodes.iter().all(|node| node.mempool().len() == payments.len()), "payments are missing");
        let delays = self.spread(0);
        assert!(self.nodes.iter().all(|node| node.mempool().is_empty()), "the block was not full");
        delays
    }

    /// Lets time pass.
    fn pass(&mut self, millis: u64) {
        let end = self.millis + millis;
        while let Some(next) = self.queue.first_entry().filter(|next| next.key().0 < end) {
            self.millis = next.key().0;
            match next.remove() {
                Happening::Tick(number) => {
                    self.add(self.millis + TICK_MS, Happening::Tick(number));
                    let now = self.now();
                    self.nodes[number].tick(now);
                    self.commit(number);
                }
                Happening::Frame((number, peer), bytes) => {
                    if self.links.contains_key(&(number, peer)) {
                        self.input(number, Input::Frame { peer, bytes });
                        self.commit(number);
                    }
                }
                Happening::Called { by, whom } => self.connect(by, whom),
                Happening::Closed((number, peer)) => {
                    if self.links.remove(&(number, peer)).is_some() {
                        self.input(number, Input::Closed { peer, reason: "closed by the peer".to_owned() });
                        self.commit(number);
                    }
                }
            }
        }
        self.millis = end;
    }

    fn connect(&mut self, by: usize, whom: usize) {
        let (near, far) = (PeerId(self.peers), PeerId(self.peers + 1));
        self.peers += 2;
        self.links.insert((by, near), (whom, far));
        self.links.insert((whom, far), (by, near));
        let ip = address(by).ip().expect("nodes have addresses of numbers");
        let caller = PeerAddress::from_ip(ip, 40_000);
        self.input(whom, Input::Opened { peer: far, direction: Direction::Inbound, address: caller });
        self.commit(whom);
        let direction = Direction::Outbound;
        self.input(by, Input::Opened { peer: near, direction, address: address(whom) });
        self.commit(by);
    }

    fn input(&mut self, number: usize, input: Input) {
        let now = self.now();
        self.nodes[number].handle(now, input);
    }

    /// Lets a node make durable what it took in, and does what it wants done.
    fn commit(&mut self, number: usize) {
        loop {
            let now = self.now();
            let outputs: Vec<Output> = self.nodes[number].commit(now).collect();
            if outputs.is_empty() {
                return;
            }
            outputs.into_iter().for_each(|output| self.carry_out(number, output));
        }
    }

    fn carry_out(&mut self, number: usize, output: Output) {
        let then = self.millis + LINK_MS;
        match output {
            Output::Send { peer, message } => {
                if let Some(other) = self.links.get(&(number, peer)).copied() {
                    self.add(then, Happening::Frame(other, message));
                }
            }
            Output::Close { peer, reason } => {
                if let Some(other) = self.links.remove(&(number, peer)) {
                    self.add(then, Happening::Closed(other));
                    self.input(number, Input::Closed { peer, reason });
                }
            }
            Output::Dial(to) => {
                if let Some(whom) = (0..self.nodes.len()).find(|other| address(*other) == to) {
                    self.add(then, Happening::Called { by: number, whom });
                }
            }
            Output::Mine(Some(order)) => {
                let nonce = order.job.search(0..1 << 24).expect("a block takes two attempts");
                self.input(number, Input::Found { job: order.id, nonce });
            }
            Output::Event(Event::Block { id, .. }) => self.told[number] = Some((id, self.millis)),
            Output::Event(_) | Output::Mine(None) | Output::Reply(..) => {}
        }
    }
}

fn start(number: usize, params: &Arc<Params>) -> Node<MemoryDisk> {
    let disk = MemoryDisk::new();
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (ledger, _) = Ledger::open(disk.clone(), params.clone(), 7, |_| {}).expect("the ledger opens");
    let limits = JournalLimits { segment_bytes: 64 * 1_024, segments: 8, transactions: 512 };
    let (journal, open) =
        Journal::open(disk.clone(), &identity, limits, 7, ledger.journal_end()).expect("the journal opens");
    let mining = MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
    let options = Options { port: 7_700, nonce: 1 + number as u64, mining, mempool_capacity: 256 };
    let node = Node::new(disk, ledger, (journal, open.transactions), params.clone(), options);
    node.expect("the node starts")
}

/// Where a node listens: each is in a network group of its own, as those of different people are.
fn address(number: usize) -> PeerAddress {
    let [.., high, low] = (number as u32).to_be_bytes();
    PeerAddress::from_ip(IpAddr::V4(Ipv4Addr::new(20 + high, low, 0, 1)), 7_700)
}

fn pay(params: &Params, sender: u64, nonce: u64) -> Transaction {
    let (amount, fee) = (Amount::from_grains(1_000 + nonce), Amount::from_grains(1_000));
    Payment { recipient: account(sender + 1), amount, fee, nonce, memo: Memo::new() }
        .sign(params, &key(sender))
}
