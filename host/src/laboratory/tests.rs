use std::sync::Arc;

use mote_core::params::Params;
use mote_core::rules::{Clock, Rule};
use mote_core::units::Amount;

use super::block::{BlockRequest, JudgedBlock, Known};
use super::chain::{Action, ChainRequest};
use super::difficulty::{DifficultyRequest, Rules, Start};
use super::ground::{BLOCKS, Place, blocks, params};
use super::hash::{HashRequest, Search};
use super::judge::{Outcome, Stage};
use super::moments::{Happening, PeersAnswer};
use super::proofs::{ProofsRequest, Tree};
use super::scenario::Scenario;
use super::*;
use crate::api::laboratory::refusal;
use crate::block::{Block, decode, encode};
use crate::forms::{HexBytes, Text};
use crate::store::ledger::{AddError, Ledger};
use crate::store::memory::MemoryDisk;

fn request(bytes: Vec<u8>) -> BlockRequest {
    BlockRequest { bytes: Some(Text(HexBytes(bytes))), place: Known::Laboratory }
}

fn judged(bytes: Vec<u8>) -> JudgedBlock {
    block::show(&request(bytes), params()).unwrap()
}

fn rules(block: &JudgedBlock) -> Vec<&'static str> {
    block.broken.iter().map(|broken| broken.rule).collect()
}

/// A node's ledger that has the laboratory's first two blocks.
fn ledger() -> Ledger<MemoryDisk> {
    let params: Params = params().clone();
    let (mut ledger, _) = Ledger::open(MemoryDisk::new(), Arc::new(params), 7, |_| {}).unwrap();
    for block in &blocks()[..2] {
        ledger.add(block, Clock::AcceptedBefore).unwrap();
    }
    ledger
}

/// The clock by which the laboratory judges its third block.
fn clock() -> Clock {
    let mut place = Place::first();
    for block in &blocks()[..2] {
        place = place.behind(&block.header, None);
    }
    place.clock()
}

#[test]
fn the_ground_is_a_chain_that_a_node_takes() {
    let mut ledger = ledger();
    for block in &blocks()[2..] {
        ledger.add(block, Clock::AcceptedBefore).unwrap();
    }
    assert_eq!(ledger.tip().height().get(), BLOCKS as u64);
    let chain = chain::chain(&ChainRequest::default()).unwrap();
    assert!(chain.blocks.iter().all(|block| block.valid && block.broken.is_empty()));
    assert_eq!(chain.blocks[4].id, Some(ledger.tip().id().to_string()));
}

#[test]
fn every_changed_byte_breaks_the_rule_that_a_node_finds() {
    let whole = encode(&blocks()[2]);
    let untouched = judged(whole.clone());
    assert!(untouched.valid && untouched.stages.iter().all(|stage| stage.outcome == Outcome::Passed));
    let covered: usize = untouched.fields.iter().map(|field| field.length).sum();
    assert_eq!(covered, whole.len(), "the fields are the block");
    let ledger = std::cell::RefCell::new(ledger());
    for place in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x01;
        let block = judged(bytes.clone());
        assert!(!block.valid, "byte {place}");
        match decode(&bytes).map(|block| ledger.borrow_mut().add(&block, clock())) {
            Err(error) => assert_eq!(block.malformed, Some(error.to_string())),
            Ok(Err(AddError::Rule { error, .. })) => {
                assert_eq!(rules(&block)[0], error.rule().id(), "byte {place}");
                assert_eq!(block.broken[0].detail, error.to_string(), "byte {place}");
            }
            Ok(Err(AddError::Orphan { .. })) => assert_eq!(rules(&block)[0], Rule::HeaderPrevious.id()),
            other => panic!("byte {place}: {other:?}"),
        }
    }
}

#[test]
fn all_broken_rules_are_named_in_the_order_of_a_node() {
    let mut changed: Block = blocks()[2].clone();
    changed.header.version = 2;
    changed.header.height = blocks()[3].header.height;
    changed.header.history_root = params().genesis_id();
    changed.header.time = params().genesis().time;
    changed.header.transaction_count = 7;
    changed.transactions[1].amount = Amount::ZERO;
    let block = judged(encode(&changed));
    let expected = [
        "C2-height",
        "H1-version",
        "H4-proof-of-work",
        "C3-history-root",
        "C5-time-median",
        "B2-transaction-count",
        "B3-transactions-root",
        "T1-amount",
    ];
    assert_eq!(rules(&block), expected);
    let accounts = block.stages.iter().find(|stage| stage.stage == Stage::Accounts).unwrap();
    assert_eq!(accounts.outcome, Outcome::NotReached);
    assert_eq!(block.broken[7].payment, Some(1));
}

