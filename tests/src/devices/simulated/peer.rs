//! A full node in the same process: it shows a [`Branch`] as an honest node does, but for what its [`Script`]
//! says otherwise, takes in blocks and payments of the device, and remembers what it was asked.

use std::collections::VecDeque;

use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::rules::RuleError;
use mote_core::transaction::Transaction;
use mote_core::units::Timestamp;
use mote_core::wire::{Hello, Message};

use super::router::SharedPipe;
use super::socket::{Cut, Event, Socket};
use crate::devices::answers;
use crate::devices::branch::{Branch, with_list};
use crate::devices::script::{Out, Script, say};
use crate::fixtures::VecBlock;

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// When, by the device's clock, in milliseconds.
    pub millis: u64,
    /// Why the device refused to go on, where it said so.
    pub refused: Option<String>,
}

/// A full node.
pub struct Peer {
    /// What it says otherwise than an honest one.
    pub script: Script,
    /// How far its clock is off, in seconds.
    pub skew_seconds: i64,
    /// How many bytes leave in a turn, in connections that are opened from now on; all without a limit.
    pub pace: Option<usize>,
    /// Ends the next connections after so many bytes.
    pub cut: Option<Cut>,
    /// Whether it leaves its side of a connection open when the device ends its own.
    pub never_closes: bool,
    /// Whether it gives the device's own number for its own.
    pub is_mirror: bool,
    /// Whose answers are kept back until they are released, by the name of the request.
    pub holds: Option<&'static str>,
    /// Payments that others have given it, and the device may ask for.
    pub offers: Vec<Transaction>,
    /// Payments of the device.
    pub paid: Vec<Transaction>,
    /// What was asked, by the names of the messages, and when.
    pub heard: Vec<(u64, &'static str)>,
    /// The answers to pings of the WebSocket.
    pub pongs: Vec<Vec<u8>>,
    /// Blocks of the device that it took.
    pub taken: Vec<Hash32>,
    /// Blocks of the device that it did not take.
    pub refused: Vec<RuleError>,
    /// How the connections ended that have.
    pub partings: Vec<Parting>,
    /// When connections were opened.
    pub opened: Vec<u64>,
    branch: Branch,
    connections: Vec<Connection>,
}

struct Connection {
    socket: Socket,
    is_greeted: bool,
    announced: Hash32,
    offered: usize,
    refused: Option<String>,
    answers: VecDeque<Out>,
    held: VecDeque<Out>,
}

impl Peer {
    /// A node that shows this branch.
    pub fn new(branch: Branch) -> Self {
        Self {
            script: Script::honest(),
            skew_seconds: 0,
            pace: None,
            cut: None,
            never_closes: false,
            is_mirror: false,
            holds: None,
            offers: Vec::new(),
            paid: Vec::new(),
            heard: Vec::new(),
            pongs: Vec::new(),
            taken: Vec::new(),
            refused: Vec::new(),
            partings: Vec::new(),
            opened: Vec::new(),
            branch,
            connections: Vec::new(),
        }
    }

    /// The branch that it shows.
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// Shows another branch from now on, and announces its tip.
    pub fn show(&mut self, branch: Branch) {
        self.branch = branch;
    }

    /// Mines a block with the payments of the device that are not in the branch yet.
    pub fn mine(&mut self, miner: u64) {
        let transactions = self.open();
        self.branch.extend(miner, transactions);
    }

    /// The payments of the device that could be mined now.
    pub fn open(&self) -> Vec<Transaction> {
        let mut open: Vec<Transaction> = Vec::new();
        for transaction in &self.paid {
            let before = open.iter().filter(|other| other.sender == transaction.sender).count() as u64;
            let nonce = self.branch.nonce_of(&transaction.sender) + before;
            if transaction.nonce == nonce {
                open.push(transaction.clone());
            }
        }
        open
    }

    /// How many connections are open.
    pub fn connected(&self) -> usize {
        self.connections.iter().filter(|connection| connection.is_greeted).count()
    }

    /// How often a message of this name came.
    pub fn heard_of(&self, name: &str) -> usize {
        self.heard.iter().filter(|(_, heard)| *heard == name).count()
    }

    /// Sends something on every connection.
    pub fn say(&mut self, out: &Out) {
        self.connections.iter_mut().for_each(|connection| connection.answers.push_back(out.clone()));
    }

    /// Forgets what was kept back.
    pub fn forget_held(&mut self) {
        self.connections.iter_mut().for_each(|connection| connection.held.clear());
    }

    /// Says how many bytes leave in a turn, on open connections too.
    pub fn set_pace(&mut self, pace: Option<usize>) {
        self.pace = pace;
        self.connections.iter_mut().for_each(|connection| connection.socket.set_pace(pace));
    }

    /// Sends what was kept back.
    pub fn release(&mut self) {
        self.holds = None;
        self.connections.iter_mut().for_each(|connection| connection.answers.append(&mut connection.held));
    }

    /// Ends every connection, as a process does that is killed.
    pub fn hang_up(&mut self) {
        self.connections.iter_mut().for_each(|connection| connection.socket.reset());
    }

