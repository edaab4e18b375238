//! What happens on a device that its owner may want to read, in the order in which it happens.

use mote_core::hash::Hash32;
use mote_core::units::Height;

use crate::report::{Fault, Refused};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A peer greeted.
    Connected {
        /// Which of the two connections.
        peer: usize,
        /// The height that it claims.
        height: Height,
    },
    /// A peer was dropped for something that no honest peer does.
    Refused(Refused),
    /// A block was validated and is the tip, or one of the blocks of a branch on its way there.
    Block {
        /// Its height.
        height: Height,
        /// Its id.
        id: Hash32,
        /// The root of the accounts after it.
        state_root: Hash32,
        /// How many transactions it has.
        transactions: u32,
    },
    /// A heavier branch took the place of the chain's end.
    Reorganised {
        /// The height of the tip before.
        from: Height,
        /// The last block that both have.
        fork: Height,
        /// The height of the tip now.
        to: Height,
    },
    /// This device found a block.
    Found {
        /// Its height.
        height: Height,
        /// Its id.
        id: Hash32,
    },
    /// One of the device's own payments is in a validated block.
    Mined {
        /// The transaction.
        transaction: Hash32,
        /// The block's height.
        height: Height,
    },
    /// Something went wrong.
    Fault(Fault),
}
