//! How the device itself is doing: memory, load, card.

use super::Title;
use super::screen::{Font, Line, Screen, WIDTH};
use crate::VERSION;
use crate::report::{CardReport, Report};
use crate::text::{Scaled, Span, Tenths};

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    memory(screen, report);
    load(screen, report);
    pair(
        screen,
        47,
        "card",
        match report.card {
            CardReport::None => Line::new(format_args!("none")),
            CardReport::Failed => Line::new(format_args!("failed")),
            CardReport::Present { saved, .. } if saved.get() < 1_000_000_000 => {
                Line::new(format_args!("holds block {saved}"))
            }
            CardReport::Present { saved, .. } => {
                Line::new(format_args!("holds block {}", Scaled(saved.get())))
            }
        },
    );
    let uptime = Span(report.uptime.millis() / 1_000);
    screen.left(Font::Small, (0, 56), WIDTH, Line::new(format_args!("up {uptime}")));
    screen.right(Font::Small, (WIDTH, 56), 65, Line::new(format_args!("mote {VERSION}")));
    Title::new("DEVICE")
}

/// Static variables solid, the deepest stack hatched, the rest free.
fn memory(screen: &mut Screen, report: &Report<'_>) {
    let memory = &report.memory;
    let kib = |bytes: u32| Tenths((u64::from(bytes) * 10 / 1_024) as u32);
    let used = memory.fixed.saturating_add(memory.stack_peak);
    pair(screen, 12, "RAM", Line::new(format_args!("{} of {} KiB", kib(used), kib(memory.ram))));
    let share = |bytes: u32| {
        let permille = (u64::from(bytes) * 1_000).checked_div(u64::from(memory.ram));
        permille.unwrap_or_default().min(1_000) as u16
    };
    screen.bar((0, 21), (WIDTH, 7), [share(memory.fixed), share(memory.stack_peak)]);
}

/// Checks solid, mining hatched, the rest for everything else.
fn load(screen: &mut Screen, report: &Report<'_>) {
    let load = &report.load;
    let percent = |permille: u16| permille.min(1_000) / 10;
    let (checks, mining) = (percent(load.checks), percent(load.mining));
    pair(screen, 30, "load", Line::new(format_args!("check {checks}% mine {mining}%")));
    screen.bar((0, 39), (WIDTH, 7), [load.checks, load.mining]);
}

/// What it is at the left, its value at the right.
fn pair(screen: &mut Screen, y: i32, name: &str, value: Line) {
    let end = screen.left(Font::Small, (0, y), WIDTH, Line::new(format_args!("{name}")));
    screen.right(Font::Small, (WIDTH, y), end, value);
}
