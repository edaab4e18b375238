//! The node of a host, with honest and other peers at once, users, clocks and restarts. Whatever they do, its chain
//! obeys every rule, its work never shrinks, what it acknowledged stays, no honest peer is blamed, and an honest peer
//! with a better chain is always followed in the end.

mod checks;
mod mischief;
mod remote;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;

use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Reply, Switch};
use mote::node::status::{Direction, Event};
use mote::node::{Input, MiningOrder, Node, Now, Options, Output, PeerId};
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::{Added, Ledger};
use mote::store::memory::{Fault, MemoryDisk, PowerCut};
use mote::store::segment::Identity;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::merkle::root_of_hashes;
use mote_core::rules::Clock;
use mote_core::units::{Moment, Timestamp};
use mote_core::wire::{MESSAGE_MAX_BYTES, Message};

use super::Choices;
use super::grove::{BEST, Grove};
use crate::fixtures::{Chain, wire};
use remote::Remote;

/// When it all begins, a day after the last block of the grove.
const START_SECONDS: u64 = 1_767_225_600 + 86_400;

/// The most connections at once.
const PEERS: usize = 5;

/// The most steps of one input.
const STEPS: usize = 200;

/// How long the node may take to follow an honest peer in the end, in milliseconds.
const PATIENCE_MS: u64 = 120_000;

/// Reads the steps that the bytes stand for, does them, and looks at the node after each.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut stage = Stage::new(&mut choices);
    for _ in 0..STEPS {
        if choices.is_over() {
            break;
        }
        stage.step(&mut choices);
        stage.look();
    }
    stage.follow_an_honest_peer();
    stage.look();
}

/// Whole stories, to be varied.
pub fn seeds() -> Vec<Vec<u8>> {
    // Peers on each branch that greet and answer everything.
    let story = |branch: u8| {
        let mut bytes = vec![3, 0, 1, branch, 12, 1, 0];
        bytes.extend([3, 0, 9, 5].repeat(6));
        bytes
    };
    (0..4).map(story).collect()
}

struct Stage {
    disk: MemoryDisk,
    /// None only while it starts again.
    node: Option<Node<MemoryDisk>>,
    now: Now,
    peers: BTreeMap<PeerId, Remote>,
    opened: u64,
    tickets: u64,
    order: Option<MiningOrder>,
    /// Payments that were acknowledged, by sender and nonce.
    acknowledged: BTreeMap<Hash32, (PublicKey, u64)>,
    /// What the fixtures make of blocks that are not the grove's.
    chains: BTreeMap<Hash32, Arc<Chain>>,
    /// The tip that was looked at last.
    tip: Hash32,
}

/// A node over this disk, whose ledger is prepared before it starts.
pub(super) fn start(disk: &MemoryDisk, prepare: impl FnOnce(&mut Ledger<MemoryDisk>)) -> Node<MemoryDisk> {
    let params = Arc::new(Grove::get().params.clone());
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (mut ledger, _) = Ledger::open(disk.clone(), params.clone(), 7, |_| {}).expect("the ledger opens");
    prepare(&mut ledger);
    let (journal, open) =
        Journal::open(disk.clone(), &identity, JournalLimits::default(), 7, ledger.journal_end())
            .expect("the journal opens");
    let mining = MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
    let options = Options { port: 7_700, nonce: 1_000, mining, mempool_capacity: 6 };
    Node::new(disk.clone(), ledger, (journal, open.transactions), params, options).expect("the node starts")
}

