//! Branches: every node ends on the one of most work.

use mote_tests::processes::{Api, Launch, Node, PATIENCE, Status, wait_for_one_tip, wait_until};

/// How far both chains must get while both nodes mine as fast as they can.
const RACE: u64 = 150;

fn have_one_tip(nodes: &[&Node]) -> bool {
    let all: Vec<Status> = nodes.iter().map(|node| node.api().status()).collect();
    all.windows(2).all(|pair| pair[0].tip == pair[1].tip)
}

#[test]
fn two_fast_miners_on_a_fresh_network_agree() {
    let fast = || Launch::on("local:race").with(&["--mining-limit", "none"]).start();
    let nodes = [fast(), fast()];
    nodes[0].add_peer(&nodes[1]);
    for node in &nodes {
        node.wait("both know each other", |status| status.peers == 1);
        node.api().create_wallet();
    }
    nodes.iter().for_each(|node| node.api().set_mining(true));
    for node in &nodes {
        node.wait("the chain has grown", |status| status.height >= RACE);
    }
    nodes.iter().for_each(|node| node.api().set_mining(false));
    let [first, second] = &nodes;
    // Two branches of the same work stay until somebody mines the next block.
    let mut further = 0;
    wait_until("both have one chain", PATIENCE, || {
        if have_one_tip(&[first, second]) {
            return Ok(());
        }
        further += 1;
        if further % 100 == 0 {
            first.api().mine();
        }
        Err(format!("{:#?}", nodes.each_ref().map(|node| node.api().status())))
    });
    assert_same_chain(&first.api(), &second.api());
    let balances = nodes.each_ref().map(|node| node.api().wallet().balance);
    assert!(balances.iter().all(|balance| balance != "0"), "both have blocks on it: {balances:?}");
}

fn assert_same_chain(first: &Api, second: &Api) {
    for height in 0..=first.status().height {
        assert_eq!(first.block(height).id, second.block(height).id, "at height {height}");
    }
}

#[test]
fn a_branch_of_two_hundred_blocks_is_replaced_and_its_payments_survive() {
    let [loser, winner] = [(); 2].map(|()| Launch::regtest().start());
    let payee = winner.api().create_wallet().address;
    loser.api().create_wallet();
    // Both have the coins that pay later.
    winner.add_peer(&loser);
    loser.api().mine();
    assert_eq!(wait_for_one_tip(&[&loser, &winner]), 1);
    winner.cli(&["peers", "remove", &loser.address()]);
    for node in [&loser, &winner] {
        // Each remembers where the other listens.
        for peer in node.api().peers() {
            let answer = node.api().try_send("DELETE", &format!("/api/v1/peers/{}", peer.address), None);
            assert!(answer.is_ok(), "{answer:?}");
        }
        node.wait("they have parted", |status| status.peers == 0);
    }
    let paid = loser.api().send(&payee, "0.5");
    loser.api().mine_many(200);
    winner.api().mine_many(204);
    assert_eq!([&loser, &winner].map(|node| node.api().status().height), [201, 205]);
    let tip = winner.api().status().tip;
    loser.add_peer(&winner);
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
