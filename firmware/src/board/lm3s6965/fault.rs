//! The end: a panic or a fault is told on the console and shown, and nothing goes on.
#![allow(unsafe_code)]

use core::arch::{asm, naked_asm};
use core::fmt::{Display, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::{asm as processor, interrupt};

use super::register::Register;
use super::{console, memory};

const FAULT_STATUS: Register = Register::at(0xE000_ED28);
/// An access that the guard forbids, whose address is known.
const GUARD_ACCESS: u32 = 1 << 1 | 1 << 7;
/// The guard was hit while an exception saved registers on the stack.
const GUARD_ON_ENTRY: u32 = 1 << 4;
const FAULT_ADDRESS: Register = Register::at(0xE000_ED34);

/// Where the program counter stands among the registers that an exception saves.
const SAVED_COUNTER_OFFSET: u32 = 24;

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
        exit();
    }
    loop {
        processor::wfi();
    }
}

/// Ends the program where a debugger or an emulator takes such a wish. Elsewhere this faults, and the
/// second fault waits for ever.
fn exit() {
    // SAFETY: the breakpoint touches no memory. Whoever handles it ends the program or returns, and
    // changes no register but the first.
    unsafe { asm!("bkpt 0xAB", inout("r0") EXIT => _, in("r1") RUN_TIME_ERROR, options(nomem, nostack)) };
}

/// Takes over from a fault: the stack may have overflowed, so a new one starts at its top.
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
        "msr msp, r1",
        "b {report}",
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
