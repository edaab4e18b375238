//! The node of a host, with honest and other peers at once, users, clocks and restarts. Whatever they do, its chain
//! obeys every rule, its work never shrinks, what it acknowledged stays, no honest peer is blamed, and an honest peer
//! with a better chain is always followed in the end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Reply, Request, Switch};
use mote::node::status::{Direction, Event};
use mote::node::{Input, MiningOrder, Node, Now, Options, Output, PeerId, Ticket};
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::{Added, Ledger};
use mote::store::memory::{Fault, MemoryDisk, PowerCut};
use mote::store::segment::Identity;
use mote_core::block::Header;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::rules::Clock;
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Moment, Timestamp};
use mote_core::wire::{Hello, MESSAGE_MAX_BYTES, Message, NetAddress, PROTOCOL_VERSION, Services};

use super::Choices;
use super::grove::{BEST, FLAWED, Grove};
use crate::devices::branch::with_list;
use crate::fixtures::{Chain, VecBlock, account, mine, wire};

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

/// The other end of a connection.
struct Remote {
    address: PeerAddress,
    branch: usize,
    /// How many blocks of the branch it shows.
    height: usize,
    has_greeted: bool,
    is_honest: bool,
    message_max: usize,
    /// Requests of the node that wait for an answer.
    asked: VecDeque<Vec<u8>>,
}

impl Remote {
    fn blocks(&self) -> &'static [VecBlock] {
        let branch = &Grove::get().branches[self.branch];
        &branch[..self.height.min(branch.len())]
    }

    fn tip(&self) -> &'static Header {
        let grove = Grove::get();
        self.blocks().last().map_or(grove.params.genesis(), |block| &block.header)
    }

    fn hello(&self, now: Now, nonce: u64) -> Hello {
        let grove = Grove::get();
        let tip = self.tip();
        // Of a flawed branch nobody has the work, but anybody can claim some.
        let work = grove.chains.get(&tip.id()).map_or(mote_core::pow::Work::from_be_bytes(&[0x7f; 32]), |chain| chain.tip.work());
        Hello {
            version: PROTOCOL_VERSION,
            genesis: grove.params.genesis_id(),
            tip: tip.id(),
            height: tip.height,
            work,
            time: now.time,
            services: Services::FULL,
            witness_from: Height::GENESIS.next(),
            message_max: self.message_max as u32,
            nonce,
            port: 7_000,
        }
    }

    /// What an honest node that shows this branch answers.
    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let find = |id: &Hash32| self.blocks().iter().find(|block| block.header.id() == *id);
        Some(match decode::<Message>(request).expect("the node sends messages") {
            Message::GetHeaders { locator, limit } => {
                let ids: Vec<Hash32> = locator.iter().map(|id| id.expect("the node's locators are well formed")).collect();
                let place = |id: &Hash32| self.blocks().iter().position(|block| block.header.id() == *id);
                let start = ids.iter().find_map(place).map_or(0, |index| index + 1);
                let headers: Vec<Header> =
                    self.blocks()[start..].iter().take(usize::from(limit)).map(|block| block.header.clone()).collect();
                with_list(&headers, |list| wire(&Message::Headers(list)))
            }
            Message::GetBlock(id) => match find(&id) {
                Some(block) => wire(&Message::Block(&wire(block))),
                None => wire(&Message::NotFound(id)),
            },
            Message::GetAddresses => {
                let addresses = [NetAddress { ip: std::net::Ipv4Addr::new(10, 50, 0, 1).to_ipv6_mapped().octets(), port: 7_700 }];
                with_list(&addresses, |list| wire(&Message::Addresses(list)))
            }
            Message::Ping(nonce) => wire(&Message::Pong(nonce)),
            Message::GetTransactions(ids) => {
                let id = ids.iter().next()?.ok()?;
                let payment = Grove::get().payments.iter().find(|payment| payment.id() == id)?;
                wire(&Message::Transaction(payment.clone()))
            }
            _ => return None,
        })
    }
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

