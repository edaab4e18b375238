//! The node of a device, with two peers that are honest or not, its owner, and power cuts. Whatever they do, the chain
//! that it takes obeys every rule, no honest peer is blamed, its blocks are valid, and an honest peer with a better
//! chain is followed in the end.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;
use std::sync::OnceLock;

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::rules::Rule;
use mote_core::transaction::Memo;
use mote_core::units::{Amount, Height, Moment, Timestamp};
use mote_core::wire::stream::{Piece, WINDOW_MIN_BYTES, Window, WitnessReader};
use mote_core::wire::{Message, NetAddress};
use mote_firmware::command::{Command, Mining};
use mote_firmware::event::{Event, Miner};
use mote_firmware::node::{Chains, Node, RECORD_MAX_BYTES, Records, SEND_MAX_BYTES, Settings, Surroundings};
use mote_firmware::report::{Offence, PEERS};
use serde::Serialize;

use super::Choices;
use crate::devices::answers::{answer, hello};
use crate::devices::branch::{Branch, with_list};
use crate::devices::script::{Out, Script};
use crate::fixtures::{VecBlock, account, key, mine, regtest, wire};

/// What the clocks of honest peers show at first: long after every block of a branch was made.
const START_SECONDS: u64 = 1_767_225_600 + 1_000_000;

/// The device's account, by its number.
const OWN: u64 = 1;

/// The most steps of one input.
const STEPS: usize = 160;

/// How long the device may take to follow an honest peer in the end, in milliseconds.
const PATIENCE_MS: u64 = 300_000;

/// Which branch is heaviest of those that obey every rule.
const BEST: usize = 1;

/// From which branch on the last block breaks a rule.
const FLAWED: usize = 3;

/// The branches that peers show, made once.
fn branches() -> &'static [Branch] {
    static BRANCHES: OnceLock<Vec<Branch>> = OnceLock::new();
    BRANCHES.get_or_init(|| {
        let mut first = Branch::new(regtest());
        first.grow(OWN, 3);
        first.grow_with_payments(OWN, 4, 2);
        first.grow(2, 5);
        // Deeper than what a device keeps of a branch while it checks it.
        let mut best = first.up_to(4);
        best.grow_with_payments(OWN, 3, 3);
        best.grow(3, 17);
        let mut short = first.up_to(9);
        short.grow(4, 2);
        let now = Timestamp::from_seconds(START_SECONDS);
        let flawed = |rule| {
            let mut branch = first.clone();
            branch.grow(5, 6);
            branch.append_broken(rule, now);
            branch
        };
        let flawed = [Rule::BlockStateRoot, Rule::LedgerBalance, Rule::TransactionSignature].map(flawed);
        [first, best, short].into_iter().chain(flawed).collect()
    })
}

/// Reads the steps that the bytes stand for, and does them.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut chains = Box::new(Chains::new());
    let mut outside = Outside::default();
    let mut saved: Saved = None;
    // Each round is a time between two power cuts.
    for _ in 0..4 {
        let mut stage = Stage::new(&mut chains, &mut outside, &saved);
        let is_cut = stage.live(&mut choices);
        if !is_cut {
            stage.follow_an_honest_peer();
            return;
        }
        saved = stage.save(&mut choices);
    }
    Stage::new(&mut chains, &mut outside, &saved).follow_an_honest_peer();
}

/// Whole stories, to be varied.
pub fn seeds() -> Vec<Vec<u8>> {
    // A peer that greets and answers everything, then a power cut, then another one.
    let round = |branch: u8| [&[0, 0, branch, 30, 1, 0][..], &[2, 0, 7, 5].repeat(20)].concat();
    (0..6).map(|branch| [round(branch), vec![15, 0], round((branch + 1) % 6)].concat()).collect()
}

/// Records of the state that was kept, or nothing.
type Saved = Option<Vec<(u8, Vec<u8>)>>;

