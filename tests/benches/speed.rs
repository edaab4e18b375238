//! What one core can do: attempts, signatures, whole blocks. Each is measured beside what bounds it, as
//! only ratios of one run mean something.

use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ed25519_zebra::batch::Verifier;
use ed25519_zebra::{Signature as ZebraSignature, VerificationKeyBytes};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mote::block::Block;
use mote::miner::kernel::Kernel;
use mote::store::memory::MemoryDisk;
use mote::store::witness::WitnessPart;
use mote_core::hash::Hash32;
use mote_core::keys::verify;
use mote_core::miner::Job;
use mote_core::params::Params;
use mote_core::pow::CompactTarget;
use mote_core::rules::{CheckedTransaction, Execution, check_transaction};
use mote_core::state::{Proof, ProofRef, WitnessAccounts};
use mote_core::transaction::Transaction;
use mote_tests::growth::{ACCOUNTS, Grower, add};
use sha2::block_api::compress256;
use std::hint::black_box;

/// How many nonces a search tries, none of which works.
const ATTEMPTS: u64 = 1 << 16;

/// A target of 1, which nothing meets.
const UNREACHABLE: CompactTarget = CompactTarget::from_bits(0x0300_0001);

/// How many full blocks are made; a longer measurement adds them to several ledgers.
const FULL_BLOCKS: usize = 12;

fn proof_of_work(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("proof of work");
    group.throughput(Throughput::Elements(ATTEMPTS));
    let job = Job::from_parts(Hash32::from_bytes([0x5a; 32]), UNREACHABLE).expect("the target is one");
    group.bench_function("search", |bencher| bencher.iter(|| black_box(&job).search(0..ATTEMPTS)));
    for kernel in Kernel::all() {
        let name = format!("kernel {}", kernel.name());
        group.bench_function(name, |bencher| bencher.iter(|| kernel.search(black_box(&job), 0..ATTEMPTS)));
    }
    group.bench_function("bare compression", |bencher| {
        bencher.iter(|| {
            let mut state = [0; 8];
            let mut block = [0x5a; 64];
            for nonce in 0..ATTEMPTS {
                block[32..40].copy_from_slice(&nonce.to_le_bytes());
                compress256(&mut state, std::slice::from_ref(&block));
            }
            state
        });
    });
    group.finish();
}

fn signatures(criterion: &mut Criterion) {
    let grower = Grower::default();
    let mut ledger = grower.open(MemoryDisk::new());
    grower.fund(&mut ledger);
    let distinct = grower.ring(&ledger);
    let few: Vec<Transaction> =
        (0..ACCOUNTS as u64).map(|number| grower.pay(&ledger, number % 64, number, 1)).collect();
    let mut group = criterion.benchmark_group("signatures");
    group.throughput(Throughput::Elements(ACCOUNTS as u64));
    group.bench_function("1,000 single", |bencher| {
        let messages = messages(&grower.params, &distinct);
        bencher.iter(|| {
            distinct
                .iter()
                .zip(&messages)
                .all(|(paid, message)| verify(&paid.sender, message, &paid.signature))
        });
    });
    for (name, transactions) in [("batch of 1,000", &distinct), ("batch of 1,000 from 64 senders", &few)] {
        group.bench_function(format!("reference, {name}"), |bencher| {
            let messages = messages(&grower.params, transactions);
            bencher.iter(|| verify_together(transactions, &messages));
        });
    }
    group.finish();
}

fn messages(params: &Params, transactions: &[Transaction]) -> Vec<Vec<u8>> {
    transactions.iter().map(|transaction| transaction.message(params).to_vec()).collect()
}

/// Checks the signatures in one batch, as the library offers it.
fn verify_together(transactions: &[Transaction], messages: &[Vec<u8>]) {
    let mut verifier = Verifier::new();
    for (transaction, message) in transactions.iter().zip(messages) {
        let key = VerificationKeyBytes::from(*transaction.sender.as_bytes());
        let signature = ZebraSignature::from_bytes(transaction.signature.as_bytes());
        verifier.queue((key, signature, message.as_slice()));
    }
    verifier.verify(UnwrapErr(SysRng)).expect("all of them signed");
}

