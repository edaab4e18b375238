//! What is known of one connection, and what is to be said on it.

use core::net::SocketAddrV4;

use heapless::Deque;
use mote_core::hash::Hash32;
use mote_core::peer::Session;
use mote_core::pow::Work;
use mote_core::units::{Height, Moment};

use super::payments::Selection;

/// Requests that wait for an answer from one peer: a witness that is being checked, one that is coming,
/// headers, and an account.
pub const REQUESTS: usize = 4;

/// Witnesses that are asked for at once from one peer: the next one is on its way while one is checked.
pub const WITNESSES: usize = 2;

/// Transactions of others that are asked for at once.
pub const WANTED: usize = 3;

/// A connection that is open.
pub struct Peer {
    /// Where the peer is.
    pub address: SocketAddrV4,
    /// Whether messages are expected and allowed.
    pub session: Session<REQUESTS>,
    /// The best chain that the peer says it has.
    pub claim: Option<Claim>,
    /// Witnesses that were asked for, in the order in which they come.
    pub witnesses: Deque<Wanted, WITNESSES>,
    /// What is to be said.
    pub due: Due,
    /// Announcements in a row that led to nothing of more work.
    pub futile: u8,
    /// Whether it is to be parted from, without an offence.
    pub is_useless: bool,
    /// When headers of this peer are worth asking for again, after some that time must heal.
    pub retry: Option<Moment>,
    /// Before when it is not asked for a template again: it had none on its own tip.
    pub no_template: Option<Moment>,
    /// Before when it is not asked for the own account again: it had none at its own tip.
    pub no_account: Option<Moment>,
    /// Whether the headers that come next were asked for to another end than this one.
    pub is_late: bool,
}

/// The chain that a peer says it has: it buys nothing until headers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its tip.
    pub id: Hash32,
    /// The tip's height.
    pub height: Height,
    /// Its work; none where only the tip's header was announced.
    pub work: Option<Work>,
}

/// A witness that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of a block.
    Block(Hash32),
    /// Of a block that does not exist yet, on this tip.
    Template(Hash32),
    /// What comes is no longer of use.
    Void,
}

/// What is to be said on a connection, each in its turn.
#[derive(Debug, Default)]
pub struct Due {
    /// The greeting.
    pub greeting: bool,
    /// A sign of life is asked for.
    pub ping: Option<u64>,
    /// A sign of life.
    pub pong: Option<u64>,
    /// That no headers follow: a device keeps none.
    pub no_headers: bool,
    /// That no addresses are known.
    pub no_addresses: bool,
    /// That this is not here.
    pub not_found: Option<Hash32>,
    /// The block that this device found.
    pub block: bool,
    /// The header of the block that this device found.
    pub tip: bool,
    /// Transactions that the peer asked for.
    pub transactions: Selection,
    /// That own payments are open.
    pub announcement: bool,
    /// Transactions of others to ask for.
    pub wanted: heapless::Vec<Hash32, WANTED>,
}

impl Peer {
    /// A connection that was opened just now.
    pub fn new(address: SocketAddrV4, session: Session<REQUESTS>) -> Self {
        let due = Due { greeting: true, ..Due::default() };
        Self {
            address,
            session,
            claim: None,
            witnesses: Deque::new(),
            due,
            futile: 0,
            is_useless: false,
            retry: None,
            no_template: None,
            no_account: None,
            is_late: false,
        }
    }

    /// Whether the peer has greeted.
    pub fn is_greeted(&self) -> bool {
        self.session.remote().is_some()
    }

    /// No witness that is on its way is of use any more.
    pub fn void_witnesses(&mut self) {
        self.witnesses.iter_mut().for_each(|wanted| *wanted = Wanted::Void);
    }
}