impl Stage {
    fn new(choices: &mut Choices<'_>) -> Self {
        let (grove, disk) = (Grove::get(), MemoryDisk::new());
        let count = choices.below(grove.branches[0].len() + 1);
        let node = start(&disk, |ledger| {
            for block in &grove.branches[0][..count] {
                let added = ledger.add(block, Clock::AcceptedBefore).expect("the block is valid");
                assert_eq!(added, Added::Extended);
            }
            ledger.sync().expect("the disk is whole");
        });
        let now = Now { time: Timestamp::from_seconds(START_SECONDS), moment: Moment::from_millis(0) };
        let tip = grove.params.genesis_id();
        Self {
            disk,
            node: Some(node),
            now,
            peers: BTreeMap::new(),
            opened: 0,
            tickets: 0,
            order: None,
            acknowledged: BTreeMap::new(),
            chains: BTreeMap::new(),
            tip,
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 20 {
            0 => self.open(choices),
            1 | 2 => {
                if let Some(peer) = self.some_peer(choices) {
                    self.greet(peer);
                }
            }
            3..=6 => {
                if let Some(peer) = self.some_peer(choices) {
                    self.answer_all(peer);
                }
            }
            7 => {
                if let Some(peer) = self.some_peer(choices) {
                    self.answer_next(peer);
                }
            }
            8 => self.announce(choices),
            9 | 10 => self.pass(choices),
            11 => self.answer_wrongly(choices),
            12 | 13 => self.speak_out_of_turn(choices),
            14 => self.ask(choices),
            15 => self.offer_payment(choices),
            16 => self.request(choices),
            17 => self.find(choices),
            18 => {
                if let Some(peer) = self.some_peer(choices) {
                    self.hang_up(peer);
                }
            }
            _ => self.restart(choices),
        }
    }

    fn node(&self) -> &Node<MemoryDisk> {
        self.node.as_ref().expect("the node is up")
    }

    fn node_mut(&mut self) -> &mut Node<MemoryDisk> {
        self.node.as_mut().expect("the node is up")
    }

    fn some_peer(&self, choices: &mut Choices<'_>) -> Option<PeerId> {
        let place = choices.below(self.peers.len().max(1));
        self.peers.keys().nth(place).copied()
    }

    fn handle(&mut self, input: Input) {
        let now = self.now;
        self.node_mut().handle(now, input);
    }

    fn input(&mut self, input: Input) {
        self.handle(input);
        self.carry_out();
    }

    fn tell(&mut self, peer: PeerId, bytes: Vec<u8>) {
        self.input(Input::Frame { peer, bytes });
    }

    fn carry_out(&mut self) {
        loop {
            let now = self.now;
            let outputs: Vec<Output> = self.node_mut().commit(now).collect();
            if outputs.is_empty() {
                return;
            }
            outputs.into_iter().for_each(|output| self.carry_out_one(output));
        }
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::Send { peer, message } => {
                let Some(remote) = self.peers.get_mut(&peer) else { return };
                assert!(
                    message.len() <= remote.message_max,
                    "{} bytes for {}",
                    message.len(),
                    remote.message_max
                );
                match decode::<Message>(&message).expect("the node sends messages") {
                    Message::Refused(reason) => {
                        assert!(!remote.is_honest, "an honest peer is blamed: {reason}")
                    }
                    Message::GetHeaders { .. }
                    | Message::GetBlock(_)
                    | Message::GetBlockTransactions { .. }
                    | Message::GetAddresses
                    | Message::GetTransactions(_)
                    | Message::Ping(_) => remote.asked.push_back(message),
                    Message::CompactBlock { header, ids } => {
                        assert!(remote.is_compact, "pushed to one that cannot take it");
                        let ids = ids.iter().map(|id| id.expect("the node's lists are well formed"));
                        assert_eq!(root_of_hashes(ids), header.transactions_root);
                    }
                    _ => {}
                }
            }
            Output::Close { peer, reason } => {
                if self.peers.remove(&peer).is_some() {
                    self.handle(Input::Closed { peer, reason });
                }
            }
            Output::Dial(address) => {
                self.handle(Input::DialFailed { address, reason: "nobody is there".to_owned() });
            }
            Output::Mine(order) => self.order = order,
            Output::Reply(_, Reply::Submitted(Ok(id))) => {
                let entry = self.node().mempool().get(&id);
                let transaction = entry.map(|entry| (entry.transaction().sender, entry.transaction().nonce));
                self.acknowledged.extend(transaction.map(|transaction| (id, transaction)));
            }
            Output::Reply(_, Reply::Mined(Ok((id, _)))) => {
                assert!(self.node().ledger().contains(&id).expect("the disk is whole"));
            }
            Output::Event(Event::Block { id, .. }) => {
                assert!(self.node().ledger().contains(&id).expect("the disk is whole"));
            }
            Output::Reply(..) | Output::Event(_) => {}
        }
    }

    fn open(&mut self, choices: &mut Choices<'_>) {
        if self.peers.len() >= PEERS {
            return;
        }
        let kind = choices.byte();
        let direction = if kind.is_multiple_of(2) { Direction::Inbound } else { Direction::Outbound };
        let is_compact = kind & 2 != 0;
        let branch = choices.below(Grove::get().branches.len());
        let height = choices.below(20);
        // Few messages fit into the least that a node must take.
        let message_max = if choices.once_in(8) { 2_048 } else { MESSAGE_MAX_BYTES };
        let ip = [10, 1 + self.opened as u8 % 8, 0, 1];
        self.connect(direction, ip, Remote::new(branch, height, message_max, is_compact));
    }