/// What is around the node.
#[derive(Default)]
struct Outside {
    snapshots: BTreeMap<Height, Tip>,
    work: u64,
    events: Vec<Event>,
}

impl Surroundings for Outside {
    fn keep_snapshot(&mut self, tip: &Tip) {
        self.snapshots.insert(tip.height(), tip.clone());
    }

    fn load_snapshot(&mut self, height: Height, into: &mut Tip) -> bool {
        let found = self.snapshots.get(&height);
        found.into_iter().for_each(|tip| into.copy_from(tip));
        found.is_some()
    }

    fn snapshot_id(&mut self, height: Height) -> Option<Hash32> {
        self.snapshots.get(&height).map(Tip::id)
    }

    fn work(&mut self) -> u64 {
        self.work += 1;
        self.work
    }

    fn count_checks(&mut self, _before: u64) {}

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// The state as it is written.
struct Writer(Vec<(u8, Vec<u8>)>);

impl Records for Writer {
    type Error = std::convert::Infallible;

    fn record<T: Serialize>(&mut self, kind: u8, value: &T) -> Result<(), Self::Error> {
        let bytes = wire(value);
        assert!(bytes.len() <= RECORD_MAX_BYTES, "a record of {} bytes", bytes.len());
        self.0.push((kind, bytes));
        Ok(())
    }
}

/// The other end of a connection.
struct Remote {
    branch: Branch,
    number: usize,
    is_honest: bool,
    has_greeted: bool,
    asked: VecDeque<Vec<u8>>,
    /// Answers of several messages that are on their way.
    saying: VecDeque<Vec<u8>>,
}

struct Stage<'s> {
    node: Node<'s>,
    outside: &'s mut Outside,
    peers: [Option<Remote>; PEERS],
    now: Moment,
    /// The tip's work, which only grows.
    work: mote_core::pow::Work,
    found: Vec<Hash32>,
}

impl<'s> Stage<'s> {
    fn new(chains: &'s mut Chains, outside: &'s mut Outside, saved: &Saved) -> Self {
        *chains = Chains::new();
        let settings = || Settings {
            params: regtest(),
            key: Some(key(OWN)),
            nonce: 77,
            mining: Mining::On,
            peers: PEERS,
            checkpoint: None,
        };
        let mut node = Node::new(settings(), chains);
        for (kind, payload) in saved.iter().flatten() {
            node.restore(*kind, payload).expect("what was saved whole can be read");
        }
        outside.events.clear();
        let work = node.tip().work;
        Self { node, outside, peers: [const { None }; PEERS], now: Moment::from_millis(0), work, found: Vec::new() }
    }

    /// Does steps until the power is cut, or the input ends; whether it was cut.
    fn live(&mut self, choices: &mut Choices<'_>) -> bool {
        for _ in 0..STEPS {
            if choices.is_over() {
                return false;
            }
            let step = choices.byte() % 16;
            let peer = choices.below(PEERS);
            match step {
                0 => self.open(peer, choices),
                1 => self.greet(peer),
                2..=4 => self.answer_all(peer),
                5 => drop(self.answer_next(peer)),
                6 => self.announce(peer, choices),
                7 | 8 => self.pass(choices),
                9 => self.mine_slices(),
                10 | 11 => self.answer_wrongly(peer, choices),
                12 => self.speak_out_of_turn(peer, choices),
                13 => self.command(choices),
                14 => self.close(peer),
                _ => return true,
            }
            self.look();
        }
        false
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_seconds(START_SECONDS + self.now.millis() / 1_000)
    }

    fn open(&mut self, peer: usize, choices: &mut Choices<'_>) {
        if self.peers[peer].is_none() {
            let number = choices.below(branches().len());
            let height = 1 + choices.below(30) as u64;
            self.connect(peer, number, height);
        }
    }

