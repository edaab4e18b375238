//! The full node without I/O: what happens goes in, what to do comes out.
//!
//! [`Node`] has no socket, clock, thread or random source. Its store is a [`Disk`] that it is given,
//! so the same node runs over files and inside a simulation. Outputs can only be had from
//! [`Node::commit`], which first makes durable what they acknowledge.
//!
//! | file | purpose |
//! | --- | --- |
//! | `request`, `status` | the vocabulary of those who ask and those who watch |
//! | `handle` | how they reach the task that owns the node |
//! | `peers`, `addresses` | what is known of peers, and whom to connect to |
//! | `connections` | who gets a place, whom this node calls, parting |
//! | `relay` | greeting, and passing on what is new |
//! | `serve` | answers to peers |
//! | `sync`, `wanted` | headers first, then blocks from several peers |
//! | `compact` | new tips by the ids of their transactions |
//! | `pool` | open transactions and their journal |
//! | `mining` | templates and requests to mine |
//! | `resolve` | asking every peer now |
//! | `checkpoints` | blocks that the operator's chosen keys vouch for |
//! | `report`, `progress` | what the node publishes of itself |

mod addresses;
pub mod checkpoints;
mod compact;
mod connections;
pub mod handle;
mod mining;
mod peers;
mod pool;
mod progress;
mod relay;
pub mod report;
pub mod request;
mod resolve;
mod serve;
pub mod status;
mod sync;
mod wanted;

use std::collections::VecDeque;
use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::peer::Greeting;
use mote_core::state::Account;
use mote_core::transaction::Transaction;
use mote_core::units::{Moment, Timestamp};
use mote_core::wire::MESSAGE_MAX_BYTES;

pub use mining::{JobId, MiningOrder, default_limit};
pub use peers::PeerId;
pub use pool::HostMempool;

use self::addresses::Addresses;
use self::checkpoints::Checkpoints;
use self::mining::Mining;
use self::peers::{Peers, Remembered};
use self::pool::{Pool, PoolError};
use self::request::{MiningSettings, PeerAddress, PeerError, Reply, Request, SubmitError};
use self::resolve::Resolving;
use self::status::{Direction, Event, PeerState};
use self::sync::Sync;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::journal::Journal;
use crate::store::ledger::Ledger;

/// The file with the addresses of peers, one a line, `+` before those that were added by hand, `-` before
/// those that were removed and `*` before those that are called first.
pub const PEERS_FILE: &str = "peers.txt";

/// How many open transactions a node keeps.
pub const MEMPOOL_TRANSACTIONS: usize = 16_384;

