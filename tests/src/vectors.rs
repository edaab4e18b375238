//! Published test vectors, read where they are: they are not part of the project.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of one published set. `None`, with a note, where this machine does not have it.
///
/// The sets are looked for in `MOTE_VECTORS`, else beside the project.
pub fn folder(set: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = env::var_os("MOTE_VECTORS").map_or_else(beside, PathBuf::from).join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    // The test harness swallows what a passing test prints, but not what is written past its macros.
    let note = format!("note: no published vectors at {}, not checked\n", folder.display());
    std::io::stderr().write_all(note.as_bytes()).expect("standard error is open");
    None
}

/// The bytes behind hexadecimal digits.
///
/// # Panics
///
/// Where the text is anything else.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: char| c.to_digit(16).expect("a hexadecimal digit") as u8;
    let digits: Vec<u8> = hex.chars().map(digit).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte: {hex}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// As many bytes as the type says, from hexadecimal digits.
///
/// # Panics
///
/// Where the text is anything else.
pub fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().expect("as many bytes as the vector says")
}
