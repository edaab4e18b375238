//! The serial line that card and display share.

use super::gpio::{Pins, Port};
use super::register::Register;

const CONTROL_0: Register = Register::at(0x4000_8000);
/// Frames of 8 bits; the clock idles low, data are taken at its rising edge.
const FRAMES_OF_8_BITS: u32 = 7;
const CONTROL_1: Register = Register::at(0x4000_8004);
const ENABLED: u32 = 1 << 1;
const DATA: Register = Register::at(0x4000_8008);
const STATUS: Register = Register::at(0x4000_800C);
const RECEIVED: u32 = 1 << 2;
const PRESCALER: Register = Register::at(0x4000_8010);

/// Clock, and data in and out.
const LINE: Pins = Pins::new(Port::A, 1 << 2 | 1 << 4 | 1 << 5);

/// How often the line is asked for an answer: the slowest frame takes 1,008 cycles.
const POLLS: u32 = 2_000;

/// What the line reads where nothing drives it.
const NOTHING: u8 = 0xFF;

/// How fast the line is, in terms of the system clock's 50 MHz.
#[derive(Clone, Copy)]
pub enum Speed {
    /// 397 kHz: a card that is being brought up takes at most 400.
    StartUp,
    /// 12.5 MHz: any card takes 20.
    Card,
    /// 3.6 MHz: the display takes 4.
    Display,
}

impl Speed {
    const fn divisor(self) -> u32 {
        match self {
            Self::StartUp => 126,
            Self::Card => 4,
            Self::Display => 14,
        }
    }
}

/// Hands the pins to the line.
pub fn start() {
    LINE.hand_over();
    configure(Speed::StartUp);
}

/// Sets the speed.
pub fn configure(speed: Speed) {
    CONTROL_1.write(0);
    PRESCALER.write(speed.divisor());
    CONTROL_0.write(FRAMES_OF_8_BITS);
    CONTROL_1.write(ENABLED);
}

/// Sends a byte and returns the one that came meanwhile.
pub fn exchange(byte: u8) -> u8 {
    DATA.write(u32::from(byte));
    for _ in 0..POLLS {
        if STATUS.read() & RECEIVED != 0 {
            return DATA.read().to_le_bytes()[0];
        }
    }
    NOTHING
}

/// Returns the next byte that comes.
pub fn receive() -> u8 {
    exchange(NOTHING)
}
