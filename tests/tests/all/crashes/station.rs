//! A node over any disk that mines, is paid and hears of a rival branch, and all that it acknowledged.

use std::sync::Arc;

use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Reply, Request, Switch};
use mote::node::status::Direction;
use mote::node::{Input, Node, Now, Options, Output, PEERS_FILE, PeerId, Ticket};
use mote::store::disk::Disk;
use mote::store::error::StoreError;
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::Ledger;
use mote::store::log::TornTail;
use mote::store::segment::Identity;
use mote_core::hash::Hash32;
use mote_core::params::{Network, Params};
use mote_core::transaction::Transaction;
use mote_core::units::{Moment, Timestamp};
use mote_tests::world::{account, payment};

/// Whoever the station mines for.
pub const MINER: u8 = 1;

/// A time long after genesis.
const START_SECONDS: u64 = 1_800_000_000;

/// The journal's files are so small that a few payments fill one, and some are given up again.
const JOURNAL: JournalLimits = JournalLimits { segment_bytes: 1_024, segments: 5, transactions: 16 };

/// The only peer there is.
const PEER: PeerId = PeerId(1);

/// What a node said that it has taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// It has mined this block.
    Block(Hash32),
    /// It keeps this payment until it is mined. Nothing makes any of them impossible.
    Payment(Hash32),
    /// It will connect to this peer.
    Peer(PeerAddress),
}

/// A node, its time, and what it acknowledged.
pub struct Station<D: Disk> {
    /// The node.
    pub node: Node<D>,
    /// Unfinished writes that it cut off when it was opened.
    pub cuts: Vec<TornTail>,
    /// Whether it said that the files of its open payments are gone.
    pub gave_up_payments: bool,
    /// What it said that it has taken in, in order.
    pub acknowledged: Vec<Acknowledged>,
    disk: D,
    params: Arc<Params>,
    millis: u64,
    sent: Vec<Vec<u8>>,
}

impl<D: Disk> Station<D> {
    /// A node over this disk that connects to nobody by itself. Another one has another number.
    pub fn open(disk: D, number: u64) -> Result<Self, StoreError> {
        let params = Arc::new(Params::new(Network::Regtest));
        let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
        let (ledger, opened) = Ledger::open(disk.clone(), params.clone(), 7, |_| {})?;
        let (journal, open) = Journal::open(disk.clone(), &identity, JOURNAL, 7, ledger.journal_end())?;
        let cuts = opened.cut.into_iter().chain(open.cut).collect();
        let gave_up_payments = open.is_missing;
        let mining =
            MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
        let options = Options { port: 0, nonce: number, mining, mempool_capacity: 16 };
        let journal = (journal, open.transactions);
        let node = Node::new(disk.clone(), ledger, journal, params.clone(), options)?;
        let millis = 1_000 * node.ledger().tip().height().get();
        Ok(Self {
            node,
            cuts,
            gave_up_payments,
            acknowledged: Vec::new(),
            disk,
            params,
            millis,
            sent: Vec::new(),
        })
    }

    /// Has it mine blocks a second apart.
    pub fn mine(&mut self, count: usize) {
        for _ in 0..count {
            self.request(Request::MineBlock(account(MINER)));
            self.pass();
        }
    }

    /// Has it take in the payments of the miner with these nonces.
    pub fn pay(&mut self, nonces: std::ops::Range<u64>) {
        for nonce in nonces {
            self.request(Request::Submit(self.payment(nonce)));
        }
    }

    /// The miner's payment with this nonce.
    pub fn payment(&self, nonce: u64) -> Transaction {
        payment(&self.params, MINER, account(2), 1_000 + nonce, 2_000, nonce)
    }

    /// Adds a peer that is never reached.
    pub fn add_peer(&mut self, number: u8) {
        self.request(Request::AddPeer(PeerAddress::from_ip([127, 0, 0, number].into(), 9)));
    }

