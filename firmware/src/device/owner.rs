//! The owner of the device: commands on the console and buttons.

use mote_core::units::Moment;

use super::Device;
use super::card_slot::Remembered;
use super::outside::Print;
use crate::board::Board;
use crate::command::{Command, Outcome, Refusal};

/// Bytes that are read from the console at one go.
const BYTES_MAX: usize = 32;

impl<B: Board> Device<B> {
    pub(super) fn turn_of_owner(&mut self, now: Moment) -> bool {
        let mut is_busy = false;
        while let Some(button) = self.board.pressed() {
            self.press(button, now);
            self.draw(now);
            is_busy = true;
        }
        for _ in 0..BYTES_MAX {
            let Some(byte) = self.board.read_console() else { break };
            is_busy = true;
            self.read(byte, now);
        }
        is_busy
    }

    fn read(&mut self, _byte: u8, _now: Moment) {}

    pub(super) fn carry_out(&mut self, command: Command, now: Moment) -> Outcome {
        let outcome = self.node.command(command);
        let Outcome::Sent { id } = outcome else { return outcome };
        // What left without being remembered could be paid twice after a power cut.
        if self.save(now) == Remembered::No {
            self.node.take_back(&id);
            return Outcome::Refused(Refusal::CardFailed);
        }
        self.node.announce_payments();
        outcome
    }

    pub(super) fn print_outcome(&mut self, outcome: &Outcome) {
        let _ = outcome;
        let _ = Print(&mut self.board);
    }
}
