//! The five buttons. A button counts when it is let go: they pull their pins down, and the emulated
//! ones read 0 until they were let go for the first time.

use core::sync::atomic::{AtomicU8, Ordering};

use super::gpio::{Pins, Port};
use crate::board::Button;

const FOUR: Pins = Pins::new(Port::E, 0b1111);
const SELECT: Pins = Pins::new(Port::F, 1 << 1);

/// The buttons in the order of their bits: the four of port E, then the fifth.
const ORDER: [Button; 5] = [Button::Up, Button::Down, Button::Left, Button::Right, Button::Select];

/// The levels when they were last looked at.
static LEVELS: AtomicU8 = AtomicU8::new(0);

/// Buttons that were pressed and not yet taken.
static PRESSED: AtomicU8 = AtomicU8::new(0);

/// Makes the pins inputs.
pub fn start() {
    FOUR.make_inputs();
    SELECT.make_inputs();
    LEVELS.store(levels(), Ordering::Relaxed);
}

fn levels() -> u8 {
    let select = SELECT.levels() << 3;
    (FOUR.levels() | select).to_le_bytes()[0]
}

/// Looks at the buttons. Called every 10 ms, which is longer than a contact bounces.
pub fn interrupt() {
    let levels = levels();
    let before = LEVELS.swap(levels, Ordering::Relaxed);
    PRESSED.fetch_or(levels & !before, Ordering::Relaxed);
}

/// Takes the next button that was pressed.
pub fn take() -> Option<Button> {
    let pressed = PRESSED.load(Ordering::Relaxed);
    let (bit, button) = ORDER.iter().enumerate().find(|(bit, _)| pressed & (1 << bit) != 0)?;
    PRESSED.fetch_and(!(1 << bit), Ordering::Relaxed);
    Some(*button)
}
