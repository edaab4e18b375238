//! The linked image of a device.

use std::path::{Path, PathBuf};

/// Names another image than the one that is built in this checkout.
const VARIABLE: &str = "MOTE_FIRMWARE";

/// How the image is built.
const BUILD: &str = "cargo build --locked --profile firmware -p mote-firmware --target thumbv7m-none-eabi --bin mote-firmware";

/// The first address that is RAM.
const RAM_BASE: u32 = 0x2000_0000;

/// Type of a segment that is loaded.
const LOAD: u32 = 1;

/// Where the image is.
pub fn path() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/thumbv7m-none-eabi/firmware/mote-firmware");
    let path = std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(built), PathBuf::from);
    assert!(path.is_file(), "{} is missing: build it with `{BUILD}`, or set {VARIABLE}", path.display());
    path
}

/// What an image takes of a board, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// What lies in flash: code, constants, and what variables start with.
    pub flash: u32,
    /// Variables in RAM, without the stack.
    pub ram: u32,
}

/// Reads from an image (ELF of 32 bits, little-endian) what it takes.
pub fn sizes(path: &Path) -> Sizes {
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(&file[..6], b"\x7fELF\x01\x01", "{} is no image of this kind", path.display());
    let half = |at: usize| u16::from_le_bytes([file[at], file[at + 1]]);
    let word = |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
    let (table, entry, count) = (word(28) as usize, usize::from(half(42)), usize::from(half(44)));
    let mut sizes = Sizes { flash: 0, ram: 0 };
    for header in (0..count).map(|index| table + index * entry).filter(|header| word(*header) == LOAD) {
        let (address, in_file, in_memory) = (word(header + 8), word(header + 16), word(header + 20));
        sizes.flash += in_file;
        if address >= RAM_BASE {
            sizes.ram += in_memory;
        }
    }
    sizes
}
