//! Processes that are killed while they work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mote_tests::processes::{Answer, Api, Launch, MinedBlock, PATIENCE, Sent, wait_until};
use serde_json::json;

const KILLS: usize = 50;

/// Mines until the node is gone; what it acknowledged.
fn mine(api: &Api, acknowledged: &AtomicUsize) -> Vec<MinedBlock> {
    let mut blocks = Vec::new();
    while let Ok(answer) = api.try_post("/mining/block", &json!({})) {
        if !is_ahead_of_its_clock(&answer) {
            blocks.push(answer.expect(201));
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
    blocks
}

/// Whether the chain has grown so fast that no further block may be stamped yet. That passes: each is later
/// than half of the eleven before it, and blocks this easy can be found faster than seconds pass.
fn is_ahead_of_its_clock(answer: &Answer) -> bool {
    let is_ahead = answer.code() == "clock-behind";
    if is_ahead {
        thread::sleep(Duration::from_millis(100));
    }
    is_ahead
}

/// Pays until the node is gone; what it acknowledged.
fn pay(api: &Api, to: &str, acknowledged: &AtomicUsize) -> Vec<Sent> {
    let mut payments = Vec::new();
    while let Ok(answer) = api.try_post("/wallet/send", &json!({ "to": to, "amount": "0.001" })) {
        payments.push(answer.expect(201));
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    payments
}

fn check_blocks<'a>(api: &Api, blocks: impl IntoIterator<Item = &'a MinedBlock>) {
    for block in blocks {
        let found = api.block(&block.id);
        assert!(found.on_main_chain && found.height == block.height, "of {block:?} is left {found:?}");
    }
}

fn check_payments<'a>(api: &Api, payments: impl IntoIterator<Item = &'a Sent>) {
    for payment in payments {
        let status = api.transaction_status(&payment.id);
        assert!(matches!(status.as_deref(), Some("open" | "mined")), "of {payment:?} is left {status:?}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_fifty_kills() {
    let mut node = Launch::regtest().start();
    let own = node.api().create_wallet().address;
    node.api().mine_many(5);
    let (mut blocks, mut payments) = (Vec::new(), Vec::new());
    for round in 0..KILLS {
        let (mined, paid) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let api = node.api();
        let (new_blocks, new_payments) = thread::scope(|scope| {
            let miner = scope.spawn(|| mine(&api, &mined));
            let payer = scope.spawn(|| pay(&api, &own, &paid));
            // Later in some rounds than in others, and always in the midst of something.
            wait_until("the node has acknowledged some work", PATIENCE, || {
                let (blocks, payments) = (mined.load(Ordering::Relaxed), paid.load(Ordering::Relaxed));
                let is_enough = blocks > round % 3 && payments > round % 5;
                if is_enough { Ok(()) } else { Err(format!("{blocks} blocks, {payments} payments")) }
            });
            node.kill();
            (miner.join().expect("only the kill ends it"), payer.join().expect("only the kill ends it"))
        });
        node.start();
        check_blocks(&node.api(), &new_blocks);
        check_payments(&node.api(), &new_payments);
        blocks.extend(new_blocks);
        payments.extend(new_payments);
    }
    let api = node.api();
    check_blocks(&api, &blocks);
    check_payments(&api, &payments);
    let heights: BTreeMap<u64, &str> = blocks.iter().map(|block| (block.height, block.id.as_str())).collect();
    assert_eq!(heights.len(), blocks.len(), "no height was given twice");
    wait_until("all payments are mined", PATIENCE, || {
        let answer = api.try_post("/mining/block", &json!({})).expect("the node answers");
        assert!(answer.status == 201 || is_ahead_of_its_clock(&answer), "{answer:?}");
        let open = api.status().mempool;
        if open == 0 { Ok(()) } else { Err(format!("{open} are open")) }
    });
    node.terminate();
    node.cli(&["verify"]);
}
