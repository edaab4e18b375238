//! What a full block costs: until it is durable, and to prove and to check it without the accounts.

use std::hint::black_box;
use std::thread::sleep;
use std::time::Duration;

use mote::block::{self, Block};
use mote::node::MEMPOOL_TRANSACTIONS;
use mote::store::disk::Disk;
use mote::store::ledger::{Added, Ledger};
use mote::store::witness::WitnessPart;
use mote_core::hash::Hash32;
use mote_core::mempool::{Inserted, Mempool, Positions, Slot};
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, Clock, Execution};
use mote_core::state::{Account, Proof, ProofRef, WitnessAccounts};
use mote_core::units::Amount;
use mote_tests::growth::Grower;

use crate::bench::{Bench, Found};
use crate::chains::{FULL, Ring, add_block, copy, open};
use crate::picture::{Picture, Series};
use crate::references::Appended;
use crate::row::{Figure, Goal, Row};
use crate::statistics::{median, median_time, time as timed};

/// What the rows are called.
pub const ROWS: [&str; 2] =
    ["block of 1,000 payments until durable, signatures known", "witness of a block of 1,000 payments"];

/// How many blocks are taken in.
const BLOCKS: usize = 20;

/// How long everything rests before each.
const REST: Duration = Duration::from_millis(5);

/// How often the witness of a block is made and checked.
const WITNESSES: usize = 9;

/// Measures both rows.
pub fn measure(bench: &mut Bench) -> Found {
    let durable = durable(bench);
    let mut points = Vec::new();
    for accounts in bench.chains.sizes() {
        points.push((*accounts as f64, witnessed(bench, *accounts)));
    }
    let series = |name, of: fn(&Witnessed) -> f64| {
        let points = points.iter().map(|(accounts, witnessed)| (*accounts, of(witnessed) * 1e3));
        Series { name, points: points.collect() }
    };
    let picture = Picture {
        name: "witness",
        title: "The witness of a block of 1,000 payments",
        x: "accounts",
        y: "milliseconds",
        series: vec![
            series("made", |witnessed| witnessed.made),
            series("checked", |witnessed| witnessed.checked),
        ],
    };
    let (_, last) = &points[points.len() - 1];
    let [made, checked] = [last.made, last.checked].map(|time| Figure::time(Duration::from_secs_f64(time)));
    let witness =
        Row::beside(ROWS[1], Goal::MostTimes(3.0), made, "checking it, signatures left out", checked);
    Found { rows: vec![durable, witness], pictures: vec![picture] }
}

/// From the bytes of a block until it can be acknowledged, by turns with what its bytes alone cost. Blocks are rare, so
/// that each comes to a node and to a disk that have rested.
fn durable(bench: &mut Bench) -> Row {
    let chain = bench.chains.busy(&bench.grower, 0);
    let [source, folder] = [bench.folder(), bench.folder()];
    copy(&chain, &source);
    copy(&chain, &folder);
    let mut ledger = open(&bench.grower, &source);
    let mut ring = Ring::new(&bench.grower, &ledger, 0);
    let blocks = (0..bench.times(BLOCKS)).map(|_| full_block(&bench.grower, &mut ledger, &mut ring));
    let blocks: Vec<Block> = blocks.collect();
    let mut bare = Appended::new(&folder.join("bare"));
    let mut ledger = open(&bench.grower, &folder);
    let mut times = [Vec::new(), Vec::new()];
    for block in &blocks {
        let (bytes, known) = (block::encode(block), open_payments(&bench.grower, block));
        sleep(REST);
        let appended = timed(|| bare.append_and_sync(&bytes));
        sleep(REST);
        let taken = timed(|| {
            let block = block::decode(&bytes).expect("it is a block");
            let added = ledger.add_knowing(&block, Clock::AcceptedBefore, &known);
            let added = added.expect("it obeys every rule");
            assert_eq!(added, Added::Extended);
            ledger.sync().expect("the log can be written");
        });
        for (times, time) in times.iter_mut().zip([taken, appended]) {
            times.push(time.as_secs_f64());
        }
    }
    let [durable, bare] = times.map(|times| Figure::time(Duration::from_secs_f64(median(times))));
    Row::beside(
        ROWS[0],
        Goal::MostTimes(3.0),
        durable,
        "its bytes appended to a file and synced, by turns",
        bare,
    )
}

/// A mempool in which the payments of a block are open.
fn open_payments(grower: &Grower, block: &Block) -> Mempool<Vec<Slot>, Vec<Positions>> {
    let (slots, positions) =
        (vec![None; MEMPOOL_TRANSACTIONS], vec![Positions::default(); MEMPOOL_TRANSACTIONS]);
    let mut mempool = Mempool::new(slots, positions);
    for checked in grower.check(&block.transactions) {
        let balance = Amount::from_grains(u64::MAX);
        let account = Account { balance, nonce: checked.transaction().nonce };
        let inserted = mempool.insert(&checked, account);
        assert_eq!(inserted, Ok(Inserted::Added), "each is its sender's only one");
    }
    mempool
}

/// A block of 1,000 payments on the tip.
fn full_block<D: Disk>(grower: &Grower, ledger: &mut Ledger<D>, ring: &mut Ring) -> Block {
    add_block(grower, ledger, ring.next(grower, FULL));
    let id = ledger.tip().id();
    ledger.block(&id).expect("the store works").expect("it was just added")
}

/// How long a witness takes, in seconds.
struct Witnessed {
    made: f64,
    checked: f64,
}

fn witnessed(bench: &mut Bench, accounts: u64) -> Witnessed {
    let folder = bench.folder();
    copy(&bench.chains.busy(&bench.grower, accounts), &folder);
    let mut ledger = open(&bench.grower, &folder);
    let mut ring = Ring::new(&bench.grower, &ledger, accounts);
    let start = ledger.tip().state_root();
    let block = full_block(&bench.grower, &mut ledger, &mut ring);
    let id = block.header.id();
    let times = bench.times(WITNESSES);
    let made = median_time(times, || drop(black_box(proofs(&ledger, &id))));
    let proofs = proofs(&ledger, &id);
    let checked = bench.grower.check(&block.transactions);
    let checked = median_time(times, || fold(&bench.grower.params, start, &block, &checked, &proofs));
    Witnessed { made, checked }
}

/// The proofs of a block, in the order in which execution asks for them.
fn proofs<D: Disk>(ledger: &Ledger<D>, id: &Hash32) -> Vec<Proof> {
    let mut witness = ledger.witness(id).expect("the store works").expect("the block is there");
    let mut proofs = Vec::new();
    while let Some(part) = witness.next(ledger).expect("the block obeys every rule") {
        match part {
            WitnessPart::Transaction { sender, recipient, .. } => proofs.extend([*sender, *recipient]),
            WitnessPart::End { miner } => proofs.extend(miner.map(|proof| *proof)),
        }
    }
    proofs
}

/// Executes a block over its proofs alone and holds its header to it.
fn fold(
    params: &Params,
    start: Hash32,
    block: &Block,
    payments: &[CheckedTransaction<'_>],
    proofs: &[Proof],
) {
    let proofs = proofs.iter().map(|proof| ProofRef { leaf: proof.leaf, path: proof.path.as_ref() });
    let mut accounts = WitnessAccounts::new(start, proofs);
    let mut execution = Execution::new(params, block.header.height, block.header.miner);
    for payment in payments {
        execution.apply(&mut accounts, payment).expect("it obeys every rule");
    }
    let executed = execution.finish(&mut accounts).expect("the miner can be paid");
    executed.check(&block.header).expect("the header says what came of it");
}
