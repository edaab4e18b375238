//! The display, 128 x 64 pixels of 16 greys behind an SSD0323, of which black and white are used.

use super::gpio::{Pins, Port};
use super::ssi::{self, Speed};
use crate::board::Pixels;

/// High for pixels, low for commands. The emulated display listens whenever the card does not, so this
/// stays low while nothing is drawn.
const IS_PIXELS: Pins = Pins::new(Port::C, 1 << 7);
const POWER: Pins = Pins::new(Port::C, 1 << 6);
/// The display's own select line, low while it listens.
const SELECT: Pins = Pins::new(Port::A, 1 << 3);

/// What the panel of this board needs, in the words of the SSD0323's data sheet.
const START: &[u8] = &[
    0x81, 50,   // contrast
    0x85, // half current range
    0xA0, 0x52, // remap: rows split and mirrored, nibbles swapped, row by row
    0xA1, 0, // first row
    0xA2, 0x4C, // offset
    0xA4, // pixels as they are stored
    0xA8, 63, // rows
    0xB1, 0x22, // phases
    0xB2, 70, // period of a row
    0xB3, 0xF1, // clock
    0xBF, 0x0D, // segment low voltage
    0xBE, 0x02, // common high voltage
    0xBC, 0x10, // precharge voltage
    0xB8, 0x01, 0x11, 0x22, 0x32, 0x43, 0x54, 0x65, 0x76, // greys
    0xAD, 0x03, // converter
    0xAF, // on
];

/// The window of all pixels: columns of two pixels, then rows.
const WHOLE: &[u8] = &[0x15, 0, 63, 0x75, 0, 63];

/// Switches the panel on, dark.
pub fn start() {
    for pins in [IS_PIXELS, POWER, SELECT] {
        pins.make_outputs();
    }
    IS_PIXELS.lower();
    POWER.raise();
    SELECT.raise();
    command(START);
    show(&[0; size_of::<Pixels>()]);
}

fn command(bytes: &[u8]) {
    ssi::configure(Speed::Display);
    SELECT.lower();
    for byte in bytes {
        ssi::exchange(*byte);
    }
    SELECT.raise();
}

/// Shows a picture.
pub fn show(pixels: &Pixels) {
    command(WHOLE);
    SELECT.lower();
    IS_PIXELS.raise();
    for eight in pixels {
        for pair in [eight >> 6, eight >> 4, eight >> 2, *eight] {
            let left = if pair & 0b10 != 0 { 0xF0 } else { 0 };
            let right = if pair & 0b01 != 0 { 0x0F } else { 0 };
            ssi::exchange(left | right);
        }
    }
    IS_PIXELS.lower();
    SELECT.raise();
}
