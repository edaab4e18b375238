//! What a board must offer for a node to run on it.

#[cfg(target_os = "none")]
pub mod lm3s6965;

use mote_core::units::Moment;
use smoltcp::phy::Device;

use crate::report::Memory;

/// Bytes of a sector of a card.
pub const SECTOR_BYTES: usize = mote_core::card::SECTOR_BYTES;

/// Width of the display in pixels.
pub const DISPLAY_WIDTH: usize = 128;

/// Height of the display in pixels.
pub const DISPLAY_HEIGHT: usize = 64;

/// What is to be seen: one bit a pixel, rows from the top, the leftmost pixel in the highest bit.
pub type Pixels = [u8; DISPLAY_WIDTH * DISPLAY_HEIGHT / 8];

/// A board. Nothing here decides anything: every `if` worth testing stands in front of it.
pub trait Board {
    /// The Ethernet controller.
    type Ethernet: Device;
    /// The card, where one is in.
    type Card: Sectors;

    /// Time since power-on.
    fn now(&mut self) -> Moment;

    /// A counter of the processor's work that never stops while it is awake, for shares of it. Its unit
    /// is the board's own.
    fn work(&mut self) -> u64;

    /// The controller's hardware address.
    fn hardware_address(&self) -> [u8; 6];

    /// The Ethernet controller.
    fn ethernet(&mut self) -> &mut Self::Ethernet;

    /// The card; none where there was none at power-on.
    fn card(&mut self) -> Option<&mut Self::Card>;

    /// Shows a picture.
    fn show(&mut self, pixels: &Pixels);

    /// The next button that was pressed since the last call.
    fn pressed(&mut self) -> Option<Button>;

    /// The next byte that came in on the console.
    fn read_console(&mut self) -> Option<u8>;

    /// Writes to the console, waiting for the line where that must be.
    fn write_console(&mut self, bytes: &[u8]);

    /// Sleeps until something happens, or for at most a few milliseconds.
    fn sleep(&mut self);

    /// How much memory is in use.
    fn memory(&self) -> Memory;
}

/// A medium of sectors that are written whole or, where the power is cut, not at all or torn.
pub trait Sectors {
    /// Why a sector could not be read or written.
    type Error: core::fmt::Debug;

    /// How many sectors there are.
    fn count(&self) -> u32;

    /// Reads a sector.
    fn read(&mut self, sector: u32, into: &mut [u8; SECTOR_BYTES]) -> Result<(), Self::Error>;

    /// Writes a sector and returns once it is durable.
    fn write(&mut self, sector: u32, from: &[u8; SECTOR_BYTES]) -> Result<(), Self::Error>;
}

/// The buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// The page before.
    Up,
    /// The next page.
    Down,
    /// Mining off; declines what waits for confirmation.
    Left,
    /// Mining on.
    Right,
    /// Confirms what waits for confirmation.
    Select,
}
