//! Blocks that break a rule.

use mote_core::rules::Rule;
use mote_core::units::Timestamp;

use super::{Ground, Lie};
use crate::devices::script::Script;

/// Who mines what the liar puts before its broken block, and who mines what is true.
const LIAR: u64 = 7;
const HONEST: u64 = 8;

pub fn all(ground: &Ground, now: Timestamp) -> Vec<Lie> {
    let mut sound = ground.base.clone();
    sound.grow(LIAR, 1);
    let mut truth = ground.base.clone();
    truth.grow(HONEST, 4);
    let rules = Rule::ALL.into_iter().filter(|rule| *rule != Rule::HeaderTimeFuture);
    let lies = rules.map(|rule| {
        let mut branch = sound.clone();
        branch.append_broken(rule, now);
        let name = format!("a block that breaks {}", rule.id());
        Lie { name, reasons: reasons(rule), branch, script: Script::honest(), truth: truth.clone() }
    });
    lies.collect()
}

/// The words by which a broken rule is named.
fn reasons(rule: Rule) -> &'static [&'static str] {
    match rule {
        // It depends on where a message of headers begins.
        Rule::HeaderPrevious => &["C1-previous", "headers that follow from no"],
        Rule::TransactionAmount => &["T1-amount"],
        Rule::TransactionFee => &["T2-fee"],
        Rule::TransactionSender => &["T3-sender"],
        Rule::TransactionRecipient => &["T4-recipient"],
        Rule::TransactionSignature => &["T5-signature"],
        Rule::HeaderVersion => &["H1-version"],
        Rule::HeaderMiner => &["H2-miner"],
        Rule::HeaderTimeRange => &["H3-time-range"],
        Rule::HeaderProofOfWork => &["H4-proof-of-work"],
        Rule::BlockCapacity => &["B1-capacity"],
        Rule::HeaderHeight => &["C2-height"],
        Rule::HeaderHistoryRoot => &["C3-history-root"],
        Rule::HeaderTarget => &["C4-target"],
        Rule::HeaderTimeMedian => &["C5-time-median"],
        Rule::HeaderTimeFuture => &["C6-time-future"],
        Rule::LedgerNonce => &["L1-nonce"],
        Rule::LedgerBalance => &["L2-balance"],
        Rule::LedgerOverflow => &["L3-overflow"],
        Rule::BlockTransactionCount => &["B2-transaction-count"],
        Rule::BlockTransactionsRoot => &["B3-transactions-root"],
        Rule::BlockStateRoot => &["B4-state-root"],
    }
}
