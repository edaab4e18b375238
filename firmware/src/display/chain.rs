//! How far the chain is checked, and how the node is doing.

use core::fmt;

use mote_core::units::Height;

use super::Title;
use super::screen::{Font, Screen, WIDTH, width};
use crate::command::Mining;
use crate::report::{Report, Stage};
use crate::text::{OrElse, Pace, Scaled, Span, Start, Tenths};

/// Width of the space to the right of the height.
const SIDE: i32 = 26;

/// Width of a cell of the row at the bottom; a line stands between two.
const CELL: i32 = (WIDTH - 2) / 3;

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    screen.fill((0, 44), (WIDTH, 1));
    let known = report.peers.iter().filter(|peer| peer.address.is_some()).count();
    let connected = report.peers_connected();
    let peers = |screen: &mut Screen, place| {
        cell(screen, place, "PEERS", format_args!("{connected} of {known}"));
    };
    match report.stage.progress() {
        Some(progress) => {
            moving(screen, progress, report.stage.permille().unwrap_or_default());
            cell(screen, 0, "RATE", format_args!("{}", Pace(report.pace_tenths)));
            cell(screen, 1, "LEFT", format_args!("{}", OrElse(report.seconds_left().map(Span), "-")));
            peers(screen, 2);
        }
        None => {
            standing(screen, report);
            let age = report.clock.map(|clock| Span(clock.since(report.tip.time)));
            cell(screen, 0, "AGE", format_args!("{}", OrElse(age, "-")));
            peers(screen, 1);
            match (report.mining.switch, report.mining.hash_rate) {
                (Mining::Off, _) => cell(screen, 2, "MINING", format_args!("off")),
                (Mining::On, 0) => cell(screen, 2, "MINING", format_args!("waits")),
                (Mining::On, rate) => cell(screen, 2, "MINING", format_args!("{}/s", Scaled(rate.into()))),
            }
        }
    }
    Title::new(match report.stage {
        Stage::NoNetwork => "NO NETWORK",
        Stage::NoPeer => "NO PEER",
        Stage::Judging { .. } => "JUDGING HEADERS",
        Stage::Validating { .. } => "CHECKING BLOCKS",
        Stage::AtTip => "CHAIN",
    })
}

/// A fact of the row at the bottom.
#[inline(never)]
fn cell(screen: &mut Screen, place: i32, label: &'static str, value: fmt::Arguments<'_>) {
    let left = place * (CELL + 1);
    if left > 0 {
        screen.fill((left - 1, 47), (1, 17));
    }
    screen.centre(Font::Small, (left, 46), left + CELL, format_args!("{label}"));
    let font = if width(Font::Medium, value) < CELL { Font::Medium } else { Font::Small };
    screen.centre(font, (left, 54), left + CELL, value);
}

/// The height with nothing left to check, or nobody to ask for it.
fn standing(screen: &mut Screen, report: &Report<'_>) {
    large(screen, report.tip.height, WIDTH - SIDE);
    match report.stage {
        Stage::NoNetwork => screen.paragraph(Font::Small, (0, 34), 1, format_args!("waiting for an address")),
        Stage::NoPeer => screen.paragraph(Font::Small, (0, 34), 1, format_args!("looking for a peer")),
        Stage::Judging { .. } | Stage::Validating { .. } | Stage::AtTip => {
            tick(screen, WIDTH - 18, 14);
            screen.left(Font::Small, (0, 34), WIDTH, format_args!("{}", Start(&report.tip.id)));
            screen.right(Font::Small, (WIDTH, 34), 0, format_args!("checked"));
        }
    }
}

/// The height on its way to the goal.
fn moving(screen: &mut Screen, (height, goal): (Height, Height), permille: u16) {
    let end = large(screen, height, WIDTH - SIDE) + 4;
    let (whole, short) = (goal, Scaled(goal.get()));
    if width(Font::Small, format_args!("of {whole}")) <= WIDTH - end {
        screen.right(Font::Small, (WIDTH, 20), end, format_args!("of {whole}"));
    } else if width(Font::Small, format_args!("of {short}")) <= WIDTH - end {
        screen.right(Font::Small, (WIDTH, 20), end, format_args!("of {short}"));
    }
    let percent = Tenths(permille.into());
    let start = screen.right(Font::Small, (WIDTH, 34), 0, format_args!("{percent}%"));
    screen.bar((0, 34), (start.min(WIDTH - 25) - 3, 8), [permille, 0]);
}

/// The height in large digits, in groups of three, or in small ones where it is too long. Returns where
/// it ends.
fn large(screen: &mut Screen, height: Height, right: i32) -> i32 {
    let (gap, digit) = (4, Font::Large.width());
    let count = width(Font::Large, format_args!("{height}")) / digit;
    if count * digit + (count - 1) / 3 * gap > right {
        return screen.left(Font::Small, (0, 20), right, format_args!("{height}"));
    }
    let (mut x, mut rest) = (0, height.get());
    let mut group = 1_000_u64.saturating_pow(((count - 1) / 3) as u32);
    // The first group has no zeros in front.
    x = screen.left(Font::Large, (x, 12), right, format_args!("{}", rest / group));
    while group > 1 {
        (rest, group) = (rest % group, group / 1_000);
        x = screen.left(Font::Large, (x + gap, 12), right, format_args!("{:03}", rest / group));
    }
    x
}

/// The mark of a tip that is checked.
fn tick(screen: &mut Screen, x: i32, y: i32) {
    (0..5).for_each(|step| screen.fill((x + step, y + 6 + step), (2, 4)));
    (0..11).for_each(|step| screen.fill((x + 5 + step, y + 10 - step), (2, 4)));
}
