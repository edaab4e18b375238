//! What the device keeps over a power cut, on a card whose byte map is [`mote_core::card`].
//!
//! A [`Card`] is one sector of memory and knows nothing of the medium but what it has read; each call is
//! handed the medium. Whatever is written, a power cut at any sector leaves what was there before or what
//! should be there, never neither.
//!
//! | file | what it is |
//! | --- | --- |
//! | `state` | the state: two copies, written in turn |
//! | `snapshot` | the ring of snapshots |
//! | `stream` | bytes over sectors |
//! | `error` | what can go wrong |

mod error;
mod snapshot;
mod state;
mod stream;
#[cfg(test)]
mod tests;

use mote_core::card::{
    self, IDENTITY_KIND, IDENTITY_SECTORS, Identity, STARTS_KIND, STARTS_SECTORS, SectorError,
};
use serde::{Deserialize, Serialize};

pub use error::{CardError, Part};
pub use state::Writer;

use crate::board::{SECTOR_BYTES, Sectors};
use state::Copies;

/// The card: what is known of it, and the one sector that is read or written.
pub struct Card {
    sector: [u8; SECTOR_BYTES],
    /// The copies of the state, once they have been looked at.
    copies: Option<Copies>,
}

impl Default for Card {
    fn default() -> Self {
        Self::new()
    }
}

impl Card {
    /// A card of which nothing is known yet.
    pub const fn new() -> Self {
        Self { sector: [0; SECTOR_BYTES], copies: None }
    }

    /// Who the device is.
    pub fn identity<D: Sectors>(&mut self, medium: &mut D) -> Result<Identity, CardError> {
        let [first, second] = IDENTITY_SECTORS;
        let identity = match self.read_value(medium, first, IDENTITY_KIND, Part::Identity) {
            Err(error) => match self.read_value(medium, second, IDENTITY_KIND, Part::Identity) {
                // Half of it is there, so it is not that nobody has written anything.
                Err(CardError::Blank) => Err(error),
                found => found,
            },
            found => found,
        };
        // The key's seed need not stay in this buffer.
        self.sector.fill(0);
        identity
    }

    /// Counts a start and returns which it is, 1 for the first. No number is ever returned twice, even if
    /// one of its two sectors is spoiled: both are written before it is.
    pub fn count_start<D: Sectors>(&mut self, medium: &mut D) -> Result<u32, CardError> {
        let [first, second] = STARTS_SECTORS;
        let one = self.read_value::<_, u32>(medium, first, STARTS_KIND, Part::Starts);
        let two = self.read_value::<_, u32>(medium, second, STARTS_KIND, Part::Starts);
        // The sector that holds the number is written last, so one of them always does.
        let (before, order) = match (one, two) {
            (Ok(one), Ok(two)) if one < two => (two, [first, second]),
            (Ok(one), _) => (one, [second, first]),
            (_, Ok(two)) => (two, [first, second]),
            // A blank one says that no start was ever counted: both are written before one is.
            (Err(CardError::Blank), _) | (_, Err(CardError::Blank)) => (0, [first, second]),
            (Err(error), _) => return Err(error),
        };
        let count = before.checked_add(1).ok_or(CardError::Damaged { part: Part::Starts })?;
        for at in order {
            card::write_sector(&mut self.sector, STARTS_KIND, &count)
                .map_err(|error| CardError::TooLong { limit: error.capacity })?;
            stream::write(medium, at, &self.sector)?;
        }
        Ok(count)
    }

    /// What stands in a sector of its own.
    fn read_value<D: Sectors, T>(
        &mut self,
        medium: &mut D,
        at: u32,
        kind: u8,
        part: Part,
    ) -> Result<T, CardError>
    where
        T: for<'s> Deserialize<'s> + Serialize,
    {
        stream::read(medium, at, &mut self.sector)?;
        card::read_sector(&self.sector, kind).map_err(|error| match error {
            SectorError::Blank => CardError::Blank,
            SectorError::Content(error) => CardError::Content(error),
            SectorError::Damaged(_) | SectorError::Kind { .. } => CardError::Damaged { part },
        })
    }
}
