//! Branches: every node ends on the one of most work.

use mote_tests::processes::{Api, Launch, Node, PATIENCE, Status, wait_for_one_tip, wait_until};
use serde_json::Value;

fn have_one_tip(nodes: &[&Node]) -> bool {
    let all: Vec<Status> = nodes.iter().map(|node| node.api().status()).collect();
    all.windows(2).all(|pair| pair[0].tip == pair[1].tip)
}

/// Two miners that are as fast as they can be, until the chains have this height; then they agree.
fn race(network: &str, height: u64) {
    let fast = || Launch::on(network).with(&["--mining-limit", "none"]).start();
    let nodes = [fast(), fast()];
    nodes[0].add_peer(&nodes[1]);
    for node in &nodes {
        node.wait("both know each other", |status| status.peers == 1);
        node.api().create_wallet();
    }
    nodes.iter().for_each(|node| node.api().set_mining(true));
    for node in &nodes {
        node.wait("the chain has grown", |status| status.height >= height);
    }
    nodes.iter().for_each(|node| node.api().set_mining(false));
    let [first, second] = &nodes;
    // Two branches of the same work stay until somebody mines the next block.
    let mut asked = 0;
    wait_until("both have one chain", PATIENCE, || {
        if have_one_tip(&[first, second]) {
            return Ok(());
        }
        asked += 1;
        if asked % 100 == 0 {
            first.api().mine();
        }
        Err(format!("{:#?}", nodes.each_ref().map(|node| node.api().status())))
    });
    assert_same_chain(&first.api(), &second.api());
    let rewards: u64 = nodes.iter().map(|node| whole(&node.api().wallet().balance)).sum();
    assert_eq!(rewards, 10 * first.api().status().height, "every block has one reward");
}

fn whole(motes: &str) -> u64 {
    motes.parse().unwrap_or_else(|_| panic!("rewards alone make whole motes, got {motes}"))
}

#[test]
fn two_fast_miners_on_a_fresh_network_agree() {
    race("local:race", 36);
}

#[test]
fn two_miners_that_outrun_the_network_agree() {
    race("regtest", 400);
}

fn assert_same_chain(first: &Api, second: &Api) {
    for height in 0..=first.status().height {
        assert_eq!(first.block(height).id, second.block(height).id, "at height {height}");
    }
}

#[test]
fn a_branch_of_two_hundred_blocks_is_replaced_and_its_payments_survive() {
    let [loser, winner] = [(); 2].map(|()| Launch::regtest().behind_wire().start());
    let payee = winner.api().create_wallet().address;
    loser.api().create_wallet();
    // Both branches have the coins that pay.
    loser.add_peer(&winner);
    loser.api().mine();
    assert_eq!(wait_for_one_tip(&[&loser, &winner]), 1);
    for node in [&loser, &winner] {
        node.wire().cut();
    }
    let paid = loser.api().send(&payee, "0.5");
    loser.api().mine_many(200);
    winner.api().mine_many(204);
    assert_eq!([&loser, &winner].map(|node| node.api().status().height), [201, 205]);
    let tip = winner.api().status().tip;
    for node in [&loser, &winner] {
        node.wire().mend();
    }
    assert_eq!(wait_for_one_tip(&[&loser, &winner]), 205);
    assert_eq!(loser.api().status().tip, tip);
    assert_eq!(loser.api().wallet().balance, "10");
    wait_until("the payment is open on the winning side", PATIENCE, || {
        winner.api().transaction_status(&paid.id).ok_or_else(|| "it is not known".to_owned())
    });
    winner.api().mine();
    wait_for_one_tip(&[&loser, &winner]);
    assert_eq!(loser.api().transaction_status(&paid.id).as_deref(), Some("mined"));
    assert_eq!(loser.api().wallet().balance, "9.499");
}

#[test]
fn nodes_that_fork_at_equal_height_agree_with_the_next_block() {
    let [first, second] = [(); 2].map(|()| Launch::regtest().start());
    for node in [&first, &second] {
        node.api().create_wallet();
        node.api().mine();
    }
    first.add_peer(&second);
    second.wait("both know each other", |status| status.peers == 1);
    let kept = first.api().status().tip;
    let resolved = first.api().resolve();
    assert!(!resolved.replaced, "{resolved:?}");
    assert_eq!((resolved.to.id, resolved.to.height), (kept, 1), "of equal branches the first stays");
    second.api().mine();
    assert_eq!(wait_for_one_tip(&[&first, &second]), 2);
}

#[test]
fn asking_for_the_best_chain_says_what_came_of_it() {
    let [first, second] = [(); 2].map(|()| Launch::regtest().start());
    let alone = first.api().resolve();
    assert!(!alone.replaced, "{alone:?}");
    assert_eq!((alone.from.height, alone.to.height), (0, 0));
    second.api().create_wallet();
    second.api().mine_many(3);
    first.add_peer(&second);
    let resolved = wait_until("the node has its peer's chain", PATIENCE, || {
        let resolved = first.api().resolve();
        if resolved.to.height == 3 { Ok(resolved) } else { Err(format!("{resolved:?}")) }
    });
    assert_eq!(resolved.replaced, resolved.from.id != resolved.to.id, "{resolved:?}");
    assert_eq!(resolved.to.id, second.api().status().tip);
}

#[test]
fn a_branch_that_lost_is_still_shown() {
    let [first, second] = [(); 2].map(|()| Launch::regtest().behind_wire().start());
    for node in [&first, &second] {
        node.api().create_wallet();
    }
    first.api().mine_many(2);
    second.api().mine_many(4);
    let (lost, won) = (first.api().status().tip, second.api().status().tip);
    first.add_peer(&second);
    assert_eq!(wait_for_one_tip(&[&first, &second]), 4);
    let branches: Value = first.api().get("/branches").expect(200);
    let field = |index: usize, name: &str| branches[index][name].clone();
    assert_eq!((field(0, "id"), field(0, "status")), (won.into(), "main".into()));
    assert_eq!((field(1, "id"), field(1, "status")), (lost.as_str().into(), "stale".into()));
    assert_eq!(
        (field(1, "fork_height"), field(1, "length"), field(1, "height")),
        (0.into(), 2.into(), 2.into())
    );
    let below = first.api().block(&lost).previous;
    assert_eq!(field(1, "blocks"), Value::from(vec![lost.clone(), below]));
    assert_eq!(branches.as_array().map(Vec::len), Some(2), "{branches}");
    let siblings: Value = first.api().get("/blocks/2/siblings").expect(200);
    assert_eq!((&siblings[0]["id"], &siblings[0]["on_main_chain"]), (&lost.into(), &false.into()));
    // What never lost here was never sent here.
    let elsewhere: Value = second.api().get("/branches").expect(200);
    assert_eq!(elsewhere.as_array().map(Vec::len), Some(1), "{elsewhere}");
}
