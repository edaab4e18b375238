//! The device's own payments, and how much work stands upon each.

use mote_core::address::Address;

use super::screen::{Font, Screen, WIDTH, width};
use super::{Ending, Title};
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
            (0..WIDTH).step_by(4).for_each(|x| screen.fill((x, y - 2), (1, 1)));
        }
        row(screen, y + 1, payment, report);
    }
    Title::new("PAYMENTS")
}

/// Amount, end of the recipient's address where there is room, state.
fn row(screen: &mut Screen, y: i32, payment: &PaymentReport, report: &Report<'_>) {
    let mut state = |text| screen.right(Font::Small, (WIDTH, y), 0, text) - 5;
    let right = match payment.state {
        PaymentState::Open => state(format_args!("open")),
        PaymentState::Mined { confirmations_tenths: tenths @ 0..10_000, .. } => {
            state(format_args!("{} conf", Tenths(tenths)))
        }
        PaymentState::Mined { confirmations_tenths: tenths, .. } => {
            state(format_args!("{} conf", Scaled((tenths / 10).into())))
        }
    };
    let end = screen.left(Font::Small, (0, y), right, format_args!("{}", payment.amount));
    let recipient = Ending(Address::new(report.params.address_prefix, payment.recipient), 6);
    let left = right - width(Font::Small, format_args!("{recipient}"));
    if left > end {
        screen.left(Font::Small, (left, y), right, format_args!("{recipient}"));
    }
}
