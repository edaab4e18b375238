//! The console on UART0, 115,200 baud. What comes in while the loop is busy waits in a ring.

use core::fmt;

use super::gpio::{Pins, Port};
use super::register::Register;
use super::ring::Ring;

const DATA: Register = Register::at(0x4000_C000);
const FLAGS: Register = Register::at(0x4000_C018);
const NOTHING_RECEIVED: u32 = 1 << 4;
const SENDER_FULL: u32 = 1 << 5;
const DIVISOR: Register = Register::at(0x4000_C024);
const DIVISOR_64THS: Register = Register::at(0x4000_C028);
const LINE_CONTROL: Register = Register::at(0x4000_C02C);
/// Eight bits, no parity, one stop bit, with the queues of 16 bytes.
const EIGHT_BITS_QUEUED: u32 = 0b11 << 5 | 1 << 4;
const CONTROL: Register = Register::at(0x4000_C030);
/// The port, its sender and its receiver.
const ENABLED: u32 = 1 | 1 << 8 | 1 << 9;
const INTERRUPT_MASK: Register = Register::at(0x4000_C038);
/// Bytes came, or came and no more followed.
const RECEIVED: u32 = 1 << 4 | 1 << 6;

const LINE: Pins = Pins::new(Port::A, 0b11);

/// 50 MHz / (16 * 115,200) in 64ths, rounded.
const BAUD_64THS: u32 = 1_736;

/// Bytes that wait: the longest command, a payment with a memo, and some.
const WAITING_MAX: usize = 256;

static RECEIVED_BYTES: Ring<WAITING_MAX> = Ring::new();

/// Brings up the port.
pub fn start() {
    LINE.hand_over();
    CONTROL.write(0);
    DIVISOR.write(BAUD_64THS / 64);
    DIVISOR_64THS.write(BAUD_64THS % 64);
    LINE_CONTROL.write(EIGHT_BITS_QUEUED);
    CONTROL.write(ENABLED);
    INTERRUPT_MASK.write(RECEIVED);
}

/// Moves what came into the ring. Where that is full the rest waits in the port: its interrupt clears
/// only with its queue, and stays off until there is room.
pub fn interrupt() {
    while FLAGS.read() & NOTHING_RECEIVED == 0 {
        if RECEIVED_BYTES.is_full() {
            INTERRUPT_MASK.write(0);
            return;
        }
        RECEIVED_BYTES.push(DATA.read().to_le_bytes()[0]);
    }
}

/// Whether a byte waits.
pub fn is_waiting() -> bool {
    !RECEIVED_BYTES.is_empty()
}

/// Takes the next byte that came.
pub fn read() -> Option<u8> {
    let byte = RECEIVED_BYTES.pop()?;
    INTERRUPT_MASK.write(RECEIVED);
    Some(byte)
}

/// Sends, waiting for the line.
pub fn write(bytes: &[u8]) {
    for byte in bytes {
        while FLAGS.read() & SENDER_FULL != 0 {}
        DATA.write(u32::from(*byte));
    }
}

/// The console as a destination of formatted text.
pub struct Text;

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(text.as_bytes());
        Ok(())
    }
}
