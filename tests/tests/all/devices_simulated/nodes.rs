//! The portable device beside a node that really runs.

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::keys::SecretKey;
use mote_tests::devices::simulated::{Bench, Running, device, device_seed};
use mote_tests::fixtures::regtest;
use mote_tests::processes::{Launch, Node};

/// Waits until the device and the node have the same tip.
#[track_caller]
fn until_one_tip(device: &mut Running<'_>, node: &Node) {
    let tip = node.api().status().tip;
    let status = device.until_status("it has the node's tip", |status| status["tip"] == tip.as_str());
    assert!(status["refused"].is_null(), "{status:#}");
}

#[test]
fn a_device_and_a_node_understand_each_other() {
    let node = Launch::regtest().start();
    let wallet = node.api().create_wallet();
    node.api().mine_many(40);
    let own = SecretKey::from_seed(&device_seed(1)).public_key();
    let own = Address::new(regtest().address_prefix, own).to_string();
    node.api().send(&own, "5");
    node.api().mine_many(1);
    let mut bench = Bench::new(&device(1, 1, Mines::WhenTold));
    bench.add_bridge(([127, 0, 0, 1], node.port()).into());
    bench.switch_on(|device| {
        until_one_tip(device, &node);
        device.until_status("its balance is proven", |status| status["balance"] == "5");

        // The node takes what the device mines.
        let before = node.api().status().height;
        device.ask("mine on", "done");
        device.until("it mines", |device| device.printed("found ").len() >= 10);
        device.ask("mine off", "done");
        device.pass(300);
        until_one_tip(device, &node);
        assert!(node.api().status().height >= before + 10);

        // And what it pays.
        device.until_status("its balance is proven", |status| status["balance"].is_string());
        device.ask(&format!("pay {} 1.5 thanks", wallet.address), "prepared");
        let sent = device.ask("confirm", "sent");
        let id = sent.split(' ').nth(1).expect("an id").to_owned();
        device.until("the node has it", |_| node.api().status().mempool == 1);
        node.api().mine_many(1);
        device.until("it is mined", |device| device.has_printed(&format!("paid {id}")));
        assert_eq!(node.api().transaction_status(&id).as_deref(), Some("mined"));
    });
}
