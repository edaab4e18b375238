//! How much memory is in use, and the guard under the stack.
//!
//! The stack stands at the lower end of RAM with the variables above it. What overflows it leaves RAM,
//! where the guard is: however large the frame, no variable is overwritten.
#![allow(unsafe_code)]

use core::ops::Range;
use core::ptr;

use cortex_m::asm;

use super::register::Register;
use crate::report::Memory;

/// What the start-up code filled the stack with.
const PAINT: u32 = cortex_m_rt::STACK_PAINT_VALUE;

const RAM_BYTES: u32 = 64 * 1_024;

const PROTECTION_CONTROL: Register = Register::at(0xE000_ED94);
/// On, but not for the handler of faults; what no region covers is allowed.
const PROTECTION_ON: u32 = 1 | 1 << 2;
const PROTECTION_REGION: Register = Register::at(0xE000_ED98);
const PROTECTION_BASE: Register = Register::at(0xE000_ED9C);
const PROTECTION_ATTRIBUTES: Register = Register::at(0xE000_EDA0);
/// A region of 2^(19 + 1) bytes that nobody may read, write or execute.
const GUARD_ATTRIBUTES: u32 = 1 << 28 | 19 << 1 | 1;

/// The mebibyte under RAM.
const GUARD: Range<u32> = 0x1FF0_0000..0x2000_0000;

unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
    static __stext: u32;
    static __etext: u32;
    static __sdata: u32;
    static __euninit: u32;
}

/// Where the stack stands, in its words from the lowest.
pub fn stack() -> Range<*const u32> {
    (&raw const _stack_end)..(&raw const _stack_start)
}

/// Puts the guard under the stack.
pub fn start() {
    PROTECTION_REGION.write(0);
    PROTECTION_BASE.write(GUARD.start);
    PROTECTION_ATTRIBUTES.write(GUARD_ATTRIBUTES);
    PROTECTION_CONTROL.write(PROTECTION_ON);
    asm::dsb();
    asm::isb();
}

/// Whether an address is in the guard.
pub fn is_guard(address: u32) -> bool {
    GUARD.contains(&address)
}

/// How much is in use. Takes time in proportion to the stack that never was.
pub fn in_use() -> Memory {
    let Range { start, end } = stack();
    let mut deepest = start;
    // SAFETY: the words between the two are the stack's, all of them written by the start-up code, and
    // only looked at. Those in use may change meanwhile, which a volatile read allows for.
    while deepest < end && unsafe { deepest.read_volatile() } == PAINT {
        deepest = deepest.wrapping_add(1);
    }
    Memory {
        ram: RAM_BYTES,
        fixed: bytes_between(&raw const __sdata, &raw const __euninit),
        stack_peak: bytes_between(deepest, end),
    }
}

fn bytes_between(start: *const u32, end: *const u32) -> u32 {
    end.addr().wrapping_sub(start.addr()) as u32
}

/// The word of the stack at an address; none where there is none.
pub fn stack_word(address: u32) -> Option<u32> {
    let place = ptr::with_exposed_provenance::<u32>(address as usize);
    let is_word = address.is_multiple_of(4) && stack().contains(&place);
    // SAFETY: an aligned word of the stack, as above.
    is_word.then(|| unsafe { place.read_volatile() })
}

/// The calls that are under way, the innermost first: what looks on the stack, from an address on, like an
/// address behind a call.
pub fn calls(stack: u32) -> impl Iterator<Item = u32> {
    let words = (stack..).step_by(4).map_while(stack_word);
    words.filter(|word| word & 1 == 1 && is_behind_call(word & !1)).map(|word| (word & !1) - 2)
}

fn is_behind_call(address: u32) -> bool {
    let code = (&raw const __stext).addr() as u32 + 4..(&raw const __etext).addr() as u32;
    let half = |offset: u32| {
        let place = ptr::with_exposed_provenance::<u16>((address - offset) as usize);
        // SAFETY: an aligned half of a word of the program, which is never written.
        unsafe { place.read_volatile() }
    };
    // `BL` in two halves, or `BLX` to a register in one.
    code.contains(&address)
        && (half(4) & 0xF800 == 0xF000 && half(2) & 0xD000 == 0xD000 || half(2) & 0xFF87 == 0x4780)
}
