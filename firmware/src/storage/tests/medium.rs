//! A card that loses power at a chosen write, tears what it was writing, and has bad sectors.

use std::vec;
use std::vec::Vec;

use mote_core::card::SNAPSHOT_LENGTH;
use mote_core::card::SNAPSHOT_SECTOR;

use crate::board::{SECTOR_BYTES, Sectors};

/// What is left of a sector whose writing was cut short.
#[derive(Clone, Copy, Debug)]
pub enum Tear {
    /// As many bytes as this are new, the rest is old.
    Old(usize),
    /// As many bytes as this are new, the rest is garbage.
    Garbage(usize),
    /// As many bytes as this are new, the rest is erased.
    Erased(usize),
}

/// The medium.
#[derive(Clone)]
pub struct Medium {
    pub sectors: Vec<[u8; SECTOR_BYTES]>,
    /// Sectors that cannot be read.
    pub bad: Vec<u32>,
    /// Writes since the last start.
    pub writes: usize,
    cut: Option<(usize, Tear)>,
}

/// The medium does not answer.
#[derive(Debug)]
pub struct Gone;

impl Medium {
    /// A new card with room for this many snapshots.
    pub fn new(snapshots: u32, blank: u8) -> Self {
        let count = SNAPSHOT_SECTOR + snapshots * SNAPSHOT_LENGTH;
        let sectors = vec![[blank; SECTOR_BYTES]; count as usize];
        Self { sectors, bad: Vec::new(), writes: 0, cut: None }
    }

    /// Power is cut during the write of this number, the first being 0.
    pub fn cut_at(&mut self, write: usize, tear: Tear) {
        (self.writes, self.cut) = (0, Some((write, tear)));
    }

    /// Power is back.
    pub fn restart(&mut self) {
        (self.writes, self.cut) = (0, None);
    }

    fn is_off(&self) -> bool {
        self.cut.is_some_and(|(write, _)| self.writes > write)
    }
}

impl Sectors for Medium {
    type Error = Gone;

    fn count(&self) -> u32 {
        self.sectors.len() as u32
    }

    fn read(&mut self, sector: u32, into: &mut [u8; SECTOR_BYTES]) -> Result<(), Gone> {
        if self.is_off() || self.bad.contains(&sector) {
            return Err(Gone);
        }
        *into = self.sectors[sector as usize];
        Ok(())
    }

    fn write(&mut self, sector: u32, from: &[u8; SECTOR_BYTES]) -> Result<(), Gone> {
        if self.is_off() {
            return Err(Gone);
        }
        let into = &mut self.sectors[sector as usize];
        self.writes += 1;
        let Some((_, tear)) = self.cut.filter(|(write, _)| *write + 1 == self.writes) else {
            *into = *from;
            return Ok(());
        };
        let (Tear::Old(new) | Tear::Garbage(new) | Tear::Erased(new)) = tear;
        into[..new].copy_from_slice(&from[..new]);
        for (offset, byte) in into.iter_mut().enumerate().skip(new) {
            match tear {
                Tear::Old(_) => {}
                Tear::Garbage(_) => *byte = (offset * 37 + new * 11 + 5) as u8,
                Tear::Erased(_) => *byte = 0xff,
            }
        }
        Err(Gone)
    }
}
