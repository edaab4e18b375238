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
    screen.invert((0, 0), (WIDTH, 22));
    let (font, at, remedy) = (Font::Medium, (0, 25), fault.remedy());
    match fault {
        Fault::FallingBehind { blocks } => {
            screen.paragraph(font, at, 4, format_args!("{} blocks behind. {remedy}", Scaled(blocks)));
        }
        _ => screen.paragraph(font, at, 4, format_args!("{remedy}")),
    }
}

/// Draws a payment and asks to confirm it. Amount and address are shown to the last character.
pub fn prepared(screen: &mut Screen, prepared: &Prepared, report: &Report<'_>) {
    screen.centre(Font::Small, (0, WIDTH), 0, Line::new(format_args!("CONFIRM PAYMENT?")));
    screen.invert((0, 0), (WIDTH, 9));
    let columns = (WIDTH / Font::Medium.width()) as usize;
    let amount = Line::new(format_args!("{} motes", prepared.amount));
    let is_long = amount.as_str().len() > columns;
    let amount = if is_long { Line::new(format_args!("{}", prepared.amount)) } else { amount };
    screen.left(Font::Medium, (0, 11), WIDTH, amount);
    let end = screen.left(Font::Small, (0, 21), WIDTH, Line::new(format_args!("fee {}", prepared.fee)));
    if prepared.memo_bytes > 0 {
        let memo = Line::new(format_args!("memo {} B", prepared.memo_bytes));
        let room = memo.width() * Font::Small.width() + end < WIDTH;
        screen.right(Font::Small, (WIDTH, 21), if room { 0 } else { WIDTH }, memo);
    }
    let address = Address::new(report.params.address_prefix, prepared.recipient);
    screen.paragraph(Font::Small, (0, 30), 3, format_args!("{address}"));
    screen.left(Font::Small, (2, 55), WIDTH, Line::new(format_args!("SELECT: pay")));
    screen.right(Font::Small, (WIDTH - 2, 55), 0, Line::new(format_args!("LEFT: drop")));
    screen.invert((0, 55), (WIDTH, 64));
}
