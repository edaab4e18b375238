//! What stands on the card of a device: who it is, written once by whoever provisions it, and what it
//! keeps over a power cut. Sectors of 512 bytes, no file system, so that nothing but the byte map below
//! can be torn.
//!
//! | sector | sectors | content |
//! | --- | --- | --- |
//! | 0 and 8 | 1 each | the [`Identity`], twice: the first that can be read counts |
//! | 16 and 24 | 1 each | the number of starts (`u32`), twice: the higher one counts |
//! | 32 and 80 | 48 each | two copies of the state, written in turn: the newest whole one counts |
//! | 128 | 8 each | a ring of [`SNAPSHOTS`], one for every [`SNAPSHOT_BLOCKS`] blocks |
//!
//! Everything is in [`crate::frame`]s, whose payload is the [`crate::codec`]'s form of a value, so
//! anything torn or damaged is noticed. What is twice there is written one after the other, so a power cut
//! spoils one of them at the most. A sector whose bytes are all 0, or all 255, was never written.
//!
//! - Identity and number of starts: one frame of kind [`IDENTITY_KIND`] or [`STARTS_KIND`], salt 0.
//! - Snapshot: one frame of kind [`SNAPSHOT_KIND`], salt 0; payload: a height and what its device keeps
//!   for it. It stands in slot `height / 64 % 4096`, so the height tells it from an older one.
//! - State: a frame of kind [`STATE_START_KIND`] whose payload is the copy's generation (`u32`, one more
//!   than that of the copy before it), the device's records, and a frame of kind [`STATE_END_KIND`] without
//!   payload. The first frame's salt is 0, every other one's the checksum of the frame before it. So a
//!   record counts only behind exactly those that it was written behind, never behind those of another
//!   write that was cut short, and a copy is whole once its last sector is written, and not before.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::codec::{self, DecodeError, EncodeError};
use crate::frame::{self, ReadError};
use crate::units::Height;

/// Bytes of a sector.
pub const SECTOR_BYTES: usize = 512;

/// The sectors of the identity. They lie 4 KiB apart, as do the others that are there twice: a worn page
/// of a card spoils one.
pub const IDENTITY_SECTORS: [u32; 2] = [0, 8];

/// The sectors of the number of starts.
pub const STARTS_SECTORS: [u32; 2] = [16, 24];

/// The first sector of each copy of the state.
pub const STATE_SECTORS: [u32; 2] = [32, 80];

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

const _: () = {
    let [state, other] = STATE_SECTORS;
    assert!(state > STARTS_SECTORS[1] && other >= state + STATE_LENGTH);
    assert!(other + STATE_LENGTH <= SNAPSHOT_SECTOR);
    let sectors = SNAPSHOT_SECTOR + SNAPSHOTS * SNAPSHOT_LENGTH;
    assert!(sectors as u64 * SECTOR_BYTES as u64 <= IMAGE_BYTES);
};

/// Kind of the frame that holds the identity.
pub const IDENTITY_KIND: u8 = 1;

/// Kind of the frame that holds the number of starts.
pub const STARTS_KIND: u8 = 2;

/// Kind of the frame that holds a snapshot.
pub const SNAPSHOT_KIND: u8 = 3;

/// Kind of the first frame of a copy of the state. A device's own records have lower kinds.
pub const STATE_START_KIND: u8 = 0xfe;

/// Kind of the last frame of a copy of the state.
pub const STATE_END_KIND: u8 = 0xff;

/// The first sector of the snapshot of a height.
pub const fn snapshot_sector(height: Height) -> u32 {
    // The remainder is below `SNAPSHOTS`, so it fits.
    let slot = (height.get() / SNAPSHOT_BLOCKS % SNAPSHOTS as u64) as u32;
    SNAPSHOT_SECTOR + slot * SNAPSHOT_LENGTH
}

