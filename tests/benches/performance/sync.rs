//! A node that fetches a chain from another one on the same computer, both as processes, and what it then has on
//! its disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use mote_tests::processes::{Launch, Node};

use crate::bench::{Bench, Found};
use crate::chains::{BLOCKS, PAYMENTS};
use crate::picture::{Picture, Series};
use crate::references::ecdsa_checks;
use crate::row::{Figure, Goal, Row};
use crate::statistics::median;

/// What the rows are called.
pub const ROWS: [&str; 4] = [
    "first sync, 20,000 payments in 424 blocks",
    "the same behind a million accounts in 100,000 blocks",
    "memory of a node that syncs a million accounts",
    "disk for a payment, log and all indexes",
];

/// How often each sync is done.
const SYNCS: usize = 3;

/// How long the longest sync may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures all rows.
pub fn measure(bench: &mut Bench) -> Found {
    let checks = ecdsa_checks(bench.span(Duration::from_secs(2)));
    let mut points = Vec::new();
    let mut disk = 0.0;
    for accounts in [0].iter().chain(bench.chains.sizes()) {
        let target = accounts / 10 + BLOCKS;
        let source = bench.chains.busy(&bench.grower, *accounts);
        let start = bench.chains.plain(&bench.grower, *accounts);
        let is_row = *accounts == 0 || *accounts == bench.chains.largest();
        let times = (0..if is_row { bench.times(SYNCS) } else { 1 }).map(|_| {
            let synced = Synced::of(&source, Launch::regtest().with_chain(&start), target);
            if *accounts == 0 {
                disk = synced.disk as f64 / PAYMENTS as f64;
            }
            synced.seconds
        });
        points.push((*accounts, PAYMENTS as f64 / median(times.collect())));
    }
    let largest = bench.chains.largest();
    let whole = Synced::of(&bench.chains.plain(&bench.grower, largest), Launch::regtest(), largest / 10);
    let [small, large] = [points[0].1, points[points.len() - 1].1].map(|rate| Figure::rate("payments", rate));
    let rows = vec![
        Row::beside(
            ROWS[0],
            Goal::LeastTimes(2.5),
            small,
            "ECDSA checks of one core by the secp256k1 crate",
            Figure::rate("checks", checks),
        ),
        Row::beside(ROWS[1], Goal::LeastTimes(0.8), large, "the row above", small),
        Row::alone(ROWS[2], Goal::Most(Figure::bytes(150e6)), Figure::bytes(whole.peak)),
        Row::alone(ROWS[3], Goal::Most(Figure::bytes(270.0)), Figure::bytes(disk)),
    ];
    let points = points[1..].iter().map(|(accounts, rate)| (*accounts as f64, *rate));
    let ecdsa = bench.chains.sizes().iter().map(|accounts| (*accounts as f64, checks));
    let picture = Picture {
        name: "sync",
        title: "Payments that a sync takes in, by the accounts that there are",
        x: "accounts, in a tenth as many blocks",
        y: "payments a second",
        series: vec![
            Series { name: "sync of 20,000 payments", points: points.collect() },
            Series { name: "ECDSA checks of one core", points: ecdsa.collect() },
        ],
    };
    Found { rows, pictures: vec![picture] }
}

/// A node that has fetched a chain.
struct Synced {
    seconds: f64,
    /// The most memory that it had, in bytes.
    peak: f64,
    /// What its folder takes of the disk, in bytes.
    disk: u64,
}

impl Synced {
    /// Has a node fetch the rest of the chain in this folder, up to a height.
    fn of(source: &Path, launch: Launch, height: u64) -> Self {
        let source = Launch::regtest().over_chain(source).start();
        let mut node = launch.start();
        // Else the system would write the chains that were just made and copied to the disk beside the sync.
        rustix::fs::sync();
        let begun = Instant::now();
        node.add_peer(&source);
        wait_for(&node, height);
        let seconds = begun.elapsed().as_secs_f64();
        let peak = node.usage().peak_kib as f64 * 1_024.0;
        node.terminate();
        let disk = disk_usage(&node.folder());
        Self { seconds, peak, disk }
    }
}

fn wait_for(node: &Node, height: u64) {
    let begun = Instant::now();
    while node.api().status().height < height {
        assert!(begun.elapsed() < PATIENCE, "the chain was not fetched within {PATIENCE:?}\n{}", node.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What the files of a folder take of the disk, in bytes.
fn disk_usage(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("the folder is there");
    // Linux counts in blocks of 512 bytes, whatever the file system does.
    files.map(|file| file.and_then(|file| file.metadata()).expect("the file is there").blocks() * 512).sum()
}
