//! The world on one page: HTML with drawings, which needs nothing else and no script.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use mote_core::hash::Hash32;

use super::summary::{Summary, delays};
use super::world::World;

/// The width of a drawing, in its own units.
const WIDTH: u64 = 1_000;

/// The height of the line of a node.
const ROW: usize = 8;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;\
color:#222;background:#fff}svg{width:100%;height:auto;background:#f4f4f2}table{border-collapse:collapse}\
td{padding:.1rem 1.5rem .1rem 0;vertical-align:top}code{word-break:break-all}.bad{color:#b00020}\
.main{fill:#2f7d4f}.side{fill:#d98c1f}.off{fill:#c9c9c6}.bar{fill:#3a6ea5}.line{fill:none;stroke:#3a6ea5;\
stroke-width:2}text{font:12px system-ui,sans-serif;fill:#222}";

/// The page for a world and what came of it.
pub(super) fn page(world: &World, summary: &Summary) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, world, summary);
    page
}

fn write_page(page: &mut String, world: &World, summary: &Summary) -> fmt::Result {
    let seed = summary.knobs.seed;
    write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Mote: world {seed}</title><style>{STYLE}</style><h1>World {seed}</h1>"
    )?;
    match &summary.violation {
        None => page.push_str("<p>Every demand was kept.</p>"),
        Some(violation) => write!(
            page,
            "<p class=\"bad\">{:?} was violated after {} ms{}: got {}, expected {}.</p>",
            violation.demand,
            violation.millis,
            violation.node.map(|node| format!(" at node {node}")).unwrap_or_default(),
            escaped(&violation.got),
            escaped(&violation.expected)
        )?,
    }
    write_facts(page, summary)?;
    page.push_str(
        "<h2>Who was on which chain when</h2><p>A line for each node, time from left to right. Green: a \
         block of the chain that won; orange: one that lost; grey: off.</p>",
    );
    write_course(page, world)?;
    page.push_str(
        "<h2>How fast blocks spread</h2><p>The share of nodes that had a block, by the time since the \
                   first had it; the time grows tenfold from one mark to the next.</p>",
    );
    write_propagation(page, &delays(world))?;
    page.push_str("<h2>How deep reorganisations went</h2>");
    write_depths(page, summary)?;
    page.push_str("</html>\n");
    Ok(())
}

fn write_facts(page: &mut String, summary: &Summary) -> fmt::Result {
    let faults: Vec<String> =
        summary.faults.iter().map(|(name, times)| format!("{times} {}", name.replace('_', " "))).collect();
    let propagation = &summary.propagation;
    let agreed = summary.agreed_after_ms.map_or("never".to_owned(), |millis| format!("{millis} ms"));
    let facts = [
        ("Nodes", summary.knobs.nodes.to_string()),
        ("Time", format!("{} s", summary.millis / 1_000)),
        ("Agreed after the last fault", agreed),
        ("Tip", format!("{} <code>{}</code>", summary.height, summary.tip)),
        ("Blocks", summary.blocks.to_string()),
        ("Forks", format!("{} of 1000 blocks", summary.forks_per_mille)),
        (
            "Propagation",
            format!(
                "{} ms median, {} ms p90, {} ms p99, {} ms slowest",
                propagation.median_ms, propagation.p90_ms, propagation.p99_ms, propagation.slowest_ms
            ),
        ),
        ("Payments", summary.payments.to_string()),
        ("Faults", faults.join(", ")),
        ("Lies", summary.lies.to_string()),
        ("Messages", format!("{} ({} bytes)", summary.messages, summary.bytes)),
    ];
    page.push_str("<table>");
    for (name, value) in facts {
        write!(page, "<tr><td>{name}<td>{value}")?;
    }
    page.push_str("</table>");
    Ok(())
}

fn write_course(page: &mut String, world: &World) -> fmt::Result {
    let chain: BTreeSet<Hash32> = world.main_chain().into_iter().collect();
    let total = world.millis.max(1);
    let genesis = world.params.genesis_id();
    let height = world.places.len() * ROW;
    write!(page, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"nodes over time\">")?;
    for (number, course) in world.tally.course.iter().enumerate() {
        let class = |tip: &Option<Hash32>| match tip {
            None => "off",
            Some(tip) if chain.contains(tip) || *tip == genesis => "main",
            Some(_) => "side",
        };
        // Neighbours of one colour are one piece.
        let mut pieces: Vec<(u64, &str)> = vec![(0, "off")];
        for (millis, tip) in course {
            let class = class(tip);
            if pieces.last().is_some_and(|(_, last)| *last != class) {
                pieces.push((*millis, class));
            }
        }
        let ends = pieces.iter().skip(1).map(|(millis, _)| *millis).chain([total]);
        for ((from, class), to) in pieces.iter().zip(ends) {
            let (x, width) = (tenths(*from, total), tenths(to.saturating_sub(*from), total));
            let (y, height) = (number * ROW, ROW - 1);
            write!(
                page,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
            )?;
        }
    }
    page.push_str("</svg>");
    Ok(())
}

/// A part of the width, with one decimal.
fn tenths(part: u64, total: u64) -> String {
    let tenths = u128::from(part) * u128::from(WIDTH) * 10 / u128::from(total.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn write_propagation(page: &mut String, delays: &[u64]) -> fmt::Result {
    write!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} 230\" role=\"img\" aria-label=\"propagation\"><path class=\"line\" d=\""
    )?;
    for column in 0..=100_u64 {
        // Five tenfold steps from 10 ms on, in twentieths of one.
        let (whole, part) = (column / 20, column % 20);
        let limit = 10_u64.pow(whole as u32 + 1);
        let limit = limit + limit * 9 * part / 20;
        let share = delays.partition_point(|delay| *delay <= limit) * 200 / delays.len().max(1);
        let command = if column == 0 { 'M' } else { 'L' };
        write!(page, "{command}{} {} ", column * 10, 205 - share)?;
    }
    page.push_str("\"/>");
    for (column, label) in ["10 ms", "100 ms", "1 s", "10 s", "100 s"].iter().enumerate() {
        write!(page, "<text x=\"{}\" y=\"224\">{label}</text>", column * 200 + 2)?;
    }
    page.push_str("</svg>");
    Ok(())
}

fn write_depths(page: &mut String, summary: &Summary) -> fmt::Result {
    let most = summary.reorganisations.values().max().copied().unwrap_or(1).max(1);
    let height = summary.reorganisations.len().max(1) * 20;
    write!(page, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"reorganisations\">")?;
    for (row, (depth, times)) in summary.reorganisations.iter().enumerate() {
        let (y, width) = (row * 20, times * 800 / most);
        write!(
            page,
            "<text x=\"2\" y=\"{}\">depth {depth}</text><rect class=\"bar\" x=\"80\" y=\"{}\" width=\"{width}\" \
             height=\"14\"/><text x=\"{}\" y=\"{}\">{times}</text>",
            y + 14,
            y + 3,
            width + 86,
            y + 14
        )?;
    }
    page.push_str("</svg>");
    Ok(())
}

/// The text with nothing in it that HTML reads as more than text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
