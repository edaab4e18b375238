//! The account's address as a QR code (ISO/IEC 18004) of version 3, the smallest that holds one: 29 x 29
//! modules, which fill the display's height with two pixels each.
//!
//! Only what an address needs is here: one version, its one block of codewords, error correction level L,
//! alphanumeric mode, and one mask, since the digits of a key are as good as random under any. That is a
//! fifth of the flash of a general encoder, which the tests compare it with.

use core::fmt::Write;

use mote_core::address::Address;
use mote_core::keys::PublicKey;

use super::ADDRESS_MAX_BYTES;
use super::screen::{HEIGHT, Screen};

/// Modules of a side.
const MODULES: usize = 29;

/// The last row and column.
const LAST: i32 = MODULES as i32 - 1;

/// Codewords of data.
const DATA: usize = 55;

/// Codewords of error correction.
const CORRECTION: usize = 15;

/// Modes and lengths: alphanumeric, then the number of characters in nine bits.
const MODE: (u32, u32) = (0b0010, 4);

/// The characters that take eleven bits a pair.
const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// The fifteen bits that name level L and mask 0.
const FORMAT: u32 = 0x77c4;

/// The divisor of the Reed-Solomon code: the coefficients of (x - 2^0) (x - 2^1) … (x - 2^14), the highest
/// power first, without that of x^15.
const DIVISOR: [u8; CORRECTION] = [29, 196, 111, 163, 112, 74, 10, 105, 105, 139, 132, 151, 32, 134, 26];

const _: () = assert!(2 * MODULES as i32 <= HEIGHT - 6, "a light margin of three pixels stays");
const _: () = assert!((4 + 9 + ADDRESS_MAX_BYTES / 2 * 11).div_ceil(8) <= DATA);

/// The code of an address, made once.
pub struct AddressCode {
    /// Whose code it is. An address would do, but its absence is no zero: a picture that is all zeros at
    /// first costs no flash.
    key: Option<PublicKey>,
    /// A row each; the lowest bit is the leftmost module, set where it is dark.
    rows: [u32; MODULES],
}

impl AddressCode {
    /// No code yet.
    pub const fn new() -> Self {
        Self { key: None, rows: [0; MODULES] }
    }

    /// Draws the code of an address as a light square at the left edge, as high as the display.
    pub fn draw(&mut self, screen: &mut Screen, address: Address) {
        if self.key != Some(address.public_key()) {
            self.make(address);
            self.key = Some(address.public_key());
        }
        screen.fill((0, 0), (HEIGHT, HEIGHT));
        let margin = (HEIGHT - 2 * MODULES as i32) / 2;
        for (y, row) in (margin..).step_by(2).zip(self.rows) {
            let dark = (0..MODULES as i32).filter(|column| row >> column & 1 == 1);
            dark.for_each(|column| screen.clear((margin + 2 * column, y), (2, 2)));
        }
    }

    fn make(&mut self, address: Address) {
        let codewords = codewords(address);
        let mut bits = codewords.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
        self.rows = [0; MODULES];
        // Pairs of columns from the right, up and down in turn, around the column of the timing pattern.
        for pair in 0..(LAST / 2) {
            let right = LAST - 2 * pair - i32::from(LAST - 2 * pair <= 6);
            for step in 0..=LAST {
                let y = if pair % 2 == 0 { LAST - step } else { step };
                for x in [right, right - 1] {
                    if pattern(x, y).is_none() {
                        // Bits behind the last codeword are light; mask 0 is a chessboard.
                        let is_dark = bits.next().unwrap_or(false) != ((x + y) % 2 == 0);
                        self.set(x, y, is_dark);
                    }
                }
            }
        }
        for (x, y) in (0..=LAST).flat_map(|y| (0..=LAST).map(move |x| (x, y))) {
            if let Some(is_dark) = pattern(x, y) {
                self.set(x, y, is_dark);
            }
        }
    }

    fn set(&mut self, x: i32, y: i32, is_dark: bool) {
        if let Some(row) = self.rows.get_mut(y as usize) {
            *row |= u32::from(is_dark) << x;
        }
    }
}

/// Whether a module that carries no data is dark; none for one that does.
fn pattern(x: i32, y: i32) -> Option<bool> {
    let distance = |left: i32, top: i32| (x - left).abs().max((y - top).abs());
    for corner in [distance(3, 3), distance(LAST - 3, 3), distance(3, LAST - 3)] {
        if corner <= 4 {
            return Some(corner != 2 && corner != 4);
        }
    }
    let alignment = distance(LAST - 6, LAST - 6);
    if alignment <= 2 {
        return Some(alignment != 1);
    }
    let bit = match (x, y) {
        (6, along) | (along, 6) => return Some(along % 2 == 0),
        // Always dark.
        (8, 21) => return Some(true),
        (8, 0..6) => y,
        (8, 7..9) => y - 1,
        (8, 22..) => y - 14,
        (7, 8) => 8,
        (0..6, 8) => 14 - x,
        (21.., 8) => LAST - x,
        _ => return None,
    };
    Some(FORMAT >> bit & 1 == 1)
}

