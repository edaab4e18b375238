//! The owner of the device: lines on the console, and buttons.

use core::fmt::Write;

use mote_core::units::Moment;

use super::Device;
use super::card_slot::Remembered;
use super::outside::Print;
use crate::board::{Board, Button};
use crate::command::{Command, Mining, Outcome, Refusal};
use crate::console::{self, Input, Request};
use crate::display::View;

/// Bytes that are read from the console at one go.
const BYTES_MAX: usize = 32;

impl<B: Board> Device<'_, '_, B> {
    /// Does what the owner asks for; `true` where something was asked.
    #[inline(never)]
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

    #[inline(never)]
    fn read(&mut self, byte: u8, now: Moment) {
        let Self { board, console, known, .. } = self;
        let request = match console.receive(byte, &mut Print(*board)) {
            Input::Pending => return,
            Input::Line(line) => match console::parse(line, known.node.params()) {
                Ok(request) => request,
                // The console takes everything, here and below.
                Err(error) => {
                    let _ = writeln!(Print(*board), "error: {error}");
                    return;
                }
            },
            Input::Refused(error) => {
                let _ = writeln!(Print(*board), "error: {error}");
                return;
            }
        };
        let _ = match request {
            Request::Help => console::write_help(&mut Print(self.board)),
            Request::Command(command) => {
                let outcome = self.carry_out(command, now);
                self.print_outcome(&outcome);
                // A button confirms what is to be seen.
                self.draw(now);
                return;
            }
            Request::Status => self.print_report(now, console::write_status),
            Request::StatusJson => self.print_report(now, |report, out| {
                crate::json::write_status(report, out)?;
                out.write_str("\n")
            }),
            Request::Peers => self.print_report(now, console::write_peers),
            Request::Address => self.print_report(now, console::write_address),
        };
    }

    fn press(&mut self, button: Button, now: Moment) {
        let is_prepared = self.pages.view() == View::Prepared;
        let command = match button {
            Button::Up => return self.pages.previous(),
            Button::Down => return self.pages.next(),
            Button::Select if is_prepared => Command::Confirm,
            Button::Select => return,
            Button::Left if is_prepared => Command::Decline,
            Button::Left => Command::Mine(Mining::Off),
            Button::Right => Command::Mine(Mining::On),
        };
        let outcome = self.carry_out(command, now);
        self.print_outcome(&outcome);
    }

    #[inline(never)]
    fn carry_out(&mut self, command: Command, now: Moment) -> Outcome {
        let outcome = self.known.node.command(command);
        let Outcome::Sent { id } = outcome else { return outcome };
        // What left without being remembered could be paid twice after a power cut.
        if self.save(now) == Remembered::No {
            self.known.node.take_back(&id);
            return Outcome::Refused(Refusal::CardFailed);
        }
        self.known.node.announce_payments();
        outcome
    }

    fn print_outcome(&mut self, outcome: &Outcome) {
        let prefix = self.known.node.params().address_prefix;
        let _ = console::write_outcome(outcome, prefix, &mut Print(self.board));
    }
}
