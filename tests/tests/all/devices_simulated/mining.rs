//! Blocks of the device: made of what its peers' witnesses teach it, taken by them, with payments in them.

use mote_core::address::Address;
use mote_core::card::Mines;
use mote_core::keys::{PublicKey, SecretKey};
use mote_core::wire::Message;
use mote_firmware::board::Button;
use mote_tests::devices::script::{Out, Script, say};
use mote_tests::devices::simulated::{Bench, Running, device_seed};
use mote_tests::fixtures::{account, network, pay};

use super::{Branch, chain, longer};

fn own() -> PublicKey {
    SecretKey::from_seed(&device_seed(1)).public_key()
}

fn found(device: &Running<'_>) -> usize {
    device.printed("found ").len()
}

/// Peers that show the same branch go on to do so, whoever makes the next block.
fn share(device: &mut Running<'_>) {
    for (one, other) in [(0, 1), (1, 0)] {
        let branch = device.peer(one).branch().clone();
        if branch.height() > device.peer(other).branch().height() {
            device.peer(other).show(branch);
        }
    }
}

/// A template that says that nothing can be mined on this tip.
fn refusing() -> Script {
    Script::template(|messages| {
        let header = mote_core::codec::decode::<Message<'_>>(&messages[0]);
        let Ok(Message::WitnessStart(header)) = header else { panic!("a witness starts") };
        vec![say(&Message::NotFound(header.previous))]
    })
}

#[test]
fn what_the_device_mines_is_taken_by_all_its_peers() {
    let branch = chain(10);
    let mut bench = Bench::between(branch.clone(), branch, Mines::FromTheStart);
    bench.switch_on(|device| {
        device.until("both take its blocks", |device| {
            device.peer(0).taken.len() >= 20 && device.peer(1).taken.len() >= 20
        });
        assert_eq!(device.peer(0).refused, []);
        assert_eq!(device.peer(1).refused, []);
        assert!(!device.has_printed("refused"), "{}", device.seen());
        device.press(Button::Left);
        device.until("it stops", |device| device.has_printed("done"));
        device.pass(1_000);
        let found = found(device);
        assert_eq!(device.peer(0).branch().balance_of(&own()), found as u64 * 10_000_000);
        device.pass(10_000);
        assert_eq!(device.status()["mining"]["found"], found);
        device.press(Button::Right);
        device.until("it mines again", |device| device.printed("found ").len() > found);
    });
}

#[test]
fn mining_goes_on_after_a_restart_as_it_was_switched() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        assert_eq!(device.ask("mine on", "done"), "done");
        device.until("it mines", |device| found(device) >= 3);
        device.pass(200);
    });
    bench.switch_on(|device| {
        device.until("it mines", |device| found(device) >= 3);
        assert_eq!(device.ask("mine off", "done"), "done");
        device.pass(200);
    });
    bench.switch_on(|device| {
        device.pass(20_000);
        assert_eq!(found(device), 0);
    });
}

#[test]
fn its_blocks_carry_its_own_payments_and_those_of_others() {
    let mut bench = Bench::beside(chain(10), Mines::FromTheStart);
    bench.switch_on(|device| {
        device.until("it has something", |device| found(device) >= 5);
        let branch = device.peer(0).branch().clone();
        let nonce = branch.nonce(1);
        let offers = [
            pay(branch.params(), 1, account(60), 5_000, 1_000, nonce),
            pay(branch.params(), 1, account(61), 6_000, 1_000, nonce + 1),
        ];
        device.peer(0).offers.extend(offers);
        device.until("they are mined", |device| {
            let branch = device.peer(0).branch();
            branch.balance_of(&account(60)) == 5_000 && branch.balance_of(&account(61)) == 6_000
        });
        device.ask("mine off", "done");
        device.until("the balance is known", |device| device.status()["balance"].is_string());
        let address = Address::new(branch.params().address_prefix, account(62));
        device.ask(&format!("pay {address} 1.5"), "prepared");
        device.ask("confirm", "sent");
        device.ask("mine on", "done");
        device.until("its own is mined", |device| device.has_printed("paid "));
        device.until("all know it", |device| device.peer(0).branch().balance_of(&account(62)) == 1_500_000);
        assert_eq!(device.peer(0).refused, []);
    });
}

/// Whatever a peer says of a template, nothing comes of it that others do not take.
#[test]
fn a_wrong_template_mines_nothing() {
    let mut branch = chain(10);
    branch.grow(1, 1);
    for index in 0..3 {
        for place in (0..400).step_by(13) {
            let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
            bench.peer(0).offers.extend(offers(&branch));
            bench.peer(0).script = Script::template(move |mut messages| {
                let index = index % messages.len();
                let length = messages[index].len();
                messages[index][place % length] ^= 1 << (place % 8);
                messages.into_iter().map(Out::Message).collect()
            });
            bench.switch_on(|device| {
                device.until_tip_or_later(&branch);
                device.pass(300);
                let peer = device.peer(0);
                assert_eq!(peer.refused, [], "message {index}, byte {place}");
            });
        }
    }
}

