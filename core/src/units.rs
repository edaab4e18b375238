//! Amounts, heights and times as types of their own, with checked arithmetic only.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::params::GRAINS_PER_MOTE;

/// An amount of money in grains; 1 mote is 1,000,000 grains.
///
/// The text form is a decimal number of motes without superfluous digits (`12.5`, `0.000001`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Amount(u64);

impl Amount {
    /// No grains.
    pub const ZERO: Self = Self(0);

    /// An amount of `grains`.
    pub const fn from_grains(grains: u64) -> Self {
        Self(grains)
    }

    /// The amount in grains.
    pub const fn grains(self) -> u64 {
        self.0
    }

    /// The sum, or `None` beyond 2^64 - 1 grains.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(grains) => Some(Self(grains)),
            None => None,
        }
    }

    /// The difference, or `None` where `other` is larger.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(grains) => Some(Self(grains)),
            None => None,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (motes, mut fraction) = (self.0 / GRAINS_PER_MOTE, self.0 % GRAINS_PER_MOTE);
        if fraction == 0 {
            return write!(formatter, "{motes}");
        }
        let mut digits = 6;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(formatter, "{motes}.{fraction:0digits$}")
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// There is no digit where one is needed.
    #[error("expected a decimal number of motes such as 12.5")]
    Empty,
    /// A character is neither a digit nor the one decimal point.
    #[error("character {position} is not a decimal digit")]
    Digit {
        /// Offset of the first wrong character.
        position: usize,
    },
    /// There are more than six digits behind the point.
    #[error("got {got} digits behind the point, a grain is the sixth")]
    TooPrecise {
        /// How many digits stand behind the point.
        got: usize,
    },
    /// The amount is beyond 2^64 - 1 grains.
    #[error("the amount is beyond 18446744073709.551615 motes")]
    TooLarge,
}

impl FromStr for Amount {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(ParseAmountError::Empty),
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        if whole.is_empty() {
            return Err(ParseAmountError::Empty);
        }
        let is_wrong = |(position, byte): (usize, u8)| {
            let is_point = byte == b'.' && position == whole.len();
            (!byte.is_ascii_digit() && !is_point).then_some(position)
        };
        if let Some(position) = text.bytes().enumerate().find_map(is_wrong) {
            return Err(ParseAmountError::Digit { position });
        }
        if fraction.len() > 6 {
            return Err(ParseAmountError::TooPrecise { got: fraction.len() });
        }
        let padding = core::iter::repeat_n(b'0', 6 - fraction.len());
        let digits = whole.bytes().chain(fraction.bytes()).chain(padding);
        digits
            .map(|digit| u64::from(digit - b'0'))
            .try_fold(0_u64, |grains, digit| grains.checked_mul(10)?.checked_add(digit))
            .map(Self)
            .ok_or(ParseAmountError::TooLarge)
    }
}

/// The position of a block: the genesis block has height 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Height(u64);

impl Height {
    /// The height of the genesis block.
    pub const GENESIS: Self = Self(0);

    /// The height `blocks` above genesis.
    pub const fn new(blocks: u64) -> Self {
        Self(blocks)
    }

    /// How many blocks lie below.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The height of a child. Saturates: a chain of 2^64 blocks has no time to exist.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How many blocks this height is above `other`, 0 where it is not above.
    pub const fn above(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Height {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A time in Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The time `seconds` later; saturates.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds this time is after `other`, 0 where it is not after.
    pub const fn since(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A moment on a clock that only goes forward, in milliseconds from a start that its owner chose.
/// For time-outs and rates; never compared with a [`Timestamp`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment `milliseconds` after the start.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the start.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The moment `milliseconds` later; saturates.
    pub const fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// How many milliseconds this moment is after `other`, 0 where it is not after.
    pub const fn since(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn amounts_are_exact_decimals() {
        for (text, grains) in [("0", 0), ("5", 5_000_000), ("12.5", 12_500_000), ("0.000001", 1)] {
            assert_eq!(text.parse(), Ok(Amount::from_grains(grains)));
            assert_eq!(Amount::from_grains(grains).to_string(), text);
        }
        let largest = Amount::from_grains(u64::MAX);
        assert_eq!(largest.to_string().parse(), Ok(largest));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1 ", "1.2.3", "inf", "NaN", "0x1", "١"]
        {
            assert!(text.parse::<Amount>().is_err(), "{text:?}");
        }
        assert_eq!("0.0000001".parse::<Amount>(), Err(ParseAmountError::TooPrecise { got: 7 }));
        assert_eq!("18446744073709.551616".parse::<Amount>(), Err(ParseAmountError::TooLarge));
        assert_eq!("99999999999999999999999".parse::<Amount>(), Err(ParseAmountError::TooLarge));
    }
}
