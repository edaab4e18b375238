//! The end: a panic or a fault is told on the console and shown, and nothing goes on.
#![allow(unsafe_code)]

use core::arch::{asm, naked_asm};
use core::fmt::{self, Display, Formatter, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::{asm as processor, interrupt, register};

use super::register::Register;
use super::{card, console, display, memory};
use crate::display as pages;

const FAULT_STATUS: Register = Register::at(0xE000_ED28);
/// An access that the guard forbids, whose address is known.
const GUARD_ACCESS: u32 = 1 << 1 | 1 << 7;
/// The guard was hit while an exception saved registers on the stack.
const GUARD_ON_ENTRY: u32 = 1 << 4;
const FAULT_ADDRESS: Register = Register::at(0xE000_ED34);

const CONFIGURATION: Register = Register::at(0xE000_ED14);
const RETURN_FROM_ANY: u32 = 1;

/// Where the program counter stands among the registers that an exception saves.
const SAVED_COUNTER_OFFSET: u32 = 24;

/// How many calls a panic names.
const CALLS: usize = 6;

/// Asks a debugger to end the program (`SYS_EXIT`), and says that it failed.
const EXIT: u32 = 0x18;
const RUN_TIME_ERROR: u32 = 0x2_0023;

/// Whether the end has come already. What goes wrong on the way there is not told.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Tells `reason` on the console, shows it, and stops: for ever on a board, with a failure in an emulator.
pub fn stop(reason: &dyn Display) -> ! {
    interrupt::disable();
    if !ENDING.swap(true, Ordering::Relaxed) {
        // Writing to the console does not fail.
        let _ = write!(console::Text, "\r\nfault: {reason}\r\n");
        card::let_go();
        pages::stopped(format_args!("{reason}"), display::show);
        exit();
    }
    loop {
        processor::wfi();
    }
}

/// Tells of a panic and stops. Messages, and the files and lines of all places that can panic, would take
/// 15 KB of flash: the addresses of the calls that led to it stand for them, which `addr2line` translates.
pub fn panicked() -> ! {
    stop(&Panic { stack: register::msp::read() })
}

struct Panic {
    stack: u32,
}

impl Display for Panic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("panic (called at")?;
        memory::calls(self.stack).take(CALLS).try_for_each(|address| write!(f, " {address:#x}"))?;
        f.write_str(")")
    }
}

/// Ends the program where a debugger or an emulator takes such a wish. Elsewhere this faults, and the
/// second fault waits for ever.
fn exit() {
    // SAFETY: the breakpoint touches no memory. Whoever handles it ends the program or returns, and
    // changes no register but the first.
    unsafe { asm!("bkpt 0xAB", inout("r0") EXIT => _, in("r1") RUN_TIME_ERROR, options(nomem, nostack)) };
}

/// Lets an exception return to the program itself whatever else was interrupted by it.
pub fn start() {
    CONFIGURATION.change(0, RETURN_FROM_ANY);
}

/// Takes over from a fault: on a new stack, since the old one may have overflowed, and by returning from the
/// fault into [`report`], since there a second fault would lock the processor up.
///
/// # Safety
///
/// For the processor alone, as its handler of faults.
#[unsafe(naked)]
#[unsafe(export_name = "HardFault")]
unsafe extern "C" fn take_over() -> ! {
    naked_asm!(
        "mrs r0, msp",
        "movw r1, #:lower16:_stack_start",
        "movt r1, #:upper16:_stack_start",
        // What the processor takes from the stack when it returns: r0 to r3, r12, lr, pc and the flags.
        "sub r1, #32",
        "msr msp, r1",
        "str r0, [r1]",
        "movw r2, #:lower16:{report}",
        "movt r2, #:upper16:{report}",
        "bic r2, #1",
        "str r2, [r1, #24]",
        "mov r2, #0x01000000",
        "str r2, [r1, #28]",
        "mvn lr, #6",
        "bx lr",
        report = sym report,
    )
}

/// Reports a fault whose registers were saved at `saved`, if they could be.
extern "C" fn report(saved: u32) -> ! {
    let (status, address) = (FAULT_STATUS.read(), FAULT_ADDRESS.read());
    let in_guard = status & GUARD_ACCESS == GUARD_ACCESS && memory::is_guard(address);
    if in_guard || status & GUARD_ON_ENTRY != 0 {
        // The registers were to be saved where the stack has no room.
        stop(&format_args!("stack overflow (at address {address:#x})"));
    }
    let counter = memory::stack_word(saved.wrapping_add(SAVED_COUNTER_OFFSET)).unwrap_or_default();
    stop(&format_args!("hard fault (at {counter:#x}, status {status:#x}, address {address:#x})"))
}
