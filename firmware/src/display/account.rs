//! The device's account: its address to scan, its name and what it holds.

use mote_core::address::Address;
use mote_core::units::Amount;

use super::qr::AddressCode;
use super::screen::{Font, HEIGHT, Screen, WIDTH, width};
use super::{Ending, Title};
use crate::report::Report;

/// Where the text begins, right of the code.
const LEFT: i32 = HEIGHT + 4;

/// Draws the page.
pub fn draw(screen: &mut Screen, code: &mut AddressCode, report: &Report<'_>) -> Title {
    let Some(key) = report.key else {
        screen.paragraph(
            Font::Medium,
            (0, 14),
            5,
            format_args!("This device has no key. Provision its card with mote device provision."),
        );
        return Title::new("ACCOUNT");
    };
    let address = Address::new(report.params.address_prefix, key);
    code.draw(screen, address);
    screen.paragraph(Font::Small, (LEFT, 12), 2, format_args!("{}", report.name));
    match report.account {
        Some(account) => balance(screen, account.balance),
        None => screen.paragraph(Font::Small, (LEFT, 32), 2, format_args!("no balance proven yet")),
    }
    screen.left(Font::Small, (LEFT, 56), WIDTH, format_args!("{}", Ending(address, 10)));
    Title { left: LEFT, text: "ACCOUNT" }
}

/// The balance and its unit: in large letters on one line where that fits, else in small ones.
fn balance(screen: &mut Screen, balance: Amount) {
    if width(Font::Medium, format_args!("{balance}")) <= WIDTH - LEFT {
        screen.left(Font::Medium, (LEFT, 30), WIDTH, format_args!("{balance}"));
        screen.left(Font::Small, (LEFT, 40), WIDTH, format_args!("motes"));
    } else {
        screen.paragraph(Font::Small, (LEFT, 30), 3, format_args!("{balance} motes"));
    }
}