/// The codewords of an address and those that correct errors in them.
fn codewords(address: Address) -> heapless::Vec<u8, { DATA + CORRECTION }> {
    let mut text = heapless::String::<ADDRESS_MAX_BYTES>::new();
    // The longest address fits. Capitals alone are in the alphabet; bech32m allows either case.
    let _ = write!(text, "{address}");
    text.make_ascii_uppercase();
    let mut stream = Stream { codewords: heapless::Vec::new(), pending: 0, length: 0 };
    let (mode, bits) = MODE;
    stream.push(mode, bits);
    stream.push(text.len() as u32, 9);
    for pair in text.as_bytes().chunks(2) {
        let value = |value, byte: &u8| {
            let digit = ALPHABET.iter().position(|letter| letter == byte).unwrap_or_default();
            value * 45 + digit as u32
        };
        stream.push(pair.iter().fold(0, value), if pair.len() == 2 { 11 } else { 6 });
    }
    // A terminator of four bits, zeros to the end of the codeword, then two fillers in turn.
    stream.push(0, 4);
    stream.push(0, (8 - stream.length) % 8);
    for filler in [0xec, 0x11].into_iter().cycle().take(DATA - stream.codewords.len().min(DATA)) {
        stream.push(filler, 8);
    }
    let mut codewords = stream.codewords;
    let correction = correction(&codewords);
    // Both together are the capacity.
    let _ = codewords.extend_from_slice(&correction);
    codewords
}

/// Bits on their way into codewords.
struct Stream {
    codewords: heapless::Vec<u8, { DATA + CORRECTION }>,
    pending: u32,
    /// How many bits are pending, below eight.
    length: u32,
}

impl Stream {
    fn push(&mut self, value: u32, bits: u32) {
        self.pending = self.pending << bits | value;
        self.length += bits;
        while self.length >= 8 {
            self.length -= 8;
            // An address fits, which is asserted above.
            let _ = self.codewords.push((self.pending >> self.length) as u8);
        }
        self.pending &= (1 << self.length) - 1;
    }
}

/// The remainder of the division of `data` by the divisor.
fn correction(data: &[u8]) -> [u8; CORRECTION] {
    let mut remainder = [0; CORRECTION];
    for byte in data {
        remainder.rotate_left(1);
        let [.., last] = &mut remainder;
        let factor = byte ^ core::mem::take(last);
        for (value, coefficient) in remainder.iter_mut().zip(DIVISOR) {
            *value ^= product(coefficient, factor);
        }
    }
    remainder
}

/// The product in the field of 256 elements modulo x^8 + x^4 + x^3 + x^2 + 1.
fn product(left: u8, right: u8) -> u8 {
    (0..8).rev().fold(0, |product: u8, bit| {
        let doubled = product << 1 ^ if product & 0x80 != 0 { 0x1d } else { 0 };
        doubled ^ if right >> bit & 1 == 1 { left } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::address::AddressPrefix;
    use proptest::prelude::*;
    use qrcodegen_no_heap::{Mask, QrCode, QrCodeEcc, Version};
    use std::string::ToString;

    proptest! {
        /// Every module is that of a general encoder, for addresses of 63 and 64 characters.
        #[test]
        fn codes_are_those_of_a_general_encoder(key in any::<[u8; 32]>(), prefix in 0..3) {
            let prefix = [AddressPrefix::Main, AddressPrefix::Test, AddressPrefix::Local][prefix as usize];
            let address = Address::new(prefix, PublicKey::from_bytes(key));
            let mut code = AddressCode::new();
            code.make(address);
            let text = address.to_string().to_uppercase();
            let (mut temporary, mut out) = ([0; 4_000], [0; 4_000]);
            let expected = QrCode::encode_text(
                &text, &mut temporary, &mut out, QrCodeEcc::Low, Version::MIN, Version::MAX, Some(Mask::new(0)), false,
            ).map_err(|_| "too long").unwrap();
            prop_assert_eq!(expected.size(), MODULES as i32);
            for (x, y) in (0..=LAST).flat_map(|y| (0..=LAST).map(move |x| (x, y))) {
                prop_assert_eq!(code.rows[y as usize] >> x & 1 == 1, expected.get_module(x, y), "{} {}", x, y);
            }
        }
    }
}
