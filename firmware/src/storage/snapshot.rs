//! The ring of snapshots, one of every 64th block: what a device goes back to where a fork is deeper than
//! what it has in memory.

use mote_core::card::{SNAPSHOT_KIND, SNAPSHOT_LENGTH, snapshot_sector};
use mote_core::codec;
use mote_core::frame::{self, FRAME_OVERHEAD_BYTES, ReadError, WriteError};
use mote_core::units::Height;
use serde::Serialize;

use super::Card;
use super::error::CardError;
use super::stream::{Area, Inlet, Outlet};
use crate::board::Sectors;

impl Card {
    /// Keeps what a device needs of this height, in place of what stood in its slot. A power cut may leave
    /// the slot without either.
    pub fn put_snapshot<D: Sectors, T: Serialize + ?Sized>(
        &mut self,
        medium: &mut D,
        height: Height,
        value: &T,
    ) -> Result<(), CardError> {
        let (area, value) = (area(height), (height, value));
        let too_long = CardError::TooLong { limit: area.bytes() - FRAME_OVERHEAD_BYTES };
        if FRAME_OVERHEAD_BYTES.saturating_add(codec::encoded_len(&value)) > area.bytes() {
            return Err(too_long);
        }
        let mut outlet = Outlet::new(medium, &mut self.sector, area);
        let payload = |sink: &mut dyn FnMut(&[u8])| codec::encode_into(&value, sink);
        match frame::write_pieces(&mut outlet, 0, SNAPSHOT_KIND, &payload) {
            Ok(_) => outlet.finish().map(drop),
            Err(WriteError::Stream(error)) => Err(error),
            Err(WriteError::TooLong { .. } | WriteError::Full) => Err(too_long),
        }
    }

    /// What was kept of this height, encoded; none where nothing was, it was torn, or another height has its
    /// slot. `buffer` must have room for it and its height.
    pub fn snapshot<'b, D: Sectors>(
        &mut self,
        medium: &mut D,
        height: Height,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, CardError> {
        let area = area(height);
        // What is not a snapshot may claim any length, so it is checked before the buffer's counts.
        let mut inlet = Inlet::new(medium, &mut self.sector, area);
        match frame::read_pieces(&mut inlet, 0, area.bytes(), |_| {}) {
            Ok(Some(passed)) if passed.kind == SNAPSHOT_KIND => {}
            Err(ReadError::Stream(error)) => return Err(error),
            _ => return Ok(None),
        }
        match frame::read(&mut Inlet::new(medium, &mut self.sector, area), 0, buffer) {
            Ok(Some(frame)) => {
                let (found, value) = codec::decode_prefix::<Height>(frame.payload)?;
                Ok((found == height).then_some(value))
            }
            Err(ReadError::TooLong { limit, .. }) => Err(CardError::TooLong { limit }),
            Err(ReadError::Stream(error)) => Err(error),
            Ok(None) | Err(ReadError::Truncated { .. } | ReadError::Checksum { .. }) => Ok(None),
        }
    }
}

fn area(height: Height) -> Area {
    Area { first: snapshot_sector(height), sectors: SNAPSHOT_LENGTH }
}
