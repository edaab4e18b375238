//! Searching for a nonce: each kernel on one core, two cores beside one, and how soon new work is taken up.

use std::hint::black_box;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mote::clock::Clock;
use mote::miner::MinerPool;
use mote::miner::kernel::Kernel;
use mote::node::request::RateLimit;
use mote::node::{JobId, MiningOrder};
#[cfg(target_arch = "x86_64")]
use mote::sha256::{avx2, avx512};
use mote_core::hash::Hash32;
use mote_core::miner::Job;
use mote_core::pow::CompactTarget;
use sha2::block_api::compress256;

use crate::bench::{Bench, Found};
use crate::limit::Unhindered;
use crate::row::{Figure, Goal, Row};
use crate::statistics::{median, percentile, rate};

/// What the rows are called.
pub const ROWS: [&str; 8] = [
    "mining, AVX-512",
    "mining, AVX2",
    "mining, SHA-NI",
    "mining, plain",
    "mining, two cores",
    "mining, new work",
    "mining, AVX-512, beside its limit",
    "mining, AVX2, beside its limit",
];

/// Name of a kernel, what its row is called, and how many times the reference it should reach.
const KERNELS: [(&str, &str, f64); 4] =
    [("avx512", ROWS[0], 5.0), ("avx2", ROWS[1], 1.5), ("sha", ROWS[2], 1.4), ("plain", ROWS[3], 1.0)];

/// How many nonces a search tries, none of which works.
const ATTEMPTS: u64 = 1 << 16;

/// A target of 1, which nothing meets.
const UNREACHABLE: u32 = 0x0300_0001;

/// A target that every second attempt meets.
const EASY: u32 = 0x207f_ffff;

/// The meter of the miner looks back for three seconds.
const METERED: Duration = Duration::from_millis(3_300);

/// Measures all rows.
pub fn measure(bench: &mut Bench) -> Found {
    let mut rows = kernels(bench);
    rows.push(two_cores(bench));
    rows.push(new_work(bench));
    Found::rows(rows)
}

fn kernels(bench: &Bench) -> Vec<Row> {
    let job = job(0x5a, UNREACHABLE);
    let kernels = Kernel::all();
    let span = bench.span(Duration::from_millis(300));
    let (mut rates, mut bare) = (vec![Vec::new(); kernels.len()], Vec::new());
    let limits = limits();
    let mut unhindered = vec![Vec::new(); limits.len()];
    // By turns, so that whatever else the computer does at a time strikes all of them.
    for _ in 0..bench.times(7) {
        bare.push(rate(span, ATTEMPTS, compressions));
        for (kernel, rates) in kernels.iter().zip(&mut rates) {
            rates.push(rate(span, ATTEMPTS, || {
                black_box(kernel.search(black_box(&job), 0..ATTEMPTS));
            }));
        }
        for (limit, rates) in limits.iter().zip(&mut unhindered) {
            rates.push(rate(span, ATTEMPTS, || {
                black_box((limit.run)(Unhindered { attempts: ATTEMPTS }));
            }));
        }
    }
    let reference = Figure::rate("attempts", median(bare));
    let measured: Vec<f64> = rates.into_iter().map(median).collect();
    let row = |(kernel, measured): (&Kernel, &f64)| {
        let (_, what, times) = *KERNELS.iter().find(|(name, ..)| *name == kernel.name())?;
        let measured = Figure::rate("attempts", *measured);
        let of = "one compression of the sha2 crate each";
        Some(Row::beside(what, Goal::LeastTimes(times), measured, of, reference))
    };
    let mut rows: Vec<Row> = kernels.iter().zip(&measured).filter_map(row).collect();
    for (limit, rates) in limits.iter().zip(unhindered) {
        let kernel = kernels.iter().zip(&measured).find(|(kernel, _)| kernel.name() == limit.kernel);
        rows.extend(kernel.map(|(_, measured)| {
            let of = "as many operations that wait for nothing";
            let most = Figure::rate("attempts", median(rates));
            Row::beside(limit.what, Goal::LeastTimes(0.9), Figure::rate("attempts", *measured), of, most)
        }));
    }
    rows
}

/// What a processor could do at most with the instructions of a kernel.
struct Limit {
    kernel: &'static str,
    what: &'static str,
    run: Box<dyn Fn(Unhindered) -> u32>,
}

/// The limits of those vectored kernels that this processor has the instructions for.
fn limits() -> Vec<Limit> {
    #[cfg(target_arch = "x86_64")]
    let limits = [
        avx512::Unit::find().map(|unit| Limit {
            kernel: "avx512",
            what: ROWS[6],
            run: Box::new(move |task| unit.run(task)),
        }),
        avx2::Unit::find().map(|unit| Limit {
            kernel: "avx2",
            what: ROWS[7],
            run: Box::new(move |task| unit.run(task)),
        }),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let limits: [Option<Limit>; 0] = [];
    limits.into_iter().flatten().collect()
}

fn compressions() {
    let mut state = [0; 8];
    let mut block = [0x5a; 64];
    for nonce in 0..ATTEMPTS {
        block[32..40].copy_from_slice(&nonce.to_le_bytes());
        compress256(&mut state, std::slice::from_ref(&block));
    }
    black_box(state);
}

fn two_cores(bench: &Bench) -> Row {
    let (mut pool, _finds) = pool();
    let mut rates = [Vec::new(), Vec::new()];
    for number in 0..bench.times(3) {
        for (rates, threads) in rates.iter_mut().zip([1, 2]) {
            pool.set(Some(order(number as u8, UNREACHABLE, threads)));
            std::thread::sleep(METERED);
            rates.push(pool.hash_rate());
        }
    }
    let [one, two] = rates.map(|rates| Figure::rate("attempts", median(rates)));
    Row::beside(ROWS[4], Goal::LeastTimes(1.85), two, "one core", one)
}

/// How long it takes from a new tip until a miner in the middle of a search has found something for it, where
/// that takes two attempts.
fn new_work(bench: &Bench) -> Row {
    let (mut pool, finds) = pool();
    let mut times = Vec::new();
    for number in 0..bench.times(200) as u64 {
        pool.set(Some(MiningOrder { id: JobId(2 * number), ..order(1, UNREACHABLE, 1) }));
        std::thread::sleep(Duration::from_millis(5));
        let begun = Instant::now();
        pool.set(Some(MiningOrder { id: JobId(2 * number + 1), ..order(2, EASY, 1) }));
        finds.recv().expect("every second attempt is a find");
        times.push(begun.elapsed().as_secs_f64());
    }
    let measured = Duration::from_secs_f64(percentile(times, 99));
    let goal = Goal::Most(Figure::time(Duration::from_millis(1)));
    Row::alone(ROWS[5], goal, Figure::time(measured))
}

fn pool() -> (MinerPool, mpsc::Receiver<()>) {
    let (sender, finds) = mpsc::channel();
    let pool = MinerPool::new(Clock::start(), move |_, _| {
        // Nobody listens any more once a measurement is over.
        let _ = sender.send(());
    });
    (pool, finds)
}

fn order(number: u8, bits: u32, threads: usize) -> MiningOrder {
    MiningOrder { id: JobId(number.into()), job: job(number, bits), threads, limit: RateLimit::Unlimited }
}

fn job(number: u8, bits: u32) -> Job {
    Job::from_parts(Hash32::from_bytes([number; 32]), CompactTarget::from_bits(bits)).expect("it is a target")
}
