//! What covers every page: a fault, or a payment that waits for confirmation.

use mote_core::address::Address;

use super::screen::{Font, Line, Screen, WIDTH};
use crate::report::{Fault, Prepared, Report};
use crate::text::Scaled;

/// A fault in at most twelve characters, the width of the display in large ones.
pub const fn heading(fault: Fault) -> &'static str {
    match fault {
        Fault::DifficultyFell => "WORK FELL",
        Fault::ClockDisagrees => "CLOCK WRONG",
        Fault::CardFailed => "CARD FAILED",
        Fault::CardUnreadable => "CARD UNKNOWN",
        Fault::FallingBehind { .. } => "BEHIND",
        Fault::NoHonestPeer => "PEER LIED",
    }
}

/// Draws a fault, large and inverted, and what to do about it.
pub fn fault(screen: &mut Screen, fault: Fault) {
    screen.centre(Font::Large, (0, WIDTH), 1, Line::new(format_args!("{}", heading(fault))));
    screen.invert_rows(0, 22);
    let (font, at, remedy) = (Font::Medium, (0, 25), fault.remedy());
    match fault {
        Fault::FallingBehind { blocks } => {
            screen.paragraph(font, at, 4, format_args!("{} blocks behind. {remedy}", Scaled(blocks)));
        }
        _ => screen.paragraph(font, at, 4, format_args!("{remedy}")),
    }
}

/// Draws a payment and asks to confirm it.
pub fn prepared(screen: &mut Screen, prepared: &Prepared, report: &Report<'_>) {
    screen.centre(Font::Medium, (0, WIDTH), 1, Line::new(format_args!("CONFIRM PAYMENT?")));
    screen.invert_rows(0, 12);
    let amount = Line::new(format_args!("{} motes", prepared.amount));
    screen.left(Font::Medium, (0, 14), WIDTH, amount);
    let fee = Line::new(format_args!("fee {}", prepared.fee));
    let end = screen.left(Font::Small, (0, 24), WIDTH, fee);
    if prepared.memo_bytes > 0 {
        let memo = Line::new(format_args!("memo {} B", prepared.memo_bytes));
        screen.right(Font::Small, (WIDTH, 24), end + 5, memo);
    }
    let address = Address::new(report.params.address_prefix, prepared.recipient);
    screen.paragraph(Font::Small, (0, 33), 3, format_args!("{address}"));
    screen.left(Font::Small, (0, 56), WIDTH, Line::new(format_args!("SELECT pays")));
    screen.right(Font::Small, (WIDTH, 56), 0, Line::new(format_args!("LEFT drops")));
    screen.invert_rows(56, 64);
}
