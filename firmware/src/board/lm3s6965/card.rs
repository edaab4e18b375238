//! An SD card over the serial line, one sector at a time, after the SD association's Simplified
//! Physical Layer Specification, chapter 7.

use super::gpio::{Pins, Port};
use super::ssi::{self, Speed};
use super::system;
use crate::board::{SECTOR_BYTES, Sectors};

/// Low while the card listens.
const SELECT: Pins = Pins::new(Port::D, 1);

/// A card needs 74 clocks before its first command.
const WAKE_UP_BYTES: usize = 10;
/// Attempts at the first command: a card may have been cut off in the middle of another one.
const RESET_ATTEMPTS: usize = 16;
/// Bytes within which a command is answered.
const ANSWER_BYTES: usize = 16;
/// Bytes within which the answer to a block of data starts: at once, says the specification.
const ACCEPTED_BYTES: usize = 8;

/// How long a card may take to come up.
const START_MILLISECONDS: u64 = 1_000;
/// How long it may take to find a block.
const READ_MILLISECONDS: u64 = 200;
/// How long it may take to write one.
const WRITE_MILLISECONDS: u64 = 1_000;

/// The line while the card has nothing to say.
const IDLE: u8 = 0xFF;
/// What a block of data starts with.
const BLOCK_START: u8 = 0xFE;
/// The bits of the answer to a block, and what they are where it was taken.
const BLOCK_ANSWER_MASK: u8 = 0x1F;
const BLOCK_ACCEPTED: u8 = 0x05;
/// The answer to a command: no error; the card is still coming up.
const READY: u8 = 0;
const COMING_UP: u8 = 1;

/// The check pattern of `SEND_IF_COND`, and 3.3 V.
const INTERFACE_CONDITION: u32 = 0x1AA;
/// We know of cards that are addressed by sector.
const HOST_CAPACITY: u32 = 1 << 30;
/// In the card's conditions: it is addressed by sector.
const CARD_CAPACITY: u8 = 1 << 6;

/// A command and its check sum, which a card looks at only in the first two.
#[derive(Clone, Copy)]
struct Command {
    index: u8,
    check: u8,
}

impl Command {
    const fn new(index: u8) -> Self {
        Self { index, check: 0x01 }
    }
}

const GO_IDLE: Command = Command { index: 0, check: 0x95 };
const SEND_INTERFACE_CONDITION: Command = Command { index: 8, check: 0x87 };
const SEND_LAYOUT: Command = Command::new(9);
const SEND_STATUS: Command = Command::new(13);
const SET_BLOCK_LENGTH: Command = Command::new(16);
const READ_BLOCK: Command = Command::new(17);
const WRITE_BLOCK: Command = Command::new(24);
const START: Command = Command::new(41);
const APPLICATION_COMMAND: Command = Command::new(55);
const READ_CONDITIONS: Command = Command::new(58);

/// Why a sector could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// No answer came.
    #[error("no answer to command {command}")]
    Silent {
        /// The command's number.
        command: u8,
    },
    /// The answer reports an error.
    #[error("command {command} was answered with {got:#04x}, expected {expected:#04x}")]
    Refused {
        /// The command's number.
        command: u8,
        /// The answer.
        got: u8,
        /// What it should have been.
        expected: u8,
    },
    /// No block of data came.
    #[error("got {got:#04x} in place of a block of data")]
    NoBlock {
        /// What came instead.
        got: u8,
    },
    /// A block of data was not taken.
    #[error("a block of data was answered with {got:#04x}")]
    BlockRefused {
        /// The answer.
        got: u8,
    },
    /// Writing failed in the card.
    #[error("the card's status after writing is {got:#06x}")]
    NotWritten {
        /// The card's status.
        got: u16,
    },
    /// The card did not become ready in time.
    #[error("the card was busy for more than {milliseconds} ms")]
    Busy {
        /// How long it was waited for.
        milliseconds: u64,
    },
    /// The card describes itself in an unknown way.
    #[error("unknown version of the card's layout: {got}")]
    UnknownLayout {
        /// The version.
        got: u8,
    },
    /// There is no such sector.
    #[error("sector {sector} of a card of {count}")]
    OutOfRange {
        /// The sector asked for.
        sector: u32,
        /// How many there are.
        count: u32,
    },
}

