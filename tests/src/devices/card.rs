//! Cards as files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use mote_core::card::{
    Endpoint, IDENTITY_KIND, IDENTITY_SECTOR, IDENTITY_SECTORS, IMAGE_BYTES, Identity, Mines,
};
use mote_core::frame;

use crate::fixtures::wire;

/// Bytes of a sector.
const SECTOR_BYTES: u64 = 512;

/// Where the computer that runs the emulator is found from inside it.
pub const GATEWAY: [u8; 4] = [10, 0, 2, 2];

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

/// Writes the identity onto a card and leaves the rest of it as it is; the card is made where there is
/// none.
pub fn provision(path: &Path, identity: &Identity) {
    let mut sectors = vec![0; (u64::from(IDENTITY_SECTORS) * SECTOR_BYTES) as usize];
    let payload = wire(identity);
    frame::write(&mut &mut sectors[..], 0, IDENTITY_KIND, &payload).expect("the identity fits its sectors");
    let mut file = open(path);
    // Most of it is a hole, which takes no room.
    file.set_len(IMAGE_BYTES).expect("the folder is writable");
    write_at(&mut file, IDENTITY_SECTOR, &sectors);
}

/// The bytes of some sectors.
pub fn read_sectors(path: &Path, first: u32, count: u32) -> Vec<u8> {
    let mut file = open(path);
    let mut bytes = vec![0; count as usize * SECTOR_BYTES as usize];
    file.seek(SeekFrom::Start(u64::from(first) * SECTOR_BYTES)).expect("a file can be read anywhere");
    file.read_exact(&mut bytes).expect("the card has these sectors");
    bytes
}

/// Replaces the bytes of some sectors.
pub fn write_sectors(path: &Path, first: u32, bytes: &[u8]) {
    write_at(&mut open(path), first, bytes);
}

fn open(path: &Path) -> File {
    let mut options = File::options();
    let options = options.create(true).read(true).write(true).truncate(false);
    options.open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write_at(file: &mut File, sector: u32, bytes: &[u8]) {
    file.seek(SeekFrom::Start(u64::from(sector) * SECTOR_BYTES)).expect("a file can be written anywhere");
    file.write_all(bytes).expect("the folder is writable");
}
