//! Connections that end, at any moment and in any way.

use mote_core::card::Mines;
use mote_tests::devices::script::{Out, Script, Upgrade};
use mote_tests::devices::simulated::{Bench, Cut, CutHow, Running};

use super::{chain, longer};

/// How many bytes an honest peer says until the device is at the tip and has a template and its account.
fn conversation(branch: &super::Branch) -> usize {
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(branch);
        device.pass(100);
        device.peer(0).said()
    })
}

/// A connection may end at any byte: in a greeting, among headers, in a witness, in a path of it.
#[test]
fn a_connection_that_ends_anywhere_is_opened_again() {
    let branch = chain(7);
    let all = conversation(&branch);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    for (index, after) in (0..all).step_by(41).enumerate() {
        let how = [CutHow::Closed, CutHow::Reset][index % 2];
        bench.card.as_ref().expect("there is a card").borrow_mut().forget_state();
        bench.peer(0).cut = Some(Cut { after, how });
        bench.switch_on(|device| {
            device.until("the connection ends", |device| device.has_printed("disconnected"));
            device.peer(0).cut = None;
            device.until_tip(&branch);
            assert!(!device.has_printed("refused"), "{how:?} after {after}: {}", device.seen());
        });
    }
}

/// A peer may fall silent at any byte. The device notices, and goes on with another one.
#[test]
fn a_peer_that_falls_silent_anywhere_is_left() {
    let branch = chain(7);
    let all = conversation(&branch);
    for after in (0..all).step_by(293) {
        let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
        bench.peer(0).cut = Some(Cut { after, how: CutHow::Silent });
        bench.switch_on(|device| {
            device.until("the device gives it up", |device| device.has_printed("disconnected"));
            device.peer(0).cut = None;
            device.until_tip(&branch);
            assert!(!device.has_printed("refused"), "after {after}: {}", device.seen());
        });
    }
}

#[test]
fn a_peer_without_power_is_missed_and_found_again() {
    let mut branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        device.peer(0).vanish();
        device.bench.listen(0, false);
        device.until("it is missed", |device| device.has_printed("disconnected"));
        device.bench.listen(0, true);
        branch = longer(&branch);
        device.peer(0).show(branch.clone());
        device.until_tip(&branch);
    });
}

/// A peer that acknowledges nothing keeps its connection for no longer than one that says nothing.
#[test]
fn a_peer_that_takes_nothing_is_left() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
    bench.switch_on(|device| {
        device.until("it mines", |device| device.has_printed("found"));
        // A full buffer: the peer asks for more than there is room for and takes none of it.
        device.peer(0).make_deaf();
        let ask = Out::Message(mote_tests::fixtures::wire(&mote_core::wire::Message::GetHeaders {
            locator: mote_core::wire::ListWriter::new(&mut []).finish(),
            limit: 1,
        }));
        for _ in 0..4_000 {
            device.peer(0).say(&ask);
        }
        device.until("it is left", |device| device.has_printed("disconnected"));
        device.until("it is tried again", |device| device.peer(0).opened.len() >= 2);
    });
}

/// A peer that does not end its side, though it was told that the other one is over, keeps nothing.
#[test]
fn a_peer_that_never_closes_is_tried_again() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.peer(0).script = Script::greeted(vec![Out::Text("hello"), Out::Silence]);
    bench.peer(0).never_closes = true;
    bench.switch_on(|device| {
        device.until("it is refused", |device| device.has_printed("refused 10.0.2.2:7700 websocket"));
        device.peer(0).script = Script::honest();
        device.until_tip(&branch);
    });
}

/// The waits between attempts in which nobody answers, in milliseconds.
fn waits(device: &mut Running<'_>, attempts: usize) -> Vec<u64> {
    device.peer(0).opened.clear();
    device.until("there were so many attempts", |device| device.peer(0).opened.len() > attempts);
    device.peer(0).opened.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn waits_grow_and_start_anew() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.peer(0).script = Script::upgrade(Upgrade::Closed);
    bench.switch_on(|device| {
        let grown = waits(device, 8);
        for (wait, expected) in grown.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
            assert!((expected..expected + 100).contains(wait), "{grown:?}");
        }
        // A connection that lasts makes up for all that.
        device.peer(0).script = Script::honest();
        device.until_tip(&branch);
        device.pass(61_000);
        device.peer(0).script = Script::upgrade(Upgrade::Closed);
        device.peer(0).hang_up();
        let anew = waits(device, 3);
        assert!(anew[0] < 1_200 && anew[2] < 4_200, "{anew:?}");
    });
}

#[test]
fn waits_after_offences_are_longer() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.peer(0).script = Script::greeted(vec![Out::Text("hello")]);
    bench.switch_on(|device| {
        let grown = waits(device, 4);
        for (wait, expected) in grown.iter().zip([5_000, 10_000, 20_000, 40_000]) {
            assert!((expected..expected + 200).contains(wait), "{grown:?}");
        }
        let status = device.status();
        assert_eq!(status["fault"]["name"], "no-honest-peer");
        device.peer(0).script = Script::honest();
        device.until_tip(&branch);
        device.until_status("the fault is over", |status| status["fault"].is_null());
    });
}

#[test]
fn a_peer_that_declines_is_no_offender() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    let busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec();
    bench.peer(0).script = Script::upgrade(Upgrade::Bytes(busy));
    bench.switch_on(|device| {
        device.until("it declines", |device| device.has_printed("disconnected"));
        device.peer(0).script = Script::honest();
        device.until_tip(&branch);
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

/// Whatever a device and its peer say to each other for a long time, it takes no more memory: there is
/// none to be had. Its connections stay open.
#[test]
fn hours_pass() {
    let mut branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        for _ in 0..60 {
            branch = longer(&branch);
            device.peer(0).show(branch.clone());
            device.until_tip(&branch);
            device.pass(60_000);
        }
        assert!(!device.has_printed("disconnected"), "{}", device.seen());
        assert_eq!(device.peer(0).opened.len(), 1);
    });
}