fn start(disk: &MemoryDisk, prepare: impl FnOnce(&mut Ledger<MemoryDisk>)) -> Node<MemoryDisk> {
    let params = Arc::new(Grove::get().params.clone());
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (mut ledger, _) = Ledger::open(disk.clone(), params.clone(), |_| {}).expect("the ledger opens");
    prepare(&mut ledger);
    let (journal, open) =
        Journal::open(disk.clone(), &identity, JournalLimits::default(), 7).expect("the journal opens");
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
                assert!(message.len() <= remote.message_max, "{} bytes for {}", message.len(), remote.message_max);
                match decode::<Message>(&message).expect("the node sends messages") {
                    Message::Refused(reason) => assert!(!remote.is_honest, "an honest peer is blamed: {reason}"),
                    Message::GetHeaders { .. }
                    | Message::GetBlock(_)
                    | Message::GetAddresses
                    | Message::GetTransactions(_)
                    | Message::Ping(_) => remote.asked.push_back(message),
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
        let direction = if choices.byte().is_multiple_of(2) { Direction::Inbound } else { Direction::Outbound };
        let branch = choices.below(Grove::get().branches.len());
        let height = choices.below(20);
        // Few messages fit into the least that a node must take.
        let message_max = if choices.once_in(8) { 2_048 } else { MESSAGE_MAX_BYTES };
        let ip = [10, 1 + self.opened as u8 % 8, 0, 1];
        self.connect(direction, ip, branch, height, message_max);
    }

    fn connect(&mut self, direction: Direction, ip: [u8; 4], branch: usize, height: usize, message_max: usize) -> PeerId {
        self.opened += 1;
        let peer = PeerId(self.opened);
        let address = PeerAddress::from_ip(ip.into(), 7_000);
        let remote = Remote {
            address: address.clone(),
            branch,
            height,
            has_greeted: false,
            is_honest: branch != FLAWED,
            message_max,
            asked: VecDeque::new(),
        };
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
        let Some(remote) = self.peers.get_mut(&peer).filter(|remote| remote.has_greeted) else { return false };
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
        let tip = remote.tip().clone();
        if tip.height > Height::GENESIS {
            self.tell(peer, wire(&Message::Tip(tip)));
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

    fn answer_wrongly(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let Some(remote) = self.peers.get_mut(&peer) else { return };
        let Some(request) = remote.asked.pop_front() else { return };
        remote.is_honest = false;
        let Some(answer) = remote.answer(&request) else { return };
        let changed = match decode::<Message>(&answer) {
            Ok(Message::Block(bytes)) => wire(&Message::Block(&change_block(bytes, choices))),
            Ok(Message::Headers(headers)) => {
                let mut headers: Vec<Header> = headers.iter().map_while(Result::ok).collect();
                change_headers(&mut headers, choices);
                with_list(&headers, |list| wire(&Message::Headers(list)))
            }
            _ => {
                let mut bytes = answer;
                choices.mutate(&mut bytes);
                bytes
            }
        };
        self.tell(peer, changed);
    }

    fn speak_out_of_turn(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let now = self.now;
        let Some(remote) = self.peers.get_mut(&peer) else { return };
        remote.is_honest = false;
        let block = choices.of(&Grove::get().branches[remote.branch]);
        let id = block.header.id();
        let mut bytes = match choices.byte() % 14 {
            0 => wire(&Message::Hello(remote.hello(now, choices.number()))),
            1 => wire(&Message::Block(&change_block(&wire(block), choices))),
            2 => wire(&Message::Block(&wire(block))),
            3 => with_list(std::slice::from_ref(&block.header), |list| wire(&Message::Headers(list))),
            4 => {
                let mut headers = vec![block.header.clone()];
                change_headers(&mut headers, choices);
                headers.first().map(|header| wire(&Message::Tip(header.clone()))).unwrap_or_default()
            }
            5 => wire(&Message::Tip(block.header.clone())),
            6 => wire(&Message::NotFound(id)),
            7 => wire(&Message::Pong(choices.number())),
            8 => {
                let address = || NetAddress { ip: choices.array(), port: 7_700 };
                let addresses: Vec<NetAddress> = std::iter::repeat_with(address).take(3).collect();
                with_list(&addresses, |list| wire(&Message::Addresses(list)))
            }
            9 => with_list(&[id, Hash32::ZERO], |list| wire(&Message::HaveTransactions(list))),
            10 => {
                let mut payment = wire(choices.of(&Grove::get().payments));
                choices.mutate(&mut payment);
                let changed = decode::<Transaction>(&payment);
                changed.map(|payment| wire(&Message::Transaction(payment))).unwrap_or(payment)
            }
            11 => wire(&Message::Refused("go away")),
            12 => wire(&Message::WitnessStart(block.header.clone())),
            _ => choices.bytes(300).to_vec(),
        };
        if choices.once_in(4) {
            choices.mutate(&mut bytes);
        }
        self.tell(peer, bytes);
    }

    /// Asks what an honest peer may ask.
    fn ask(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let Some(remote) = self.peers.get(&peer).filter(|remote| remote.has_greeted) else { return };
        let block = choices.of(&Grove::get().branches[remote.branch]);
        let id = block.header.id();
        let payment = choices.of(&Grove::get().payments);
        let tip = self.node().ledger().tip().id();
        let request = match choices.byte() % 9 {
            0 => wire(&Message::GetBlock(id)),
            1 => with_list(&[id], |list| wire(&Message::GetHeaders { locator: list, limit: u16::from(choices.byte()) })),
            2 => wire(&Message::GetWitness(id)),
            3 => wire(&Message::GetAccount { block: id, key: account(choices.number() % 10).account_key() }),
            4 => wire(&Message::GetInclusion(block.transactions.first().map_or(id, Transaction::id))),
            5 => with_list(std::slice::from_ref(payment), |transactions| {
                wire(&Message::GetTemplateWitness { tip, miner: account(4), transactions })
            }),
            6 => with_list(&[payment.id()], |list| wire(&Message::GetTransactions(list))),
            7 => wire(&Message::GetAddresses),
            _ => wire(&Message::Ping(choices.number())),
        };
        self.tell(peer, request);
    }

    fn offer_payment(&mut self, choices: &mut Choices<'_>) {
        let payment = choices.of(&Grove::get().payments);
        let Some(peer) = self.some_peer(choices) else { return };
        if !self.peers.get(&peer).is_some_and(|remote| remote.has_greeted) {
            return;
        }
        let message = if choices.byte().is_multiple_of(2) {
            wire(&Message::Transaction(payment.clone()))
        } else {
            with_list(&[payment.id()], |list| wire(&Message::HaveTransactions(list)))
        };
        self.tell(peer, message);
    }

    fn request(&mut self, choices: &mut Choices<'_>) {
        let address = PeerAddress::from_ip([10, 1 + choices.byte() % 8, 0, 1].into(), 7_000);
        let request = match choices.byte() % 6 {
            0 => Request::Submit(choices.of(&Grove::get().payments).clone()),
            1 => Request::AddPeer(address),
            2 => Request::RemovePeer(address),
            3 => Request::Resolve,
            4 => Request::MineBlock(account(6)),
            _ => Request::SetMining(MiningSettings {
                miner: choices.byte().is_multiple_of(2).then(|| account(7)),
                switch: if choices.byte().is_multiple_of(2) { Switch::On } else { Switch::Off },
                threads: 1,
                limit: RateLimit::Unlimited,
            }),
        };
        self.tickets += 1;
        let submitted = if let Request::Submit(transaction) = &request { Some(transaction.clone()) } else { None };
        self.input(Input::Request(Ticket(self.tickets), request));
        if let Some(transaction) = submitted.filter(|transaction| self.acknowledged.contains_key(&transaction.id())) {
            assert!(self.is_kept(&transaction.sender, transaction.nonce));
        }
    }

    fn find(&mut self, choices: &mut Choices<'_>) {
        let Some(order) = self.order.clone() else { return };
        let nonce = if choices.once_in(4) { Some(choices.number()) } else { order.job.search(0..1 << 16) };
        if let Some(nonce) = nonce {
            self.input(Input::Found { job: order.id, nonce });
        }
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

    /// Whether a payment, or another in its place, is open or mined.
    fn is_kept(&self, sender: &PublicKey, nonce: u64) -> bool {
        let is_open = self.node().mempool().of_sender(sender).any(|entry| entry.transaction().nonce == nonce);
        is_open || self.node().account(sender).expect("the disk is whole").nonce > nonce
    }

    /// What must be so at any time.
    fn look(&mut self) {
        let tip = self.node().ledger().tip();
        if tip.id() != self.tip {
            let chain = self.judged(&tip.id());
            let before = self.judged(&self.tip.clone());
            assert!(chain.tip.work() >= before.tip.work(), "the chain lost work");
            assert_eq!(self.node().ledger().tip().state_root(), chain.tip.state_root());
            for number in 1..10 {
                let held = self.node().account(&account(number)).expect("the disk is whole");
                assert_eq!(held, chain.accounts.account(&account(number)), "account {number}");
            }
            self.tip = chain.tip.id();
            // Another branch may have made impossible what was acknowledged.
            let kept = self.acknowledged.iter().filter(|(_, (sender, nonce))| self.is_kept(sender, *nonce));
            self.acknowledged = kept.map(|(id, payment)| (*id, *payment)).collect();
        }
        for entry in self.node().mempool().by_priority() {
            let transaction = entry.transaction();
            let account = self.node().account(&transaction.sender).expect("the disk is whole");
            let earlier = self.node().mempool().of_sender(&transaction.sender);
            let earlier = earlier.filter(|other| other.transaction().nonce < transaction.nonce).count() as u64;
            assert_eq!(transaction.nonce, account.nonce + earlier, "a payment that cannot be mined");
        }
        let lost = self.acknowledged.iter().find(|(_, (sender, nonce))| !self.is_kept(sender, *nonce));
        assert!(lost.is_none(), "lost {lost:?}");
    }

    /// The chain up to a block of the node, judged by the fixtures.
    fn judged(&mut self, id: &Hash32) -> Arc<Chain> {
        let grove = Grove::get();
        let (mut missing, mut at) = (Vec::new(), *id);
        let mut chain = loop {
            if let Some(chain) = grove.chains.get(&at).or(self.chains.get(&at)) {
                break chain.clone();
            }
            let block = self.node().ledger().block(&at).expect("the disk is whole").expect("the chain reaches genesis");
            at = block.header.previous;
            missing.push(block);
        };
        for block in missing.into_iter().rev() {
            let mut next = Chain::clone(&chain);
            // The clock of the fixtures' chains stands still.
            let judged = crate::fixtures::judge(&next.params, &next.tip, Clock::Now(self.now.time), &block, &mut next.accounts);
            next.tip.extend(&judged.expect("the node takes valid blocks only"));
            chain = Arc::new(next);
            self.chains.insert(chain.tip.id(), chain.clone());
        }
        chain
    }

    /// Whatever happened, somebody who shows a better chain is followed.
    fn follow_an_honest_peer(&mut self) {
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        peers.into_iter().for_each(|peer| self.hang_up(peer));
        let goal = Grove::get().branches[BEST].last().map(|block| block.header.id());
        let goal = goal.and_then(|id| Grove::get().chains.get(&id)).expect("the best branch is valid").tip.work();
        let until = self.now.moment.plus(PATIENCE_MS);
        let mut peer = self.connect(Direction::Inbound, [10, 99, 0, 1], BEST, 99, MESSAGE_MAX_BYTES);
        self.greet(peer);
        while self.node().ledger().tip().work() < goal {
            assert!(self.now.moment < until, "the node does not follow an honest peer");
            if !self.peers.contains_key(&peer) {
                peer = self.connect(Direction::Inbound, [10, 99, 0, 1], BEST, 99, MESSAGE_MAX_BYTES);
                self.greet(peer);
            }
            self.answer_all(peer);
            self.tick(250);
        }
    }
}

/// Another block than this one, whose proof of work is right where that is easy.
fn change_block(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut block: VecBlock = decode(bytes).expect("these are the bytes of a block");
    let Grove { params, payments, .. } = Grove::get();
    match choices.byte() % 8 {
        0 => {
            let mut bytes = bytes.to_vec();
            choices.mutate(&mut bytes);
            return bytes;
        }
        1 => block.transactions.push(choices.of(payments).clone()),
        2 => block.transactions.reverse(),
        3 => drop(block.transactions.pop()),
        4 => block.transactions.extend(block.transactions.clone()),
        5 => block.header.state_root = Hash32::from_bytes(choices.array()),
        6 => block.header.transaction_count ^= 1,
        _ => block.header.time = Timestamp::from_seconds(choices.number()),
    }
    if choices.byte().is_multiple_of(2) {
        block.header.transactions_root = mote_core::block::transactions_root(&block.transactions);
        block.header.transaction_count = block.transactions.len() as u32;
    }
    if block.header.target == params.genesis().target {
        mine(&mut block.header);
    }
    wire(&block)
}

/// Other headers than these, the last of which has a right proof of work where that is easy.
fn change_headers(headers: &mut Vec<Header>, choices: &mut Choices<'_>) {
    let floor = Grove::get().params.genesis().target;
    let at = choices.below(headers.len().max(1));
    let kind = choices.byte() % 10;
    let Some(header) = headers.get_mut(at) else { return };
    match kind {
        0 => header.height = Height::new(choices.number()),
        1 => header.previous = Hash32::from_bytes(choices.array()),
        2 => header.state_root = Hash32::from_bytes(choices.array()),
        3 => header.time = header.time.plus(choices.number()),
        4 => header.nonce = choices.number(),
        5 => header.history_root = Hash32::from_bytes(choices.array()),
        6 => return headers.truncate(at),
        7 => return headers.reverse(),
        8 => {
            let again = headers[at].clone();
            return headers.insert(at, again);
        }
        _ => header.target = mote_core::pow::CompactTarget::from_bits(choices.number() as u32),
    }
    if header.target == floor && choices.byte().is_multiple_of(2) {
        mine(header);
    }
    // What stood behind it stands on another one.
    if choices.byte().is_multiple_of(2) {
        headers.truncate(at + 1);
    }
}
