//! A board whose parts a test holds in its hands.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use mote_core::units::Moment;
use mote_firmware::board::{Board, Button, Pixels};
use mote_firmware::report::Memory;

use super::cable::End;
use super::medium::Slot;

/// What the owner of a device sees and touches.
#[derive(Default)]
pub struct Desk {
    /// Time since power-on, in milliseconds.
    pub millis: u64,
    /// Bytes that are being typed.
    pub typed: VecDeque<u8>,
    /// Everything that was printed.
    pub printed: Vec<u8>,
    /// Buttons that are being pressed.
    pub pressed: VecDeque<Button>,
    /// The picture on the display.
    pub picture: Option<Pixels>,
    /// The board's count of its work.
    pub work: u64,
}

/// The board.
pub struct Simulated {
    pub(super) desk: Rc<RefCell<Desk>>,
    pub(super) ethernet: End,
    pub(super) card: Option<Slot>,
}

impl Board for Simulated {
    type Ethernet = End;
    type Card = Slot;

    fn now(&mut self) -> Moment {
        Moment::from_millis(self.desk.borrow().millis)
    }

    fn work(&mut self) -> u64 {
        let mut desk = self.desk.borrow_mut();
        desk.work += 1;
        desk.work
    }

    fn hardware_address(&self) -> [u8; 6] {
        [0x02, 0, 0, 0, 0, 1]
    }

    fn ethernet(&mut self) -> &mut End {
        &mut self.ethernet
    }

    fn card(&mut self) -> Option<&mut Slot> {
        self.card.as_mut()
    }

    fn show(&mut self, pixels: &Pixels) {
        self.desk.borrow_mut().picture = Some(*pixels);
    }

    fn pressed(&mut self) -> Option<Button> {
        self.desk.borrow_mut().pressed.pop_front()
    }

    fn read_console(&mut self) -> Option<u8> {
        self.desk.borrow_mut().typed.pop_front()
    }

    fn write_console(&mut self, bytes: &[u8]) {
        self.desk.borrow_mut().printed.extend_from_slice(bytes);
    }

    fn sleep(&mut self) {}

    fn memory(&self) -> Memory {
        Memory { ram: 65_536, fixed: 0, stack_peak: 0 }
    }
}