/// Names a request until its reply is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The clocks at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The time of day, for blocks.
    pub time: Timestamp,
    /// A clock that only goes forward, for time-outs.
    pub moment: Moment,
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// A connection was opened.
    Opened {
        /// Names it from now on.
        peer: PeerId,
        /// Who opened it.
        direction: Direction,
        /// Where it comes from, or what was dialled.
        address: PeerAddress,
    },
    /// One binary message came.
    Frame {
        /// From whom.
        peer: PeerId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A connection ended.
    Closed {
        /// Which one.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A peer could not be reached.
    DialFailed {
        /// Which one.
        address: PeerAddress,
        /// Why.
        reason: String,
    },
    /// A miner thread found a nonce.
    Found {
        /// For which job.
        job: JobId,
        /// The nonce.
        nonce: u64,
    },
    /// Somebody asks for something.
    Request(Ticket, Request),
}

/// Something to do outside.
#[derive(Debug)]
pub enum Output {
    /// Send one binary message.
    Send {
        /// To whom.
        peer: PeerId,
        /// The message.
        message: Vec<u8>,
    },
    /// Close a connection, after what was sent before.
    Close {
        /// Which one.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// Open a connection.
    Dial(PeerAddress),
    /// Give a reply.
    Reply(Ticket, Reply),
    /// Tell those who watch.
    Event(Event),
    /// Set the miner threads to this, or to rest.
    Mine(Option<MiningOrder>),
}

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port at which peers can connect, 0 where none can.
    pub port: u16,
    /// A random number by which the node recognises itself.
    pub nonce: u64,
    /// The miner's settings.
    pub mining: MiningSettings,
    /// How many open transactions to keep.
    pub mempool_capacity: usize,
}

/// A full node.
pub struct Node<D: Disk> {
    params: Arc<Params>,
    disk: D,
    ledger: Ledger<D>,
    pool: Pool<D>,
    peers: Peers,
    addresses: Addresses,
    sync: Sync,
    mining: Mining,
    resolving: Vec<Resolving>,
    checkpoints: Checkpoints,
    greeting: Greeting,
    port: u16,
    /// Transactions that were refused since the tip changed.
    refused: Remembered,
    /// Transactions to tell peers of.
    news: Vec<Hash32>,
    /// Whether peers are to be told of the tip.
    tip_is_news: bool,
    /// What the clocks of peers differ by, in seconds.
    clock_samples: VecDeque<i64>,
    needs_sync: bool,
    read_only: Option<String>,
    outputs: VecDeque<Output>,
    last_housekeeping: Moment,
}

impl<D: Disk> Node<D> {
    /// A node over an open ledger and the journal of open transactions.
    pub fn new(
        disk: D,
        ledger: Ledger<D>,
        journal: (Journal<D>, Vec<Transaction>),
        params: Arc<Params>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let (journal, recorded) = journal;
        let pool = Pool::open(params.clone(), options.mempool_capacity, journal, recorded, &ledger)?;
        let mut addresses = Addresses::new(options.nonce);
        if let Some(text) = read_text(&disk, PEERS_FILE)? {
            let skipped = addresses.restore(&text);
            if skipped > 0 {
                tracing::warn!(skipped, file = %disk.path(PEERS_FILE).display(), "lines that are no peer addresses");
            }
        }
        let greeting =
            Greeting { genesis: params.genesis_id(), nonce: options.nonce, message_max: MESSAGE_MAX_BYTES };
        Ok(Self {
            params,
            disk,
            ledger,
            pool,
            peers: Peers::new(),
            addresses,
            sync: Sync::default(),
            mining: Mining::new(options.mining),
            resolving: Vec::new(),
            checkpoints: Checkpoints::default(),
            greeting,
            port: options.port,
            refused: Remembered::default(),
            news: Vec::new(),
            tip_is_news: false,
            clock_samples: VecDeque::new(),
            needs_sync: false,
            read_only: None,
            outputs: VecDeque::new(),
            last_housekeeping: Moment::default(),
        })
    }

    /// Takes in what happened. Nothing is acknowledged before [`Node::commit`].
    pub fn handle(&mut self, now: Now, input: Input) {
        if !matches!(input, Input::Frame { .. }) {
            self.connect_bodies(now);
        }
        match input {
            Input::Opened { peer, direction, address } => self.opened(now, peer, direction, address),
            Input::Frame { peer, bytes } => self.received(now, peer, &bytes),
            Input::Closed { peer, reason } => self.closed(now, peer, &reason),
            Input::DialFailed { address, reason } => {
                self.addresses.failed(&address, &reason, now.moment);
                self.tell_of_peer(&address, PeerState::Waiting, Some(reason));
            }
            Input::Found { job, nonce } => self.found(now, job, nonce),
            Input::Request(ticket, request) => self.requested(now, ticket, request),
        }
    }

    /// Does what time has made due; to be called every 100 milliseconds or so.
    pub fn tick(&mut self, now: Now) {
        self.connect(now);
        self.schedule(now);
        if now.moment.since(self.last_housekeeping) >= 250 {
            self.last_housekeeping = now.moment;
            self.retry_ahead(now);
            self.attend_to_peers(now);
            self.renew_old_job(now);
            self.write_addresses();
            // A store that has failed is not written to again.
            if self.read_only.is_none()
                && let Err(error) = self.ledger.maintain(now.moment)
            {
                self.fail(error);
            }
        }
    }

    /// Makes everything durable that was taken in, and gives out what there is to do.
    pub fn commit(&mut self, now: Now) -> Outputs<'_> {
        self.connect_bodies(now);
        if std::mem::take(&mut self.needs_sync) && self.read_only.is_none() {
            // In this order a power cut between two steps loses no payment: one that a reorganisation gave
            // back is durable before the chain without it, and one that was mined is kept until its block is.
            if let Err(error) = self.sync() {
                self.fail(error);
            }
        }
        if self.read_only.is_none() {
            let has_new_tip = self.tip_is_news;
            self.pass_on();
            if has_new_tip {
                self.renew_job(now);
            }
        }
        self.settle_resolving(now);
        Outputs { queue: &mut self.outputs }
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.pool.sync()?;
        self.ledger.note_journal_end(self.pool.journal_end());
        self.ledger.sync()?;
        self.pool.tidy()
    }

    /// Ends the node: nothing is lost without it, but the next start is quicker.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.write_addresses();
        self.sync()?;
        self.ledger.close()
    }

    /// The network's parameters.
    pub fn params(&self) -> &Arc<Params> {
        &self.params
    }

    /// The blocks and accounts.
    pub fn ledger(&self) -> &Ledger<D> {
        &self.ledger
    }

    /// The open transactions.
    pub fn mempool(&self) -> &HostMempool {
        self.pool.mempool()
    }

    /// A number that grows with every change of the open transactions.
    pub fn mempool_version(&self) -> u64 {
        self.pool.version()
    }

    /// An account as the chain has it.
    pub fn account(&self, key: &PublicKey) -> Result<Account, StoreError> {
        self.ledger.account(&key.account_key())
    }

    /// An account as it will be when its own open transactions are mined.
    pub fn pending(&self, key: &PublicKey) -> Result<Account, StoreError> {
        Ok(self.pool.mempool().pending(key, self.account(key)?))
    }

    fn requested(&mut self, now: Now, ticket: Ticket, request: Request) {
        match request {
            Request::Submit(transaction) => {
                let taken = self.take_in(&transaction);
                self.submitted(ticket, taken);
            }
            Request::SubmitChecked(transaction) => {
                let taken = self.take_in_checked(&transaction.checked());
                self.submitted(ticket, taken);
            }
            Request::AddPeer(address) => {
                let added = self.add_peer(now, address);
                self.reply(ticket, Reply::PeerChanged(added));
            }
            Request::RemovePeer(address) => {
                let removed = self.remove_peer(now, &address);
                self.reply(ticket, Reply::PeerChanged(removed));
            }
            Request::Resolve => self.resolve(now, ticket),
            Request::AddCheckpoint(read) => {
                let added = self.add_checkpoint(read);
                self.reply(ticket, Reply::CheckpointAdded(added));
            }
            Request::MineBlock(miner) => self.mine_block(now, ticket, miner),
            Request::SetMining(settings) => {
                let settings = self.set_mining(now, settings);
                self.outputs.push_back(Output::Event(Event::Mining(settings.clone())));
                self.reply(ticket, Reply::MiningSet(settings));
            }
        }
    }

    fn submitted(&mut self, ticket: Ticket, taken: Result<Hash32, PoolError>) {
        let submitted = taken.map_err(|error| match error {
            PoolError::Refused(error) => error,
            PoolError::Store(error) => {
                let reason = error.to_string();
                self.fail(error);
                SubmitError::ReadOnly(reason)
            }
        });
        self.reply(ticket, Reply::Submitted(submitted));
    }

    fn add_peer(&mut self, now: Now, address: PeerAddress) -> Result<(), PeerError> {
        self.addresses.add(address)?;
        self.write_addresses();
        self.attend_to_peers(now);
        match &self.read_only {
            Some(reason) => Err(PeerError::NotWritten(reason.clone())),
            None => Ok(()),
        }
    }

    fn remove_peer(&mut self, now: Now, address: &PeerAddress) -> Result<(), PeerError> {
        let is_it = |state: &peers::Peer| state.address() == address || state.remote == *address;
        let connected: Vec<PeerId> =
            self.peers.iter().filter(|(_, state)| is_it(state)).map(|(peer, _)| *peer).collect();
        for peer in &connected {
            self.close_now(now, *peer, "removed");
        }
        let was_known = self.addresses.remove(address);
        self.write_addresses();
        if was_known || !connected.is_empty() { Ok(()) } else { Err(PeerError::Unknown(address.clone())) }
    }

    fn reply(&mut self, ticket: Ticket, reply: Reply) {
        self.outputs.push_back(Output::Reply(ticket, reply));
    }

    /// The store failed: from now on nothing is taken in, and nothing is acknowledged that was not
    /// durable before.
    fn fail(&mut self, error: StoreError) {
        if self.read_only.is_some() {
            return;
        }
        let reason = error.to_string();
        tracing::error!(%reason, "the store fails; the node is read-only from now on");
        for output in std::mem::take(&mut self.outputs) {
            match output {
                Output::Reply(ticket, Reply::Submitted(Ok(_))) => {
                    self.reply(ticket, Reply::Submitted(Err(SubmitError::ReadOnly(reason.clone()))));
                }
                Output::Reply(ticket, Reply::Mined(Ok(_))) => {
                    let error = request::MineError::ReadOnly(reason.clone());
                    self.reply(ticket, Reply::Mined(Err(error)));
                }
                Output::Event(
                    Event::Block { .. } | Event::Transaction { .. } | Event::Reorganisation { .. },
                ) => {}
                other => self.outputs.push_back(other),
            }
        }
        self.news.clear();
        self.tip_is_news = false;
        self.read_only = Some(reason);
        self.outputs.push_back(Output::Mine(None));
    }

    fn write_addresses(&mut self) {
        if self.read_only.is_some() {
            return;
        }
        if let Some(text) = self.addresses.changes()
            && let Err(error) = self.disk.replace(PEERS_FILE, text.as_bytes())
        {
            self.fail(StoreError::File { path: self.disk.path(PEERS_FILE), source: error });
        }
    }
}

/// What is to be done outside; the node takes nothing in before this is gone.
#[must_use = "what the node wants done is lost otherwise"]
pub struct Outputs<'n> {
    queue: &'n mut VecDeque<Output>,
}

impl Iterator for Outputs<'_> {
    type Item = Output;

    fn next(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }
}

fn read_text<D: Disk>(disk: &D, name: &str) -> Result<Option<String>, StoreError> {
    /// A thousand addresses of the longest names.
    const PEERS_FILE_MAX_BYTES: u64 = 512 * 1024;
    let bytes = disk
        .read_small(name, PEERS_FILE_MAX_BYTES)
        .map_err(|error| StoreError::File { path: disk.path(name), source: error })?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