    fn connect(&mut self, peer: usize, number: usize, height: u64) {
        let whole = &branches()[number];
        let branch = if height < whole.height() { whole.up_to(height) } else { whole.clone() };
        let is_honest = number < FLAWED || height < whole.height();
        self.peers[peer] = Some(Remote {
            branch,
            number,
            is_honest,
            has_greeted: false,
            asked: VecDeque::new(),
            saying: VecDeque::new(),
        });
        self.node.opened(peer, SocketAddrV4::new([10, 0, 0, 1 + peer as u8].into(), 7_700), self.now);
        self.listen(peer);
    }

    fn greet(&mut self, peer: usize) {
        let time = self.time();
        let Some(remote) = self.peers[peer].as_mut().filter(|remote| !remote.has_greeted) else { return };
        remote.has_greeted = true;
        let hello = hello(&remote.branch, time, 500 + peer as u64);
        self.tell(peer, &wire(&Message::Hello(hello)));
    }

    /// Hands a message to the node as its connection does: parts of witnesses in pieces.
    fn tell(&mut self, peer: usize, bytes: &[u8]) {
        let told = match bytes.split_first().and_then(|(index, _)| WitnessReader::new(*index)) {
            Some(reader) => self.tell_in_pieces(peer, reader, bytes),
            None => self.node.receive(peer, bytes, self.now, self.outside),
        };
        if let Err(offence) = told {
            self.part_for(peer, &offence);
        }
        self.listen_to_all();
    }

    fn tell_in_pieces(&mut self, peer: usize, mut reader: WitnessReader, bytes: &[u8]) -> Result<(), Offence> {
        let (index, mut rest) = (bytes[0], &bytes[1..]);
        self.node.begin_pieces(peer, index, self.now)?;
        loop {
            let window = if rest.len() <= WINDOW_MIN_BYTES { Window::Rest } else { Window::Beginning };
            let read = reader.next(&rest[..rest.len().min(WINDOW_MIN_BYTES)], window);
            let malformed = |error| Offence::Peer(mote_core::peer::Offence::Malformed(error));
            let Some((piece, size)) = read.map_err(malformed)? else { panic!("the window is large enough") };
            rest = &rest[size..];
            self.node.receive_piece(peer, index, &piece, self.now, self.outside)?;
            if piece == Piece::End {
                return Ok(());
            }
        }
    }

    fn listen_to_all(&mut self) {
        self.node.follow_somebody(self.now);
        (0..PEERS).for_each(|peer| self.listen(peer));
    }

    /// Takes in what the node has to say.
    fn listen(&mut self, peer: usize) {
        let mut scratch = vec![0; SEND_MAX_BYTES];
        for _ in 0..64 {
            if self.peers[peer].is_none() {
                return;
            }
            let said = self.node.say(peer, SEND_MAX_BYTES, &mut scratch, self.now, self.outside);
            let message = match said {
                Ok(None) => return,
                Ok(Some(message)) => wire(&message),
                Err(_) => return self.close(peer),
            };
            assert!(message.len() <= SEND_MAX_BYTES, "a message of {} bytes", message.len());
            if let Some(remote) = &mut self.peers[peer] {
                hear(remote, message);
            }
        }
        panic!("the node does not stop to speak");
    }

    fn answer_next(&mut self, peer: usize) -> bool {
        let time = self.time();
        let Some(remote) = self.peers[peer].as_mut().filter(|remote| remote.has_greeted) else { return false };
        if remote.saying.is_empty() {
            let Some(request) = remote.asked.pop_front() else { return false };
            remote.saying = honest_answer(remote, &request, time);
        }
        if let Some(message) = remote.saying.pop_front() {
            self.tell(peer, &message);
        }
        true
    }

    fn answer_all(&mut self, peer: usize) {
        for _ in 0..200 {
            if !self.answer_next(peer) {
                return;
            }
        }
    }