    /// Lets a second pass.
    pub fn pass(&mut self) {
        self.millis += 1_000;
        let now = self.now();
        self.node.tick(now);
        self.carry_out();
    }

    /// Connects it to another for a minute.
    pub fn meet(&mut self, other: &mut Station<impl Disk>) {
        let millis = self.millis.max(other.millis);
        (self.millis, other.millis) = (millis, millis);
        let address = |port| PeerAddress::from_ip([127, 0, 0, 1].into(), port);
        self.input(Input::Opened { peer: PEER, direction: Direction::Outbound, address: address(8) });
        other.input(Input::Opened { peer: PEER, direction: Direction::Inbound, address: address(40_000) });
        for _ in 0..60 {
            let (mine, theirs) = (std::mem::take(&mut self.sent), std::mem::take(&mut other.sent));
            mine.into_iter().for_each(|bytes| other.input(Input::Frame { peer: PEER, bytes }));
            theirs.into_iter().for_each(|bytes| self.input(Input::Frame { peer: PEER, bytes }));
            self.pass();
            other.pass();
        }
        self.input(Input::Closed { peer: PEER, reason: "the end".to_owned() });
        other.input(Input::Closed { peer: PEER, reason: "the end".to_owned() });
        self.sent.clear();
        other.sent.clear();
    }

    /// Why what was acknowledged is not there.
    pub fn lacks(&self, acknowledged: &Acknowledged) -> Result<Option<String>, StoreError> {
        let ledger = self.node.ledger();
        let is_there = match acknowledged {
            // The body comes from the log, though the index knows of it.
            Acknowledged::Block(id) => ledger.block(id)?.is_some_and(|block| block.header.id() == *id),
            Acknowledged::Payment(id) => {
                self.node.mempool().get(id).is_some() || ledger.transaction(id)?.is_some()
            }
            Acknowledged::Peer(address) => {
                let text = self
                    .disk
                    .read_small(PEERS_FILE, 4_096)
                    .map_err(|source| StoreError::File { path: self.disk.path(PEERS_FILE), source })?;
                let text = String::from_utf8(text.unwrap_or_default()).unwrap_or_default();
                text.lines().any(|line| line == format!("+{address}"))
            }
        };
        Ok((!is_there).then(|| format!("{acknowledged:?} is gone")))
    }

    fn now(&self) -> Now {
        let time = Timestamp::from_seconds(START_SECONDS + self.millis / 1_000);
        Now { time, moment: Moment::from_millis(self.millis) }
    }

    fn request(&mut self, request: Request) {
        let peer = match &request {
            Request::AddPeer(address) => Some(address.clone()),
            _ => None,
        };
        self.input(Input::Request(Ticket(0), request));
        self.acknowledged.extend(peer.map(Acknowledged::Peer));
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        self.node.handle(now, input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        let now = self.now();
        loop {
            let outputs: Vec<Output> = self.node.commit(now).collect();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                match output {
                    Output::Send { message, .. } => self.sent.push(message),
                    Output::Mine(Some(order)) => {
                        let nonce = order.job.search(0..1 << 24).expect("half of all nonces do");
                        self.node.handle(now, Input::Found { job: order.id, nonce });
                    }
                    Output::Reply(_, Reply::Mined(Ok((id, _)))) => {
                        self.acknowledged.push(Acknowledged::Block(id));
                    }
                    Output::Reply(_, Reply::Submitted(Ok(id))) => {
                        self.acknowledged.push(Acknowledged::Payment(id));
                    }
                    Output::Reply(_, reply @ (Reply::Mined(_) | Reply::Submitted(_))) => {
                        panic!("refused: {reply:?}")
                    }
                    Output::Dial(address) => {
                        let reason = "connection refused".to_owned();
                        self.node.handle(now, Input::DialFailed { address, reason });
                    }
                    Output::Close { reason, .. } => panic!("the node closes the connection: {reason}"),
                    Output::Reply(..) | Output::Event(_) | Output::Mine(None) => {}
                }
            }
        }
    }
}
