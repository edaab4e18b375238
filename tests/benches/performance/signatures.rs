//! Signatures: judged one by one, and as the transactions of blocks are, together.

use std::hint::black_box;
use std::num::NonZero;
use std::time::Duration;

use mote::signatures::Verifier;
use mote::signatures::kernel::Kernel;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::rules::{IdentifiedTransaction, InspectedTransaction, Signatures as _};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::Amount;
use mote_tests::fixtures::key;

use crate::bench::{Bench, Found};
use crate::row::{Figure, Goal, Row};
use crate::statistics::{median, rate};

/// What the rows are called.
pub const ROWS: [&str; 2] =
    ["signatures in blocks, all senders distinct", "signatures in blocks, 64 senders"];

/// How many signatures are judged together: a full block of the test network.
const BATCH: usize = 1_024;

/// How many are judged one by one in a turn.
const ALONE: usize = 128;

/// How often each is measured, in turns.
const ROUNDS: usize = 9;

/// Measures both rows, on one core.
pub fn measure(bench: &mut Bench) -> Found {
    let params = &bench.grower.params;
    let (distinct, few) = (payments(params, BATCH as u64), payments(params, 64));
    let (distinct, few) = (inspect(&distinct), inspect(&few));
    let verifier = Verifier::with(Kernel::fastest(), NonZero::<usize>::MIN);
    let span = bench.span(Duration::from_millis(100));
    let together = |transactions: &[InspectedTransaction<'_>]| {
        rate(span, BATCH as u64, || {
            assert!(black_box(verifier.are_signed(params, transactions)), "all are signed");
        })
    };
    let alone = || {
        let one_by_one = || distinct.iter().take(ALONE).all(|paid| paid.judge(params).is_ok());
        rate(span, ALONE as u64, || assert!(black_box(one_by_one()), "all are signed"))
    };
    let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| [alone(), together(&distinct), together(&few)]).collect();
    let figure =
        |place: usize| Figure::rate("signatures", median(rounds.iter().map(|round| round[place]).collect()));
    let row = |place: usize, times| {
        Row::beside(ROWS[place - 1], Goal::LeastTimes(times), figure(place), "one by one", figure(0))
    };
    Found::rows(vec![row(1, 2.0), row(2, 2.8)])
}

/// As many payments as a batch has, from this many senders in turn.
fn payments(params: &Params, senders: u64) -> Vec<Transaction> {
    let recipient: PublicKey = key(0).public_key();
    let pay = |number: u64| {
        let (amount, fee) = (Amount::from_grains(1 + number), Amount::from_grains(1_000));
        let nonce = number / senders;
        Payment { recipient, amount, fee, nonce, memo: Memo::new() }.sign(params, &key(1 + number % senders))
    };
    (0..BATCH as u64).map(pay).collect()
}

fn inspect(transactions: &[Transaction]) -> Vec<InspectedTransaction<'_>> {
    let inspect =
        |transaction| IdentifiedTransaction::from(transaction).inspect().expect("it obeys the rules");
    transactions.iter().map(inspect).collect()
}