    fn announce(&mut self, peer: usize, choices: &mut Choices<'_>) {
        let Some(remote) = self.peers[peer].as_mut().filter(|remote| remote.has_greeted) else { return };
        let whole = &branches()[remote.number];
        let height = remote.branch.height() + choices.below(4) as u64;
        // A block of the device may stand on it.
        let is_own = remote.branch.height() > whole.height() || whole.id_at(remote.branch.height()) != remote.branch.tip().id();
        if !is_own && height <= whole.height() {
            remote.branch = if height < whole.height() { whole.up_to(height) } else { whole.clone() };
            remote.is_honest &= remote.number < FLAWED || height < whole.height();
        }
        let tip = remote.branch.tip().clone();
        self.tell(peer, &wire(&Message::Tip(tip)));
    }

    fn pass(&mut self, choices: &mut Choices<'_>) {
        let millis = *choices.of(&[20, 250, 1_000, 4_000, 16_000]);
        for _ in 0..=choices.below(6) {
            self.tick(millis);
        }
    }

    fn tick(&mut self, millis: u64) {
        self.now = self.now.plus(millis);
        self.node.tick(self.now);
        self.listen_to_all();
    }

    fn mine_slices(&mut self) {
        for _ in 0..4 {
            self.node.mine(self.now, self.outside);
        }
        self.listen_to_all();
    }

    fn answer_wrongly(&mut self, peer: usize, choices: &mut Choices<'_>) {
        let time = self.time();
        let Some(remote) = self.peers[peer].as_mut() else { return };
        remote.is_honest = false;
        let Some(request) = remote.asked.pop_front() else { return };
        let mut messages: Vec<Vec<u8>> = honest_answer(remote, &request, time).into();
        let at = choices.below(messages.len().max(1));
        match choices.byte() % 6 {
            0 if !messages.is_empty() => drop(messages.remove(at)),
            1 if !messages.is_empty() => {
                let again = messages[at].clone();
                messages.insert(at, again);
            }
            2 => messages.reverse(),
            3 => messages.truncate(at),
            _ => {
                if let Some(message) = messages.get_mut(at) {
                    *message = change(message, choices);
                }
            }
        }
        remote.saying.extend(messages);
    }

    fn speak_out_of_turn(&mut self, peer: usize, choices: &mut Choices<'_>) {
        let Some(remote) = self.peers[peer].as_mut() else { return };
        remote.is_honest = false;
        let shown = choices.of(remote.branch.shown());
        let id = shown.header.id();
        let payments = payments();
        let payment = choices.of(payments);
        let mut bytes = match choices.byte() % 16 {
            0 => {
                let skew = (choices.number() as i64).clamp(-10_000_000, 10_000_000);
                let time = Timestamp::from_seconds(START_SECONDS.saturating_add_signed(skew));
                remote.has_greeted = true;
                wire(&Message::Hello(hello(&remote.branch, time, choices.number())))
            }
            1 => choices.of(&shown.witness).clone(),
            2 => with_list(std::slice::from_ref(&shown.header), |list| wire(&Message::Headers(list))),
            3 => {
                let mut header = shown.header.clone();
                change_header(&mut header, choices);
                wire(&Message::Tip(header))
            }
            4 => wire(&Message::NotFound(id)),
            5 => wire(&Message::Pong(choices.number())),
            6 => wire(&Message::Ping(choices.number())),
            7 => wire(&Message::GetBlock(id)),
            8 => with_list(&[id], |list| wire(&Message::GetHeaders { locator: list, limit: 9 })),
            9 => wire(&Message::Transaction(payment.clone())),
            10 => with_list(&[payment.id(), id], |list| wire(&Message::HaveTransactions(list))),
            11 => with_list(&[payment.id(), id], |list| wire(&Message::GetTransactions(list))),
            12 => wire(&Message::Refused("go away")),
            13 => with_list(&[NetAddress { ip: choices.array(), port: 1 }], |list| wire(&Message::Addresses(list))),
            14 => wire(&Message::GetAccount { block: id, key: account(OWN).account_key() }),
            _ => choices.bytes(300).to_vec(),
        };
        if choices.once_in(4) {
            choices.mutate(&mut bytes);
        }
        self.tell(peer, &bytes);
    }