    fn connect(&mut self, direction: Direction, ip: [u8; 4], remote: Remote) -> PeerId {
        self.opened += 1;
        let peer = PeerId(self.opened);
        let address = PeerAddress::from_ip(ip.into(), 7_000);
        self.peers.insert(peer, remote);
        self.input(Input::Opened { peer, direction, address });
        peer
    }

    fn greet(&mut self, peer: PeerId) {
        let Some(remote) = self.peers.get_mut(&peer).filter(|remote| !remote.has_greeted) else { return };
        remote.has_greeted = true;
        let hello = remote.hello(self.now, 5_000 + peer.0);
        self.tell(peer, wire(&Message::Hello(hello)));
    }

    /// Answers the oldest request as an honest node does; whether there was one.
    fn answer_next(&mut self, peer: PeerId) -> bool {
        let Some(remote) = self.peers.get_mut(&peer).filter(|remote| remote.has_greeted) else {
            return false;
        };
        let Some(request) = remote.asked.pop_front() else { return false };
        if let Some(answer) = remote.answer(&request) {
            self.tell(peer, answer);
        }
        true
    }

    fn answer_all(&mut self, peer: PeerId) {
        for _ in 0..64 {
            if !self.answer_next(peer) {
                return;
            }
        }
    }

    fn announce(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let Some(remote) = self.peers.get_mut(&peer).filter(|remote| remote.has_greeted) else { return };
        remote.height += choices.below(4);
        if let Some(news) = remote.news() {
            self.tell(peer, news);
        }
    }

    fn pass(&mut self, choices: &mut Choices<'_>) {
        let ticks = 1 + choices.below(12);
        let millis = *choices.of(&[100, 250, 1_000, 5_000, 20_000]);
        for _ in 0..ticks {
            self.tick(millis);
        }
    }

    fn tick(&mut self, millis: u64) {
        let moment = self.now.moment.plus(millis);
        self.now = Now { time: Timestamp::from_seconds(START_SECONDS + moment.millis() / 1_000), moment };
        let now = self.now;
        self.node_mut().tick(now);
        self.carry_out();
    }

    fn hang_up(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        self.input(Input::Closed { peer, reason: "the other side is gone".to_owned() });
    }

    /// Cuts the power; what was acknowledged must still be there.
    fn restart(&mut self, choices: &mut Choices<'_>) {
        let work = self.node().ledger().tip().work();
        let cut = match choices.byte() % 3 {
            0 => PowerCut::LosesAll,
            1 => PowerCut::Keeps(choices.number()),
            _ => PowerCut::Tears(choices.number()),
        };
        self.peers.clear();
        self.order = None;
        // What the old one still writes is not synced any more.
        self.disk.set_fault(Fault::PowerFails(0));
        self.node = None;
        self.disk.crash(cut);
        self.node = Some(start(&self.disk, |_| {}));
        assert!(self.node().ledger().tip().work() >= work, "blocks were lost");
        let lost = self.acknowledged.iter().find(|(_, (sender, nonce))| !self.is_kept(sender, *nonce));
        assert!(lost.is_none(), "lost {lost:?}");
    }

    /// Whatever happened, somebody who shows a better chain is followed.
    fn follow_an_honest_peer(&mut self) {
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        peers.into_iter().for_each(|peer| self.hang_up(peer));
        let goal = Grove::get().branches[BEST].last().map(|block| block.header.id());
        let goal =
            goal.and_then(|id| Grove::get().chains.get(&id)).expect("the best branch is valid").tip.work();
        let until = self.now.moment.plus(PATIENCE_MS);
        let best = || Remote::new(BEST, 99, MESSAGE_MAX_BYTES, false);
        let mut peer = self.connect(Direction::Inbound, [10, 99, 0, 1], best());
        self.greet(peer);
        while self.node().ledger().tip().work() < goal {
            assert!(self.now.moment < until, "the node does not follow an honest peer");
            if !self.peers.contains_key(&peer) {
                peer = self.connect(Direction::Inbound, [10, 99, 0, 1], best());
                self.greet(peer);
            }
            self.answer_all(peer);
            self.tick(250);
        }
    }
}
