//! What the node finds around it: the card, the board's count of its work, the console.

use core::fmt;

use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::units::Height;

use super::card_slot::CardSlot;
use crate::board::Board;
use crate::console::Console;
use crate::event::Event;
use crate::node::Surroundings;

/// What surrounds the node for a turn.
pub struct Outside<'a, B: Board> {
    /// The board.
    pub board: &'a mut B,
    /// The card.
    pub card: &'a mut CardSlot,
    /// The console, where what happens is told.
    pub console: &'a Console,
    /// Work that was spent on checks.
    pub checks: &'a mut u64,
}

impl<B: Board> Surroundings for Outside<'_, B> {
    fn keep_snapshot(&mut self, tip: &Tip) {
        self.card.keep_snapshot(self.board.card(), tip);
    }

    fn load_snapshot(&mut self, height: Height, into: &mut Tip) -> bool {
        self.card.load_snapshot(self.board.card(), height, into)
    }

    fn snapshot_id(&mut self, height: Height) -> Option<Hash32> {
        self.card.snapshot_id(self.board.card(), height)
    }

    fn work(&mut self) -> u64 {
        self.board.work()
    }

    fn count_checks(&mut self, before: u64) {
        *self.checks += self.board.work() - before;
    }

    fn tell(&mut self, event: Event) {
        // The console takes everything.
        let _ = self.console.write_event(&event, &mut Print(self.board));
    }
}

/// The console as a place to write text to.
pub struct Print<'a, B: Board>(pub &'a mut B);

impl<B: Board> fmt::Write for Print<'_, B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_console(text.as_bytes());
        Ok(())
    }
}
