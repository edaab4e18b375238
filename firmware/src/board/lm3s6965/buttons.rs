//! The five buttons. A button counts when it is let go: they pull their pins down, and the emulated
//! ones read 0 until they were let go for the first time.

use core::sync::atomic::{AtomicU8, Ordering};

use super::gpio::{Pins, Port};
use super::ring::Ring;
use crate::board::Button;

const FOUR: Pins = Pins::new(Port::E, 0b1111);
const SELECT: Pins = Pins::new(Port::F, 1 << 1);

/// The buttons in the order of their bits: the four of port E, then the fifth.
const ORDER: [Button; 5] = [Button::Up, Button::Down, Button::Left, Button::Right, Button::Select];

/// Buttons whose pin rose and that may be pressed still: a contact bounces.
static ROSE: AtomicU8 = AtomicU8::new(0);

/// Numbers of the buttons that were pressed.
static PRESSED: Ring<8> = Ring::new();

/// Makes the pins inputs whose rises are kept.
pub fn start() {
    for pins in [FOUR, SELECT] {
        pins.make_inputs();
        pins.keep_rises();
    }
}

fn bits(of: impl Fn(Pins) -> u32) -> u8 {
    (of(FOUR) | of(SELECT) << 3).to_le_bytes()[0]
}

/// Looks at the buttons. Called every 10 ms: a shorter press is kept by the port.
pub fn interrupt() {
    let rose = ROSE.load(Ordering::Relaxed) | bits(Pins::take_rises);
    let let_go = rose & bits(Pins::levels);
    ROSE.store(rose & !let_go, Ordering::Relaxed);
    (0..).zip(ORDER).filter(|(bit, _)| let_go & (1 << bit) != 0).for_each(|(bit, _)| PRESSED.push(bit));
}

/// Takes the next button that was pressed.
pub fn take() -> Option<Button> {
    ORDER.get(usize::from(PRESSED.pop()?)).copied()
}