#[test]
fn mining_again_finds_a_nonce_and_mends_nothing_else() {
    let mut changed = blocks()[2].clone();
    changed.header.time = changed.header.time.plus(1);
    let before = judged(encode(&changed));
    assert_eq!(rules(&before), ["H4-proof-of-work"]);
    let mined = block::mine(&request(encode(&changed)), params()).unwrap();
    assert!(mined.found && mined.block.valid && mined.attempts > 0);
    assert_eq!(
        block::mine(&request(encode(&changed)), params()).unwrap(),
        mined,
        "the same request, the same answer"
    );
    changed.transactions[0].amount = Amount::from_grains(1);
    let mined = block::mine(&request(encode(&changed)), params()).unwrap();
    assert_eq!(rules(&mined.block), ["B3-transactions-root", "T5-signature"]);
}

#[test]
fn a_block_alone_shows_what_needs_no_chain() {
    let alone = |block: &Block, params: &Params| {
        let bytes = Some(Text(HexBytes(encode(block))));
        block::show(&BlockRequest { bytes, place: Known::Alone }, params).unwrap()
    };
    let whole = alone(&blocks()[2], params());
    assert!(whole.valid && whole.work.is_none() && whole.height == 3);
    assert_eq!(whole.stages[4].outcome, Outcome::NotReached);
    let genesis = Block { header: params().genesis().clone(), transactions: Vec::new() };
    assert!(alone(&genesis, params()).valid, "nobody had to mine it");
    let local = Params::new(mote_core::params::Network::Local);
    assert_eq!(rules(&alone(&blocks()[2], &local)), ["T5-signature", "T5-signature"], "another network");
    let mut changed = blocks()[2].clone();
    changed.header.version = 3;
    changed.header.previous = params().genesis_id();
    changed.transactions.pop();
    let expected = ["H1-version", "H4-proof-of-work", "B2-transaction-count", "B3-transactions-root"];
    assert_eq!(rules(&alone(&changed, params())), expected);
}

#[test]
fn a_change_breaks_all_blocks_above_and_each_is_mined_again() {
    let mut request =
        ChainRequest { blocks: None, action: Some(Action::Miner { height: 2, person: Person::Emil }) };
    let mut chain = chain::chain(&request).unwrap();
    let valid = |chain: &chain::ChainAnswer| chain.blocks.iter().map(|block| block.valid).collect::<Vec<_>>();
    assert_eq!(valid(&chain), [true, false, false, false, false]);
    assert_eq!(rules(&chain.blocks[1]), ["H4-proof-of-work", "B4-state-root"]);
    assert_eq!(rules(&chain.blocks[2]), ["C1-previous", "C3-history-root", "B4-state-root"]);
    for height in 2..=BLOCKS {
        let bytes = chain.blocks.iter().map(|block| Text(block.bytes.parse().unwrap())).collect();
        request = ChainRequest { blocks: Some(bytes), action: Some(Action::Mine { height }) };
        chain = chain::chain(&request).unwrap();
        assert!(chain.found == Some(true) && chain.attempts > 0);
        assert_eq!(valid(&chain), (1..=BLOCKS).map(|other| other <= height).collect::<Vec<_>>());
    }
}

#[test]
fn a_changed_payment_needs_its_sender() {
    let change = |blocks, action| {
        let chain = chain::chain(&ChainRequest { blocks, action: Some(action) }).unwrap();
        let bytes = chain.blocks.iter().map(|block| Text(block.bytes.parse().unwrap())).collect();
        (Some(bytes), chain.blocks[2].clone())
    };
    let amount = Text(Amount::from_grains(9));
    let (blocks, _) = change(None, Action::Amount { height: 3, payment: 0, amount });
    let (blocks, mined) = change(blocks, Action::Mine { height: 3 });
    assert_eq!(rules(&mined), ["T5-signature"], "mining is no signature");
    let (blocks, _) = change(blocks, Action::Sign { height: 3, payment: 0 });
    let (_, mined) = change(blocks, Action::Mine { height: 3 });
    assert!(mined.valid);
    for height in [0, 6, usize::MAX] {
        let action = Some(Action::Sign { height, payment: 0 });
        assert_eq!(chain::chain(&ChainRequest { blocks: None, action }).unwrap_err().part, "height");
    }
    let action = Some(Action::Sign { height: 1, payment: 0 });
    assert_eq!(chain::chain(&ChainRequest { blocks: None, action }).unwrap_err().part, "payment");
}

