//! What no honest peer does is found out, called by its name, and does not touch the other peer.

use mote_core::card::Mines;
use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::rules::Rule;
use mote_core::state::ProofOf;
use mote_core::transaction::Transaction;
use mote_core::units::Timestamp;
use mote_core::wire::Message;
use mote_tests::devices::lies::{Ground, Lie};
use mote_tests::devices::script::{Out, Script, frame_head, say, show};
use mote_tests::devices::simulated::{Bench, START};
use mote_tests::fixtures::{account, flipped, mine, pay, regtest};

use super::longer;

/// Tells a device a lie, beside an honest peer; what it calls it.
fn tell(ground: &Ground, lie: &Lie) -> Result<Option<String>, String> {
    let mut bench = Bench::between(lie.branch.clone(), ground.base.clone(), Mines::WhenTold);
    bench.peer(0).script = lie.script.clone();
    bench.switch_on(|device| {
        let until = device.millis() + 130_000;
        let mut refused = None;
        while refused.is_none() && device.millis() < until {
            device.step();
            refused = device.printed("refused ").first().cloned();
            if lie.reasons.is_empty() && device.has_printed("disconnected 10.0.2.2:7700") {
                break;
            }
        }
        device.peer(1).show(lie.truth.clone());
        device.until_tip(&lie.truth);
        if let Some(blamed) = device.printed("refused 10.0.2.2:7701").first() {
            return Err(format!("the honest peer was blamed: {blamed}"));
        }
        match &refused {
            Some(reason) if lie.reasons.iter().any(|expected| reason.contains(expected)) => Ok(refused),
            None if lie.reasons.is_empty() => Ok(None),
            _ => Err(format!("expected one of {:?}, got {refused:?}", lie.reasons)),
        }
    })
}

fn tell_all(ground: &Ground, lies: &[Lie]) {
    let wrong = lies.iter().filter_map(|lie| Some((lie, tell(ground, lie).err()?)));
    let wrong: Vec<String> = wrong.map(|(lie, reason)| format!("{}: {reason}", lie.name)).collect();
    assert!(wrong.is_empty(), "{} of {} lies:\n{}", wrong.len(), lies.len(), wrong.join("\n"));
}

#[test]
fn a_block_that_breaks_any_rule_is_refused() {
    let ground = Ground::new(regtest());
    let lies = ground.broken_rules(START);
    assert_eq!(lies.len(), Rule::ALL.len() - 1);
    for lie in &lies {
        let said =
            tell(&ground, lie).unwrap_or_else(|error| panic!("{}: {error}", lie.name)).unwrap_or_default();
        let name = said.split([' ', ':']).nth(3).unwrap_or_default();
        assert!(lie.reasons.iter().any(|reason| reason.starts_with(name)), "{}: {said}", lie.name);
    }
}

#[test]
fn forged_witnesses_are_refused() {
    let ground = Ground::new(regtest());
    tell_all(&ground, &ground.forged_witnesses());
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let ground = Ground::new(regtest());
    tell_all(&ground, &ground.broken_protocol());
}

#[test]
fn what_is_no_websocket_is_refused() {
    let ground = Ground::new(regtest());
    tell_all(&ground, &ground.broken_sockets());
}

#[test]
fn who_breaks_off_is_no_offender() {
    let ground = Ground::new(regtest());
    tell_all(&ground, &ground.broken_off());
}

