//! What must not grow with the chain: opening a ledger and looking things up, in a short chain and in one
//! that is a thousand times as long. Beside it what a block costs, and what bounds that.

use std::fs::{File, read_to_string};
use std::hint::black_box;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use mote::block::{self, Block};
use mote::store::disk::FileDisk;
use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote_core::transaction::Transaction;
use mote_tests::growth::{BLOCKS_PER_PAYMENT, Grower, add};
use mote_tests::random::Random;

/// Blocks of the two chains.
const SHORT: u64 = 100;
const LONG: u64 = 100_000;

/// How often a ledger is opened.
const OPENINGS: usize = 21;

/// How often each thing is looked up.
const LOOKUPS: usize = 2_000;

/// How many empty blocks, and blocks of payments, are added one by one.
const EMPTY: usize = 200;
const PAID: usize = 20;

/// Tells the process that it is to grow a chain. A process of its own, so that what it leaves behind in
/// memory is not taken for a node's.
const GROW: &str = "--grow";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, folder, height, ..] = arguments.as_slice()
        && mode == GROW
    {
        return grow(folder, height.parse().expect("the height is a number"));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |height: u64| folder.path().join(height.to_string());
    for height in [SHORT, LONG] {
        let program = std::env::current_exe().expect("this program has a path");
        let grown = Command::new(program).arg(GROW).arg(path(height)).arg(height.to_string()).status();
        assert!(grown.is_ok_and(|status| status.success()), "the chain of {height} blocks was not grown");
    }
    let disk = |height| FileDisk::new(path(height)).expect("the folder is there");
    println!("\nwhat must not grow with the chain, medians");
    println!("{:<34}{SHORT:>12} blocks{LONG:>12} blocks{:>8}", "", "ratio");
    let [short, long] = [SHORT, LONG].map(|height| Measured::of(&disk(height)));
    for ((what, short), (_, long)) in short.times.iter().zip(&long.times) {
        let ratio = long.as_secs_f64() / short.as_secs_f64();
        println!("{what:<34}{:>16.1} us{:>16.1} us{ratio:>8.2}", micros(*short), micros(*long));
    }
    println!("{:<34}{:>15.1} MiB{:>15.1} MiB", "memory that the ledger adds", short.memory, long.memory);
    costs(folder.path());
}

/// Grows a chain in a folder, and ends as a node does.
fn grow(folder: &str, height: u64) {
    let grower = Grower::default();
    let mut ledger = grower.open(FileDisk::new(folder).expect("the folder can be made"));
    let begun = Instant::now();
    grower.grow(&mut ledger, height);
    let taken = begun.elapsed();
    ledger.close().expect("the index can be written");
    println!("grew {height} blocks in {taken:.2?}, {:.1} us each", micros(taken) / height as f64);
}

