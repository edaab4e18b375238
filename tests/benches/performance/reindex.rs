//! Opening a chain whose indexes are gone.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::bench::{Bench, Found};
use crate::chains::{copy, open};
use crate::row::{Figure, Goal, Row};

/// What the row is called.
pub const ROWS: [&str; 1] = ["opening without indexes, a million payments"];

/// Measures the row.
pub fn measure(bench: &mut Bench) -> Found {
    let accounts = bench.chains.largest();
    let folder = bench.folder();
    copy(&bench.chains.plain(&bench.grower, accounts), &folder);
    keep_the_log(&folder);
    let begun = Instant::now();
    let ledger = open(&bench.grower, &folder);
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(ledger.tip().height().get(), accounts / 10, "all blocks are there again");
    let goal = Goal::Least(Figure::rate("payments", 200_000.0));
    let payments = (accounts - 1) as f64;
    Found::rows(vec![Row::alone(ROWS[0], goal, Figure::rate("payments", payments / seconds))])
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