/// Every kind of offence by its name, each with one way to commit it.
fn ways_to_offend(ground: &Ground) -> Vec<(&'static str, Script)> {
    let params = regtest();
    let (id, header) = (ground.longer.tip().id(), ground.longer.tip().clone());
    let claiming = |change: fn(&mut mote_core::wire::Hello)| Script::claiming(change);
    let greeted = |message: Message<'_>| Script::greeted(vec![say(&message)]);
    let unsigned = Transaction { sender: account(3), ..pay(&params, 1, account(2), 5, 1_000, 0) };
    let mut future = header.clone();
    future.time = START.plus(1_000);
    mine(&mut future);
    let mut unlinked = header.clone();
    unlinked.previous = flipped(&unlinked.previous);
    mine(&mut unlinked);
    vec![
        ("too-large", Script::greeted(vec![Out::Raw(frame_head(0x82, 1 << 20))])),
        ("malformed", Script::greeted(vec![Out::Message(vec![99])])),
        ("no-greeting", Script::greeting(|_| vec![say(&Message::Ping(1))])),
        (
            "greeted-twice",
            Script::greeting(|hello| vec![say(&Message::Hello(hello.clone())), say(&Message::Hello(hello))]),
        ),
        ("version", claiming(|hello| hello.version = 2)),
        ("network", claiming(|hello| hello.genesis = Hash32::ZERO)),
        ("message-max", claiming(|hello| hello.message_max = 1)),
        ("unrequested", greeted(Message::NotFound(id))),
        ("too-many", Script::headers(|headers| vec![show(&[&headers[..], &headers[..1]].concat())])),
        ("T5-signature", greeted(Message::Transaction(unsigned))),
        ("H4-proof-of-work", {
            let mut header = header.clone();
            mote_tests::fixtures::mine_badly(&mut header);
            greeted(Message::Tip(header))
        }),
        ("C1-previous", {
            Script::headers(|mut headers| {
                headers.swap(1, 2);
                vec![show(&headers)]
            })
        }),
        ("B4-state-root", Script::honest()),
        ("witness", {
            Script::witness(id, |mut messages| {
                messages.pop();
                let end = Message::WitnessEnd(Some(ProofOf { leaf: None, path: &[] }));
                messages.push(mote_tests::fixtures::wire(&end));
                messages.into_iter().map(Out::Message).collect()
            })
        }),
        ("order", {
            Script::witness(id, |messages| messages.into_iter().skip(1).map(Out::Message).collect())
        }),
        ("work", claiming(|hello| hello.work = Work::from_be_bytes(&[9; 32]))),
        ("unlinked", Script::headers(move |_| vec![show(&[unlinked.clone()])])),
        ("clock", claiming(|hello| hello.time = Timestamp::from_seconds(1))),
        ("websocket", Script::greeted(vec![Out::Text("hello")])),
    ]
}

#[test]
fn every_kind_of_offence_has_its_name() {
    let ground = Ground::new(regtest());
    for (name, script) in ways_to_offend(&ground) {
        let mut branch = ground.longer.clone();
        if name == "B4-state-root" {
            branch = ground.base.clone();
            branch.append_broken(Rule::BlockStateRoot, START);
        }
        let mut bench = Bench::between(branch, ground.base.clone(), Mines::WhenTold);
        bench.peer(0).script = script;
        bench.listen(1, false);
        bench.switch_on(|device| {
            device.until(name, |device| device.has_printed("refused "));
            let said = device.printed("refused ").remove(0);
            let beginning = format!("refused 10.0.2.2:7700 {name}: ");
            assert!(said.starts_with(&beginning), "expected {name}, got {said}");
            let reason = said[beginning.len()..].to_owned();
            // The peer is told the same.
            device.pass(100);
            let parting = device.peer(0).partings.last().and_then(|parting| parting.refused.clone());
            let is_told = parting.is_none_or(|told| reason.starts_with(&told) || told.starts_with(&reason));
            assert!(is_told, "{name}: {reason}");
            device.bench.listen(1, true);
            let truth = longer(&ground.longer);
            device.peer(1).show(truth.clone());
            device.until_tip(&truth);
        });
    }
}

#[test]
fn a_device_recognises_itself() {
    let ground = Ground::new(regtest());
    let mut bench = Bench::beside(ground.base.clone(), Mines::WhenTold);
    bench.peer(0).is_mirror = true;
    bench.switch_on(|device| {
        device.until("it sees itself", |device| device.has_printed("refused 10.0.2.2:7700 itself"));
    });
}

