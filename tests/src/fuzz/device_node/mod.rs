//! The node of a device, with two peers that are honest or not, its owner, and power cuts. Whatever they do, the chain
//! that it takes obeys every rule, no honest peer is blamed, its blocks are valid, and an honest peer with a better
//! chain is followed in the end.

mod around;
mod mischief;
mod remote;

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use mote_core::hash::Hash32;
use mote_core::transaction::Memo;
use mote_core::units::{Amount, Moment, Timestamp};
use mote_core::wire::Message;
use mote_core::wire::stream::{Piece, WINDOW_MIN_BYTES, Window, WitnessReader};
use mote_firmware::command::{Command, Mining};
use mote_firmware::event::{Event, Miner};
use mote_firmware::node::{Chains, Node, SEND_MAX_BYTES, Settings};
use mote_firmware::report::{Offence, PEERS};

use super::Choices;
use crate::devices::answers::hello;
use crate::fixtures::{account, key, regtest, wire};
use around::{Outside, Writer};
use remote::{Remote, branches, hear, honest_answer};

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

struct Stage<'s> {
    node: Node<'s>,
    outside: &'s mut Outside,
    peers: [Option<Remote>; PEERS],
    now: Moment,
    /// The tip's work, which only grows.
    work: mote_core::pow::Work,
    found: Vec<Hash32>,
}

fn settings() -> Settings {
    Settings {
        params: regtest(),
        key: Some(key(OWN)),
        nonce: 77,
        mining: Mining::On,
        peers: PEERS,
        checkpoint: None,
    }
}

impl<'s> Stage<'s> {
    fn new(chains: &'s mut Chains, outside: &'s mut Outside, saved: &Saved) -> Self {
        *chains = Chains::new();
        let mut node = Node::new(settings(), chains);
        for (kind, payload) in saved.iter().flatten() {
            node.restore(*kind, payload).expect("what was saved whole can be read");
        }
        outside.events.clear();
        let work = node.tip().work;
        Self {
            node,
            outside,
            peers: [const { None }; PEERS],
            now: Moment::from_millis(0),
            work,
            found: Vec::new(),
        }
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

    fn tell_in_pieces(
        &mut self,
        peer: usize,
        mut reader: WitnessReader,
        bytes: &[u8],
    ) -> Result<(), Offence> {
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
        let Some(remote) = self.peers[peer].as_mut().filter(|remote| remote.has_greeted) else {
            return false;
        };
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
        let is_own = remote.branch.height() > whole.height()
            || whole.id_at(remote.branch.height()) != remote.branch.tip().id();
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
                    let known =
                        known.unwrap_or_else(|| panic!("nobody made the block {id} at height {height}"));
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