#[test]
fn hashes_are_attempts_of_a_miner() {
    let ask =
        |zero_bits, search| hash::hash(&HashRequest { text: "abc".into(), nonce: 0, zero_bits, search });
    let one = ask(0, Search::No).unwrap();
    assert_eq!(one.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(one.meets && one.expected_attempts == 1);
    for zero_bits in 1..=16 {
        let found = ask(zero_bits, Search::On).unwrap();
        assert!(found.meets && found.zero_bits >= zero_bits, "{zero_bits}");
        let expected = 1_u64 << zero_bits;
        assert!(found.expected_attempts.abs_diff(expected) <= expected >> 14, "{zero_bits}: {found:?}");
    }
    for wrong in [21, 255, 256, u32::MAX] {
        assert_eq!(ask(wrong, Search::No).unwrap_err().part, "zero_bits");
    }
    let long = HashRequest { text: "x".repeat(5_000), nonce: 0, zero_bits: 0, search: Search::No };
    assert_eq!(hash::hash(&long).unwrap_err().part, "text");
}

fn replay(nodes: usize, steps: &str) -> PeersAnswer {
    let scenario = format!("{{\"nodes\":{nodes},\"steps\":[{steps}]}}");
    peers::peers(&serde_json::from_str::<Scenario>(&scenario).unwrap(), refusal).unwrap()
}

const PARTITION: &str = r#"{"do":"mine","node":0},{"do":"cut","a":0,"b":1},
    {"do":"pay","from":"ada","to":"cleo","amount":"2","at":0},
    {"do":"mine","node":0},{"do":"mine","node":1},{"do":"mine","node":1},{"do":"join","a":0,"b":1}"#;

#[test]
fn nodes_part_and_agree_again() {
    let answer = replay(2, PARTITION);
    let tips =
        |moment: usize| answer.moments[moment].nodes.iter().map(|node| node.tip.clone()).collect::<Vec<_>>();
    assert_eq!(answer.moments.len(), 8);
    assert_eq!(answer.moments[0].nodes[0].peers, [1]);
    assert!(answer.moments[2].nodes[0].peers.is_empty());
    assert_eq!(tips(1)[0], tips(1)[1]);
    assert_ne!(tips(6)[0], tips(6)[1]);
    assert_eq!(tips(7)[0], tips(7)[1]);
    assert_eq!(tips(7)[0], tips(6)[1], "the chain of more work wins");
    let last = &answer.moments[7];
    let reorganised =
        |happening: &Happening| matches!(happening, Happening::Reorganisation { node: 0, depth: 1, .. });
    assert!(last.happened.iter().any(reorganised), "{last:?}");
    let payment = answer.payments[0].id.clone();
    let returned = Happening::Returned { node: 0, payments: vec![payment.clone()] };
    assert!(last.happened.contains(&returned), "{last:?}");
    assert_eq!(last.nodes[0].mempool, [payment]);
    assert_eq!(answer.blocks.len(), 5);
    assert_eq!(replay(2, PARTITION), answer, "the same request, the same answer");
}

#[test]
fn payments_are_refused_by_the_rules_of_a_node() {
    let pay = |rest: &str| format!(r#"{{"do":"pay","from":"ada","to":"ben",{rest}}}"#);
    let steps = [
        r#"{"do":"mine","node":0}"#.to_owned(),
        pay(r#""amount":"4""#),
        pay(r#""amount":"5","nonce":0"#),
        pay(r#""amount":"50""#),
        pay(r#""amount":"1","signer":"emil""#),
        pay(r#""amount":"1","signed_for":"main""#),
        pay(r#""amount":"0""#),
        r#"{"do":"mine","node":0}"#.to_owned(),
        r#"{"do":"replay","step":1,"at":0}"#.to_owned(),
        pay(r#""amount":"1","nonce":9"#),
    ];
    let answer = replay(1, &steps.join(","));
    let codes: Vec<&str> = answer
        .moments
        .iter()
        .flat_map(|moment| &moment.happened)
        .filter_map(|happening| match happening {
            Happening::Refused { refusal, .. } => Some(refusal.code),
            _ => None,
        })
        .collect();
    let expected = [
        "replacement-fee",
        "L2-balance",
        "T5-signature",
        "T5-signature",
        "T1-amount",
        "L1-nonce",
        "nonce-gap",
    ];
    assert_eq!(codes, expected);
    let accounts = &answer.moments.last().unwrap().nodes[0].accounts;
    assert_eq!((accounts[1].balance.as_str(), accounts[0].nonce), ("4", 1));
}

#[test]
fn scenarios_are_bounded() {
    let unfit = |nodes: usize, steps: &str| {
        let scenario = format!("{{\"nodes\":{nodes},\"steps\":[{steps}]}}");
        peers::peers(&serde_json::from_str(&scenario).unwrap(), refusal).unwrap_err().to_string()
    };
    assert!(unfit(0, "").starts_with("nodes: "));
    assert!(unfit(6, "").starts_with("nodes: "));
    assert!(unfit(1, &[r#"{"do":"mine","node":0}"#; 41].join(",")).starts_with("steps: "));
    for wrong in [
        r#"{"do":"mine","node":1}"#,
        r#"{"do":"cut","a":0,"b":0}"#,
        r#"{"do":"wait","seconds":61}"#,
        r#"{"do":"replay","step":0,"at":0}"#,
    ] {
        assert!(unfit(1, wrong).starts_with("steps: step 0: "), "{wrong}");
    }
}

#[test]
fn proofs_hold_until_they_are_spoilt() {
    for tree in [Tree::Payments, Tree::History, Tree::Accounts] {
        for leaves in [1, 2, 5, 13, 128] {
            let index = leaves / 2;
            let ask = |spoil| proofs::proofs(&ProofsRequest { tree, leaves, index, spoil });
            let proof = ask(None).unwrap();
            assert!(proof.shows.is_some() && proof.error.is_none(), "{tree:?} {leaves}: {proof:?}");
            if let Some(top) = proof.levels.last() {
                assert_eq!(top, std::slice::from_ref(&proof.root));
            }
            for spoil in 0..=proof.path.len() {
                let spoilt = ask(Some(spoil)).unwrap();
                assert!(spoilt.shows.is_none() && spoilt.error.is_some(), "{tree:?} {leaves} {spoil}");
            }
            assert!(ask(Some(proof.path.len() + 1)).is_err());
        }
    }
    let ask = |tree, leaves, index| proofs::proofs(&ProofsRequest { tree, leaves, index, spoil: None });
    let absent = ask(Tree::Accounts, 8, 8).unwrap().shows.unwrap();
    assert!(absent.contains("is not there"), "{absent}");
    assert!(ask(Tree::Payments, 8, 8).is_err() && ask(Tree::Accounts, 8, 129).is_err());
    assert!(ask(Tree::Payments, 0, 0).is_err() && ask(Tree::History, 129, 0).is_err());
}

#[test]
fn difficulty_follows_the_rate() {
    let ask = |start, before: f64, after: f64, blocks| {
        let network = Rules::Local;
        difficulty::difficulty(&DifficultyRequest {
            network,
            start,
            before,
            after,
            step: 300,
            blocks,
            seed: 1,
        })
    };
    for start in [Start::Young, Start::Settled] {
        let answer = ask(start, 200_000.0, 800_000.0, 1_500).unwrap();
        assert_eq!(answer, ask(start, 200_000.0, 800_000.0, 1_500).unwrap());
        let mean =
            |from: usize, to: usize| answer.difficulties[from..to].iter().sum::<f64>() / (to - from) as f64;
        let (before, after) = (mean(200, 300), mean(1_000, 1_500));
        assert!((1_200_000.0..3_000_000.0).contains(&before), "{start:?}: {before}");
        assert!((6_000_000.0..10_500_000.0).contains(&after), "{start:?}: {after}");
    }
    for (before, after, blocks) in
        [(0.0, 1.0, 1), (1.0, f64::NAN, 1), (1.0, 1e13, 1), (1.0, 1.0, 0), (1.0, 1.0, 2_001)]
    {
        assert!(ask(Start::Young, before, after, blocks).is_err());
    }
    for (before, after) in [(1.0, 1e12), (1e12, 1.0)] {
        let answer = ask(Start::Settled, before, after, 2_000).unwrap();
        assert!(answer.times.iter().chain(&answer.difficulties).all(|value| value.is_finite()));
    }
}
