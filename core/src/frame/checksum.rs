//! CRC-32C of a record: the polynomial 0x1EDC6F41 reflected, start value and final XOR 0xFFFFFFFF.
//!
//! A host takes eight bytes at once by a table for each of them ("slicing-by-8", Kounavis and Berry: "Novel
//! Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008); a device, where a kilobyte is dear and
//! a card slow, half a byte by one table of 16 entries.

/// The register of the checksum before the payload.
pub(super) fn begin(salt: u32, length: u32, kind: u8) -> u32 {
    [&salt.to_le_bytes()[..], &length.to_le_bytes(), &[kind]].into_iter().fold(u32::MAX, update)
}

/// Feeds `bytes` to the register of the checksum.
#[cfg(target_os = "none")]
pub(super) fn update(register: u32, bytes: &[u8]) -> u32 {
    static TABLE: [u32; 16] = table();
    bytes.iter().fold(register, |register, byte| feed(&TABLE, register, *byte))
}

/// Feeds `bytes` to the register of the checksum.
#[cfg(not(target_os = "none"))]
pub(super) fn update(register: u32, bytes: &[u8]) -> u32 {
    static TABLES: [[u32; 256]; 8] = tables();
    let [last, ..] = &TABLES;
    let (eights, rest) = bytes.as_chunks::<8>();
    let register = eights.iter().fold(register, |register, eight| {
        let [b0, b1, b2, b3, tail @ ..] = *eight;
        let head = (register ^ u32::from_le_bytes([b0, b1, b2, b3])).to_le_bytes();
        let bytes = head.iter().chain(&tail);
        // The first byte has the most bytes behind it.
        bytes.zip(TABLES.iter().rev()).fold(0, |sum, (byte, table)| sum ^ entry(table, u32::from(*byte)))
    });
    rest.iter().fold(register, |register, byte| feed(last, register, *byte))
}

/// Feeds a byte to the register, as many of its bits at once as the table has entries for.
fn feed<const N: usize>(table: &[u32; N], register: u32, byte: u8) -> u32 {
    let bits = N.ilog2();
    (0..u8::BITS / bits)
        .fold(register ^ u32::from(byte), |register, _| register >> bits ^ entry(table, register))
}

/// The entry for the low bits of the register. The table has one for each value of them, so there is one.
fn entry<const N: usize>(table: &[u32; N], register: u32) -> u32 {
    table.get(register as usize % N).copied().unwrap_or_default()
}

/// What becomes of each value of the register's low bits once they are fed.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, where a wrong index is an error")]
const fn table<const N: usize>() -> [u32; N] {
    let mut table = [0; N];
    let mut index = 0;
    while index < N {
        let mut entry = index as u32;
        let mut bit = 0;
        while bit < N.ilog2() {
            entry = if entry & 1 == 1 { entry >> 1 ^ 0x82f6_3b78 } else { entry >> 1 };
            bit += 1;
        }
        table[index] = entry;
        index += 1;
    }
    table
}

/// What becomes of each byte once as many zero bytes are fed behind it as the table's number says.
#[cfg(not(target_os = "none"))]
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, where a wrong index is an error")]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [table(); 8];
    let mut number = 1;
    while number < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[number - 1][byte];
            tables[number][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        number += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn the_published_check_value_comes_out() {
        assert_eq!(!update(u32::MAX, b"123456789"), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn many_bytes_at_once_are_as_one_by_one_and_half_by_half(register: u32, bytes: Vec<u8>) {
            let by_bytes = bytes.iter().fold(register, |register, byte| feed(&table::<256>(), register, *byte));
            let by_halves = bytes.iter().fold(register, |register, byte| feed(&table::<16>(), register, *byte));
            prop_assert_eq!(update(register, &bytes), by_bytes);
            prop_assert_eq!(by_bytes, by_halves);
        }
    }
}
