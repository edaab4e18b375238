//! The messages between peers. A binary WebSocket message (subprotocol `mote.v1`) is one encoded
//! [`Message`]: its index as a varint, then its fields in the form of [`crate::codec`].
//!
//! Below, `h` is a 32-byte hash, `v` a varint of the fewest bytes, `b` a byte string (its length as
//! `v`, then the bytes), `?` an option (0, or 1 and the value), and *header*, *transaction* and *block*
//! are the wire forms of [`Header`], [`Transaction`] and [`crate::block::BlockOf`]. A *list* is a byte
//! string that holds encoded items one after another; a *proof* is `?(h key, v balance, v nonce)` and
//! a byte string of steps, each one byte of bit index and the 32 bytes of the sibling.
//!
//! | index | message | fields | answer |
//! | --- | --- | --- | --- |
//! | 0 | `Hello` | v version, h genesis, h tip, v height, 32 bytes work (big-endian), v time, v services, v witness_from, v message_max, v nonce, v port | `Hello`, once, first |
//! | 1 | `GetHeaders` | list of h (locator, newest first, at most 32), v limit | `Headers` |
//! | 2 | `Headers` | list of header | |
//! | 3 | `GetBlock` | h id | `Block` or `NotFound` |
//! | 4 | `Block` | b block | |
//! | 5 | `Tip` | header of a new tip | |
//! | 6 | `HaveTransactions` | list of h | |
//! | 7 | `GetTransactions` | list of h | a `Transaction` for each that is open |
//! | 8 | `Transaction` | transaction | |
//! | 9 | `GetAddresses` | | `Addresses` |
//! | 10 | `Addresses` | list of (16 bytes IPv6 or mapped IPv4 address, v port) | |
//! | 11 | `Ping` | v nonce | `Pong` |
//! | 12 | `Pong` | v nonce | |
//! | 13 | `GetAccount` | h block, h account key | `Account` or `NotFound` |
//! | 14 | `Account` | h block, h account key, proof | |
//! | 15 | `GetInclusion` | h transaction | `Inclusion` or `NotFound` |
//! | 16 | `Inclusion` | h transaction, header, v index, list of h (path, nearest first) | |
//! | 17 | `GetWitness` | h block | a witness or `NotFound` |
//! | 18 | `GetTemplateWitness` | h tip, 32 bytes miner, list of transaction | a witness or `NotFound` |
//! | 19 | `WitnessStart` | header | |
//! | 20 | `WitnessTransaction` | transaction, proof of the sender, proof of the recipient | |
//! | 21 | `WitnessEnd` | ? proof of the miner (none where reward and fees are 0) | |
//! | 22 | `NotFound` | h what was asked for | |
//! | 23 | `Refused` | b text that names the rule or limit, UTF-8, at most 256 bytes | none: the sender closes |
//! | 24 | `CompactBlock` | header of a new tip, list of h (its transactions, in their order) | |
//! | 25 | `GetBlockTransactions` | h block, list of v (places in the block, counted from 0, increasing) | `BlockTransactions` or `NotFound` |
//! | 26 | `BlockTransactions` | h block, list of transaction (those that were asked for, in their order) | |
//!
//! The header of a template's witness has the nonce 0 and the roots that a miner must commit to.
//!
//! Each message is one WebSocket frame; neither side splits one. Witnesses that were asked for come one after
//! another, in the order of the requests, and nothing else of a witness comes between. A device states a
//! `message_max` of [`stream::WITNESS_MESSAGE_MAX_BYTES`], which it reads in pieces ([`stream`]); of lists it asks
//! for no more than it can hold, and drops announcements that it cannot.
//!
//! # New tips
//!
//! Whoever has a new tip tells every peer of it at once, as soon as it is durable: a peer that offers
//! [`Services::COMPACT`] and that is known to have the tip's parent as its own best block is pushed a
//! `CompactBlock`, every other one gets a `Tip`. So a block is one link away from a peer that has its transactions
//! open, where a `Tip` takes three: the header, the request and the body. What is behind, has shown the block itself
//! or is on another branch gets a `Tip` and asks for what it lacks: nobody is sent ids that it has no use for, and
//! whoever has shown the block learns how far its peer is. This is what BIP 152 calls high bandwidth, but for its
//! haste: there a block is pushed before it is checked, here after.
//!
//! The receiver follows the header as that of a `Tip`, proof of work first. Where it wants the block then, it looks
//! the ids up among its open transactions, and asks for the others by `GetBlockTransactions`, or for the whole block
//! where it has none of them. Whoever pushes a block keeps it and answers for it.
//!
//! The ids are whole, 32 bytes each, and not shortened and salted as in BIP 152. They are the leaves of the header's
//! transactions root, so that a list is judged by itself before anything is looked up, asked for or put together: it
//! leads to the root, or its sender lies. What is put together cannot be another block, no two transactions share an
//! id, and there is nothing to grind. That costs 4 KB for a full block of 128 transactions, which fits the first
//! flight of a TCP connection, where short ids would take 1 KB.
//!
//! The version stays 1: no peer is sent an index from 24 on that does not offer [`Services::COMPACT`], and bits of
//! services that one does not know are ignored. A device offers nothing and gets a `Tip`.

mod list;
pub mod stream;

use serde::{Deserialize, Serialize};

pub use list::{List, ListWriter};

use crate::block::Header;
use crate::hash::Hash32;
use crate::keys::{AccountKey, PublicKey};
use crate::pow::Work;
use crate::state::ProofRef;
use crate::transaction::Transaction;
use crate::units::{Height, Timestamp};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "mote.v1";

