//! Payments of the device: prepared, confirmed, remembered, mined, and found again.

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::keys::{PublicKey, SecretKey};
use mote_firmware::board::Button;
use mote_tests::devices::simulated::{Bench, Fault, Running, device_seed};
use mote_tests::fixtures::{account, pay};
use serde_json::Value;

use super::{Branch, chain, longer};

/// The device's key.
fn own() -> PublicKey {
    SecretKey::from_seed(&device_seed(1)).public_key()
}

/// A chain on which the device was paid so many grains.
fn with_funds(grains: u64) -> Branch {
    let mut branch = chain(10);
    let payment = pay(branch.params(), 1, own(), grains, 1_000, branch.nonce(1));
    branch.extend(1, vec![payment]);
    branch
}

fn address(number: u64) -> String {
    Address::new(super::regtest().address_prefix, account(number)).to_string()
}

/// Prepares a payment and confirms it; what the device says in the end.
fn send(device: &mut Running<'_>, to: u64, amount: &str) -> String {
    let prepared = device.ask(&format!("pay {} {amount}", address(to)), "prepared");
    assert_eq!(prepared, format!("prepared {amount} to {} fee 0.001: confirm or decline", address(to)));
    let answers = |device: &Running<'_>| [device.printed("sent"), device.printed("not done")];
    let before = answers(device).map(|lines| lines.len());
    device.type_line("confirm");
    device.until("there is an answer", |device| answers(device).map(|lines| lines.len()) != before);
    let answers = answers(device).into_iter().zip(before);
    answers.filter_map(|(lines, before)| lines.get(before).cloned()).next().unwrap_or_default()
}

/// Waits until the device knows what it has.
#[track_caller]
fn until_balance(device: &mut Running<'_>, balance: &str) {
    device.until_status(&format!("it has {balance}"), |status| status["balance"] == balance);
}

