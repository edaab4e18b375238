//! The card of a simulated device, whose power may fail at any write.

use std::collections::BTreeMap;

use mote_core::card::{IDENTITY_KIND, IDENTITY_SECTORS, IMAGE_BYTES, Identity, SECTOR_BYTES, write_sector};
use mote_firmware::board::Sectors;

type Sector = [u8; SECTOR_BYTES];

/// A card in memory. What was written is durable at once, as it is for real ones; a cut tears one sector.
#[derive(Debug, Default)]
pub struct SimulatedCard {
    sectors: BTreeMap<u32, Sector>,
    /// How many more writes there is power for, and how many bytes of the last one, where it is to fail.
    left: Option<(u64, usize)>,
    is_off: bool,
}

/// The power failed.
#[derive(Debug)]
pub struct PowerFailed;

impl SimulatedCard {
    /// A card that names who the device is, and holds nothing else.
    pub fn provisioned(identity: &Identity) -> Self {
        let mut sector = [0; SECTOR_BYTES];
        let mut card = Self::default();
        // Without it the device would be nobody, which the world would notice: it would not mine.
        if write_sector(&mut sector, IDENTITY_KIND, identity).is_ok() {
            card.sectors.extend(IDENTITY_SECTORS.map(|place| (place, sector)));
        }
        card
    }

    /// Lets the power fail after so many more writes, so many bytes into the next one.
    pub fn cut_after(&mut self, writes: u64, bytes: usize) {
        self.left = Some((writes, bytes.min(SECTOR_BYTES)));
    }

    /// Lets the power stay after all.
    pub fn keep_power(&mut self) {
        self.left = None;
    }

    /// Whether the power has failed.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Gives the card power again.
    pub fn power_on(&mut self) {
        (self.is_off, self.left) = (false, None);
    }
}

impl Sectors for SimulatedCard {
    type Error = PowerFailed;

    fn count(&self) -> u32 {
        (IMAGE_BYTES / SECTOR_BYTES as u64) as u32
    }

    fn read(&mut self, sector: u32, into: &mut Sector) -> Result<(), PowerFailed> {
        if self.is_off {
            return Err(PowerFailed);
        }
        *into = self.sectors.get(&sector).copied().unwrap_or([0; SECTOR_BYTES]);
        Ok(())
    }

    fn write(&mut self, sector: u32, from: &Sector) -> Result<(), PowerFailed> {
        if self.is_off {
            return Err(PowerFailed);
        }
        let durable = match &mut self.left {
            Some((0, bytes)) => {
                self.is_off = true;
                *bytes
            }
            Some((writes, _)) => {
                *writes -= 1;
                SECTOR_BYTES
            }
            None => SECTOR_BYTES,
        };
        let into = self.sectors.entry(sector).or_insert([0; SECTOR_BYTES]);
        into.iter_mut().zip(from).take(durable).for_each(|(into, from)| *into = *from);
        if self.is_off { Err(PowerFailed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_tears_the_sector_that_is_being_written_and_keeps_those_before() {
        let mut card = SimulatedCard::default();
        card.cut_after(1, 100);
        assert!(card.write(7, &[1; SECTOR_BYTES]).is_ok());
        assert!(card.write(8, &[2; SECTOR_BYTES]).is_err() && card.is_off());
        let mut sector = [0; SECTOR_BYTES];
        assert!(card.read(7, &mut sector).is_err());
        card.power_on();
        assert!(card.read(7, &mut sector).is_ok() && sector == [1; SECTOR_BYTES]);
        assert!(card.read(8, &mut sector).is_ok());
        assert_eq!((sector[99], sector[100]), (2, 0));
    }
}