/// The version of this protocol.
pub const PROTOCOL_VERSION: u16 = 1;

/// The most ids in a locator: enough for one of every power of two below the tip.
pub const LOCATOR_MAX_IDS: usize = 32;

/// The longest text of a [`Message::Refused`], in bytes.
pub const REFUSAL_MAX_BYTES: usize = 256;

/// The largest message of any kind, in bytes: a full block of `regtest` and some room.
pub const MESSAGE_MAX_BYTES: usize = 512 * 1024;

/// The least `message_max` that a peer can state: every message that cannot be split fits.
pub const MESSAGE_MIN_BYTES: usize = 2 * 1024;

/// What a peer offers, as bits of a number; unknown bits are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services(u32);

impl Services {
    /// Serves headers, blocks and open transactions.
    pub const FULL: Self = Self(1);
    /// Serves witnesses and proofs of accounts.
    pub const WITNESS: Self = Self(2);
    /// Takes compact blocks, and serves the transactions that those lack to whom it pushed them.
    pub const COMPACT: Self = Self(4);

    /// What either offers.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether everything that `other` offers is offered.
    pub const fn offers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a peer says of itself, first and once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol version.
    pub version: u16,
    /// Id of the genesis header: which network this is.
    pub genesis: Hash32,
    /// Id of the sender's tip.
    pub tip: Hash32,
    /// Height of the sender's tip.
    pub height: Height,
    /// Work of the sender's chain: a claim that buys nothing until headers show it.
    pub work: Work,
    /// The sender's clock.
    pub time: Timestamp,
    /// What the sender offers.
    pub services: Services,
    /// The lowest height whose witness the sender can make.
    pub witness_from: Height,
    /// The largest message that the sender can take, in bytes.
    pub message_max: u32,
    /// A random number by which a node recognises itself.
    pub nonce: u64,
    /// The port at which the sender takes connections, 0 where it takes none.
    pub port: u16,
}

/// Where a node can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetAddress {
    /// IPv6, or IPv4 as `::ffff:a.b.c.d`.
    pub ip: [u8; 16],
    /// TCP port.
    pub port: u16,
}

/// One message; see the module's table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message<'a> {
    /// What the sender says of itself.
    Hello(Hello),
    /// Asks for the headers after the first id of the locator that the receiver has on its chain.
    GetHeaders {
        /// Ids of the sender's chain, newest first, ending in genesis.
        #[serde(borrow)]
        locator: List<'a, Hash32>,
        /// How many headers to send at the most.
        limit: u16,
    },
    /// Headers in the order of their heights, each the child of the one before it.
    Headers(List<'a, Header>),
    /// Asks for a block.
    GetBlock(Hash32),
    /// The wire form of a block.
    Block(&'a [u8]),
    /// The header of the sender's new tip.
    Tip(Header),
    /// Ids of open transactions that the sender has.
    HaveTransactions(List<'a, Hash32>),
    /// Asks for open transactions.
    GetTransactions(List<'a, Hash32>),
    /// An open transaction.
    Transaction(Transaction),
    /// Asks where other nodes can be reached.
    GetAddresses,
    /// Where other nodes can be reached.
    Addresses(List<'a, NetAddress>),
    /// Asks for a sign of life.
    Ping(u64),
    /// The sign of life, with the nonce that was asked for.
    Pong(u64),
    /// Asks for the proof of an account.
    GetAccount {
        /// Which block's state to prove it in.
        block: Hash32,
        /// The account.
        key: AccountKey,
    },
    /// The proof of an account.
    Account {
        /// The block whose state root the proof leads to.
        block: Hash32,
        /// The account.
        key: AccountKey,
        /// Presence or absence.
        proof: ProofRef<'a>,
    },
    /// Asks for the proof that a transaction was mined.
    GetInclusion(Hash32),
    /// The proof that a transaction was mined.
    Inclusion {
        /// The transaction's id.
        transaction: Hash32,
        /// The block that has it.
        header: Header,
        /// Its place in the block.
        index: u32,
        /// Siblings up to the transactions root, nearest first.
        path: List<'a, Hash32>,
    },
    /// Asks for the witness of a block.
    GetWitness(Hash32),
    /// Asks for the witness of a block that does not exist yet.
    GetTemplateWitness {
        /// The block's parent; the request is void unless it is the receiver's tip.
        tip: Hash32,
        /// Who would mine it.
        miner: PublicKey,
        /// What it would contain.
        transactions: List<'a, Transaction>,
    },
    /// Begins a witness.
    WitnessStart(Header),
    /// The next transaction and its two accounts, each against the root before it is changed.
    WitnessTransaction {
        /// The transaction.
        transaction: Transaction,
        /// The sender's account.
        sender: ProofRef<'a>,
        /// The recipient's account, after the sender's debit.
        recipient: ProofRef<'a>,
    },
    /// Ends a witness with the miner's account.
    WitnessEnd(Option<ProofRef<'a>>),
    /// The receiver does not have what was asked for.
    NotFound(Hash32),
    /// Why the sender closes the connection.
    Refused(&'a str),
    /// The sender's new tip, to be put together from open transactions.
    CompactBlock {
        /// Its header.
        header: Header,
        /// The ids of its transactions, which lead to the header's root.
        ids: List<'a, Hash32>,
    },
    /// Asks for transactions of a block.
    GetBlockTransactions {
        /// The block.
        block: Hash32,
        /// Their places in it, increasing.
        places: List<'a, u32>,
    },
    /// Transactions of a block.
    BlockTransactions {
        /// The block.
        block: Hash32,
        /// Those that were asked for, in their order.
        transactions: List<'a, Transaction>,
    },
}