fn block_checks(criterion: &mut Criterion) {
    let full = FullBlocks::new();
    let mut group = criterion.benchmark_group("block of 1,000 payments");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(ACCOUNTS as u64));
    let block = &full.blocks[0];
    group.bench_function("its signatures, one by one", |bencher| {
        let messages = messages(&full.grower.params, &block.transactions);
        let pairs = || block.transactions.iter().zip(&messages);
        bencher.iter(|| pairs().all(|(paid, message)| verify(&paid.sender, message, &paid.signature)));
    });
    group.bench_function("full, by Ledger::add", |bencher| {
        bencher.iter_custom(|count| full.time_adding(count))
    });
    let checked = full.grower.check(&block.transactions);
    let proofs = full.proofs();
    let start = full.start;
    group.bench_function("witnessed, every rule", |bencher| {
        bencher.iter(|| {
            let checked = block.transactions.iter().map(|paid| check_transaction(&full.grower.params, paid));
            fold(
                &full.grower.params,
                start,
                block,
                checked.map(|checked| checked.expect("it is valid")),
                &proofs,
            );
        });
    });
    group.bench_function("witnessed, proofs alone", |bencher| {
        bencher.iter_batched(
            || checked.clone(),
            |checked| fold(&full.grower.params, start, block, checked.into_iter(), &proofs),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Executes a block over its proofs alone and holds its header to it.
fn fold<'a>(
    params: &Params,
    root: Hash32,
    block: &Block,
    transactions: impl Iterator<Item = CheckedTransaction<'a>>,
    proofs: &[Proof],
) {
    let proofs = proofs.iter().map(|proof| ProofRef { leaf: proof.leaf, path: proof.path.as_ref() });
    let mut accounts = WitnessAccounts::new(root, proofs);
    let mut execution = Execution::new(params, block.header.height, block.header.miner);
    for transaction in transactions {
        execution.apply(&mut accounts, &transaction).expect("it obeys every rule");
    }
    let executed = execution.finish(&mut accounts).expect("the miner can be paid");
    executed.check(&block.header).expect("the header says what came of it");
}

/// A chain of full blocks behind those that fund them.
struct FullBlocks {
    grower: Grower,
    funding: Vec<Block>,
    blocks: Vec<Block>,
    /// The root of the accounts before the first full block.
    start: Hash32,
}

impl FullBlocks {
    fn new() -> Self {
        let grower = Grower::default();
        let mut ledger = grower.open(MemoryDisk::new());
        let funding = grower.fund(&mut ledger);
        let start = ledger.tip().state_root();
        let mut blocks = Vec::new();
        for _ in 0..FULL_BLOCKS {
            let block = grower.block(&ledger, 0, grower.ring(&ledger));
            add(&mut ledger, &block);
            blocks.push(block);
        }
        Self { grower, funding, blocks, start }
    }

    /// How long adding this many full blocks takes.
    fn time_adding(&self, count: u64) -> Duration {
        let (mut taken, mut left) = (Duration::ZERO, count as usize);
        while left > 0 {
            let mut ledger = self.grower.open(MemoryDisk::new());
            self.funding.iter().for_each(|block| add(&mut ledger, block));
            let now = left.min(FULL_BLOCKS);
            let begun = Instant::now();
            self.blocks.iter().take(now).for_each(|block| add(&mut ledger, block));
            taken += begun.elapsed();
            left -= now;
        }
        taken
    }

    /// The proofs of the first full block, in the order in which execution asks for them.
    fn proofs(&self) -> Vec<Proof> {
        let mut ledger = self.grower.open(MemoryDisk::new());
        self.funding.iter().for_each(|block| add(&mut ledger, block));
        add(&mut ledger, &self.blocks[0]);
        let witness = ledger.witness(&self.blocks[0].header.id()).expect("the store works");
        let mut witness = witness.expect("the block is there");
        let mut proofs = Vec::new();
        while let Some(part) = witness.next(&ledger).expect("the block obeys every rule") {
            match part {
                WitnessPart::Transaction { sender, recipient, .. } => proofs.extend([*sender, *recipient]),
                WitnessPart::End { miner } => proofs.extend(miner.map(|proof| *proof)),
            }
        }
        proofs
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

criterion_group!(name = speed; config = settings(); targets = proof_of_work, signatures, block_checks);
criterion_main!(speed);
