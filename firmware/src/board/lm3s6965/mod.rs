//! The LM3S6965EVB: a Cortex-M3 at 50 MHz with 64 KiB of RAM and 256 KiB of flash, Ethernet, a card, a
//! display, five buttons and a serial line. Compiled for the device alone.
//!
//! | file | what it is |
//! | --- | --- |
//! | `register`, `gpio` | access to registers and pins |
//! | `ring` | bytes from an interrupt to the loop |
//! | `system` | clocks, time, work, sleep |
//! | `interrupts` | what wakes the processor |
//! | `ethernet`, `ssi`, `card`, `display`, `console`, `buttons` | a driver each |
//! | `memory` | what is in use, and the guard under the stack |
//! | `fault` | the end |

mod buttons;
mod card;
mod console;
mod display;
mod ethernet;
mod fault;
mod gpio;
mod interrupts;
mod memory;
mod register;
mod ring;
mod ssi;
mod system;

use cortex_m::interrupt::free;
use mote_core::units::Moment;

use super::{Board, Button, Pixels};
use crate::report::Memory;
pub use card::{Card, CardError};
pub use ethernet::Ethernet;
pub use fault::panicked;

/// The board.
pub struct Lm3s6965 {
    ethernet: &'static mut Ethernet,
    hardware_address: [u8; 6],
    card: Option<Card>,
}

impl Lm3s6965 {
    /// Brings up everything. Frames pass through the buffers in `ethernet`.
    pub fn start(ethernet: &'static mut Ethernet) -> Self {
        fault::start();
        memory::start();
        system::start();
        console::start();
        ssi::start();
        let card = Card::start();
        display::start();
        buttons::start();
        let hardware_address = ethernet::start();
        interrupts::start();
        Self { ethernet, hardware_address, card }
    }
}

impl Board for Lm3s6965 {
    type Ethernet = Ethernet;
    type Card = Card;

    fn now(&mut self) -> Moment {
        system::now()
    }

    /// Cycles of the processor's clock.
    fn work(&mut self) -> u64 {
        system::work()
    }

    fn hardware_address(&self) -> [u8; 6] {
        self.hardware_address
    }

    fn ethernet(&mut self) -> &mut Ethernet {
        self.ethernet
    }

    fn card(&mut self) -> Option<&mut Card> {
        self.card.as_mut()
    }

    fn show(&mut self, pixels: &Pixels) {
        display::show(pixels);
    }

    fn pressed(&mut self) -> Option<Button> {
        buttons::take()
    }

    fn read_console(&mut self) -> Option<u8> {
        console::read()
    }

    fn write_console(&mut self, bytes: &[u8]) {
        console::write(bytes);
    }

    fn sleep(&mut self) {
        free(|section| {
            ethernet::wake_on_frame();
            if !ethernet::is_waiting() && !console::is_waiting() {
                system::sleep(section);
            }
        });
    }

    /// Takes time in proportion to the stack that never was used.
    fn memory(&self) -> Memory {
        memory::in_use()
    }
}
