//! How far the chain is checked, and how the node is doing.

use mote_core::units::Height;

use super::Title;
use super::screen::{Font, Line, Screen, WIDTH};
use crate::command::Mining;
use crate::report::{Report, Stage};
use crate::text::{Scaled, Span, Start, Tenths};

/// Width of the space to the right of the height.
const SIDE: i32 = 26;

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    let cells = match (report.stage.progress(), report.stage.permille()) {
        (Some((height, goal)), Some(permille)) => {
            progress(screen, (height, goal), permille);
            let rate = match report.pace_tenths {
                0 => Line::new(format_args!("-")),
                1..100 => Line::new(format_args!("{}/s", Tenths(report.pace_tenths))),
                pace => Line::new(format_args!("{}/s", Scaled(u64::from(pace / 10)))),
            };
            let left = match report.seconds_left() {
                Some(seconds) => Line::new(format_args!("{}", Span(seconds))),
                None => Line::new(format_args!("-")),
            };
            [("RATE", rate), ("LEFT", left), ("PEERS", peers(report))]
        }
        _ => {
            standing(screen, report);
            [("AGE", age(report)), ("PEERS", peers(report)), ("MINING", mining(report))]
        }
    };
    let width = (WIDTH - 2) / 3;
    screen.fill(0, 44, WIDTH, 1);
    for (x, (label, value)) in (0..).step_by(width as usize + 1).zip(cells) {
        if x > 0 {
            screen.fill(x - 1, 47, 1, 17);
        }
        screen.centre(Font::Small, (x, x + width), 46, Line::new(format_args!("{label}")));
        let font = if value.width() * Font::Medium.width() < width { Font::Medium } else { Font::Small };
        screen.centre(font, (x, x + width), 54, value);
    }
    Title::new(match report.stage {
        Stage::NoNetwork => "NO NETWORK",
        Stage::NoPeer => "NO PEER",
        Stage::Judging { .. } => "JUDGING HEADERS",
        Stage::Validating { .. } => "CHECKING BLOCKS",
        Stage::AtTip => "CHAIN",
    })
}

/// The height with nothing left to check, or to ask for it.
fn standing(screen: &mut Screen, report: &Report<'_>) {
    large(screen, report.tip.height, WIDTH - SIDE);
    let said = match report.stage {
        Stage::NoNetwork => "waiting for an address",
        Stage::NoPeer => "looking for a peer",
        _ => {
            tick(screen, WIDTH - 18, 14);
            let checked = screen.right(Font::Small, (WIDTH, 34), 0, Line::new(format_args!("checked")));
            screen.left(Font::Small, (0, 34), checked, Line::new(format_args!("{}", Start(&report.tip.id))));
            return;
        }
    };
    screen.left(Font::Small, (0, 34), WIDTH, Line::new(format_args!("{said}")));
}

/// The height on its way to the goal.
fn progress(screen: &mut Screen, (height, goal): (Height, Height), permille: u16) {
    let end = large(screen, height, WIDTH - SIDE) + 4;
    let whole = Line::new(format_args!("of {goal}"));
    let fits = |text: &Line| text.width() * Font::Small.width() <= WIDTH - end;
    let goal = if fits(&whole) { whole } else { Line::new(format_args!("of {}", Scaled(goal.get()))) };
    if fits(&goal) {
        screen.right(Font::Small, (WIDTH, 20), end, goal);
    }
    let percent = Line::new(format_args!("{}%", Tenths(u32::from(permille))));
    let bar_end = screen.right(Font::Small, (WIDTH, 34), 0, percent);
    screen.bar((0, 34), (bar_end.min(WIDTH - 25) - 3, 8), [permille, 0]);
}

/// The height in large digits, in groups of three, or in small ones where it is too long. Returns where
/// it ends.
fn large(screen: &mut Screen, height: Height, right: i32) -> i32 {
    let text = Line::new(format_args!("{height}"));
    let (count, gap) = (text.width(), 4);
    if count * Font::Large.width() + (count - 1) / 3 * gap > right {
        return screen.left(Font::Small, (0, 20), right, text);
    }
    let mut x = 0;
    for (left, digit) in (1..=count).rev().zip(text.as_str().chars()) {
        x = screen.left(Font::Large, (x, 12), right, Line::new(format_args!("{digit}")));
        if left % 3 == 1 && left > 1 {
            x += gap;
        }
    }
    x
}

/// The mark of a tip that is checked.
fn tick(screen: &mut Screen, x: i32, y: i32) {
    (0..5).for_each(|step| screen.fill(x + step, y + 6 + step, 2, 4));
    (0..11).for_each(|step| screen.fill(x + 5 + step, y + 10 - step, 2, 4));
}

fn age(report: &Report<'_>) -> Line {
    match report.clock {
        Some(clock) => Line::new(format_args!("{}", Span(clock.since(report.tip.time)))),
        None => Line::new(format_args!("-")),
    }
}

fn peers(report: &Report<'_>) -> Line {
    let known = report.peers.iter().filter(|peer| peer.address.is_some()).count();
    Line::new(format_args!("{} of {known}", report.peers_connected()))
}

fn mining(report: &Report<'_>) -> Line {
    match (report.mining.switch, report.mining.hash_rate) {
        (Mining::Off, _) => Line::new(format_args!("off")),
        (Mining::On, 0) => Line::new(format_args!("waits")),
        (Mining::On, rate) => Line::new(format_args!("{}/s", Scaled(u64::from(rate)))),
    }
}
