//! Reading the messages of a witness while they arrive, in a window that is much smaller than the
//! longest of them: a path is laid out nearest to the leaf first, in steps of fixed size, so that each
//! can be folded and forgotten.

use crate::codec::{DecodeError, decode_prefix};
use crate::state::{Leaf, STEP_BYTES, Step};
use crate::transaction::{TRANSACTION_MAX_BYTES, Transaction};

/// Index of [`super::Message::WitnessTransaction`] on the wire.
pub const WITNESS_TRANSACTION_INDEX: u8 = 20;

/// Index of [`super::Message::WitnessEnd`] on the wire.
pub const WITNESS_END_INDEX: u8 = 21;

/// The most bytes of what stands before a path: an option, a leaf, the path's length.
const LEAF_MAX_BYTES: usize = 1 + 32 + 2 * 10 + 5;

/// The least window: the longest piece that is not split.
pub const WINDOW_MIN_BYTES: usize = 1 + TRANSACTION_MAX_BYTES;

/// The longest message of a witness, in bytes: a transaction and two paths with a step for every bit.
pub const WITNESS_MESSAGE_MAX_BYTES: usize =
    WINDOW_MIN_BYTES + 2 * (LEAF_MAX_BYTES + crate::params::ACCOUNT_PATH_MAX_STEPS * STEP_BYTES);

const _: () = assert!(LEAF_MAX_BYTES < WINDOW_MIN_BYTES && STEP_BYTES <= WINDOW_MIN_BYTES);
const _: () = assert!(WITNESS_MESSAGE_MAX_BYTES <= super::MESSAGE_MAX_BYTES);

/// How much of a message is in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// More bytes of it will come.
    Beginning,
    /// Its last byte is in the window.
    Rest,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The transaction.
    Transaction(Transaction),
    /// The leaf of the next path, and the path's length in bytes; no leaf and no length where the end of a
    /// witness has no proof.
    Leaf {
        /// The leaf that the search ends in.
        leaf: Option<Leaf>,
        /// Bytes of the path.
        length: usize,
    },
    /// The next step of the path.
    Step(Step),
    /// The path is over.
    PathEnd,
    /// The end of a witness whose miner gets nothing, which therefore has no proof.
    NoProof,
    /// The message is over.
    End,
}

/// Reads one message, a piece at a time.
#[derive(Clone, Debug)]
pub struct WitnessReader {
    next: Next,
    /// Paths that are still to come, the present one not among them.
    paths: u8,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Transaction,
    Option,
    Leaf,
    Steps(usize),
    End,
}

impl WitnessReader {
    /// A reader of the message with this index, behind which it starts; `None` for any other message.
    pub fn new(index: u8) -> Option<Self> {
        match index {
            WITNESS_TRANSACTION_INDEX => Some(Self { next: Next::Transaction, paths: 2 }),
            WITNESS_END_INDEX => Some(Self { next: Next::Option, paths: 1 }),
            _ => None,
        }
    }

    /// The next piece at the front of `bytes` and how many of them it takes; `None` where more of them must
    /// come first, which [`WINDOW_MIN_BYTES`] suffice to prevent.
    pub fn next(&mut self, bytes: &[u8], window: Window) -> Result<Option<(Piece, usize)>, DecodeError> {
        let enough = |least: usize| window == Window::Rest || bytes.len() >= least;
        let taken = |rest: &[u8]| bytes.len() - rest.len();
        match self.next {
            Next::Transaction if enough(TRANSACTION_MAX_BYTES) => {
                let (transaction, rest) = decode_prefix(bytes)?;
                self.next = Next::Leaf;
                self.paths = self.paths.saturating_sub(1);
                Ok(Some((Piece::Transaction(transaction), taken(rest))))
            }
            // It is one piece with the leaf behind it, where there is one.
            Next::Option if enough(1 + LEAF_MAX_BYTES) => {
                let (is_some, rest) = decode_prefix::<bool>(bytes)?;
                self.paths = 0;
                self.next = if is_some { Next::Leaf } else { Next::End };
                if is_some {
                    let behind = self.next(rest, window)?;
                    return Ok(behind.map(|(piece, more)| (piece, taken(rest) + more)));
                }
                Ok(Some((Piece::NoProof, taken(rest))))
            }
            Next::Leaf if enough(LEAF_MAX_BYTES) => {
                let (leaf, rest) = decode_prefix::<Option<Leaf>>(bytes)?;
                let (length, rest) = decode_prefix::<u32>(rest)?;
                let length = length as usize;
                self.next = Next::Steps(length);
                Ok(Some((Piece::Leaf { leaf, length }, taken(rest))))
            }
            Next::Steps(0) => {
                self.next = if self.paths == 0 { Next::End } else { Next::Leaf };
                self.paths = self.paths.saturating_sub(1);
                Ok(Some((Piece::PathEnd, 0)))
            }
            Next::Steps(left) if enough(STEP_BYTES) => {
                let truncated = DecodeError::Truncated { length: bytes.len() };
                let (step, _) = bytes.split_first_chunk::<STEP_BYTES>().ok_or(truncated)?;
                // A path that is no whole number of steps is refused where it is folded; here it ends
                // where its length says.
                self.next = Next::Steps(left.checked_sub(STEP_BYTES).ok_or(DecodeError::Malformed)?);
                Ok(Some((Piece::Step(Step::from_bytes(step)), STEP_BYTES)))
            }
            Next::End => match (bytes.len(), window) {
                (0, Window::Rest) => Ok(Some((Piece::End, 0))),
                (0, Window::Beginning) => Ok(None),
                (count, _) => Err(DecodeError::Trailing { count }),
            },
            Next::Transaction | Next::Option | Next::Leaf | Next::Steps(_) => Ok(None),
        }
    }
}
