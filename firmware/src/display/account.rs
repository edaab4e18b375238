//! The device's account: its address to scan, its name and what it holds.

use core::fmt::Write;

use mote_core::address::Address;

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
        Some(account) => balance(screen, account.balance.grains()),
        None => screen.paragraph(Font::Small, (LEFT, 32), 2, format_args!("no balance proven yet")),
    }
    let mut address = heapless::String::<64>::new();
    // The longest address fits.
    let _ = write!(address, "{}", Address::new(prefix, key));
    let end = address.get(address.len().saturating_sub(10)..).unwrap_or_default();
    screen.right(Font::Small, (WIDTH, 56), LEFT, Line::new(format_args!("..{end}")));
    Title { left: LEFT, text: "ACCOUNT" }
}

/// The balance right-aligned: on one line where that fits, else with what is behind the point below.
fn balance(screen: &mut Screen, grains: u64) {
    let amount = Line::new(format_args!("{}", mote_core::units::Amount::from_grains(grains)));
    screen.left(Font::Small, (LEFT, 29), WIDTH, Line::new(format_args!("motes")));
    let columns = (WIDTH - LEFT) / Font::Medium.width();
    if amount.width() <= columns {
        screen.right(Font::Medium, (WIDTH, 38), LEFT, amount);
        return;
    }
    let text = amount.as_str();
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let font = if whole.len() as i32 <= columns { Font::Medium } else { Font::Small };
    screen.right(font, (WIDTH, 37), LEFT - 4, Line::new(format_args!("{whole}")));
    screen.right(Font::Small, (WIDTH, 46), LEFT, Line::new(format_args!("{fraction}")));
}
