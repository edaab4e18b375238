//! Opening a chain whose indexes are gone.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::bench::{Bench, Found};
use crate::chains::{BLOCKS, PAYMENTS, copy, open};
use crate::row::{Figure, Goal, Row};
use crate::statistics::median;

/// What the rows are called.
pub const ROWS: [&str; 2] =
    ["opening without indexes, 20,000 payments in 424 blocks", "opening without indexes, a million payments"];

/// How often the shorter chain is opened.
const OPENINGS: usize = 9;

/// Measures both rows.
pub fn measure(bench: &mut Bench) -> Found {
    let (busy, largest) = (bench.chains.busy(&bench.grower, 0), bench.chains.largest());
    let short: Vec<f64> =
        (0..bench.times(OPENINGS)).map(|_| PAYMENTS as f64 / opening(bench, &busy, BLOCKS)).collect();
    let plain = bench.chains.plain(&bench.grower, largest);
    let long = (largest - 1) as f64 / opening(bench, &plain, largest / 10);
    let row = |what, rate| {
        Row::alone(what, Goal::Least(Figure::rate("payments", 200_000.0)), Figure::rate("payments", rate))
    };
    Found::rows(vec![row(ROWS[0], median(short)), row(ROWS[1], long)])
}

/// How many seconds it takes to open this chain of so many blocks by its log alone.
fn opening(bench: &mut Bench, chain: &Path, blocks: u64) -> f64 {
    let folder = bench.folder();
    copy(chain, &folder);
    keep_the_log(&folder);
    let begun = Instant::now();
    let ledger = open(&bench.grower, &folder);
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(ledger.tip().height().get(), blocks, "all blocks are there again");
    seconds
}

/// Removes all files but the segments of the log.
fn keep_the_log(folder: &Path) {
    for file in fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("the folder can be read").path();
        if path.extension().is_none_or(|extension| extension != "seg") {
            fs::remove_file(path).expect("a file can be removed");
        }
    }
}
