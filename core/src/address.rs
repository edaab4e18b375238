//! The text form of an account: bech32m (BIP-350) over the 32 bytes of the public key, with a prefix
//! that names the network. The checksum catches every typing error of up to four characters.

use core::fmt::{self, Write};
use core::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, ByteIterExt, Fe32IterExt, Hrp};

use crate::keys::PublicKey;
use crate::params::Params;

/// Which networks an address is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressPrefix {
    /// `mote`: the main network.
    Main,
    /// `tmote`: the test network.
    Test,
    /// `lmote`: local networks and regtest.
    Local,
}

impl AddressPrefix {
    /// The human-readable part of the address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "mote",
            Self::Test => "tmote",
            Self::Local => "lmote",
        }
    }
}

/// An account as people write it, such as `lmote1…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    prefix: AddressPrefix,
    key: PublicKey,
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// The text is not bech32m: a character is wrong, or the checksum does not match.
    #[error("the address has a typing error: its checksum does not match")]
    Checksum,
    /// The prefix is that of no network.
    #[error("expected an address that starts with mote1, tmote1 or lmote1")]
    Prefix,
    /// The address does not hold 32 bytes.
    #[error("expected an address of 32 bytes, got {got}")]
    Length {
        /// How many bytes the address holds.
        got: usize,
    },
    /// The bits behind the last byte are not zero.
    #[error("the address has bits left over behind its last byte")]
    Padding,
    /// The key is a point of small order, for which anybody can sign.
    #[error("the address is a key of small order, which anybody could sign for")]
    SmallOrder,
    /// The address belongs to another network.
    #[error("expected an address that starts with {expected}1, got one that starts with {got}1")]
    Network {
        /// The prefix of the address.
        got: &'static str,
        /// The prefix of this network.
        expected: &'static str,
    },
}

impl Address {
    /// The address of `key`.
    pub const fn new(prefix: AddressPrefix, key: PublicKey) -> Self {
        Self { prefix, key }
    }

    /// The account's public key.
    pub const fn public_key(&self) -> PublicKey {
        self.key
    }

    /// Which networks the address is meant for.
    pub const fn prefix(&self) -> AddressPrefix {
        self.prefix
    }

    /// Parses an address that must belong to the network of `params`.
    pub fn parse_for(text: &str, params: &Params) -> Result<Self, ParseAddressError> {
        let address = Self::from_str(text)?;
        if address.prefix == params.address_prefix {
            return Ok(address);
        }
        let (got, expected) = (address.prefix.as_str(), params.address_prefix.as_str());
        Err(ParseAddressError::Network { got, expected })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = Hrp::parse(self.prefix.as_str()).map_err(|_| fmt::Error)?;
        // Character by character: the library's own function takes a kilobyte of stack.
        let digits = self.key.as_bytes().iter().copied().bytes_to_fes().with_checksum::<Bech32m>(&prefix);
        digits.chars().try_for_each(|character| formatter.write_char(character))
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| ParseAddressError::Checksum)?;
        let prefix = [AddressPrefix::Main, AddressPrefix::Test, AddressPrefix::Local]
            .into_iter()
            .find(|prefix| parts.hrp().as_str().eq_ignore_ascii_case(prefix.as_str()))
            .ok_or(ParseAddressError::Prefix)?;
        // The library's name for the rule of BIP-173 that padding is short and zero.
        parts.validate_segwit_padding().map_err(|_| ParseAddressError::Padding)?;
        let mut key = [0; 32];
        let got = parts.byte_iter().count();
        if got != key.len() {
            return Err(ParseAddressError::Length { got });
        }
        key.iter_mut().zip(parts.byte_iter()).for_each(|(byte, value)| *byte = value);
        let key = PublicKey::from_bytes(key);
        if key.is_small_order() {
            return Err(ParseAddressError::SmallOrder);
        }
        Ok(Self { prefix, key })
    }
}
