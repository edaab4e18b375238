//! What no honest peer says, in messages that are sent as they should be.

use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::state::ProofOf;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::Message;

use super::{Ground, Lie};
use crate::devices::branch::{Branch, with_list};
use crate::devices::script::{Out, Script, say, show};
use crate::fixtures::{flipped, wire};

/// More headers than anybody asks for in one message, and still fewer bytes than the largest message.
const TOO_MANY: usize = 1_000;

const UNREQUESTED: &[&str] = &["unrequested"];
const MALFORMED: &[&str] = &["malformed"];

pub fn all(ground: &Ground) -> Vec<Lie> {
    let mut lies = greetings(ground);
    lies.extend(claims(ground));
    lies.extend(unrequested(ground));
    lies.extend(malformed(ground));
    lies
}

fn greetings(ground: &Ground) -> Vec<Lie> {
    let hello = |hello| say(&Message::Hello(hello));
    vec![
        ground.lie(
            "another network",
            &["expected the network"],
            Script::claiming(|hello| hello.genesis = flipped(&hello.genesis)),
        ),
        ground.lie(
            "another version",
            &["expected protocol version"],
            Script::claiming(|hello| hello.version += 1),
        ),
        ground.lie(
            "messages that are too small to talk",
            &["expected a peer that takes"],
            Script::claiming(|hello| hello.message_max = 100),
        ),
        ground.lie(
            "a greeting twice",
            &["greeted twice"],
            Script::greeting(move |said| vec![hello(said.clone()), hello(said)]),
        ),
        ground.lie(
            "no greeting first",
            &["expected a greeting first"],
            Script::greeting(move |said| vec![say(&Message::Ping(1)), hello(said)]),
        ),
        ground.lie(
            "a clock that its own chain is far ahead of",
            &["its clock says"],
            Script::claiming(|hello| hello.time = Timestamp::from_seconds(1_000_000)),
        ),
    ]
}

/// Headers that are not what was claimed or asked for.
fn claims(ground: &Ground) -> Vec<Lie> {
    let mut elsewhere = Branch::new(ground.base.params().clone());
    elsewhere.grow(9, 20);
    let unlinked: Vec<_> = elsewhere.shown()[10..].iter().map(|shown| shown.header.clone()).collect();
    let again = ground.base.shown()[0].header.clone();
    vec![
        ground.lie(
            "more work claimed than shown",
            &["claimed work"],
            Script::claiming(|hello| {
                hello.work = Work::from_be_bytes(&[1; 32]);
                hello.height = Height::new(1_000_000);
            }),
        ),
        ground.lie(
            "headers that follow from nothing",
            &["headers that follow from no", "C1-previous"],
            Script::headers(move |_| vec![show(&unlinked)]),
        ),
        ground.lie(
            "one header again and again",
            &["headers that follow from no", "C1-previous", "items in one message", "expected at most"],
            Script::headers(move |_| vec![show(&vec![again.clone(); 3])]),
        ),
        ground.lie(
            "more headers than anybody asked for",
            &["expected at most", "larger", "too large", "too long"],
            Script::headers(|headers| {
                let many = headers.iter().cycle().take(if headers.is_empty() { 0 } else { TOO_MANY });
                vec![show(&many.cloned().collect::<Vec<_>>())]
            }),
        ),
        ground.lie(
            "a new tip without work",
            &["H4-proof-of-work"],
            Script::greeted(vec![{
                let mut header = ground.longer.tip().clone();
                crate::fixtures::mine_badly(&mut header);
                say(&Message::Tip(header))
            }]),
        ),
    ]
}

fn unrequested(ground: &Ground) -> Vec<Lie> {
    let (id, header) = (ground.longer.tip().id(), ground.longer.tip().clone());
    let key = header.miner.account_key();
    let lie = |name: &str, message: Message<'_>| {
        ground.lie(name, UNREQUESTED, Script::greeted(vec![say(&message)]))
    };
    let block = mote_core::block::BlockOf { header: header.clone(), transactions: Vec::new() };
    vec![
        lie("a witness that nobody asked for", Message::WitnessStart(header.clone())),
        lie("the end of a witness that nobody asked for", Message::WitnessEnd(None)),
        lie(
            "a block that nobody asked for",
            Message::Block(&wire::<mote_core::block::BlockOf<Vec<mote_core::transaction::Transaction>>>(
                &block,
            )),
        ),
        lie(
            "an account that nobody asked for",
            Message::Account { block: id, key, proof: ProofOf { leaf: None, path: &[] } },
        ),
        lie("the want of something that nobody asked for", Message::NotFound(Hash32::ZERO)),
        lie("a sign of life that nobody asked for", Message::Pong(1_000_000)),
        with_list(&[], |list| lie("addresses that nobody asked for", Message::Addresses(list))),
    ]
}

fn malformed(ground: &Ground) -> Vec<Lie> {
    let lie =
        |name: &str, bytes: Vec<u8>| ground.lie(name, MALFORMED, Script::greeted(vec![Out::Message(bytes)]));
    vec![
        lie("a message of no kind", vec![200, 1, 2, 3]),
        lie("a message without a byte", Vec::new()),
        lie("a message that goes on behind its end", [wire(&Message::Ping(7)), vec![0]].concat()),
        lie("a message that ends too soon", wire(&Message::Tip(ground.longer.tip().clone()))[..100].to_vec()),
        lie("a number in more bytes than it needs", vec![11, 0x87, 0x00]),
    ]
}
