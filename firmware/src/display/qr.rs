//! The account's address as a QR code of version 3, the smallest that holds one: 29 x 29 modules, which
//! fill the display's height with two pixels each.

use core::fmt::Write;

use mote_core::address::{Address, AddressPrefix};
use mote_core::keys::PublicKey;
use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};

use super::screen::{HEIGHT, Screen};

/// Modules of a side.
const MODULES: usize = 29;

/// Bytes of the buffers that the code is made in.
const BUFFER_BYTES: usize = Version::new(3).buffer_len();

/// Characters of the longest address: five of prefix, a separator, 52 of key, six of checksum.
const ADDRESS_MAX: usize = 64;

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

    /// Draws the code of `key`'s address as a light square at the left edge, as high as the display.
    pub fn draw(&mut self, screen: &mut Screen, prefix: AddressPrefix, key: PublicKey) {
        if self.key != Some(key) {
            self.make(Address::new(prefix, key));
            self.key = Some(key);
        }
        screen.fill(0, 0, HEIGHT, HEIGHT);
        let margin = (HEIGHT - 2 * MODULES as i32) / 2;
        for (y, row) in (margin..).step_by(2).zip(self.rows) {
            let dark = (0..MODULES as i32).filter(|column| row >> column & 1 == 1);
            dark.for_each(|column| screen.clear(margin + 2 * column, y, 2, 2));
        }
    }

    #[inline(never)]
    fn make(&mut self, address: Address) {
        let mut text = heapless::String::<ADDRESS_MAX>::new();
        // Capitals alone take the denser of the code's alphabets; bech32m allows either case.
        if write!(text, "{address}").is_err() {
            return;
        }
        text.make_ascii_uppercase();
        let (mut temporary, mut modules) = ([0; BUFFER_BYTES], [0; BUFFER_BYTES]);
        let version = Version::new(3);
        let code = QrCode::encode_text(
            &text,
            &mut temporary,
            &mut modules,
            QrCodeEcc::Low,
            version,
            version,
            None,
            false,
        );
        let Ok(code) = code else { return };
        for (y, row) in (0..).zip(&mut self.rows) {
            *row = (0..MODULES as i32).fold(0, |row, x| row | u32::from(code.get_module(x, y)) << x);
        }
    }
}
