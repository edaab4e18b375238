//! From the start of the program to its first answer.

use std::path::Path;
use std::time::{Duration, Instant};

use mote_tests::processes::Launch;

use crate::bench::{Bench, Found};
use crate::picture::{Picture, Series};
use crate::row::{Figure, Goal, Row};
use crate::statistics::median;

/// What the rows are called.
pub const ROWS: [&str; 4] = [
    "start to first answer, empty",
    "memory after the start, empty",
    "start to first answer, a million blocks and accounts",
    "memory after the start, a million blocks and accounts",
];

/// How often a node is started over the same chain.
const STARTS: usize = 11;

/// Measures all rows.
pub fn measure(bench: &mut Bench) -> Found {
    let starts = bench.times(STARTS);
    let mut points = Vec::new();
    for accounts in bench.chains.sizes() {
        let (time, _) = start(&bench.chains.plain(&bench.grower, *accounts), starts);
        points.push((*accounts as f64, time * 1e3));
    }
    let empty = start(&bench.chains.plain(&bench.grower, 0), starts);
    let long = start(&bench.chains.long(&bench.grower), starts);
    let goals = [(50, 20e6), (150, 250e6)];
    let names = ROWS.as_chunks::<2>().0;
    let rows = [empty, long].into_iter().zip(goals).zip(names).flat_map(|((measured, goals), names)| {
        let ((time, memory), (millis, bytes)) = (measured, goals);
        let goal = Figure::time(Duration::from_millis(millis));
        [
            Row::alone(names[0], Goal::Most(goal), Figure::time(Duration::from_secs_f64(time))),
            Row::alone(names[1], Goal::Most(Figure::bytes(bytes)), Figure::bytes(memory)),
        ]
    });
    let picture = Picture {
        name: "start",
        title: "From the start to the first answer",
        x: "accounts, in a tenth as many blocks",
        y: "milliseconds",
        series: vec![Series { name: "start to first answer", points }],
    };
    Found { rows: rows.collect(), pictures: vec![picture] }
}

/// How long a node over this chain takes until it answers, in seconds, and how much memory it has then.
fn start(chain: &Path, times: usize) -> (f64, f64) {
    let mut node = Launch::regtest().over_chain(chain).start();
    let (mut taken, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..times {
        node.terminate();
        let begun = Instant::now();
        node.start();
        taken.push(begun.elapsed().as_secs_f64());
        memory.push(node.usage().resident_kib as f64 * 1_024.0);
    }
    node.terminate();
    (median(taken), median(memory))
}