/// What the numbers of its sectors mean to a card.
#[derive(Clone, Copy)]
enum Addressing {
    /// The address is the first byte's: cards up to 2 GiB.
    Bytes,
    /// The address is the sector's.
    Sectors,
}

#[derive(Clone, Copy)]
struct Geometry {
    addressing: Addressing,
    sectors: u32,
}

/// A card. One that answered but could not be brought up gives its error at each use.
pub struct Card {
    geometry: Result<Geometry, CardError>,
}

/// The card while it listens. Dropping it lets go of the line.
struct Selected;

impl Selected {
    fn new(speed: Speed) -> Self {
        ssi::configure(speed);
        SELECT.lower();
        Self
    }
}

impl Drop for Selected {
    fn drop(&mut self) {
        let_go();
    }
}

/// Takes the line from the card, whatever it was doing.
pub fn let_go() {
    SELECT.raise();
    // A card lets go of the line only with the next clock.
    ssi::receive();
}

impl Selected {
    /// Reads until the line is not `waiting`, or for so long.
    fn wait(&self, done: impl Fn(u8) -> bool, milliseconds: u64) -> Result<u8, u8> {
        let start = system::now();
        loop {
            let byte = ssi::receive();
            if done(byte) {
                return Ok(byte);
            }
            if system::now().since(start) > milliseconds {
                return Err(byte);
            }
        }
    }

    fn wait_until_idle(&self) -> Result<(), CardError> {
        let busy = |_| CardError::Busy { milliseconds: WRITE_MILLISECONDS };
        self.wait(|byte| byte == IDLE, WRITE_MILLISECONDS).map(|_| ()).map_err(busy)
    }

    /// Sends a command and returns the first byte of its answer.
    fn send(&self, command: Command, argument: u32) -> Result<u8, CardError> {
        ssi::exchange(0x40 | command.index);
        for byte in argument.to_be_bytes() {
            ssi::exchange(byte);
        }
        ssi::exchange(command.check);
        for _ in 0..ANSWER_BYTES {
            let byte = ssi::receive();
            if byte & 0x80 == 0 {
                return Ok(byte);
            }
        }
        Err(CardError::Silent { command: command.index })
    }

    /// Sends a command once the card is idle, and insists on an answer.
    fn command(&self, command: Command, argument: u32, expected: u8) -> Result<(), CardError> {
        self.wait_until_idle()?;
        let got = self.send(command, argument)?;
        if got == expected {
            return Ok(());
        }
        Err(CardError::Refused { command: command.index, got, expected })
    }

    fn read_block(&self, into: &mut [u8]) -> Result<(), CardError> {
        let got = self.wait(|byte| byte != IDLE, READ_MILLISECONDS);
        match got {
            Ok(BLOCK_START) => {}
            Ok(got) | Err(got) => return Err(CardError::NoBlock { got }),
        }
        for byte in into {
            *byte = ssi::receive();
        }
        // The check sum: what is kept on a card carries one of its own.
        ssi::receive();
        ssi::receive();
        Ok(())
    }

    fn write_block(&self, from: &[u8]) -> Result<(), CardError> {
        ssi::exchange(IDLE);
        ssi::exchange(BLOCK_START);
        for byte in from {
            ssi::exchange(*byte);
        }
        ssi::exchange(IDLE);
        ssi::exchange(IDLE);
        let mut got = IDLE;
        for _ in 0..ACCEPTED_BYTES {
            got = ssi::receive();
            if got != IDLE {
                break;
            }
        }
        if got & BLOCK_ANSWER_MASK != BLOCK_ACCEPTED {
            return Err(CardError::BlockRefused { got });
        }
        // Only now it is written. The status tells whether that worked.
        self.wait_until_idle()?;
        let got = u16::from_be_bytes([self.send(SEND_STATUS, 0)?, ssi::receive()]);
        if got != 0 {
            return Err(CardError::NotWritten { got });
        }
        Ok(())
    }
}

