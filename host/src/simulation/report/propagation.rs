//! How fast blocks spread.

use std::fmt::{self, Write};

use super::{WIDTH, time};
use crate::simulation::summary::{Propagation, delays};
use crate::simulation::world::World;

/// Left of the curve, where the shares stand.
const LEFT: u64 = 60;

/// Width of the curve.
const LONG: u64 = WIDTH - LEFT - 20;

/// Its height.
const HIGH: u64 = 200;

/// Steps of the curve in a tenfold of time.
const STEPS: u64 = 20;

/// How often the time grows tenfold, from 10 ms on.
const TENFOLDS: u64 = 5;

/// Writes the drawing.
pub fn write(page: &mut String, world: &World, propagation: &Propagation) -> fmt::Result {
    let delays = delays(world);
    write!(page, "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"propagation\">", HIGH + 50)?;
    for (share, millis) in [(50, propagation.median_ms), (90, propagation.p90_ms), (99, propagation.p99_ms)] {
        let y = 15 + HIGH - HIGH * share / 100;
        write!(
            page,
            "<path class=\"grid\" d=\"M{LEFT} {y}H{}\"/><text x=\"10\" y=\"{}\">{share} %</text>\
             <text class=\"strong\" x=\"{}\" y=\"{}\">{share} % within {}</text>",
            LEFT + LONG,
            y + 4,
            LEFT + 8,
            y - 5,
            time(millis)
        )?;
    }
    page.push_str("<path class=\"line\" d=\"");
    for column in 0..=STEPS * TENFOLDS {
        let (whole, part) = (column / STEPS, column % STEPS);
        let limit = 10_u64.pow(whole as u32 + 1);
        let limit = limit + limit * 9 * part / STEPS;
        let share =
            delays.partition_point(|delay| *delay <= limit) as u64 * HIGH / delays.len().max(1) as u64;
        let command = if column == 0 { 'M' } else { 'L' };
        write!(page, "{command}{} {} ", LEFT + column * LONG / (STEPS * TENFOLDS), 15 + HIGH - share)?;
    }
    page.push_str("\"/>");
    for (mark, label) in ["10 ms", "100 ms", "1 s", "10 s", "100 s", "1000 s"].iter().enumerate() {
        let x = LEFT + mark as u64 * LONG / TENFOLDS;
        let anchor = if mark as u64 == TENFOLDS { "end" } else { "middle" };
        write!(page, "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{label}</text>", HIGH + 38)?;
    }
    page.push_str("</svg>");
    Ok(())
}
