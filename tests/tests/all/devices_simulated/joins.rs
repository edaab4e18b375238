//! A device joins its peers, checks what they have, and follows them.

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::simulated::{Bench, Medium, device};
use mote_tests::fixtures::{account, pay, regtest};
use serde_json::Value;

use super::{chain, longer, rival};

#[test]
fn a_device_validates_a_chain_and_follows_it() {
    let mut branch = chain(100);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        // Its headers were looked at once to see their work, and once to check the blocks.
        let asked = device.peer(0).heard_of("GetHeaders");
        assert!(asked <= 13 + 26, "asked for headers {asked} times");
        for _ in 0..10 {
            branch.grow_with_payments(1, 1, 3);
            device.peer(0).show(branch.clone());
            device.until_tip(&branch);
        }
        let blocks = device.printed("block ");
        let states: Vec<&str> = blocks.iter().filter_map(|line| line.split(' ').nth(6)).collect();
        let roots: Vec<String> =
            branch.shown().iter().map(|shown| shown.header.state_root.to_string()).collect();
        assert_eq!(states, roots, "the state after every block");
        assert!(!device.has_printed("fault"), "{}", device.seen());
        assert!(!device.has_printed("disconnected"), "{}", device.seen());
    });
}

/// The network hands over bytes in other pieces than they were sent in.
#[test]
fn bytes_come_in_pieces_of_any_size() {
    let branch = chain(9);
    for pace in [1, 2, 3, 7, 33, 34, 58, 59, 60, 100, 257, 1_459] {
        let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
        bench.peer(0).pace = Some(pace);
        bench.switch_on(|device| {
            device.until_tip_or_later(&branch);
            device.until("it mines on", |device| device.peer(0).taken.len() >= 2);
            assert!(!device.has_printed("refused"), "pace {pace}: {}", device.seen());
            assert_eq!(device.peer(0).refused, []);
        });
    }
}

#[test]
fn a_large_block_is_checked_piece_by_piece() {
    let mut branch = chain(20);
    let nonce = branch.nonce(1);
    let payment = |index| pay(branch.params(), 1, account(200 + index), 1_000, 1_000, nonce + index);
    let payments = (0..300).map(payment).collect();
    branch.extend(1, payments);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
    });
}

#[test]
fn the_peer_with_most_work_wins() {
    let first = chain(30);
    let second = rival(&first, 20, 15);
    let mut bench = Bench::between(first.clone(), second.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&second);
        // The other one overtakes, and is overtaken.
        let first = rival(&first, 28, 12);
        device.peer(0).show(first.clone());
        device.until_tip(&first);
        let second = rival(&second, 25, 20);
        device.peer(1).show(second.clone());
        device.until_tip(&second);
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

#[test]
fn the_first_seen_of_equal_branches_stays() {
    let first = chain(30);
    let second = rival(&first, 25, 5);
    assert_eq!(first.work(), second.work());
    let mut bench = Bench::new(&device(1, 2, Mines::WhenTold));
    bench.add_peer(first.clone());
    bench.add_peer(second.clone());
    bench.listen(1, false);
    bench.switch_on(|device| {
        device.until_tip(&first);
        device.bench.listen(1, true);
        device.until("both are connected", |device| device.peer(1).connected() == 1);
        device.pass(20_000);
        device.until_tip(&first);
        assert_eq!(device.peer(1).heard_of("GetWitness"), 0);
        let second = longer(&second);
        device.peer(1).show(second.clone());
        device.until_tip(&second);
    });
}

#[test]
fn a_device_without_a_card_joins_its_router() {
    // It knows no network but the local one, and nobody but the router.
    let mut branch = Branch::new(mote_tests::fixtures::network("local"));
    branch.grow(1, 3);
    let mut bench = Bench::with_card(None);
    bench.add_peer(branch.clone());
    bench.switch_on(|device| {
        let status = device.until_tip(&branch);
        assert_eq!(status["card"]["state"], "none");
        assert_eq!(status["address"], Value::Null);
        assert!(device.ask("mine on", "not done").contains("no key"));
    });
}

#[test]
fn a_device_with_a_card_that_cannot_be_read_joins_all_the_same() {
    let mut branch = Branch::new(mote_tests::fixtures::network("local"));
    branch.grow(1, 3);
    let mut bench = Bench::with_card(Some(Medium::default()));
    bench.add_peer(branch.clone());
    bench.switch_on(|device| {
        device.until_tip(&branch);
        device.until_status("its fault is shown", |status| status["fault"]["name"] == "card-unreadable");
    });
}

#[test]
fn an_address_that_comes_late_costs_nothing_but_time() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.set_addresses(false);
    bench.switch_on(|device| {
        device.pass(100_000);
        let status = device.status();
        assert_eq!((&status["stage"]["name"], &status["ip"]), (&"no-network".into(), &Value::Null));
        assert!(!device.has_printed("disconnected"), "{}", device.seen());
        device.bench.set_addresses(true);
        device.until("it has an address", |device| device.has_printed("address"));
        let before = device.millis();
        device.until_tip(&branch);
        assert!(device.millis() - before < 2_000, "it waited for no reason");
    });
}

#[test]
fn frames_that_are_lost_are_sent_again() {
    let branch = chain(40);
    for one_in in [50, 20, 8] {
        let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
        bench.lose_one_in(one_in);
        bench.switch_on(|device| {
            device.until_tip(&branch);
            assert!(!device.has_printed("refused"), "{}", device.seen());
        });
    }
}

#[test]
fn commands_are_heard_while_blocks_are_checked() {
    let branch = chain(60);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until("it checks", |device| device.has_printed("block 5 "));
        assert_eq!(device.ask("mine on", "done"), "done");
        assert!(device.ask("pay nobody 1", "error").contains("nobody"));
        let before = device.printed("block ").len();
        assert!(before < 60, "it was still checking");
        device.until_tip_or_later(&branch);
    });
}

/// What is on the network's own networks is not what the tests call them.
#[test]
fn networks_are_told_apart() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 2);
    let mut bench = Bench::with_card(None);
    bench.add_peer(branch);
    bench.switch_on(|device| {
        device.until("the peer is refused", |device| device.has_printed("refused 10.0.2.2:7700 network"));
    });
}