impl Card {
    /// Looks for a card and brings it up.
    pub fn start() -> Option<Self> {
        SELECT.make_outputs();
        SELECT.raise();
        ssi::configure(Speed::StartUp);
        for _ in 0..WAKE_UP_BYTES {
            ssi::receive();
        }
        let is_there = (0..RESET_ATTEMPTS).any(|_| {
            let card = Selected::new(Speed::StartUp);
            card.send(GO_IDLE, 0) == Ok(COMING_UP)
        });
        is_there.then(|| Self { geometry: Self::bring_up() })
    }

    fn bring_up() -> Result<Geometry, CardError> {
        let card = Selected::new(Speed::StartUp);
        card.wait_until_idle()?;
        // Cards of before this command refuse it. For the others its four bytes must be read.
        if card.send(SEND_INTERFACE_CONDITION, INTERFACE_CONDITION)? == COMING_UP {
            for _ in 0..4 {
                ssi::receive();
            }
        }
        let start = system::now();
        loop {
            card.wait_until_idle()?;
            card.send(APPLICATION_COMMAND, 0)?;
            card.wait_until_idle()?;
            match card.send(START, HOST_CAPACITY)? {
                READY => break,
                COMING_UP if system::now().since(start) <= START_MILLISECONDS => {}
                got => return Err(CardError::Refused { command: START.index, got, expected: READY }),
            }
        }
        card.wait_until_idle()?;
        let got = card.send(READ_CONDITIONS, 0)?;
        // The emulated card answers this one command as if it were still coming up.
        if got & !COMING_UP != READY {
            return Err(CardError::Refused { command: READ_CONDITIONS.index, got, expected: READY });
        }
        let conditions: [u8; 4] = core::array::from_fn(|_| ssi::receive());
        let [first, ..] = conditions;
        let addressing = if first & CARD_CAPACITY != 0 { Addressing::Sectors } else { Addressing::Bytes };
        if let Addressing::Bytes = addressing {
            card.command(SET_BLOCK_LENGTH, SECTOR_BYTES as u32, READY)?;
        }
        card.command(SEND_LAYOUT, 0, READY)?;
        let mut layout = [0; 16];
        card.read_block(&mut layout)?;
        Ok(Geometry { addressing, sectors: sectors(&layout)? })
    }

    /// The address of a sector, as the card wants it.
    fn address(&self, sector: u32) -> Result<u32, CardError> {
        let geometry = self.geometry?;
        if sector >= geometry.sectors {
            return Err(CardError::OutOfRange { sector, count: geometry.sectors });
        }
        match geometry.addressing {
            Addressing::Bytes => Ok(sector.saturating_mul(SECTOR_BYTES as u32)),
            Addressing::Sectors => Ok(sector),
        }
    }
}

/// How many sectors a card has, by its own description (the CSD register).
fn sectors(layout: &[u8; 16]) -> Result<u32, CardError> {
    let bits = u128::from_be_bytes(*layout);
    let field = |from: u32, count: u32| ((bits >> from) & ((1 << count) - 1)) as u32;
    match field(126, 2) {
        0 => {
            let (block_shift, size, size_shift) = (field(80, 4), field(62, 12), field(47, 3));
            let sector_shift = (block_shift + size_shift + 2).saturating_sub(SECTOR_BYTES.ilog2());
            Ok((size + 1) << sector_shift)
        }
        1 => Ok((field(48, 22) + 1).saturating_mul(1_024)),
        got => Err(CardError::UnknownLayout { got: got as u8 }),
    }
}

impl Sectors for Card {
    type Error = CardError;

    fn count(&self) -> u32 {
        self.geometry.map_or(0, |geometry| geometry.sectors)
    }

    fn read(&mut self, sector: u32, into: &mut [u8; SECTOR_BYTES]) -> Result<(), CardError> {
        let address = self.address(sector)?;
        let card = Selected::new(Speed::Card);
        card.command(READ_BLOCK, address, READY)?;
        card.read_block(into)
    }

    fn write(&mut self, sector: u32, from: &[u8; SECTOR_BYTES]) -> Result<(), CardError> {
        let address = self.address(sector)?;
        let card = Selected::new(Speed::Card);
        card.command(WRITE_BLOCK, address, READY)?;
        card.write_block(from)
    }
}
