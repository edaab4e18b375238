//! Clocks: 50 MHz from the PLL, time and work from SysTick, and a wake-up every 10 ms.
//!
//! A counted interrupt every millisecond would lose ticks while the processor is busy. SysTick runs
//! through its 24 bits without an interrupt instead, and its differences are added up, at the latest
//! by the wake-up's handler: it would have to be late by 325 ms for time to be lost.

use core::cell::Cell;

use cortex_m::asm;
use cortex_m::interrupt::{self, CriticalSection, Mutex};
use mote_core::units::Moment;

use super::register::Register;

/// Cycles of the system clock in a millisecond.
const CYCLES_PER_MILLISECOND: u32 = 50_000;

/// Milliseconds between two wake-ups.
const WAKE_UP_MILLISECONDS: u32 = 10;

const RAW_INTERRUPT_STATUS: Register = Register::at(0x400F_E050);
const PLL_LOCKED: u32 = 1 << 6;

const RUN_MODE_CLOCK: Register = Register::at(0x400F_E060);
const OSCILLATOR_OFF: u32 = 1;
const OSCILLATOR_SOURCE: u32 = 0b11 << 4;
const CRYSTAL: u32 = 0b1111 << 6;
const CRYSTAL_8_MHZ: u32 = 0b1110 << 6;
const BYPASS: u32 = 1 << 11;
const PLL_OFF: u32 = 1 << 13;
const USE_DIVISOR: u32 = 1 << 22;
const DIVISOR: u32 = 0b1111 << 23;
/// The PLL's 200 MHz by 3 + 1.
const DIVISOR_50_MHZ: u32 = 3 << 23;

/// How often the PLL is asked whether it is ready, which takes it half a millisecond.
const PLL_POLLS: u32 = 100_000;

/// UART0, SSI0 and timer 0.
const CLOCK_GATES_1: Register = Register::at(0x400F_E104);
const CLOCKED_1: u32 = 1 | 1 << 4 | 1 << 16;
/// GPIO ports A to G, the Ethernet controller and its transceiver.
const CLOCK_GATES_2: Register = Register::at(0x400F_E108);
const CLOCKED_2: u32 = 0x7F | 1 << 28 | 1 << 30;

const SYSTICK_CONTROL: Register = Register::at(0xE000_E010);
/// Enabled, by the processor's clock, without interrupt.
const SYSTICK_RUN: u32 = 0b101;
const SYSTICK_RELOAD: Register = Register::at(0xE000_E014);
const SYSTICK_CURRENT: Register = Register::at(0xE000_E018);
const SYSTICK_MASK: u32 = 0x00FF_FFFF;

const TIMER_CONFIGURATION: Register = Register::at(0x4003_0000);
const TIMER_MODE: Register = Register::at(0x4003_0004);
const TIMER_PERIODIC: u32 = 2;
const TIMER_CONTROL: Register = Register::at(0x4003_000C);
const TIMER_INTERRUPT_MASK: Register = Register::at(0x4003_0018);
const TIMER_INTERRUPT_CLEAR: Register = Register::at(0x4003_0024);
const TIMER_RELOAD: Register = Register::at(0x4003_0028);

/// What SysTick counted.
#[derive(Clone, Copy)]
struct Elapsed {
    /// SysTick's value when it was last looked at.
    last: u32,
    /// Cycles awake.
    work: u64,
    milliseconds: u64,
    /// Cycles beyond the whole milliseconds.
    cycles: u32,
}

static ELAPSED: Mutex<Cell<Elapsed>> =
    Mutex::new(Cell::new(Elapsed { last: 0, work: 0, milliseconds: 0, cycles: 0 }));

/// How the processor spent the cycles since SysTick was last looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spent {
    Awake,
    Asleep,
}

/// Brings up the clocks, SysTick, and the peripherals that the board uses.
pub fn start() {
    RUN_MODE_CLOCK.change(USE_DIVISOR, BYPASS);
    RUN_MODE_CLOCK.change(OSCILLATOR_OFF | OSCILLATOR_SOURCE | CRYSTAL | PLL_OFF, CRYSTAL_8_MHZ);
    RUN_MODE_CLOCK.change(DIVISOR, DIVISOR_50_MHZ | USE_DIVISOR);
    for _ in 0..PLL_POLLS {
        if RAW_INTERRUPT_STATUS.read() & PLL_LOCKED != 0 {
            break;
        }
    }
    RUN_MODE_CLOCK.change(BYPASS, 0);

    CLOCK_GATES_1.change(0, CLOCKED_1);
    CLOCK_GATES_2.change(0, CLOCKED_2);
    // A peripheral answers only some cycles after its clock was switched on.
    asm::delay(16);

    SYSTICK_RELOAD.write(SYSTICK_MASK);
    SYSTICK_CURRENT.write(0);
    SYSTICK_CONTROL.write(SYSTICK_RUN);
    // It reads 0 until it is loaded for the first time.
    SYSTICK_CURRENT.read();
    let elapsed = Elapsed { last: SYSTICK_CURRENT.read(), work: 0, milliseconds: 0, cycles: 0 };
    interrupt::free(|section| ELAPSED.borrow(section).set(elapsed));

    TIMER_CONTROL.write(0);
    TIMER_CONFIGURATION.write(0);
    TIMER_MODE.write(TIMER_PERIODIC);
    TIMER_RELOAD.write(CYCLES_PER_MILLISECOND * WAKE_UP_MILLISECONDS - 1);
    TIMER_INTERRUPT_MASK.write(1);
    TIMER_CONTROL.write(1);
}

/// Adds up what SysTick counted since it was last looked at.
fn advance(section: &CriticalSection, spent: Spent) -> Elapsed {
    let elapsed = ELAPSED.borrow(section);
    let before = elapsed.get();
    let current = SYSTICK_CURRENT.read();
    // SysTick counts downwards.
    let cycles = before.last.wrapping_sub(current) & SYSTICK_MASK;
    let beyond = before.cycles + cycles;
    let now = Elapsed {
        last: current,
        work: before.work + if spent == Spent::Awake { u64::from(cycles) } else { 0 },
        milliseconds: before.milliseconds + u64::from(beyond / CYCLES_PER_MILLISECOND),
        cycles: beyond % CYCLES_PER_MILLISECOND,
    };
    elapsed.set(now);
    now
}

/// Time since power-on.
pub fn now() -> Moment {
    Moment::from_millis(interrupt::free(|section| advance(section, Spent::Awake)).milliseconds)
}

/// Cycles that the processor was awake since power-on.
pub fn work() -> u64 {
    interrupt::free(|section| advance(section, Spent::Awake)).work
}

/// Sleeps until an interrupt is pending, with interrupts off, so that none can come just before.
pub fn sleep(section: &CriticalSection) {
    advance(section, Spent::Awake);
    asm::dsb();
    asm::wfi();
    advance(section, Spent::Asleep);
}

/// Handles the wake-up.
pub fn interrupt() {
    TIMER_INTERRUPT_CLEAR.write(1);
    interrupt::free(|section| advance(section, Spent::Awake));
}
