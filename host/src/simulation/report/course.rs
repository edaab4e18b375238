//! Who was on which chain when, and when what went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use mote_core::hash::Hash32;

use super::{WIDTH, tenths, time};
use crate::simulation::world::World;

/// Where the line of time begins, right of the names.
const LEFT: u64 = 150;

/// What it is long.
const LONG: u64 = WIDTH - LEFT - 10;

/// The height of the line of a kind of fault.
const FAULT_ROW: usize = 14;

/// How many parts the time is marked in.
const PARTS: u64 = 6;

/// The height of the line of a node, less where there are many.
fn row(lines: usize) -> usize {
    if lines <= 30 { 14 } else { 6 }
}

/// Writes the drawing.
pub fn write(page: &mut String, world: &World) -> fmt::Result {
    let total = world.millis.max(1);
    let lines = world.tally.course.len();
    let mut struck: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (millis, name) in &world.tally.struck {
        struck.entry(name).or_default().push(*millis);
    }
    let top = 12 + struck.len() * FAULT_ROW + 10;
    let height = top + lines * row(lines) + 28;
    write!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"nodes and faults over time\">"
    )?;
    for part in 0..=PARTS {
        let millis = total * part / PARTS;
        let x = LEFT + LONG * part / PARTS;
        let anchor = if part == PARTS { "end" } else { "middle" };
        write!(
            page,
            "<path class=\"grid\" d=\"M{x} 8V{}\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            height - 24,
            height - 9,
            time(millis)
        )?;
    }
    for (line, (name, times)) in struck.iter().enumerate() {
        let y = 12 + line * FAULT_ROW;
        write!(page, "<text x=\"8\" y=\"{}\">{}</text>", y + 9, name.replace('_', " "))?;
        for millis in times {
            let x = tenths(*millis, total, LONG);
            write!(
                page,
                "<rect class=\"mark\" x=\"{LEFT}\" y=\"{y}\" width=\"2\" height=\"9\" rx=\"1\" \
                 transform=\"translate({x})\"/>"
            )?;
        }
    }
    write_lines(page, world, top)?;
    page.push_str("</svg>");
    Ok(())
}

fn write_lines(page: &mut String, world: &World, top: usize) -> fmt::Result {
    let total = world.millis.max(1);
    let chain: BTreeSet<Hash32> = world.main_chain().into_iter().collect();
    let genesis = world.params.genesis_id();
    let class = |tip: &Option<Hash32>| match tip {
        None => "off",
        Some(tip) if chain.contains(tip) || *tip == genesis => "main",
        Some(_) => "side",
    };
    let row = row(world.tally.course.len());
    for (number, course) in world.tally.course.iter().enumerate() {
        let y = top + number * row;
        if row > 10 {
            let kind = match world.places.get(number) {
                None => "device",
                Some(place) if place.is_byzantine => "byzantine node",
                Some(_) => "node",
            };
            write!(page, "<text x=\"8\" y=\"{}\">{kind} {number}</text>", y + 10)?;
        }
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
            let (x, width) = (tenths(*from, total, LONG), tenths(to.saturating_sub(*from), total, LONG));
            write!(
                page,
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"{}\" \
                 transform=\"translate({x})\"/>",
                row - 2
            )?;
        }
    }
    Ok(())
}