/// Why a sector does not hold a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectorError {
    /// Nobody has ever written it.
    #[error("nothing was ever written here")]
    Blank,
    /// It was torn or damaged, or is no card's.
    #[error(transparent)]
    Damaged(#[from] ReadError<core::convert::Infallible>),
    /// It holds something else.
    #[error("the record has kind {got}, expected {expected}")]
    Kind {
        /// The kind of what it holds.
        got: u8,
        /// The kind that was asked for.
        expected: u8,
    },
    /// It was written by a version that this one does not understand.
    #[error("the record is not what this version writes: {0}")]
    Content(#[from] DecodeError),
}

/// Fills a sector with one frame of this kind.
pub fn write_sector<T: Serialize + ?Sized>(
    sector: &mut [u8; SECTOR_BYTES],
    kind: u8,
    value: &T,
) -> Result<(), EncodeError> {
    sector.fill(0);
    frame::write_pieces(&mut sector.as_mut_slice(), 0, kind, &|sink| codec::encode_into(value, sink))
        .map(drop)
        .map_err(|_| EncodeError { capacity: SECTOR_BYTES - frame::FRAME_OVERHEAD_BYTES })
}

/// Reads what [`write_sector`] has written.
pub fn read_sector<'s, T: Deserialize<'s> + Serialize>(
    sector: &'s [u8; SECTOR_BYTES],
    expected: u8,
) -> Result<T, SectorError> {
    if is_blank(sector) {
        return Err(SectorError::Blank);
    }
    match frame::parse(sector, 0)? {
        Some(frame) if frame.kind == expected => Ok(codec::decode(frame.payload)?),
        Some(frame) => Err(SectorError::Kind { got: frame.kind, expected }),
        None => Err(SectorError::Blank),
    }
}

/// Whether a sector is as cards are before anything is written: all zeros, or all ones.
pub fn is_blank(sector: &[u8; SECTOR_BYTES]) -> bool {
    [0x00, 0xff].iter().any(|blank| sector.iter().all(|byte| byte == blank))
}

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
    #[serde(with = "crate::codec::bytes::optional")]
    pub seed: Option<[u8; 32]>,
    /// Random bytes from which, with the number of starts, the device derives what must not be guessed: its
    /// board has no random source of its own.
    #[serde(with = "crate::codec::bytes")]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn largest() -> Identity {
        let peer = Endpoint { ip: [255; 4], port: u16::MAX };
        Identity {
            network: core::iter::repeat_n('n', 40).collect(),
            name: core::iter::repeat_n('d', NAME_MAX_BYTES).collect(),
            seed: Some([7; 32]),
            entropy: [8; 32],
            peers: [peer; PEERS_MAX].into(),
            mines: Mines::FromTheStart,
        }
    }

    #[test]
    fn every_identity_fits_a_sector() {
        let (mut sector, identity) = ([0xaa; SECTOR_BYTES], largest());
        assert_eq!(write_sector(&mut sector, IDENTITY_KIND, &identity), Ok(()));
        assert_eq!(read_sector(&sector, IDENTITY_KIND), Ok(identity));
        let kind = SectorError::Kind { got: IDENTITY_KIND, expected: STARTS_KIND };
        assert_eq!(read_sector::<u32>(&sector, STARTS_KIND), Err(kind));
        sector[100] ^= 1;
        assert!(matches!(read_sector::<Identity>(&sector, IDENTITY_KIND), Err(SectorError::Damaged(_))));
        for blank in [0x00, 0xff] {
            let sector = [blank; SECTOR_BYTES];
            assert_eq!(read_sector::<Identity>(&sector, IDENTITY_KIND), Err(SectorError::Blank));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut sector = [0; SECTOR_BYTES];
        assert_eq!(write_sector(&mut sector, 9, &[1_u8; 503][..]), Err(EncodeError { capacity: 503 }));
        assert_eq!(write_sector(&mut sector, 9, &[1_u8; 501][..]), Ok(()));
    }

    #[test]
    fn snapshots_stand_in_a_ring() {
        let sector = |height| snapshot_sector(Height::new(height));
        assert_eq!((sector(0), sector(63), sector(64)), (128, 128, 136));
        assert_eq!((sector(262_143), sector(262_144)), (128 + 4_095 * 8, 128));
        assert!(sector(u64::MAX) < 128 + 4_096 * 8);
    }
}
