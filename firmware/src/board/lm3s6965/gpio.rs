//! Pins: which are inputs, outputs, or another peripheral's.

use super::register::Register;

/// The ports that this board uses.
#[derive(Clone, Copy)]
pub enum Port {
    /// Serial line, and the clock and data of card and display.
    A,
    /// The display's power and command line.
    C,
    /// The card's select line.
    D,
    /// Four of the buttons.
    E,
    /// The fifth.
    F,
}

impl Port {
    const fn base(self) -> u32 {
        match self {
            Self::A => 0x4000_4000,
            Self::C => 0x4000_6000,
            Self::D => 0x4000_7000,
            Self::E => 0x4002_4000,
            Self::F => 0x4002_5000,
        }
    }
}

/// Some pins of a port.
#[derive(Clone, Copy)]
pub struct Pins {
    mask: u32,
    /// Bits 2 to 9 of this register's address choose the pins that it reads and writes.
    data: Register,
    direction: Register,
    event: Register,
    risen: Register,
    clear: Register,
    alternate: Register,
    pull_up: Register,
    digital: Register,
}

impl Pins {
    /// The pins whose bits are set in `mask`.
    pub const fn new(port: Port, mask: u8) -> Self {
        let (base, mask) = (port.base(), mask as u32);
        Self {
            mask,
            data: Register::at(base + (mask << 2)),
            direction: Register::at(base + 0x400),
            event: Register::at(base + 0x40C),
            risen: Register::at(base + 0x414),
            clear: Register::at(base + 0x41C),
            alternate: Register::at(base + 0x420),
            pull_up: Register::at(base + 0x510),
            digital: Register::at(base + 0x51C),
        }
    }

    /// Makes them inputs that read 1 where nothing pulls them down.
    pub fn make_inputs(self) {
        self.direction.change(self.mask, 0);
        self.pull_up.change(0, self.mask);
        self.digital.change(0, self.mask);
    }

    /// Lets the port keep which of them rise, from now on.
    pub fn keep_rises(self) {
        self.event.change(0, self.mask);
        self.clear.write(self.mask);
    }

    /// Which of them rose since the last call.
    pub fn take_rises(self) -> u32 {
        let risen = self.risen.read() & self.mask;
        self.clear.write(risen);
        risen
    }

    /// Makes them outputs. Their level is to be set after, not before.
    pub fn make_outputs(self) {
        self.direction.change(0, self.mask);
        self.digital.change(0, self.mask);
    }

    /// Hands them to the peripheral that shares them.
    pub fn hand_over(self) {
        self.alternate.change(0, self.mask);
        self.digital.change(0, self.mask);
    }

    /// The levels, each in its pin's bit.
    pub fn levels(self) -> u32 {
        self.data.read()
    }

    /// Sets all of them.
    pub fn raise(self) {
        self.data.write(self.mask);
    }

    /// Clears all of them.
    pub fn lower(self) {
        self.data.write(0);
    }
}
