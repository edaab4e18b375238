//! What happened, for the console: the node's loop emits these, one at a time.

use core::net::{Ipv4Addr, SocketAddrV4};

use mote_core::hash::Hash32;
use mote_core::units::Height;

use crate::report::{Fault, Refused};

/// Something that its owner, or a test, wants to see when it happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The node starts from this block.
    Started {
        /// Its height.
        height: Height,
        /// Its id.
        id: Hash32,
        /// The root of the accounts after it.
        state_root: Hash32,
    },
    /// The device has an address in its network.
    Address(Ipv4Addr),
    /// A peer greeted.
    Connected {
        /// Where it is.
        peer: SocketAddrV4,
        /// The height that it claims.
        height: Height,
    },
    /// A connection ended without an offence.
    Disconnected {
        /// Where the peer is.
        peer: SocketAddrV4,
        /// Why.
        reason: &'static str,
    },
    /// A peer was dropped for something that no honest peer does.
    Refused(Refused),
    /// A block was validated and is the tip.
    Block {
        /// Its height.
        height: Height,
        /// Its id.
        id: Hash32,
        /// How many transactions it has.
        transactions: u32,
        /// The root of the accounts after it.
        state_root: Hash32,
        /// Who mined it.
        miner: Miner,
    },
    /// Another branch than the tip's has more work, and was validated as far as its [`Event::Block`]s say.
    Reorganised {
        /// The height of the tip that was left.
        from: Height,
        /// The height of the last block that both branches share.
        fork: Height,
        /// The height of the tip that was taken.
        to: Height,
    },
    /// The miner found a block.
    Found {
        /// Its height.
        height: Height,
        /// Its id.
        id: Hash32,
    },
    /// An own payment was mined.
    Paid {
        /// The transaction's id.
        id: Hash32,
        /// The height of its block.
        height: Height,
    },
    /// Something is wrong.
    Fault(Fault),
    /// Nothing is wrong any more.
    FaultCleared,
    /// The state is on the card.
    Saved {
        /// The height of its tip.
        height: Height,
    },
}

/// Who mined a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miner {
    /// This device.
    Own,
    /// Anybody else.
    Other,
}
