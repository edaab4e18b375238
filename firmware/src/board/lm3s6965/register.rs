//! Registers at fixed addresses: the one place that reads and writes them.
#![allow(unsafe_code)]

use core::ptr;

/// Where the chip's own peripherals stand.
const PERIPHERALS: u32 = 0x4000_0000;
const PERIPHERALS_END: u32 = 0x4400_0000;

/// Where the processor's own registers stand.
const PROCESSOR: u32 = 0xE000_E000;
const PROCESSOR_END: u32 = 0xE000_F000;

/// A 32-bit register.
#[derive(Clone, Copy)]
pub struct Register(usize);

impl Register {
    /// The register at an address, which must be a constant: a wrong one does not compile.
    pub const fn at(address: u32) -> Self {
        assert!(address.is_multiple_of(4), "registers are words");
        assert!(
            (PERIPHERALS <= address && address < PERIPHERALS_END)
                || (PROCESSOR <= address && address < PROCESSOR_END),
            "no register stands here"
        );
        Self(address as usize)
    }

    /// What it holds.
    pub fn read(self) -> u32 {
        // SAFETY: `at` allows only aligned addresses of peripherals. No Rust object stands there, and no
        // peripheral of this chip writes to memory by itself.
        unsafe { ptr::with_exposed_provenance::<u32>(self.0).read_volatile() }
    }

    /// Writes to it.
    pub fn write(self, value: u32) {
        // SAFETY: as for reading.
        unsafe { ptr::with_exposed_provenance_mut::<u32>(self.0).write_volatile(value) }
    }

    /// Sets and clears some of its bits.
    pub fn change(self, clear: u32, set: u32) {
        self.write((self.read() & !clear) | set);
    }
}
