//! What wakes the processor, and who handles it.
#![allow(unsafe_code)]

use super::register::Register;
use super::{buttons, console, ethernet, fault, system};

const CONSOLE: i16 = 5;
const TIMER: i16 = 19;
const ETHERNET: i16 = 42;

const ENABLE_0: Register = Register::at(0xE000_E100);
const ENABLE_1: Register = Register::at(0xE000_E104);

/// Lets them come.
pub fn start() {
    ENABLE_0.write(1 << CONSOLE | 1 << TIMER);
    ENABLE_1.write(1 << (ETHERNET - 32));
}

/// Every interrupt and every exception without a handler of its own. A table of handlers by number would
/// take more flash than this choice takes time.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(number: i16) {
    match number {
        CONSOLE => console::interrupt(),
        TIMER => {
            system::interrupt();
            buttons::interrupt();
        }
        ETHERNET => ethernet::interrupt(),
        number => fault::stop(&format_args!("interrupt {number}, which nobody asked for")),
    }
}