    fn command(&mut self, choices: &mut Choices<'_>) {
        let memo = Memo::from_slice(choices.bytes(20)).expect("as many bytes fit a memo");
        let command = match choices.byte() % 6 {
            0 => Command::Pay { recipient: account(9), amount: Amount::from_grains(choices.number()), memo },
            1 => Command::Notarise(memo),
            2 | 3 => Command::Confirm,
            4 => Command::Decline,
            _ => Command::Mine(if choices.byte().is_multiple_of(2) { Mining::On } else { Mining::Off }),
        };
        self.node.command(command);
        self.node.announce_payments();
        self.listen_to_all();
    }

    fn close(&mut self, peer: usize) {
        if self.peers[peer].take().is_some() {
            self.node.closed(peer);
        }
    }

    fn part_for(&mut self, peer: usize, offence: &Offence) {
        let is_honest = self.peers[peer].as_ref().is_some_and(|remote| remote.is_honest);
        assert!(!is_honest, "an honest peer is blamed: {offence}");
        self.node.distrust(peer, offence);
        self.close(peer);
    }

    /// What must be so at any time.
    fn look(&mut self) {
        for event in std::mem::take(&mut self.outside.events) {
            match event {
                Event::Found { id, .. } => self.found.push(id),
                Event::Block { id, height, state_root, miner, .. } if !self.found.contains(&id) => {
                    let known = branches().iter().find_map(|branch| branch.get(&id));
                    let known = known.unwrap_or_else(|| panic!("nobody made the block {id} at height {height}"));
                    assert_eq!((known.header.height, known.header.state_root), (height, state_root));
                    assert_eq!(miner == Miner::Own, known.header.miner == account(OWN));
                    let is_flawed = branches()[FLAWED..].iter().any(|branch| branch.tip().id() == id);
                    assert!(!is_flawed, "a block that breaks a rule is taken");
                }
                _ => {}
            }
        }
        let work = self.node.tip().work;
        assert!(work >= self.work, "the chain lost work");
        self.work = work;
        // What it is doing can be told at any time.
        let _ = self.node.stage();
    }

    /// The state as the card has it after a power cut: all of it, or none.
    fn save(&mut self, choices: &mut Choices<'_>) -> Saved {
        let mut writer = Writer(Vec::new());
        let Ok(()) = self.node.save(&mut writer);
        if choices.byte().is_multiple_of(4) {
            self.restore_damaged(&writer.0, choices);
        }
        (!choices.once_in(3)).then_some(writer.0)
    }

    /// Records that are not what was written are refused, or lead to a node that works.
    fn restore_damaged(&self, records: &[(u8, Vec<u8>)], choices: &mut Choices<'_>) {
        let mut chains = Box::new(Chains::new());
        let settings = Settings {
            params: regtest(),
            key: Some(key(OWN)),
            nonce: 77,
            mining: Mining::On,
            peers: PEERS,
            checkpoint: None,
        };
        let mut node = Node::new(settings, &mut chains);
        let mut outside = Outside::default();
        for (kind, payload) in records {
            let (mut kind, mut payload) = (*kind, payload.clone());
            if choices.once_in(4) {
                choices.mutate(&mut payload);
            }
            if choices.once_in(8) {
                kind = choices.byte();
            }
            if node.restore(kind, &payload).is_err() {
                return;
            }
        }
        node.opened(0, SocketAddrV4::new([10, 0, 0, 1].into(), 7_700), self.now);
        let hello = hello(&branches()[BEST], self.time(), 9);
        let _ = node.receive(0, &wire(&Message::Hello(hello)), self.now, &mut outside);
        let mut scratch = vec![0; SEND_MAX_BYTES];
        for millis in [0, 4_000, 8_000] {
            let now = self.now.plus(millis);
            node.tick(now);
            while let Ok(Some(_)) = node.say(0, SEND_MAX_BYTES, &mut scratch, now, &mut outside) {}
        }
    }

