//! Looking things up in chains of different lengths: as people and programs do it, who ask a node one thing after
//! another over HTTP, and in the store alone, for the picture.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mote::store::disk::FileDisk;
use mote::store::ledger::Ledger;
use mote_core::address::Address;
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_tests::growth::Grower;
use mote_tests::processes::Launch;
use mote_tests::random::Random;

use crate::bench::{Bench, Found};
use crate::chains::{open, stranger};
use crate::load::{Span, ask, request};
use crate::picture::{Picture, Series};
use crate::row::{Figure, Goal, Row};
use crate::statistics::{median, median_time};

/// What the rows are called.
pub const ROWS: [&str; 3] = [
    "look-up of a balance, a million accounts",
    "look-up of a block, a million accounts",
    "look-up of a transaction, a million accounts",
];

/// How often each thing is looked up in the store.
const LOOKUPS: usize = 20_000;

/// How often each is asked for, in a round.
const QUESTIONS: usize = 4_000;

/// How many transactions are looked up, from all over the chain.
const TRANSACTIONS: usize = 1_000;

/// Measures all rows.
pub fn measure(bench: &mut Bench) -> Found {
    let sizes = bench.chains.sizes();
    let look = |accounts: &u64| {
        let folder = bench.chains.plain(&bench.grower, *accounts);
        looked_up(&bench.grower, &folder, *accounts, bench.times(LOOKUPS))
    };
    let all: Vec<[f64; 3]> = sizes.iter().map(look).collect();
    let ends = [sizes[0], bench.chains.largest()].map(|accounts| {
        let folder = bench.chains.plain(&bench.grower, accounts);
        asked(&bench.grower, &folder, accounts, bench.times(QUESTIONS))
    });
    let row = |number: usize| {
        let [short, long] = ends.map(|times| Figure::time(Duration::from_secs_f64(times[number])));
        Row::beside(ROWS[number], Goal::MostTimes(2.0), long, "a hundred accounts", short)
    };
    let series = |number: usize, name| {
        let points = sizes.iter().zip(&all).map(|(accounts, times)| (*accounts as f64, times[number] * 1e6));
        Series { name, points: points.collect() }
    };
    let picture = Picture {
        name: "look-ups",
        title: "Looking things up in the store, by the accounts that there are",
        x: "accounts, in a tenth as many blocks",
        y: "microseconds",
        series: vec![series(0, "balance"), series(1, "block"), series(2, "transaction")],
    };
    Found { rows: (0..3).map(row).collect(), pictures: vec![picture] }
}

/// How long an answer takes, in seconds, where a node is asked one thing after another.
fn asked(grower: &Grower, folder: &Path, accounts: u64, times: usize) -> [f64; 3] {
    let (height, ids) = {
        let ledger = open(grower, folder);
        (ledger.tip().height().get(), transactions(&ledger))
    };
    let node = Launch::regtest().over_chain(folder).start();
    let server: SocketAddr = node.address().parse().expect("an address");
    let measure = |path: &dyn Fn(u64) -> String| {
        let mut random = Random::new(1);
        let requests: Vec<_> = (0..times).map(|_| request(server, &path(random.next_u64()), None)).collect();
        let round = || 1.0 / ask(server, vec![requests.clone()], Span::Once).per_second;
        round();
        median(vec![round(), round(), round()])
    };
    [
        measure(&|number| {
            let owner = stranger(number % (accounts - 1));
            format!("/api/v1/accounts/{}", Address::new(grower.params.address_prefix, owner))
        }),
        measure(&|number| format!("/api/v1/blocks/{}", 1 + number % height)),
        measure(&|number| format!("/api/v1/transactions/{}", ids[number as usize % ids.len()])),
    ]
}

/// How long the look-ups take, in seconds. All have been made before, so that nothing waits for the disk.
fn looked_up(grower: &Grower, folder: &Path, accounts: u64, times: usize) -> [f64; 3] {
    let ledger = open(grower, folder);
    let height = ledger.tip().height().get();
    let ids = transactions(&ledger);
    let measure = |look: &dyn Fn(u64)| {
        let run = || {
            let mut random = Random::new(1);
            median_time(times, || look(random.next_u64()))
        };
        run();
        median(vec![run(), run(), run()])
    };
    [
        measure(&|number| {
            let owner = stranger(number % (accounts - 1));
            black_box(ledger.account(&owner.account_key()).expect("the store works"));
        }),
        // The same share of blocks has payments at all lengths.
        measure(&|number| {
            let id =
                ledger.id_at(1 + number % height).expect("the store works").expect("the chain is longer");
            black_box(ledger.block(&id).expect("the store works").expect("the block is there"));
        }),
        measure(&|number| {
            let id = ids[number as usize % ids.len()];
            black_box(ledger.transaction(&id).expect("the store works").expect("it is on the main chain"));
        }),
    ]
}

/// Ids of transactions from all over the chain.
fn transactions(ledger: &Ledger<FileDisk>) -> Vec<Hash32> {
    let height = ledger.tip().height().get();
    let step = (height / TRANSACTIONS as u64).max(1) as usize;
    let blocks = (1..=height).step_by(step).map(|height| {
        let id = ledger.id_at(height).expect("the store works").expect("the chain is longer");
        ledger.block(&id).expect("the store works").expect("the block is there")
    });
    blocks.flat_map(|block| block.transactions.iter().map(Transaction::id).collect::<Vec<_>>()).collect()
}
