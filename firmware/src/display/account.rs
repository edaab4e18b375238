//! The device's account: its address to scan, its name and what it holds.

use core::fmt::Write;

use mote_core::address::Address;
use mote_core::units::Amount;

use super::Title;
use super::qr::AddressCode;
use super::screen::{Font, HEIGHT, Line, Screen, WIDTH};
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
    let prefix = report.params.address_prefix;
    code.draw(screen, prefix, key);
    screen.paragraph(Font::Small, (LEFT, 12), 2, format_args!("{}", report.name));
    match report.account {
        Some(account) => balance(screen, account.balance),
        None => screen.paragraph(Font::Small, (LEFT, 32), 2, format_args!("no balance proven yet")),
    }
    let mut address = heapless::String::<64>::new();
    // The longest address fits.
    let _ = write!(address, "{}", Address::new(prefix, key));
    let end = address.get(address.len().saturating_sub(10)..).unwrap_or_default();
    screen.left(Font::Small, (LEFT, 56), WIDTH, Line::new(format_args!("..{end}")));
    Title { left: LEFT, text: "ACCOUNT" }
}

/// The balance and its unit: on one line where that fits, else with what is behind the point below.
fn balance(screen: &mut Screen, balance: Amount) {
    let amount = Line::new(format_args!("{balance}"));
    let columns = (WIDTH - LEFT) / Font::Medium.width();
    let text = amount.as_str();
    let point = if amount.width() <= columns { text.len() } else { text.find('.').unwrap_or(text.len()) };
    let (whole, fraction) = text.split_at(point);
    let font = if point as i32 <= columns { Font::Medium } else { Font::Small };
    screen.left(font, (LEFT, 30), WIDTH, Line::new(format_args!("{whole}")));
    let mut y = 40;
    if !fraction.is_empty() {
        screen.left(Font::Small, (LEFT, y), WIDTH, Line::new(format_args!("{fraction}")));
        y = 48;
    }
    screen.left(Font::Small, (LEFT, y), WIDTH, Line::new(format_args!("motes")));
}
