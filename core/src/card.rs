//! What stands on the card of a device: who it is, written once by whoever provisions it, and what it
//! keeps over a power cut. Sectors of 512 bytes, no file system, so that nothing but the byte map below
//! can be torn.
//!
//! | sector | sectors | content |
//! | --- | --- | --- |
//! | 0 | 8 | identity: one [`crate::frame`] of kind 1, salt 0, whose payload is an [`Identity`] |
//! | 8 | 2 | boot counter: two sectors, written in turn |
//! | 16 | 48 | state, first copy |
//! | 64 | 48 | state, second copy: the copies are written in turn |
//! | 128 | 8 each | snapshots, a ring of [`SNAPSHOTS`], one for every [`SNAPSHOT_BLOCKS`] blocks |
//!
//! Every record is a [`crate::frame`], so a sector that was torn or damaged is noticed.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The first sector of the identity.
pub const IDENTITY_SECTOR: u32 = 0;

/// Sectors of the identity.
pub const IDENTITY_SECTORS: u32 = 8;

/// The first of the two sectors of the boot counter.
pub const BOOT_SECTOR: u32 = 8;

/// The first sector of each copy of the state.
pub const STATE_SECTORS: [u32; 2] = [16, 64];

/// Sectors of one copy of the state.
pub const STATE_LENGTH: u32 = 48;

/// The first sector of the snapshots.
pub const SNAPSHOT_SECTOR: u32 = 128;

/// Sectors of one snapshot.
pub const SNAPSHOT_LENGTH: u32 = 8;

/// How many snapshots the ring holds: the last 262,144 blocks, a month.
pub const SNAPSHOTS: u32 = 4_096;

/// Blocks between two snapshots.
pub const SNAPSHOT_BLOCKS: u64 = 64;

/// Bytes of a card's image: the power of two that QEMU asks for, and the map fits.
pub const IMAGE_BYTES: u64 = 32 * 1_024 * 1_024;

/// The longest name of a device, in bytes.
pub const NAME_MAX_BYTES: usize = 24;

/// The most peers that a card names.
pub const PEERS_MAX: usize = 2;

const _: () = assert!(IDENTITY_SECTOR + IDENTITY_SECTORS <= BOOT_SECTOR);
const _: () = assert!((SNAPSHOT_SECTOR + SNAPSHOTS * SNAPSHOT_LENGTH) as u64 * 512 <= IMAGE_BYTES);

/// Kind of the frame that holds the identity.
pub const IDENTITY_KIND: u8 = 1;

/// Who a device is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Identity {
    /// The text form of the network ([`crate::params::Network`]).
    #[zeroize(skip)]
    pub network: heapless::String<40>,
    /// A name for people, empty where it has none.
    #[zeroize(skip)]
    pub name: heapless::String<NAME_MAX_BYTES>,
    /// The seed of the device's key (RFC 8032), where it has one.
    pub seed: Option<[u8; 32]>,
    /// Random bytes from which, with the boot counter, the device derives what must not be guessed: its
    /// board has no random source of its own.
    pub entropy: [u8; 32],
    /// Full nodes to connect to, the first preferred.
    #[zeroize(skip)]
    pub peers: heapless::Vec<Endpoint, PEERS_MAX>,
    /// Whether it mines from power-on.
    #[zeroize(skip)]
    pub mines: Mines,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Identity({:?} on {})", self.name, self.network)
    }
}

/// Where a full node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its IPv4 address.
    pub ip: [u8; 4],
    /// Its TCP port.
    pub port: u16,
}

/// Whether a device mines from power-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mines {
    /// It waits to be told.
    WhenTold,
    /// It does.
    FromTheStart,
}