struct Measured {
    times: Vec<(&'static str, Duration)>,
    /// In MiB, after all look-ups.
    memory: f64,
}

impl Measured {
    fn of(disk: &FileDisk) -> Self {
        let grower = Grower::default();
        let before = resident();
        let mut openings: Vec<Duration> = (0..OPENINGS)
            .map(|_| {
                let begun = Instant::now();
                let _ledger = grower.open(disk.clone());
                begun.elapsed()
            })
            .collect();
        let ledger = grower.open(disk.clone());
        let height = ledger.tip().height().get();
        let ids = transactions(&ledger);
        let mut times = vec![("opening", median(&mut openings))];
        let mut measure = |what, again, look: &dyn Fn(u64)| {
            // The first time much comes from the disk or the system's cache, the second time less does.
            for what in [what, again] {
                let mut random = Random::new(1);
                let mut taken: Vec<Duration> = (0..LOOKUPS)
                    .map(|_| {
                        let number = random.next_u64() % height;
                        time(|| look(number))
                    })
                    .collect();
                times.push((what, median(&mut taken)));
            }
        };
        measure("balance", "balance, again", &|number| {
            black_box(ledger.account(&grower.owner(number % SHORT).account_key()).expect("the store works"));
        });
        measure("id by height", "id by height, again", &|number| {
            black_box(ledger.id_at(number + 1).expect("the store works").expect("the chain is longer"));
        });
        measure("block by height", "block by height, again", &|number| {
            let id = ledger.id_at(number + 1).expect("the store works").expect("the chain is longer");
            black_box(ledger.block(&id).expect("the store works").expect("the block is there"));
        });
        measure("transaction by id", "transaction by id, again", &|number| {
            let id = ids[number as usize % ids.len()];
            black_box(ledger.transaction(&id).expect("the store works").expect("it is on the main chain"));
        });
        measure("newest in an account's history", "newest in the history, again", &|number| {
            let key = grower.owner(number % SHORT).account_key();
            black_box(ledger.history(&key, None, 1).expect("the store works"));
        });
        Self { times, memory: resident() - before }
    }
}

/// Ids of a thousand transactions from all over the chain, or of all.
fn transactions(ledger: &Ledger<FileDisk>) -> Vec<mote_core::hash::Hash32> {
    let count = ledger.tip().height().get() / BLOCKS_PER_PAYMENT;
    let step = (count / 1_000).max(1) as usize;
    let heights = (1..=count).step_by(step).map(|number| number * BLOCKS_PER_PAYMENT);
    let blocks = heights.map(|height| {
        let id = ledger.id_at(height).expect("the store works").expect("the chain is longer");
        ledger.block(&id).expect("the store works").expect("the block is there")
    });
    blocks.flat_map(|block| block.transactions.iter().map(Transaction::id).collect::<Vec<_>>()).collect()
}

/// What a block costs beside writing its bytes and waiting until they are durable.
fn costs(folder: &std::path::Path) {
    let grower = Grower::default();
    let mut source = grower.open(MemoryDisk::new());
    let funding = grower.fund(&mut source);
    let mut make = |payments: bool, count: usize| -> Vec<Block> {
        let make = |number| {
            let transactions = if payments { grower.ring(&source) } else { Vec::new() };
            let block = grower.block(&source, number, transactions);
            add(&mut source, &block);
            block
        };
        (0..count as u64).map(make).collect()
    };
    let (empty, paid) = (make(false, EMPTY), make(true, PAID));
    println!("\nwhat a block costs, means");
    let mut ledger = grower.open(FileDisk::new(folder.join("costs")).expect("the folder can be made"));
    funding.iter().for_each(|block| add(&mut ledger, block));
    ledger.commit().expect("the index can be written");
    for (what, blocks) in [("empty block", &empty), ("block of 1,000 payments", &paid)] {
        let raw = append(folder, what, blocks);
        let mut synced = Duration::ZERO;
        let adding = time(|| {
            for block in blocks {
                add(&mut ledger, block);
                synced += time(|| ledger.sync().expect("the log can be written"));
            }
        }) - synced;
        let committed = time(|| ledger.commit().expect("the index can be written"));
        let each = |taken: Duration| micros(taken) / blocks.len() as f64;
        println!(
            "{what:<26}append and sync alone {:.0} us; in the ledger: add {:.0} us, sync {:.0} us, index {:.0} us",
            each(raw),
            each(adding),
            each(synced),
            each(committed),
        );
    }
}

/// How long it takes to append the blocks to a file and to sync it after each.
fn append(folder: &std::path::Path, name: &str, blocks: &[Block]) -> Duration {
    let encoded: Vec<Vec<u8>> = blocks.iter().map(block::encode).collect();
    let mut file = File::create(folder.join(name)).expect("the file can be made");
    time(|| {
        for bytes in &encoded {
            file.write_all(bytes).and_then(|()| file.sync_data()).expect("the file can be written");
        }
    })
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Memory of this process in MiB; 0 where the system does not tell.
fn resident() -> f64 {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1024.0
}
