//! What covers every page: a fault, or a payment that waits for confirmation.

use core::fmt;

use mote_core::address::Address;

use super::screen::{Font, Screen, WIDTH, width};
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
    screen.centre(Font::Large, (0, 1), WIDTH, format_args!("{}", heading(fault)));
    screen.invert((0, 0), (WIDTH, 22));
    let (font, at, remedy) = (Font::Medium, (0, 25), fault.remedy());
    match fault {
        Fault::FallingBehind { blocks } => {
            screen.paragraph(font, at, 4, format_args!("{} blocks behind. {remedy}", Scaled(blocks)));
        }
        _ => screen.paragraph(font, at, 4, format_args!("{remedy}")),
    }
}

/// Draws why the program came to its end.
pub fn stopped(screen: &mut Screen, reason: fmt::Arguments<'_>) {
    screen.centre(Font::Large, (0, 1), WIDTH, format_args!("STOPPED"));
    screen.invert((0, 0), (WIDTH, 22));
    screen.paragraph(Font::Small, (0, 24), 5, reason);
}

/// Draws a payment and asks to confirm it. Amount and address are shown to the last character.
pub fn prepared(screen: &mut Screen, prepared: &Prepared, report: &Report<'_>) {
    let Prepared { recipient, amount, fee, memo_bytes } = *prepared;
    screen.centre(Font::Small, (0, 0), WIDTH, format_args!("CONFIRM PAYMENT?"));
    screen.invert((0, 0), (WIDTH, 9));
    let end = screen.left(Font::Medium, (0, 11), WIDTH, format_args!("{amount}"));
    if end + width(Font::Medium, format_args!(" motes")) <= WIDTH {
        screen.left(Font::Medium, (end, 11), WIDTH, format_args!(" motes"));
    }
    let end = screen.left(Font::Small, (0, 21), WIDTH, format_args!("fee {fee}"));
    let memo = format_args!("memo {memo_bytes} B");
    if memo_bytes > 0 && end + width(Font::Small, memo) < WIDTH {
        screen.right(Font::Small, (WIDTH, 21), end, memo);
    }
    let address = Address::new(report.params.address_prefix, recipient);
    screen.paragraph(Font::Small, (0, 30), 3, format_args!("{address}"));
    screen.left(Font::Small, (2, 55), WIDTH, format_args!("SELECT: pay"));
    screen.right(Font::Small, (WIDTH - 2, 55), 0, format_args!("LEFT: drop"));
    screen.invert((0, 55), (WIDTH, 9));
}
