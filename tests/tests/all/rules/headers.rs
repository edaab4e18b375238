//! H1 to H4, B1 and C1 to C6: what a header shows by itself and in its chain.

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::merkle::Frontier;
use mote_core::miner::template;
use mote_core::pow::{CompactTarget, Work};
use mote_core::rules::{Clock, Executed, Rule, RuleError, check_header};
use mote_core::units::{Height, Timestamp};
use mote_tests::fixtures::{Chain, account, flipped, mine, mine_badly, network, regtest};

use super::transactions::small_order_keys;
use super::{Case, Refusal, refusal};

pub const CASES: [Case; 11] = [
    Case { rule: Rule::HeaderVersion, accept: ordinary, reject: other_versions },
    Case { rule: Rule::HeaderMiner, accept: odd_miners, reject: small_order_miners },
    Case { rule: Rule::HeaderTimeRange, accept: the_last_time, reject: beyond_the_last_time },
    Case { rule: Rule::HeaderProofOfWork, accept: ordinary, reject: without_work },
    Case { rule: Rule::BlockCapacity, accept: full, reject: too_full },
    Case { rule: Rule::HeaderPrevious, accept: ordinary, reject: other_parents },
    Case { rule: Rule::HeaderHeight, accept: ordinary, reject: other_heights },
    Case { rule: Rule::HeaderHistoryRoot, accept: ordinary, reject: other_histories },
    Case { rule: Rule::HeaderTarget, accept: retargeted, reject: other_targets },
    Case { rule: Rule::HeaderTimeMedian, accept: after_the_median, reject: not_after_the_median },
    Case { rule: Rule::HeaderTimeFuture, accept: within_the_future, reject: beyond_the_future },
];

/// A chain of five blocks.
fn chain() -> Chain {
    let mut chain = Chain::new(regtest());
    for number in 1..=5 {
        let block = chain.block(account(number), Vec::new());
        chain.accept(&block).expect("an empty block is valid");
    }
    chain
}

/// The next header of the chain with something changed, mined.
fn changed(chain: &Chain, change: impl FnOnce(&mut Header)) -> Header {
    let mut header = chain.block(account(9), Vec::new()).header;
    change(&mut header);
    mine(&mut header);
    header
}

fn check(chain: &Chain, header: &Header) -> Result<(), RuleError> {
    check_header(&chain.params, &chain.tip, header, chain.clock()).map(drop)
}

fn refuse(change: impl FnOnce(&mut Header), expected: impl FnOnce(&Header) -> RuleError) -> Refusal {
    let chain = chain();
    let header = changed(&chain, change);
    refusal(check(&chain, &header), expected(&header))
}

fn ordinary() -> Vec<Result<(), RuleError>> {
    let chain = chain();
    vec![check(&chain, &changed(&chain, |_| {}))]
}

fn other_versions() -> Vec<Refusal> {
    let refuse = |version| {
        let expected = RuleError::HeaderVersion { got: version, expected: 1 };
        refuse(|header| header.version = version, |_| expected)
    };
    vec![refuse(0), refuse(2), refuse(u16::MAX)]
}

fn odd_miners() -> Vec<Result<(), RuleError>> {
    let chain = chain();
    let bytes = [[2; 32], [0xff; 32]];
    let by = |bytes| changed(&chain, |header| header.miner = PublicKey::from_bytes(bytes));
    bytes.map(|bytes| check(&chain, &by(bytes))).into()
}

fn small_order_miners() -> Vec<Refusal> {
    let refuse = |miner: PublicKey| {
        let got = Hash32::from_bytes(*miner.as_bytes());
        refuse(|header| header.miner = miner, |_| RuleError::HeaderMiner { got })
    };
    small_order_keys().into_iter().map(refuse).collect()
}

const LIMIT: Timestamp = Timestamp::from_seconds(1 << 40);

fn the_last_time() -> Vec<Result<(), RuleError>> {
    let chain = chain();
    let header = changed(&chain, |header| header.time = Timestamp::from_seconds((1 << 40) - 1));
    vec![check_header(&chain.params, &chain.tip, &header, Clock::AcceptedBefore).map(drop)]
}

fn beyond_the_last_time() -> Vec<Refusal> {
    let refuse = |time| {
        let expected = RuleError::HeaderTimeRange { got: time, limit: LIMIT };
        refuse(|header| header.time = time, |_| expected)
    };
    vec![refuse(LIMIT), refuse(Timestamp::from_seconds(u64::MAX))]
}

fn without_work() -> Vec<Refusal> {
    let chain = chain();
    let mut header = changed(&chain, |_| {});
    mine_badly(&mut header);
    let expected = RuleError::HeaderProofOfWork { id: header.id(), target: header.target };
    vec![refusal(check(&chain, &header), expected)]
}

fn full() -> Vec<Result<(), RuleError>> {
    let chain = chain();
    vec![check(&chain, &changed(&chain, |header| header.transaction_count = 1_024))]
}

fn too_full() -> Vec<Refusal> {
    let refuse_count = |count: u32| {
        let expected = RuleError::BlockCapacity { got: u64::from(count), limit: 1_024 };
        refuse(|header| header.transaction_count = count, |_| expected)
    };
    let mut refusals = vec![refuse_count(1_025), refuse_count(u32::MAX)];
    // On the networks that devices follow, a block has room for 128.
    for name in ["local", "test", "local:group"] {
        let chain = Chain::new(network(name));
        let executed =
            Executed { transaction_count: 129, transactions_root: Hash32::ZERO, state_root: Hash32::ZERO };
        let time = chain.now();
        let header = template(&chain.params, &chain.tip, account(1), time, &executed);
        refusals.push(refusal(check(&chain, &header), RuleError::BlockCapacity { got: 129, limit: 128 }));
    }
    refusals.push(super::ledger::one_transaction_too_many());
    refusals
}

