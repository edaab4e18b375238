//! Cards as files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use mote_core::card::{
    Endpoint, IDENTITY_KIND, IDENTITY_SECTORS, IMAGE_BYTES, Identity, Mines, SECTOR_BYTES, write_sector,
};
use mote_core::chain::Tip;
use mote_core::params::Params;
use mote_firmware::board::Sectors;
use mote_firmware::storage::Card;

/// Where the computer that runs the emulator is found from inside it.
pub const GATEWAY: [u8; 4] = [10, 0, 2, 2];

/// The records of a device's state that say which network it is of and where its chain begins.
const NETWORK_RECORD: u8 = 1;
const BASE_RECORD: u8 = 2;

/// A card whose sectors are those of a file.
pub struct CardFile(File);

/// The seed of a device's key, by a number that tells the devices of the tests apart.
pub fn seed(number: u8) -> [u8; 32] {
    [number; 32]
}

/// Who a device is: its peers are ports of the computer that runs the test.
pub fn identity(network: &str, number: u8, peers: &[u16], mines: Mines) -> Identity {
    Identity {
        network: network.try_into().expect("networks have short names"),
        name: "tester".try_into().expect("the name is short"),
        seed: Some(seed(number)),
        entropy: [number ^ 0xa5; 32],
        peers: peers.iter().map(|port| Endpoint { ip: GATEWAY, port: *port }).collect(),
        mines,
    }
}

impl CardFile {
    /// The card in this file, which is made where there is none.
    pub fn open(path: &Path) -> Self {
        let mut options = File::options();
        let options = options.create(true).read(true).write(true).truncate(false);
        let file = options.open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Most of a new one is a hole, which takes no room.
        file.set_len(IMAGE_BYTES).expect("the folder is writable");
        Self(file)
    }

    /// Writes who the device is, and leaves the rest of the card as it is.
    pub fn provision(&mut self, identity: &Identity) {
        let mut sector = [0; SECTOR_BYTES];
        write_sector(&mut sector, IDENTITY_KIND, identity).expect("an identity fits a sector");
        for place in IDENTITY_SECTORS {
            self.write(place, &sector).expect("the file is writable");
        }
    }

    /// Writes the state of a device that has validated everything up to `tip`.
    pub fn remember(&mut self, params: &Params, tip: &Tip) {
        let saved = Card::new().save(self, |records| {
            records.record(NETWORK_RECORD, &params.genesis_id())?;
            records.record(BASE_RECORD, tip)
        });
        saved.expect("the state fits the card");
    }

    fn seek(&mut self, sector: u32) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(u64::from(sector) * SECTOR_BYTES as u64)).map(|_| ())
    }
}

impl Sectors for CardFile {
    type Error = io::Error;

    fn count(&self) -> u32 {
        (IMAGE_BYTES / SECTOR_BYTES as u64) as u32
    }

    fn read(&mut self, sector: u32, into: &mut [u8; SECTOR_BYTES]) -> io::Result<()> {
        self.seek(sector)?;
        self.0.read_exact(into)
    }

    fn write(&mut self, sector: u32, from: &[u8; SECTOR_BYTES]) -> io::Result<()> {
        self.seek(sector)?;
        self.0.write_all(from)
    }
}
