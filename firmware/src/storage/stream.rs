//! Bytes over sectors, through one sector of memory.

use embedded_io::{ErrorType, Read, Write};

use super::error::CardError;
use crate::board::{SECTOR_BYTES, Sectors};

/// Some adjacent sectors.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// The first.
    pub first: u32,
    /// How many there are.
    pub sectors: u32,
}

impl Area {
    /// How many bytes fit.
    pub const fn bytes(self) -> usize {
        self.sectors as usize * SECTOR_BYTES
    }
}

/// Reads a sector that must be there.
pub fn read<D: Sectors>(medium: &mut D, sector: u32, into: &mut [u8; SECTOR_BYTES]) -> Result<(), CardError> {
    check(medium, sector)?;
    medium.read(sector, into).map_err(|_| CardError::Read { sector })
}

/// Writes a sector that must be there.
pub fn write<D: Sectors>(medium: &mut D, sector: u32, from: &[u8; SECTOR_BYTES]) -> Result<(), CardError> {
    check(medium, sector)?;
    medium.write(sector, from).map_err(|_| CardError::Write { sector })
}

fn check<D: Sectors>(medium: &D, sector: u32) -> Result<(), CardError> {
    let count = medium.count();
    if sector < count { Ok(()) } else { Err(CardError::TooSmall { count, sector }) }
}

/// Reads an area from its front.
pub struct Inlet<'s, D> {
    medium: &'s mut D,
    sector: &'s mut [u8; SECTOR_BYTES],
    area: Area,
    position: usize,
}

impl<'s, D: Sectors> Inlet<'s, D> {
    /// Stands at the front of `area`.
    pub fn new(medium: &'s mut D, sector: &'s mut [u8; SECTOR_BYTES], area: Area) -> Self {
        Self { medium, sector, area, position: 0 }
    }
}

impl<D> ErrorType for Inlet<'_, D> {
    type Error = CardError;
}

impl<D: Sectors> Read for Inlet<'_, D> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, CardError> {
        if into.is_empty() || self.position >= self.area.bytes() {
            return Ok(0);
        }
        let within = self.position % SECTOR_BYTES;
        if within == 0 {
            // An area has no more sectors than a `u32` counts.
            let at = self.area.first.saturating_add((self.position / SECTOR_BYTES) as u32);
            read(self.medium, at, self.sector)?;
        }
        let from = self.sector.get(within..).unwrap_or_default();
        let count = into.iter_mut().zip(from).map(|(into, from)| *into = *from).count();
        self.position += count;
        Ok(count)
    }
}

/// Writes an area from its front, sector by sector.
pub struct Outlet<'s, D> {
    medium: &'s mut D,
    sector: &'s mut [u8; SECTOR_BYTES],
    area: Area,
    position: usize,
}

impl<'s, D: Sectors> Outlet<'s, D> {
    /// Stands at the front of `area`.
    pub fn new(medium: &'s mut D, sector: &'s mut [u8; SECTOR_BYTES], area: Area) -> Self {
        Self { medium, sector, area, position: 0 }
    }

    /// How many bytes fit.
    pub fn limit(&self) -> usize {
        self.area.bytes()
    }

    /// Writes what is left and returns how many sectors were written in all.
    pub fn finish(mut self) -> Result<u32, CardError> {
        let within = self.position % SECTOR_BYTES;
        if within > 0 {
            self.sector.get_mut(within..).unwrap_or_default().fill(0);
            self.put((self.position / SECTOR_BYTES) as u32)?;
        }
        Ok(self.position.div_ceil(SECTOR_BYTES) as u32)
    }

    fn put(&mut self, index: u32) -> Result<(), CardError> {
        write(self.medium, self.area.first.saturating_add(index), self.sector)
    }
}

impl<D> ErrorType for Outlet<'_, D> {
    type Error = CardError;
}

impl<D: Sectors> Write for Outlet<'_, D> {
    fn write(&mut self, from: &[u8]) -> Result<usize, CardError> {
        if from.len() > self.limit().saturating_sub(self.position) {
            return Err(CardError::TooLong { limit: self.limit() });
        }
        let within = self.position % SECTOR_BYTES;
        let into = self.sector.get_mut(within..).unwrap_or_default();
        let count = into.iter_mut().zip(from).map(|(into, from)| *into = *from).count();
        self.position += count;
        if count > 0 && self.position.is_multiple_of(SECTOR_BYTES) {
            self.put((self.position / SECTOR_BYTES - 1) as u32)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), CardError> {
        // A sector is written once it is full, and the last one by `finish`.
        Ok(())
    }
}
