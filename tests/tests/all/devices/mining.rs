//! A device that mines and pays, and a laptop's node that takes its blocks and its payments.

use std::path::Path;

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::keys::SecretKey;
use mote_tests::devices::card::{identity, seed};
use mote_tests::devices::{Button, Machine};
use mote_tests::fixtures::{account, network};
use mote_tests::processes::{Launch, Node, PATIENCE, wait_until};
use serde_json::Value;

/// A network where a block takes 65,536 attempts.
const NETWORK: &str = "local:devices";

/// At least so many pixels are others once the display asks whether a payment is to leave.
const ASKED_PIXELS: usize = 500;

/// Asks for the picture of the README to be taken anew.
const PICTURES: &str = "MOTE_PICTURES";

/// The address of the device with this number.
fn device_address(number: u8) -> String {
    let key = SecretKey::from_seed(&seed(number)).public_key();
    Address::new(network(NETWORK).address_prefix, key).to_string()
}

/// An address that nobody has used.
fn address(number: u64) -> String {
    Address::new(network(NETWORK).address_prefix, account(number)).to_string()
}

fn miner_of(node: &Node, height: u64) -> String {
    let header: Value = node.api().get(&format!("/blocks/{height}/header")).expect(200);
    header["miner"].as_str().expect("a string").to_owned()
}

/// Waits until the node has this many more blocks of the device.
fn wait_for_blocks(node: &Node, more: u64) -> u64 {
    let goal = node.api().status().height + more;
    node.wait("the device's blocks arrive", |status| status.height >= goal).height
}

#[test]
fn a_node_takes_the_blocks_and_the_payments_of_a_device() {
    let node = Launch::on(NETWORK).start();
    let mut machine = Machine::with_card(&identity(NETWORK, 7, &[node.port()], Mines::FromTheStart));
    let height = wait_for_blocks(&node, 3);
    let own = device_address(7);
    (1..=height).for_each(|height| assert_eq!(miner_of(&node, height), own));
    assert_eq!(machine.status()["address"], own.as_str());

    // The page is there while it mines.
    for _ in 0..20 {
        let (page, status) = (machine.fetch("/"), machine.status());
        assert_eq!((page.status, &status["mining"]["enabled"]), (200, &Value::from(true)));
    }
    let status = machine.wait("the device counts its attempts", |status| status["mining"]["hash_rate"] != 0);
    assert!(status["mining"]["found"].as_u64() >= Some(3), "{status}");

    // A payment leaves only once it is confirmed.
    machine.wait("the balance is proven", |status| status["balance"].is_string());
    pays(&mut machine, &node, &address(2), "1.5", |machine| machine.type_line("confirm"));
    let before = machine.screen();
    pays(&mut machine, &node, &address(3), "2.25", |machine| {
        // The button confirms what the display shows.
        wait_until("the display asks", PATIENCE, || match machine.screen() {
            screen if screen.differs_in(&before) > ASKED_PIXELS => Ok(()),
            screen => Err(format!("{screen:?}")),
        });
        machine.press(Button::Select);
    });

    // Off is off.
    machine.press(Button::Left);
    machine.wait("mining is off", |status| status["mining"]["enabled"] == false);
    machine.type_line("mine on");
    machine.wait("mining is on", |status| status["mining"]["enabled"] == true);
    let height = wait_for_blocks(&node, 1);
    assert_eq!(miner_of(&node, height), own);

    machine.wait("the device is at the tip", |status| status["stage"]["name"] == "at-tip");
    assert!(machine.screen().lit() > 100, "the display is dark:\n{:?}", machine.screen());
    if std::env::var_os(PICTURES).is_some() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../pictures"));
        std::fs::create_dir_all(folder).expect("the checkout is writable");
        machine.picture(&folder.join("device.png"));
    }
}

/// The device pays, is asked, is told yes, and the payment is mined.
fn pays(machine: &mut Machine, node: &Node, to: &str, amount: &str, confirm: impl FnOnce(&mut Machine)) {
    machine.type_line(&format!("pay {to} {amount} thanks"));
    let status = machine.wait("a payment waits", |status| status["prepared"].is_object());
    assert_eq!(status["prepared"]["recipient"], to);
    assert_eq!(status["prepared"]["amount"], amount);
    assert_eq!(node.api().status().mempool, 0, "it has left without a confirmation");
    confirm(machine);
    machine.wait("it is on its way", |status| status["prepared"].is_null());
    wait_until("the payment is mined", PATIENCE, || {
        let balance = node.api().balance(to);
        if balance == amount { Ok(()) } else { Err(format!("{balance}\n{}", machine.last_lines())) }
    });
    let id = machine.status()["payments"][0]["id"].as_str().expect("a string").to_owned();
    assert_eq!(node.api().transaction_status(&id).as_deref(), Some("mined"));
    machine.wait("the device sees it", |status| status["payments"][0]["state"] == "mined");
}

#[test]
fn a_device_mines_what_others_pay() {
    let node = Launch::on(NETWORK).start();
    node.api().create_wallet();
    node.api().mine_many(2);
    let machine = Machine::with_card(&identity(NETWORK, 8, &[node.port()], Mines::WhenTold));
    machine.wait_for_tip(&node.api().status().tip);
    assert_eq!(machine.status()["mining"]["enabled"], false);
    let paid = node.api().send(&address(5), "3");
    let mut machine = machine;
    machine.press(Button::Right);
    wait_until("the payment is mined", PATIENCE, || {
        match node.api().transaction_status(&paid.id).as_deref() {
            Some("mined") => Ok(()),
            other => Err(format!("{other:?}\n{}", machine.last_lines())),
        }
    });
    let height = node.api().status().height;
    assert!((3..=height).any(|height| miner_of(&node, height) == device_address(8)));
    assert_eq!(node.api().balance(&address(5)), "3");
}
