//! What can go wrong with a card.

use core::fmt;

use mote_core::codec::DecodeError;

/// Why a card did not do what was asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Nobody has provisioned the card.
    #[error("the card is blank: `mote device provision` writes one")]
    Blank,
    /// What stands there is torn or damaged, and so is its copy.
    #[error("{part} on the card is damaged")]
    Damaged {
        /// What.
        part: Part,
    },
    /// What stands there was written by a version that this one does not understand.
    #[error("a record on the card is not what this version writes: {0}")]
    Content(#[from] DecodeError),
    /// A sector cannot be read.
    #[error("sector {sector} cannot be read")]
    Read {
        /// Which.
        sector: u32,
    },
    /// A sector cannot be written.
    #[error("sector {sector} cannot be written")]
    Write {
        /// Which.
        sector: u32,
    },
    /// The card ends before it.
    #[error("the card has {count} sectors, sector {sector} is needed")]
    TooSmall {
        /// How many sectors the card has.
        count: u32,
        /// Which one was needed.
        sector: u32,
    },
    /// There is no room for what is to be written, or the buffer has none for what was read.
    #[error("there is room for {limit} bytes, more are needed")]
    TooLong {
        /// How much room there is.
        limit: usize,
    },
    /// Records of this kind are the card's own.
    #[error("a record has kind {kind}, expected one below {limit}")]
    Kind {
        /// The kind.
        kind: u8,
        /// The first kind that is the card's own.
        limit: u8,
    },
}

/// A part of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Who the device is.
    Identity,
    /// The number of starts.
    Starts,
    /// The state.
    State,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Identity => "the identity",
            Self::Starts => "the number of starts",
            Self::State => "the state",
        })
    }
}

impl embedded_io::Error for CardError {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::Other
    }
}