fn offers(branch: &Branch) -> Vec<mote_core::transaction::Transaction> {
    vec![pay(branch.params(), 1, account(60), 5_000, 1_000, branch.nonce(1))]
}

#[test]
fn a_template_is_void_on_a_new_tip() {
    let branch = chain(10);
    let mut bench = Bench::between(branch.clone(), branch.clone(), Mines::FromTheStart);
    bench.peer(0).holds = Some("GetTemplateWitness");
    bench.peer(1).holds = Some("GetTemplateWitness");
    bench.switch_on(|device| {
        device.until("a template is asked for", |device| {
            device.peer(0).heard_of("GetTemplateWitness") + device.peer(1).heard_of("GetTemplateWitness") > 0
        });
        let holder = usize::from(device.peer(0).heard_of("GetTemplateWitness") == 0);
        let other = 1 - holder;
        // The other peer has a block more, and serves it a byte at a time when the old template comes.
        device.peer(other).holds = None;
        device.peer(other).set_pace(Some(1));
        let branch = longer(&branch);
        device.peer(other).show(branch.clone());
        device.until("the next template is asked for", |device| {
            device.peer(other).heard_of("GetTemplateWitness") > 0
        });
        device.peer(holder).release();
        device.peer(other).set_pace(None);
        let before = device.millis();
        device.until("it finds a block on the new tip", |device| found(device) >= 1);
        assert!(device.millis() - before < 1_000, "the old template was in the way of the new one");
        device.until("the block is taken", |device| !device.peer(other).taken.is_empty());
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

#[test]
fn the_template_of_a_peer_that_falls_behind_does_not_hold_up_the_miner() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
    bench.peer(0).holds = Some("GetTemplateWitness");
    bench.switch_on(|device| {
        device.until("a template is asked for", |device| device.peer(0).heard_of("GetTemplateWitness") > 0);
        // It has a block more by the time at which it answers that it knows the tip no more.
        let tip = branch.tip().id();
        device.peer(0).forget_held();
        device.peer(0).say(&say(&Message::NotFound(tip)));
        device.peer(0).show(longer(&branch));
        device.peer(0).release();
        let before = device.millis();
        device.until("it finds a block", |device| found(device) >= 1);
        assert!(device.millis() - before < 1_000, "it waited for a tip that is gone");
    });
}

/// Either of two peers may be one that makes no templates.
#[test]
fn a_peer_that_makes_no_templates_does_not_stop_the_miner() {
    for lazy in [0, 1] {
        let branch = chain(10);
        let mut bench = Bench::between(branch.clone(), branch, Mines::FromTheStart);
        bench.peer(lazy).script = refusing();
        bench.switch_on(|device| {
            let mut asked = 0;
            for _ in 0..40 {
                device.pass(500);
                share(device);
                asked = device.peer(lazy).heard_of("GetTemplateWitness");
            }
            assert!(found(device) >= 15, "with peer {lazy} lazy it found {}", found(device));
            assert!(asked <= found(device) + 10, "the lazy one was asked {asked} times");
        });
    }
    // Where both are, they are not asked all the time.
    let branch = chain(10);
    let mut bench = Bench::between(branch.clone(), branch, Mines::FromTheStart);
    bench.peer(0).script = refusing();
    bench.peer(1).script = refusing();
    bench.switch_on(|device| {
        device.pass(30_000);
        for peer in [0, 1] {
            let asked = device.peer(peer).heard_of("GetTemplateWitness");
            assert!((5..=12).contains(&asked), "peer {peer} was asked {asked} times");
        }
    });
}

/// A peer that lacks the account, as one does that is behind, is asked again now and then, not all the time.
#[test]
fn a_peer_without_the_account_is_not_asked_all_the_time() {
    let mut bench = Bench::beside(chain(10), Mines::WhenTold);
    bench.peer(0).script = Script::without_accounts();
    bench.switch_on(|device| {
        device.pass(30_000);
        let asked = device.peer(0).heard_of("GetAccount");
        assert!((5..=12).contains(&asked), "it was asked {asked} times");
    });
}

/// An account and a template of the same tip are asked for at once; what is not there is not mistaken.
#[test]
fn what_is_not_there_is_told_from_what_is() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
    bench.peer(0).script = refusing();
    bench.peer(0).holds = Some("GetAccount");
    bench.switch_on(|device| {
        device.until("the account is asked for", |device| device.peer(0).heard_of("GetAccount") == 1);
        device.peer(0).holds = Some("nothing");
        let mut branch = branch.clone();
        branch.grow(3, 1);
        device.peer(0).show(branch.clone());
        device.peer(0).holds = Some("GetTemplateWitness");
        device.until("both are asked for", |device| device.peer(0).heard_of("GetTemplateWitness") >= 2);
        device.peer(0).release();
        device.pass(10_000);
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

/// On a network where a block takes a while, a transaction that cannot be mined comes in between.
#[test]
fn a_transaction_that_cannot_be_mined_spoils_no_block() {
    let mut spoilt = 0;
    for attempt in 0..6 {
        let mut bench = Bench::new(&device_on("local", attempt));
        let mut branch = Branch::new(network("local"));
        branch.grow(1, 3);
        bench.busy_ms = 25;
        let params = branch.params().clone();
        let nonce = branch.nonce(1);
        bench.add_peer(branch.clone());
        bench.peer(0).offers.push(pay(&params, 1, account(60), 5_000, 1_000, nonce));
        bench.switch_on(|device| {
            device.until("it mines", |device| device.peer(0).heard_of("GetTemplateWitness") >= 1);
            device.pass(2_500);
            // Its nonce lies behind one that nobody has.
            let gap = pay(&params, 1, account(61), 5_000, 1_000, nonce + 7);
            device.peer(0).offers.push(gap);
            let before = (found(device), device.peer(0).heard_of("GetTemplateWitness"));
            device.pass(1_000);
            spoilt += usize::from(
                found(device) == before.0 && device.peer(0).heard_of("GetTemplateWitness") > before.1,
            );
            device.until("it finds blocks", |device| found(device) >= 2);
            device.pass(2_000);
            assert_eq!(device.peer(0).refused, [], "attempt {attempt}");
            assert!(device.peer(0).branch().balance_of(&account(61)) == 0);
        });
    }
    assert!(spoilt > 0, "no template was spoilt before its block was found");
}

fn device_on(name: &str, number: u8) -> mote_core::card::Identity {
    let mut identity = mote_tests::devices::simulated::device(number, 1, Mines::FromTheStart);
    identity.network = name.try_into().expect("networks have short names");
    identity
}

/// A payment of the device's own that it cannot afford any more must not stop it.
#[test]
fn a_payment_that_lost_its_funds_does_not_stop_the_miner() {
    let bare = chain(20);
    let mut funded = bare.clone();
    funded.extend(1, vec![pay(bare.params(), 1, own(), 50_000_000, 1_000, bare.nonce(1))]);
    let mut bench = Bench::beside(funded, Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_status("it has something", |status| status["balance"] == "50");
        let address = Address::new(super::regtest().address_prefix, account(60));
        device.ask(&format!("pay {address} 40"), "prepared");
        device.ask("confirm", "sent");
        // The peer's chain is one on which the device was never paid.
        let mut rival = bare.clone();
        rival.grow(5, 3);
        device.peer(0).show(rival.clone());
        device.until_tip(&rival);
        device.ask("mine on", "done");
        device.until("it mines", |device| found(device) >= 3);
        // What it earns makes up for it.
        device.until("it pays after all", |device| device.has_printed("paid "));
        assert_eq!(device.peer(0).refused, []);
    });
}

/// A block stays one that can be served, whatever is paid after it was found.
#[test]
fn a_found_block_is_served_as_it_was_or_not_at_all() {
    let mut bench = Bench::between(chain(10), chain(10), Mines::FromTheStart);
    bench.listen(1, false);
    bench.switch_on(|device| {
        device.until("it has something", |device| device.peer(0).taken.len() >= 5);
        device.ask("mine off", "done");
        device.until("the balance is known", |device| device.status()["balance"].is_string());
        for to in 0..4 {
            let address = Address::new(super::regtest().address_prefix, account(70 + to));
            device.ask(&format!("pay {address} 0.1"), "prepared");
            device.ask("confirm", "sent");
            device.forget_lines();
        }
        // The block with all four of them is found, and their places are needed for others at once.
        let before = device.peer(0).branch().clone();
        device.ask("mine on", "done");
        device.until("they are mined", |device| device.printed("paid ").len() == 4);
        device.ask("mine off", "done");
        device.until("the balance is known", |device| device.status()["balance"].is_string());
        let address = Address::new(super::regtest().address_prefix, account(80));
        device.ask(&format!("pay {address} 0.1"), "prepared");
        device.ask("confirm", "sent");
        // Somebody comes who has not seen the block.
        device.peer(1).show(before);
        device.bench.listen(1, true);
        device.until("it is connected", |device| device.peer(1).connected() == 1);
        device.pass(5_000);
        assert_eq!(device.peer(1).refused, []);
    });
}

#[test]
fn a_device_alone_does_not_mine_on_what_nobody_has() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
    bench.switch_on(|device| {
        device.until("it mines", |device| found(device) >= 3);
        device.peer(0).vanish();
        device.bench.listen(0, false);
        let before = found(device);
        device.pass(60_000);
        assert!(found(device) <= before + 1, "{} blocks for nobody", found(device) - before);
        device.bench.listen(0, true);
        device.until("it goes on", |device| found(device) >= before + 4);
        assert_eq!(device.peer(0).refused, []);
    });
}
