//! A memory card in memory, which loses power in the middle of a write or fails when a test says so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mote_core::card::{
    IDENTITY_KIND, IDENTITY_SECTORS, IMAGE_BYTES, Identity, SECTOR_BYTES, STATE_SECTORS, write_sector,
};
use mote_firmware::board::Sectors;

type Sector = [u8; SECTOR_BYTES];

/// What a card is to do wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Power is cut during the write of this number, the first being 0; as many bytes of it are new.
    CutAt {
        /// Which write.
        write: usize,
        /// How many of its bytes are durable.
        bytes: usize,
    },
    /// Every write from this one on is refused, the first being 0.
    RefuseFrom(usize),
    /// The write of this number is refused although it is durable, and so are all behind it.
    LieFrom(usize),
    /// Nothing can be read.
    Unreadable,
}

/// The content of a card and what happens to it. A copy is another card.
#[derive(Clone, Debug, Default)]
pub struct Medium {
    sectors: BTreeMap<u32, Sector>,
    fault: Fault,
    /// Writes since the fault was set.
    writes: usize,
    is_cut: bool,
}

/// The card did not do what was asked.
#[derive(Debug)]
pub struct Failed;

impl Medium {
    /// A card that names who the device is, and holds nothing else.
    pub fn provisioned(identity: &Identity) -> Self {
        let mut medium = Self::default();
        let mut sector = [0; SECTOR_BYTES];
        write_sector(&mut sector, IDENTITY_KIND, identity).expect("an identity fits a sector");
        medium.sectors.extend(IDENTITY_SECTORS.map(|place| (place, sector)));
        medium
    }

    /// Lets it do something wrong from now on.
    pub fn set_fault(&mut self, fault: Fault) {
        (self.fault, self.writes, self.is_cut) = (fault, 0, false);
    }

    /// Forgets what a device kept, but not who it is.
    pub fn forget_state(&mut self) {
        self.sectors.retain(|sector, _| *sector < STATE_SECTORS[0]);
    }

    /// Changes a byte of a sector.
    pub fn damage(&mut self, sector: u32) {
        self.sectors.entry(sector).or_insert([0; SECTOR_BYTES])[17] ^= 1;
    }

    /// How many sectors were written since the fault was set.
    pub fn writes(&self) -> usize {
        self.writes
    }

    /// Whether power was cut.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn read(&self, sector: u32, into: &mut Sector) -> Result<(), Failed> {
        if self.is_cut || self.fault == Fault::Unreadable {
            return Err(Failed);
        }
        *into = self.sectors.get(&sector).copied().unwrap_or([0; SECTOR_BYTES]);
        Ok(())
    }

    fn write(&mut self, sector: u32, from: &Sector) -> Result<(), Failed> {
        if self.is_cut {
            return Err(Failed);
        }
        let number = self.writes;
        self.writes += 1;
        let (durable, done) = match self.fault {
            Fault::CutAt { write, bytes } if write == number => {
                self.is_cut = true;
                (bytes, Err(Failed))
            }
            Fault::RefuseFrom(first) if number >= first => (0, Err(Failed)),
            Fault::LieFrom(first) if number == first => (SECTOR_BYTES, Err(Failed)),
            Fault::LieFrom(first) if number > first => (0, Err(Failed)),
            _ => (SECTOR_BYTES, Ok(())),
        };
        let into = self.sectors.entry(sector).or_insert([0; SECTOR_BYTES]);
        into[..durable].copy_from_slice(&from[..durable]);
        done
    }
}

/// The card in its slot.
pub struct Slot(pub(super) Rc<RefCell<Medium>>);

impl Sectors for Slot {
    type Error = Failed;

    fn count(&self) -> u32 {
        (IMAGE_BYTES / SECTOR_BYTES as u64) as u32
    }

    fn read(&mut self, sector: u32, into: &mut Sector) -> Result<(), Failed> {
        self.0.borrow().read(sector, into)
    }

    fn write(&mut self, sector: u32, from: &Sector) -> Result<(), Failed> {
        self.0.borrow_mut().write(sector, from)
    }
}
