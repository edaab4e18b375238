//! How deep reorganisations went.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::WIDTH;

/// Left of the bars, where the depths stand.
const LEFT: u64 = 90;

/// The longest bar.
const LONG: u64 = WIDTH - LEFT - 70;

/// The height of a line.
const ROW: usize = 22;

/// Writes the drawing.
pub fn write(page: &mut String, depths: &BTreeMap<u64, u64>) -> fmt::Result {
    if depths.is_empty() {
        page.push_str("<p>There was none.</p>");
        return Ok(());
    }
    let most = depths.values().max().copied().unwrap_or(1).max(1);
    let height = depths.len() * ROW + 12;
    write!(page, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"reorganisations\">")?;
    for (line, (depth, times)) in depths.iter().enumerate() {
        let (y, width) = (line * ROW + 8, (times * LONG / most).max(2));
        let blocks = if *depth == 1 { "block" } else { "blocks" };
        write!(
            page,
            "<text x=\"10\" y=\"{}\">{depth} {blocks}</text><rect class=\"bar\" x=\"{LEFT}\" y=\"{y}\" \
             width=\"{width}\" height=\"14\" rx=\"3\"/><text class=\"strong\" x=\"{}\" y=\"{}\">{times}</text>",
            y + 11,
            LEFT + width + 8,
            y + 11
        )?;
    }
    page.push_str("</svg>");
    Ok(())
}
