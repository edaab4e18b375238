//! The device's own payments, and how much work stands upon each.

use core::fmt::Write;

use mote_core::address::Address;

use super::Title;
use super::screen::{Font, Line, Screen, WIDTH};
use crate::report::{PaymentReport, PaymentState, Report};
use crate::text::{Scaled, Tenths};

/// Height of a row.
const ROW: i32 = 13;

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    if report.payments.is_empty() {
        screen.paragraph(Font::Small, (0, 14), 3, format_args!("None yet. On the console:"));
        screen.paragraph(Font::Medium, (0, 26), 1, format_args!("pay ADDRESS AMOUNT"));
    }
    for (y, payment) in (12..).step_by(ROW as usize).zip(&report.payments) {
        if y > 12 {
            (0..WIDTH).step_by(4).for_each(|x| screen.fill(x, y - 2, 1, 1));
        }
        row(screen, y, payment, report);
    }
    Title::new("PAYMENTS")
}

/// Amount, end of the recipient's address where there is room, state.
fn row(screen: &mut Screen, y: i32, payment: &PaymentReport, report: &Report<'_>) {
    let state = match payment.state {
        PaymentState::Open => Line::new(format_args!("open")),
        PaymentState::Mined { confirmations_tenths: tenths @ 0..10_000, .. } => {
            Line::new(format_args!("{} conf", Tenths(tenths)))
        }
        PaymentState::Mined { confirmations_tenths: tenths, .. } => {
            Line::new(format_args!("{} conf", Scaled(u64::from(tenths / 10))))
        }
    };
    let y = y + 1;
    let right = screen.right(Font::Small, (WIDTH, y), 0, state) - 5;
    let end = screen.left(Font::Small, (0, y), right, Line::new(format_args!("{}", payment.amount)));
    let mut address = heapless::String::<64>::new();
    // The longest address fits.
    let _ = write!(address, "{}", Address::new(report.params.address_prefix, payment.recipient));
    let tail = address.get(address.len().saturating_sub(6)..).unwrap_or_default();
    let recipient = Line::new(format_args!("..{tail}"));
    let x = right - recipient.width() * Font::Small.width();
    if x > end {
        screen.left(Font::Small, (x, y), right, recipient);
    }
}