/// What a peer sends between two pieces of a witness is read between them.
#[test]
fn other_messages_may_stand_within_a_witness() {
    let ground = Ground::new(regtest());
    let id = ground.longer.tip().id();
    let mut bench = Bench::beside(ground.longer.clone(), Mines::WhenTold);
    bench.peer(0).script = Script::witness(id, |messages| {
        let between = [
            say(&Message::Ping(5)),
            Out::Raw(vec![0x89, 2, 1, 2]),
            Out::Raw(vec![0x8a, 0]),
            say(&Message::GetAddresses),
            say(&Message::GetBlock(Hash32::ZERO)),
        ];
        messages
            .into_iter()
            .flat_map(|message| [vec![Out::Message(message)], between.to_vec()].concat())
            .collect()
    });
    bench.switch_on(|device| {
        device.until_tip(&ground.longer);
        assert!(device.peer(0).heard_of("Pong") >= 3 && device.peer(0).heard_of("NotFound") >= 3);
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

/// The cases 2.1 to 2.10 of the Autobahn test suite. Where pings come faster than they can be answered, the last
/// one is (RFC 6455 section 5.5.3).
#[test]
fn pings_are_answered_with_what_they_carry() {
    let ground = Ground::new(regtest());
    let ping = |payload: &[u8]| Out::Raw([frame_head(0x89, payload.len() as u64), payload.to_vec()].concat());
    let (unsolicited, last) =
        (Out::Raw(b"\x8a\x0bunsolicited".to_vec()), (0..10).map(|number| [b'p', number]));
    let payloads: [&[u8]; 4] = [b"", b"Hello, world!", &[0, 0xff, 0xfe, 0xfd], &[0xfe; 125]];
    for payload in payloads {
        let mut bench = Bench::beside(ground.longer.clone(), Mines::WhenTold);
        bench.peer(0).script = Script::greeted(vec![unsolicited.clone(), ping(payload)]);
        bench.switch_on(|device| {
            device.until("it answers", |device| device.peer(0).pongs == [payload]);
            device.until_tip(&ground.longer);
            assert!(!device.has_printed("refused"), "{}", device.seen());
        });
    }
    let mut bench = Bench::beside(ground.longer.clone(), Mines::WhenTold);
    bench.peer(0).script = Script::greeted(last.map(|payload| ping(&payload)).collect());
    bench.switch_on(|device| {
        device.until("it answers", |device| device.peer(0).pongs.last().is_some_and(|last| last == b"p\x09"));
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

/// A frame without a payload, behind which the first byte of garbage is that of a witness.
#[test]
fn an_empty_message_is_malformed_whatever_follows() {
    let ground = Ground::new(regtest());
    let id = ground.longer.tip().id();
    for follows in [20, 21, 0x82] {
        let mut bench = Bench::between(ground.longer.clone(), ground.base.clone(), Mines::WhenTold);
        bench.peer(0).script = Script::witness(id, move |messages| {
            vec![Out::Message(messages[0].clone()), Out::Raw(vec![0x82, 0, follows, 0, 0, 0])]
        });
        bench.switch_on(|device| {
            device.until("it is refused", |device| device.has_printed("refused 10.0.2.2:7700 malformed"));
            device.until_tip(&ground.base);
        });
    }
}

/// Whatever bytes come, the device goes on with the other peer.
#[test]
fn noise_harms_nobody() {
    let ground = Ground::new(regtest());
    let mut random = mote_tests::random::Random::new(7);
    for round in 0..60 {
        let mut truth = ground.base.clone();
        let mut bench = Bench::between(truth.clone(), truth.clone(), Mines::WhenTold);
        let length = 1 + random.next_u64() as usize % 300;
        let mut noise: Vec<u8> = (0..length).map(|_| random.next_u64() as u8).collect();
        if round % 2 == 0 {
            // One that looks like a message.
            noise = [frame_head(0x82, noise.len() as u64), vec![(round % 24) as u8], noise[1..].to_vec()]
                .concat();
        }
        bench.peer(0).script = Script::greeted(vec![Out::Raw(noise)]);
        bench.switch_on(|device| {
            device.until_tip(&truth);
            device.pass(300);
            truth = longer(&truth);
            device.peer(1).show(truth.clone());
            device.until_tip(&truth);
            assert!(!device.has_printed("refused 10.0.2.2:7701"), "{}", device.seen());
        });
    }
}