    /// Whatever happened, somebody who shows a better chain is followed.
    fn follow_an_honest_peer(&mut self) {
        (0..PEERS).for_each(|peer| self.close(peer));
        let goal = branches()[BEST].work();
        let until = self.now.plus(PATIENCE_MS);
        while self.node.tip().work < goal {
            assert!(self.now < until, "the device does not follow an honest peer: {:?}", self.node.stage());
            for peer in 0..PEERS {
                if self.peers[peer].is_none() {
                    self.connect(peer, BEST, u64::MAX);
                    self.greet(peer);
                }
                self.answer_all(peer);
            }
            self.tick(250);
            self.look();
        }
    }
}

/// Takes note of what the node said.
fn hear(remote: &mut Remote, message: Vec<u8>) {
    match decode::<Message>(&message).expect("the node sends messages") {
        // An honest peer asks for a block that it can take.
        Message::Tip(header) if remote.is_honest && header.previous == remote.branch.tip().id() => {
            remote.saying.push_back(wire(&Message::GetBlock(header.id())));
        }
        Message::Block(bytes) => {
            let block = decode::<VecBlock>(bytes).expect("the node sends blocks");
            if block.header.previous == remote.branch.tip().id() {
                remote.branch.try_extend(block).expect("the device mines valid blocks");
            }
        }
        Message::Ping(_)
        | Message::GetHeaders { .. }
        | Message::GetWitness(_)
        | Message::GetTemplateWitness { .. }
        | Message::GetAccount { .. }
        | Message::HaveTransactions(_) => remote.asked.push_back(message),
        _ => {}
    }
}

fn honest_answer(remote: &Remote, request: &[u8], time: Timestamp) -> VecDeque<Vec<u8>> {
    let message = decode::<Message>(request).expect("the node sends messages");
    let said = answer(&Script::honest(), &remote.branch, message, time);
    said.into_iter()
        .map(|out| match out {
            Out::Message(bytes) => bytes,
            other => panic!("an honest peer says messages, not {other:?}"),
        })
        .collect()
}

/// Payments that somebody could pass on.
fn payments() -> &'static [mote_core::transaction::Transaction] {
    static PAYMENTS: OnceLock<Vec<mote_core::transaction::Transaction>> = OnceLock::new();
    PAYMENTS.get_or_init(|| {
        let pay = |from, nonce| crate::fixtures::pay(&regtest(), from, account(8), 5_000, 1_000, nonce);
        vec![pay(2, 0), pay(2, 1), pay(3, 0), pay(OWN, 0), pay(OWN, 8)]
    })
}

/// Another message than this one.
fn change(message: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    match decode::<Message>(message) {
        Ok(Message::Headers(headers)) => {
            let mut headers: Vec<Header> = headers.iter().map_while(Result::ok).collect();
            let at = choices.below(headers.len().max(1));
            if let Some(header) = headers.get_mut(at) {
                change_header(header, choices);
            }
            if choices.byte().is_multiple_of(2) {
                headers.truncate(at + 1);
            }
            with_list(&headers, |list| wire(&Message::Headers(list)))
        }
        _ => {
            let mut bytes = message.to_vec();
            choices.mutate(&mut bytes);
            bytes
        }
    }
}

fn change_header(header: &mut Header, choices: &mut Choices<'_>) {
    match choices.byte() % 8 {
        0 => header.height = Height::new(choices.number()),
        1 => header.previous = Hash32::from_bytes(choices.array()),
        2 => header.state_root = Hash32::from_bytes(choices.array()),
        3 => header.time = header.time.plus(choices.number()),
        4 => header.nonce = choices.number(),
        5 => header.history_root = Hash32::from_bytes(choices.array()),
        6 => header.transaction_count = choices.number() as u32,
        _ => header.target = mote_core::pow::CompactTarget::from_bits(choices.number() as u32),
    }
    if header.target == regtest().genesis().target && choices.byte().is_multiple_of(2) {
        mine(header);
    }
}
