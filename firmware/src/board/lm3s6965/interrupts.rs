//! What wakes the processor, and who handles it.
#![allow(unsafe_code)]

use super::register::Register;
use super::{buttons, console, ethernet, fault, system};

const CONSOLE: usize = 5;
const TIMER: usize = 19;
const ETHERNET: usize = 42;

/// The interrupts that this processor has, up to the last one that is let in.
const COUNT: usize = ETHERNET + 1;

type Handler = unsafe extern "C" fn();

/// Who handles which interrupt. The processor could have 240, for which a table would take a kilobyte.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; COUNT] = {
    unsafe extern "C" {
        fn DefaultHandler();
    }
    let mut handlers: [Handler; COUNT] = [DefaultHandler; COUNT];
    handlers[CONSOLE] = on_console;
    handlers[TIMER] = on_timer;
    handlers[ETHERNET] = on_ethernet;
    handlers
};

const ENABLE_0: Register = Register::at(0xE000_E100);
const ENABLE_1: Register = Register::at(0xE000_E104);

/// Lets them come.
pub fn start() {
    ENABLE_0.write(1 << CONSOLE | 1 << TIMER);
    ENABLE_1.write(1 << (ETHERNET - 32));
}

extern "C" fn on_console() {
    console::interrupt();
}

extern "C" fn on_timer() {
    system::interrupt();
    buttons::interrupt();
}

extern "C" fn on_ethernet() {
    ethernet::interrupt();
}

/// Every other interrupt, and every exception without a handler of its own.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(number: i16) {
    fault::stop(&format_args!("interrupt {number}, which nobody asked for"));
}