    /// Takes nothing any more of what the device says on open connections, and goes on to speak.
    pub fn make_deaf(&mut self) {
        self.connections.iter_mut().for_each(|connection| connection.socket.make_deaf());
    }

    /// How many bytes were said on open connections.
    pub fn said(&self) -> usize {
        self.connections.iter().map(|connection| connection.socket.said()).sum()
    }

    /// Forgets every connection without a word, as a computer does that loses power.
    pub fn vanish(&mut self) {
        self.connections.iter_mut().for_each(|connection| connection.socket.vanish());
        self.connections.clear();
    }

    pub(super) fn accept(&mut self, pipe: SharedPipe, millis: u64) {
        pipe.borrow_mut().pace = self.pace;
        self.opened.push(millis);
        let socket = Socket::new(pipe, self.script.upgrade.clone(), self.cut, self.never_closes);
        self.connections.push(Connection {
            socket,
            is_greeted: false,
            announced: self.branch.tip().id(),
            offered: 0,
            refused: None,
            answers: VecDeque::new(),
            held: VecDeque::new(),
        });
    }

    pub(super) fn turn(&mut self, time: Timestamp, millis: u64) -> bool {
        let mut is_busy = false;
        let time = Timestamp::from_seconds(time.seconds().saturating_add_signed(self.skew_seconds));
        let mut connections = std::mem::take(&mut self.connections);
        for connection in &mut connections {
            is_busy |= self.attend(connection, time, millis);
        }
        connections.append(&mut self.connections);
        connections.retain(|connection| {
            if connection.socket.is_over() {
                self.partings.push(Parting { millis, refused: connection.refused.clone() });
            }
            !connection.socket.is_over()
        });
        self.connections = connections;
        is_busy
    }

    fn attend(&mut self, connection: &mut Connection, time: Timestamp, millis: u64) -> bool {
        let mut is_busy = false;
        while let Some(event) = connection.socket.poll() {
            is_busy = true;
            match event {
                Event::Open => {
                    connection.announced = self.branch.tip().id();
                    if !self.is_mirror {
                        connection.answers.extend((self.script.greeting)(self.hello(time)));
                    }
                }
                Event::Pong(payload) => self.pongs.push(payload),
                Event::Message(bytes) => {
                    let answers = self.hear(connection, &bytes, time, millis);
                    let is_held =
                        self.holds.is_some() && self.heard.last().map(|heard| heard.1) == self.holds;
                    let queue = if is_held { &mut connection.held } else { &mut connection.answers };
                    queue.extend(answers);
                }
            }
        }
        let tip = self.branch.tip();
        if connection.is_greeted && tip.id() != connection.announced {
            connection.announced = tip.id();
            connection.answers.push_back(say(&Message::Tip(tip.clone())));
        }
        if connection.is_greeted && connection.offered < self.offers.len() {
            let ids: Vec<Hash32> = self.offers[connection.offered..].iter().map(Transaction::id).collect();
            connection.offered = self.offers.len();
            connection.answers.push_back(with_list(&ids, |list| say(&Message::HaveTransactions(list))));
        }
        while let Some(out) = connection.answers.pop_front() {
            is_busy = true;
            connection.socket.send(out);
        }
        is_busy
    }

    fn hello(&self, time: Timestamp) -> Hello {
        answers::hello(&self.branch, time, 0x5ca1_ab1e)
    }

    fn hear(&mut self, connection: &mut Connection, bytes: &[u8], time: Timestamp, millis: u64) -> Vec<Out> {
        let message = decode::<Message<'_>>(bytes).expect("a device says what has a meaning");
        self.heard.push((millis, answers::name(&message)));
        match message {
            Message::Hello(theirs) => {
                connection.is_greeted = true;
                if self.is_mirror {
                    return vec![say(&Message::Hello(Hello { nonce: theirs.nonce, ..self.hello(time) }))];
                }
                self.script.greeted.clone()
            }
            Message::Refused(reason) => {
                connection.refused = Some(reason.to_owned());
                Vec::new()
            }
            Message::Transaction(transaction) => {
                if !self.paid.contains(&transaction) {
                    self.paid.push(transaction);
                }
                Vec::new()
            }
            Message::GetTransactions(ids) => {
                let ids: Vec<Hash32> = ids.iter().map_while(Result::ok).collect();
                let offered = self.offers.iter().filter(|offer| ids.contains(&offer.id()));
                offered.map(|offer| say(&Message::Transaction(offer.clone()))).collect()
            }
            Message::Tip(header) if header.previous == self.branch.tip().id() => {
                vec![say(&Message::GetBlock(header.id()))]
            }
            Message::Block(bytes) => {
                let block: VecBlock = decode(bytes).expect("a device sends whole blocks");
                match self.branch.try_extend(block) {
                    Ok(()) => self.taken.push(self.branch.tip().id()),
                    Err(error) => self.refused.push(error),
                }
                Vec::new()
            }
            message => answers::answer(&self.script, &self.branch, message, time),
        }
    }
}
