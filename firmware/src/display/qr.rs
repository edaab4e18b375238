//! The account's address as a QR code of version 3, the smallest that holds one: 29 x 29 modules, which
//! fill the display's height with two pixels each.

use core::fmt::Write;

use mote_core::address::Address;
use mote_core::keys::PublicKey;
use qrcodegen_no_heap::{Mask, QrCode, QrCodeEcc, QrSegment, Version};

use super::ADDRESS_MAX_BYTES;
use super::screen::{HEIGHT, Screen};

/// Modules of a side.
const MODULES: usize = 29;

/// Bytes of the buffers that the code is made in.
const BUFFER_BYTES: usize = Version::new(3).buffer_len();

/// The mask. Choosing the best of eight takes 2 KB of flash; a key's digits are as good as random, so any
/// one does.
const MASK: Mask = Mask::new(0);

const _: () = assert!(2 * MODULES as i32 <= HEIGHT - 6, "a light margin of three pixels stays");

/// The code of an address, made once.
pub struct AddressCode {
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

    #[inline(never)]
    fn make(&mut self, address: Address) {
        let mut text = heapless::String::<ADDRESS_MAX_BYTES>::new();
        // Capitals alone take the denser of the code's alphabets; bech32m allows either case.
        if write!(text, "{address}").is_err() {
            return;
        }
        text.make_ascii_uppercase();
        let (mut segment, mut modules) = ([0; BUFFER_BYTES], [0; BUFFER_BYTES]);
        let digits = [QrSegment::make_alphanumeric(&text, &mut segment)];
        let (ecc, version) = (QrCodeEcc::Low, Version::new(3));
        let encoded =
            QrCode::encode_segments_to_codewords(&digits, &mut modules, ecc, version, version, false);
        let Ok((length, ecc, version)) = encoded else { return };
        let code = QrCode::encode_codewords(&mut modules, length, &mut segment, ecc, version, Some(MASK));
        for (y, row) in (0..).zip(&mut self.rows) {
            *row = (0..MODULES as i32).fold(0, |row, x| row | u32::from(code.get_module(x, y)) << x);
        }
    }
}