fn other_parents() -> Vec<Refusal> {
    let chain = chain();
    let expected = chain.tip.id();
    let refuse =
        |got| refuse(|header| header.previous = got, |_| RuleError::HeaderPrevious { got, expected });
    vec![refuse(flipped(&expected)), refuse(Hash32::ZERO), refuse(chain.params.genesis_id())]
}

fn other_heights() -> Vec<Refusal> {
    let refuse = |height| {
        let (got, expected) = (Height::new(height), Height::new(6));
        refuse(|header| header.height = got, |_| RuleError::HeaderHeight { got, expected })
    };
    vec![refuse(0), refuse(5), refuse(7), refuse(u64::MAX)]
}

fn other_histories() -> Vec<Refusal> {
    let chain = chain();
    let expected = chain.tip.history_root();
    // The parent names the root of all blocks before itself, which lacks the parent.
    let mut shorter = Chain::new(regtest());
    for number in 1..=4 {
        let block = shorter.block(account(number), Vec::new());
        shorter.accept(&block).expect("an empty block is valid");
    }
    let refuse =
        |got| refuse(|header| header.history_root = got, |_| RuleError::HeaderHistoryRoot { got, expected });
    vec![refuse(flipped(&expected)), refuse(shorter.tip.history_root())]
}

/// A tip of `local` whose time asks for a target that is harder than the floor.
fn retargeting() -> Chain {
    let params = network("local");
    let genesis = params.genesis();
    let header = Header {
        height: Height::new(2_000),
        target: CompactTarget::from_bits(0x1f00_7fff),
        time: genesis.time.plus(4),
        ..genesis.clone()
    };
    let tip = Tip::restore(&header, Work::ZERO, &[genesis.time, header.time], Frontier::new());
    Chain { tip, ..Chain::new(params) }
}

fn retargeted() -> Vec<Result<(), RuleError>> {
    let chain = retargeting();
    let header = chain.block(account(1), Vec::new()).header;
    assert_ne!(header.target, chain.tip.target());
    vec![check(&chain, &header)]
}

fn other_targets() -> Vec<Refusal> {
    let chain = retargeting();
    let expected = chain.tip.next_target(&chain.params);
    let others = [expected.bits() - 1, expected.bits() + 1, chain.tip.target().bits(), 0x207f_ffff, 0];
    let refuse = |bits| {
        let mut header = chain.block(account(1), Vec::new()).header;
        header.target = CompactTarget::from_bits(bits);
        let expected = RuleError::HeaderTarget { got: header.target, expected };
        refusal(check(&chain, &header), expected)
    };
    others.map(refuse).into()
}

/// A tip of `regtest` after headers with these times, counted from genesis.
fn after_times(times: &[u64]) -> Chain {
    let params = regtest();
    let times: Vec<Timestamp> = times.iter().map(|time| params.genesis().time.plus(*time)).collect();
    let time = *times.last().expect("there is a last time");
    let header = Header { height: Height::new(times.len() as u64 - 1), time, ..params.genesis().clone() };
    let tip = Tip::restore(&header, Work::ZERO, &times, Frontier::new());
    Chain { tip, ..Chain::new(params) }
}

/// Times, and the median that the next one must be greater than: of the last eleven at the most, sorted,
/// the element at count / 2.
const MEDIANS: [(&[u64], u64); 6] = [
    (&[0], 0),
    (&[0, 10], 10),
    (&[0, 30, 20], 20),
    (&[0, 50, 10, 20], 20),
    (&[0, 90, 10, 80, 20, 70, 30, 60, 40, 50, 45], 45),
    (&[99, 98, 97, 1, 2, 3, 4, 5, 60, 61, 62, 63, 64], 60),
];

fn at_time(chain: &Chain, seconds: u64) -> Header {
    changed(chain, |header| header.time = chain.params.genesis().time.plus(seconds))
}

fn after_the_median() -> Vec<Result<(), RuleError>> {
    let just_after = |(times, median): (&[u64], u64)| {
        let chain = after_times(times);
        check(&chain, &at_time(&chain, median + 1))
    };
    MEDIANS.map(just_after).into()
}

fn not_after_the_median() -> Vec<Refusal> {
    let refuse = |(times, median): (&[u64], u64)| {
        let chain = after_times(times);
        let header = at_time(&chain, median);
        let median = header.time;
        refusal(check(&chain, &header), RuleError::HeaderTimeMedian { got: header.time, median })
    };
    MEDIANS.map(refuse).into()
}

fn within_the_future() -> Vec<Result<(), RuleError>> {
    let chain = chain();
    let latest = changed(&chain, |header| header.time = chain.now().plus(120));
    // A header of one's own store was acceptable when it came, whatever the clock shows now.
    let later = changed(&chain, |header| header.time = chain.now().plus(121));
    let stored = check_header(&chain.params, &chain.tip, &later, Clock::AcceptedBefore).map(drop);
    vec![check(&chain, &latest), stored]
}

fn beyond_the_future() -> Vec<Refusal> {
    let chain = chain();
    let limit = chain.now().plus(120);
    let refuse = |got| refuse(|header| header.time = got, |_| RuleError::HeaderTimeFuture { got, limit });
    vec![refuse(limit.plus(1)), refuse(Timestamp::from_seconds((1 << 40) - 1))]
}
