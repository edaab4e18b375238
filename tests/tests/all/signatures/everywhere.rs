//! The same cases as payments: a real node, another one that follows it, and the device's image in its
//! emulator take the same ones, and refuse the same ones by the same rule.

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::keys::{PublicKey, Signature};
use mote_core::params::Params;
use mote_core::transaction::{Memo, Transaction};
use mote_core::units::Amount;
use mote_tests::devices::Machine;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::lies::{Ground, Lie};
use mote_tests::devices::script::Script;
use mote_tests::fixtures::{account, pay, regtest};
use mote_tests::processes::{Launch, Node, wait_for_one_tip};
use serde_json::{Value, json};

use super::edges::{CASES_PER_KEY, VALID_PER_KEY, case, keys};
use crate::devices::lies::Trial;

/// What each of the keys gets, in grains: enough for all its payments.
const FUNDS: u64 = 1_000_000;

/// A payment from one of the keys whose signature is this case.
pub fn payment(params: &Params, key: [u8; 32], number: usize, nonce: u64) -> (String, Transaction) {
    let mut transaction = Transaction {
        sender: PublicKey::from_bytes(key),
        recipient: account(2),
        amount: Amount::from_grains(1),
        fee: Amount::from_grains(1_000),
        nonce,
        memo: Memo::new(),
        signature: Signature::from_bytes([0; 64]),
    };
    let case = case(key, number, &transaction.message(params));
    transaction.signature = Signature::from_bytes(case.signature);
    (case.name, transaction)
}

fn text(params: &Params, key: PublicKey) -> String {
    Address::new(params.address_prefix, key).to_string()
}

/// Sends a payment in; the code of the node's refusal, where it refuses.
fn submit(node: &Node, params: &Params, transaction: &Transaction) -> Option<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let answer = node.api().post(
        "/transactions",
        &json!({
            "sender": text(params, transaction.sender), "recipient": text(params, transaction.recipient),
            "amount": transaction.amount.to_string(), "fee": transaction.fee.to_string(),
            "nonce": transaction.nonce, "memo": hex(&transaction.memo),
            "signature": hex(transaction.signature.as_bytes()),
        }),
    );
    (answer.status != 201).then(|| answer.code().to_owned())
}

#[test]
fn a_device_and_real_nodes_take_every_strange_signature_that_is_one() {
    let params = regtest();
    let (node, follower) = (Launch::regtest().start(), Launch::regtest().start());
    let api = node.api();
    api.create_wallet();
    api.mine();
    for key in keys() {
        api.send(&text(&params, PublicKey::from_bytes(key)), &Amount::from_grains(FUNDS).to_string());
    }
    api.mine();
    for number in 0..VALID_PER_KEY {
        for key in keys() {
            let (name, transaction) = payment(&params, key, number, number as u64);
            assert_eq!(submit(&node, &params, &transaction), None, "{name} of {key:02x?}");
        }
        let mined: Value = api.get(&format!("/blocks/{}", api.mine().id)).expect(200);
        assert_eq!(mined["transactions"].as_array().map(Vec::len), Some(keys().len()));
    }
    // What is none is refused at the node's door by its rule.
    for key in keys() {
        for number in VALID_PER_KEY..CASES_PER_KEY {
            let (name, transaction) = payment(&params, key, number, VALID_PER_KEY as u64);
            let refused = submit(&node, &params, &transaction);
            assert_eq!(refused.as_deref(), Some("T5-signature"), "{name} of {key:02x?}");
        }
    }
    // Who gets them in blocks says the same: a node, which has all of a block, and a device, by witnesses.
    follower.add_peer(&node);
    wait_for_one_tip(&[&node, &follower]);
    let machine = Machine::with_card(&identity("regtest", 1, &[node.port()], Mines::WhenTold));
    let status = machine.wait_for_tip(&api.status().tip);
    assert_eq!(status["refused"], Value::Null);
    let header: Value = api.get(&format!("/blocks/{}/header", api.status().tip)).expect(200);
    assert_eq!(status["state_root"], header["state_root"]);
}

/// A chain on which the keys have something to spend, and blocks on it that do so with each signature that is
/// none, by two of the keys.
fn lies(params: Params) -> (Ground, Vec<Lie>) {
    let mut base = Branch::new(params.clone());
    base.grow(1, 4);
    let fund = |(nonce, key): (usize, [u8; 32])| {
        pay(&params, 1, PublicKey::from_bytes(key), FUNDS, 1_000, nonce as u64)
    };
    base.extend(1, keys().into_iter().enumerate().map(fund).collect());
    let mut longer = base.clone();
    let valid = |key: [u8; 32]| payment(&params, key, 9, 0).1;
    longer.extend(1, keys().map(valid).to_vec());
    let lie = |(key, number): ([u8; 32], usize)| {
        let (name, transaction) = payment(&params, key, number, 0);
        let mut branch = base.clone();
        branch.append_unchecked(1, vec![transaction]);
        let (script, truth) = (Script::honest(), longer.clone());
        Lie { name, reasons: &["T5-signature"], branch, script, truth }
    };
    let invalid = || VALID_PER_KEY..CASES_PER_KEY;
    let cases = [0, 1].into_iter().flat_map(|key| invalid().map(move |number| (keys()[key], number)));
    // Both keys fail for the same reasons, so one of them takes every other case.
    let lies = cases.enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, case)| lie(case)).collect();
    (Ground { base, longer }, lies)
}

#[test]
fn a_device_refuses_every_strange_signature_that_is_none() {
    let (ground, lies) = lies(regtest());
    assert_eq!(lies.len(), CASES_PER_KEY - VALID_PER_KEY);
    Trial::new(ground).tell(&lies);
}
