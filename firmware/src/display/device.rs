//! How the device itself is doing: memory, load, card.

use super::Title;
use super::screen::{Font, Screen, WIDTH};
use crate::VERSION;
use crate::report::{CardReport, Load, Memory, Report};
use crate::text::{Span, Tenths};

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    memory(screen, &report.memory);
    load(screen, &report.load);
    match report.card {
        CardReport::None => screen.pair(47, "card", format_args!("none")),
        CardReport::Failed => screen.pair(47, "card", format_args!("failed")),
        CardReport::Present { saved, .. } => screen.pair(47, "card", format_args!("block {saved}")),
    }
    let uptime = Span(report.uptime.millis() / 1_000);
    screen.left(Font::Small, (0, 56), WIDTH, format_args!("up {uptime}"));
    screen.right(Font::Small, (WIDTH, 56), 65, format_args!("mote {VERSION}"));
    Title::new("DEVICE")
}

/// Static variables solid, the deepest stack hatched, the rest free.
fn memory(screen: &mut Screen, memory: &Memory) {
    // 16 MiB are far beyond the processors that this is for, and let the arithmetic stay small.
    let [ram, fixed, stack] =
        [memory.ram, memory.fixed, memory.stack_peak].map(|bytes| bytes.min(1 << 24) * 10 / 1_024);
    screen.pair(12, "RAM", format_args!("{} of {} KiB", Tenths(fixed + stack), Tenths(ram)));
    let share = |part: u32| (part * 1_000).checked_div(ram).unwrap_or_default().min(1_000) as u16;
    screen.bar((0, 21), (WIDTH, 7), [share(fixed), share(stack)]);
}

/// Checks solid, mining hatched, the rest for everything else.
fn load(screen: &mut Screen, load: &Load) {
    let percent = |permille: u16| permille.min(1_000) / 10;
    let (checks, mining) = (percent(load.checks), percent(load.mining));
    screen.pair(30, "load", format_args!("check {checks}% mine {mining}%"));
    screen.bar((0, 39), (WIDTH, 7), [load.checks, load.mining]);
}