fn states(device: &mut Running<'_>) -> Vec<String> {
    let status = device.status();
    let payments = status["payments"].as_array().cloned().unwrap_or_default();
    payments.iter().map(|payment| payment["state"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_payment_is_prepared_confirmed_and_mined() {
    let mut bench = Bench::beside(with_funds(5_000_000), Mines::WhenTold);
    bench.switch_on(|device| {
        until_balance(device, "5");
        let sent = send(device, 7, "2.5");
        device.until("it arrives", |device| device.peer(0).paid.len() == 1);
        let paid = device.peer(0).paid[0].clone();
        assert_eq!(sent, format!("sent {}", paid.id()));
        assert_eq!((paid.sender, paid.recipient, paid.nonce), (own(), account(7), 0));
        assert_eq!(paid.amount.to_string(), "2.5");
        assert_eq!(states(device), ["open"]);
        device.peer(0).mine(9);
        device.until("it is mined", |device| device.has_printed(&format!("paid {} height 12", paid.id())));
        assert_eq!(states(device), ["mined"]);
        until_balance(device, "2.499");
        assert_eq!(device.peer(0).branch().balance_of(&account(7)), 2_500_000);
    });
}

#[test]
fn a_payment_leaves_only_once_it_is_confirmed() {
    let mut bench = Bench::beside(with_funds(5_000_000), Mines::WhenTold);
    bench.switch_on(|device| {
        until_balance(device, "5");
        assert_eq!(device.ask("confirm", "not done"), "not done: no payment waits for confirmation");
        assert_eq!(device.ask("decline", "not done"), "not done: no payment waits for confirmation");
        device.ask(&format!("pay {} 1", address(7)), "prepared");
        device.pass(30_000);
        assert_eq!(device.peer(0).paid.len(), 0);
        assert_eq!(device.ask("decline", "done"), "done");
        assert_eq!(device.ask("confirm", "not done"), "not done: no payment waits for confirmation");
        // The last one that was prepared counts, and the buttons do as well as the console.
        device.ask(&format!("pay {} 1", address(7)), "prepared 1 ");
        device.ask(&format!("pay {} 2", address(8)), "prepared 2 ");
        device.press(Button::Select);
        device.until("it arrives", |device| device.peer(0).paid.len() == 1);
        assert_eq!(device.peer(0).paid[0].recipient, account(8));
        device.ask(&format!("pay {} 1", address(7)), "prepared");
        device.press(Button::Left);
        device.press(Button::Select);
        device.pass(10_000);
        assert_eq!(device.peer(0).paid.len(), 1);
    });
}

#[test]
fn what_cannot_be_paid_is_not_prepared() {
    let mut bench = Bench::beside(with_funds(5_000_000), Mines::WhenTold);
    bench.listen(0, false);
    bench.switch_on(|device| {
        let pay = |amount: &str| format!("pay {} {amount}", address(7));
        assert!(device.ask(&pay("1"), "not done").contains("the balance is not known yet"));
        device.bench.listen(0, true);
        until_balance(device, "5");
        let refusal = device.ask(&pay("5"), "not done");
        assert_eq!(refusal, "not done: amount and fee need 5.001 motes, the balance left is 5");
        assert!(device.ask(&pay("18446744073709.551615"), "not done").contains("amount and fee need"));
        assert_eq!(device.ask(&pay("0"), "not done"), "not done: a payment moves at least one grain");
        send(device, 7, "3");
        let refusal = device.ask(&pay("2"), "not done");
        assert_eq!(refusal, "not done: amount and fee need 2.001 motes, the balance left is 1.999");
        assert!(device.ask(&pay("1.998"), "prepared").starts_with("prepared 1.998 "));
        // What was prepared is looked at again when it is confirmed.
        let mut branch = device.peer(0).branch().clone();
        branch.grow(9, 1);
        device.peer(0).show(branch);
        device.type_line("confirm");
        device.until("both arrive", |device| device.peer(0).paid.len() == 2);
        device.peer(0).mine(9);
        until_balance(device, "0");
    });
}

#[test]
fn as_many_payments_as_fit_are_open_at_once() {
    let mut bench = Bench::beside(with_funds(5_000_000), Mines::WhenTold);
    bench.switch_on(|device| {
        until_balance(device, "5");
        for round in 0..3 {
            for to in 0..4 {
                let said = send(device, 20 + to, "0.1");
                assert!(said.starts_with("sent"), "{said}");
            }
            let refusal = device.ask(&format!("pay {} 0.1", address(7)), "not done");
            assert_eq!(refusal, "not done: 4 payments are on their way; wait until one has been mined");
            device.until("all arrive", |device| device.peer(0).paid.len() == 4 * (round + 1));
            let nonces: Vec<u64> = device.peer(0).open().iter().map(|paid| paid.nonce).collect();
            let first = 4 * round as u64;
            assert_eq!(nonces, (first..first + 4).collect::<Vec<_>>());
            device.peer(0).mine(9);
            device.until("all are mined", |device| device.printed("paid ").len() == 4 * (round + 1));
            device.until("the balance is known", |device| device.status()["balance"] != Value::Null);
        }
        assert_eq!(states(device), ["mined"; 4]);
    });
}

#[test]
fn a_payment_is_told_to_every_peer_that_comes() {
    let branch = with_funds(5_000_000);
    let mut bench = Bench::between(branch.clone(), branch, Mines::WhenTold);
    bench.listen(1, false);
    bench.switch_on(|device| {
        until_balance(device, "5");
        send(device, 7, "1");
        device.until("it arrives", |device| device.peer(0).paid.len() == 1);
        device.bench.listen(1, true);
        device.until("the other hears of it", |device| device.peer(1).paid.len() == 1);
        device.peer(0).paid.clear();
        device.peer(0).hang_up();
        device.until("the first one hears again", |device| device.peer(0).paid.len() == 1);
    });
    // And after a restart.
    bench.peer(0).paid.clear();
    bench.peer(1).paid.clear();
    bench.switch_on(|device| {
        device.until("all hear", |device| !device.peer(0).paid.is_empty() && !device.peer(1).paid.is_empty());
        assert_eq!(states(device), ["open"]);
    });
}

#[test]
fn a_payment_whose_block_was_left_is_open_again() {
    let mut bench = Bench::beside(with_funds(5_000_000), Mines::WhenTold);
    bench.switch_on(|device| {
        until_balance(device, "5");
        send(device, 7, "1");
        device.until("it arrives", |device| device.peer(0).paid.len() == 1);
        device.peer(0).mine(9);
        device.until("it is mined", |device| device.has_printed("paid "));
        device.peer(0).paid.clear();
        let without = super::rival(device.peer(0).branch(), 11, 5);
        device.peer(0).show(without.clone());
        device.until_tip(&without);
        assert_eq!(states(device), ["open"]);
        device.until("it is told again", |device| device.peer(0).paid.len() == 1);
        device.forget_lines();
        device.peer(0).mine(9);
        device.until("it is mined again", |device| device.has_printed("paid "));
        until_balance(device, "3.999");
    });
}

/// A branch that takes the chain's place has the payment as well, in another block.
#[test]
fn a_payment_may_be_mined_in_both_branches() {
    let funded = with_funds(5_000_000);
    let mut bench = Bench::between(funded.clone(), funded.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        until_balance(device, "5");
        device.until("both are connected", |device| device.peer(1).connected() == 1);
        send(device, 7, "1");
        device.until("both have it", |device| device.peer(0).paid.len() + device.peer(1).paid.len() == 2);
        device.peer(0).mine(9);
        device.until("it is mined", |device| device.has_printed("paid "));
        // The other peer has it in the first of many blocks, and the first one leaves in the meantime.
        let mut branch = funded.clone();
        branch.extend(8, device.peer(0).paid.clone());
        branch.grow(8, 60);
        device.peer(1).pace = Some(100);
        device.peer(1).hang_up();
        device.peer(1).show(branch.clone());
        device.forget_lines();
        device.until("the branch is checked", |device| device.has_printed("block 13 "));
        device.bench.listen(0, false);
        device.peer(0).hang_up();
        device.until_tip(&branch);
        let status = device.status();
        assert_eq!(status["payments"][0]["state"], "mined", "{status:#}");
        assert_eq!(status["payments"][0]["height"], 12);
        until_balance(device, "3.999");
    });
}

/// A payment whose nonce was used by another one, of the same key elsewhere, will never be mined.
#[test]
fn a_payment_that_cannot_be_mined_any_more_is_dropped() {
    let funded = with_funds(5_000_000);
    let mut bench = Bench::beside(funded.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        until_balance(device, "5");
        send(device, 7, "1");
        device.until("it arrives", |device| device.peer(0).paid.len() == 1);
        let mut other = device.peer(0).paid[0].clone();
        let payment = mote_core::transaction::Payment {
            recipient: account(8),
            amount: other.amount,
            fee: other.fee,
            nonce: 0,
            memo: mote_core::transaction::Memo::new(),
        };
        other = payment.sign(funded.params(), &SecretKey::from_seed(&device_seed(1)));
        let mut branch = funded.clone();
        branch.extend(9, vec![other]);
        device.peer(0).show(branch.clone());
        device.until_tip(&branch);
        until_balance(device, "3.999");
        assert_eq!(states(device), Vec::<String>::new());
        assert!(send(device, 7, "1").starts_with("sent"));
        device.until("the next one arrives", |device| device.peer(0).paid.len() == 2);
        assert_eq!(device.peer(0).paid[1].nonce, 1);
    });
}

#[test]
fn what_the_card_does_not_remember_does_not_leave() {
    let branch = with_funds(5_000_000);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| until_balance(device, "5"));
    let card = bench.card.as_ref().expect("there is a card").borrow().clone();
    let mut is_sent = false;
    for writes in 0.. {
        bench.peer(0).paid.clear();
        *bench.card.as_ref().expect("there is a card").borrow_mut() = card.clone();
        is_sent = bench.switch_on(|device| {
            until_balance(device, "5");
            device.bench.card.as_ref().expect("a card").borrow_mut().set_fault(Fault::RefuseFrom(writes));
            let said = send(device, 7, "1");
            device.pass(20_000);
            let left = device.peer(0).paid.len();
            match said.starts_with("sent") {
                true => assert_eq!(left, 1),
                false => {
                    assert_eq!(said, "not done: the card could not be written: nothing was sent");
                    assert_eq!((left, states(device).len()), (0, 0));
                    device.until_status("it says so", |status| status["fault"]["name"] == "card-failed");
                    // Mining and following go on without a card.
                    let branch = longer(&branch);
                    device.peer(0).show(branch.clone());
                    device.until_tip(&branch);
                }
            }
            said.starts_with("sent")
        });
        bench.peer(0).show(branch.clone());
        // The card holds what was said.
        bench.card.as_ref().expect("there is a card").borrow_mut().set_fault(Fault::None);
        bench.switch_on(|device| {
            until_balance(device, "5");
            assert_eq!(states(device).len(), usize::from(is_sent), "after {writes} writes");
        });
        if is_sent {
            break;
        }
    }
    assert!(is_sent);
}
