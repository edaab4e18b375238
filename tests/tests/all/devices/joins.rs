//! A device and real nodes: it comes to their tip by itself, checks every block on the way, and stays
//! there.

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_tests::devices::card::identity;
use mote_tests::devices::{BlockLine, Machine};
use mote_tests::fixtures::{account, regtest};
use mote_tests::processes::{Launch, Node, PATIENCE, wait_until};
use serde_json::Value;

/// How long the chain is that a device joins.
const BLOCKS: usize = 210;

/// An address that nobody has used.
fn address(number: u64) -> String {
    Address::new(regtest().address_prefix, account(number)).to_string()
}

/// A node whose chain has this many blocks, nearly all of them with payments.
fn node_with_payments(blocks: usize) -> Node {
    let node = Launch::regtest().start();
    let api = node.api();
    api.create_wallet();
    for number in 0..blocks {
        for payment in 0..number % 4 {
            api.send(&address(100 + (number * 7 + payment) as u64 % 50), "0.25");
        }
        api.mine();
    }
    node
}

/// What the node has at the height of a block that the device has validated.
fn at_node(node: &Node, line: &BlockLine) -> BlockLine {
    let header: Value = node.api().get(&format!("/blocks/{}/header", line.height)).expect(200);
    let text = |name: &str| header[name].as_str().expect("a string").to_owned();
    BlockLine { height: line.height, id: text("id"), state_root: text("state_root") }
}

#[test]
fn a_device_checks_two_hundred_blocks_with_payments_and_follows_on() {
    let mut node = node_with_payments(BLOCKS);
    let mut machine = Machine::with_card(&identity("regtest", 1, &[node.port()], Mines::WhenTold));
    machine.wait_for_tip(&node.api().status().tip);

    // The state after every single block is the one that the node has.
    let validated = wait_until("the console has caught up", PATIENCE, || {
        let lines = machine.blocks();
        if lines.len() >= BLOCKS { Ok(lines) } else { Err(machine.last_lines()) }
    });
    let heights: Vec<u64> = validated.iter().map(|line| line.height).collect();
    assert_eq!(heights, (1..=BLOCKS as u64).collect::<Vec<_>>());
    for line in &validated {
        assert_eq!(*line, at_node(&node, line));
    }

    // New blocks come as they are made.
    for _ in 0..5 {
        node.api().send(&address(1), "1.5");
        machine.wait_for_tip(&node.api().mine().id);
    }
    assert_eq!(node.api().status().peers, 1);

    // The node goes and comes back, and has one more block.
    node.kill();
    machine.wait("the device notices that it is alone", |status| status["stage"]["name"] == "no-peer");
    node.start();
    let mined = node.api().mine();
    machine.wait_for_tip(&mined.id);
    for line in machine.blocks() {
        assert_eq!(line, at_node(&node, &line));
    }

    // And the same with the device: it goes on from where it was.
    let saved = machine.wait("the state is on the card", |status| status["card"]["saved"] == mined.height);
    assert_eq!(saved["card"]["boots"], 1);
    machine.pass_over();
    let before = machine.blocks().len();
    machine.restart();
    let mined = node.api().mine();
    let status = machine.wait_for_tip(&mined.id);
    assert_eq!(status["card"]["boots"], 2);
    assert!(machine.blocks().len() <= before + 1, "it begins anew:\n{}", machine.last_lines());
}

#[test]
fn a_device_prefers_the_node_with_more_work() {
    let (shorter, longer) = (node_with_payments(5), node_with_payments(9));
    let ports = [shorter.port(), longer.port()];
    let machine = Machine::with_card(&identity("regtest", 1, &ports, Mines::WhenTold));
    machine.wait_for_tip(&longer.api().status().tip);
    // The other one overtakes; nobody tells it of the longer chain.
    shorter.api().mine_many(6);
    machine.wait_for_tip(&shorter.api().status().tip);
    longer.api().mine_many(4);
    let status = machine.wait_for_tip(&longer.api().status().tip);
    assert_eq!(status["refused"], Value::Null, "to be behind is no offence");
}
