//! The state machine of one connection, against a list of what was asked: answers are taken once, requests expire in
//! time, and what no honest peer does is an offence.

use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::peer::limits::{
    GREETING_TIMEOUT_MS, REQUEST_TIMEOUT_MS, REQUESTS_IN_FLIGHT_MAX, SILENCE_MAX_MS, TIMEOUTS_MAX,
};
use mote_core::peer::{Asked, Due, Greeting, Offence, Session, Verdict};
use mote_core::units::Moment;
use mote_core::wire::{MESSAGE_MAX_BYTES, MESSAGE_MIN_BYTES, Message, PROTOCOL_VERSION};

use super::Choices;
use super::codec::messages;
use crate::devices::answers::hello;
use crate::devices::branch::{Branch, with_list};
use crate::fixtures::{account, regtest, wire};

/// The random number of this side.
const NONCE: u64 = 4;

/// The most steps of one input.
const STEPS: usize = 200;

/// Reads what is asked, heard and waited for.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut branch = Branch::new(regtest());
    branch.grow(1, 2);
    let greeting = Greeting { genesis: regtest().genesis_id(), nonce: NONCE, message_max: MESSAGE_MAX_BYTES };
    let mut now = Moment::from_millis(1_000);
    let mut session: Session = Session::new(greeting, now);
    // What was asked and neither answered nor given up.
    let mut open: Vec<(Asked, Moment)> = Vec::new();
    // Requests that expired since one was answered.
    let mut expired = 0;
    let (mut is_greeted, mut heard, mut pings) = (false, now, 0);
    for _ in 0..STEPS {
        if choices.is_over() {
            return;
        }
        match choices.byte() % 8 {
            0 => {
                let asked = asked(&mut choices);
                let is_in = session.ask(asked, now);
                let is_new = open.iter().all(|(other, _)| *other != asked);
                let may_be = is_greeted && is_new && open.len() < REQUESTS_IN_FLIGHT_MAX;
                assert_eq!(is_in, may_be, "{asked:?} beside {open:?}");
                if is_in {
                    open.push((asked, now));
                }
            }
            1 => {
                now = now.plus(*choices.of(&[1, 500, 5_000, 15_000, 61_000]));
                while let Some(due) = session.poll(now) {
                    match due {
                        Due::Ping(nonce) => {
                            pings += 1;
                            assert_eq!(nonce, pings);
                        }
                        Due::Expired(asked) => {
                            let place = open.iter().position(|(open, _)| *open == asked);
                            let (_, since) = open.remove(place.expect("only what was asked expires"));
                            let least = now.since(since) >= REQUEST_TIMEOUT_MS;
                            assert!(least, "expired too early");
                            expired += 1;
                        }
                        Due::Close(_) => {
                            let is_silent = now.since(heard) >= SILENCE_MAX_MS;
                            let is_late = !is_greeted && now.millis() - 1_000 >= GREETING_TIMEOUT_MS;
                            let is_slow = expired >= TIMEOUTS_MAX;
                            assert!(is_silent || is_late || is_slow, "closed too early");
                            return;
                        }
                    }
                }
                let is_late = now.millis() - 1_000 >= GREETING_TIMEOUT_MS;
                assert!(is_greeted || !is_late, "a peer that does not greet is kept");
                assert!(now.since(heard) < SILENCE_MAX_MS, "a silent peer is kept");
                assert!(expired < TIMEOUTS_MAX, "a slow peer is kept");
                let is_in_time = |(_, since): &(Asked, Moment)| now.since(*since) < REQUEST_TIMEOUT_MS;
                assert!(open.iter().all(is_in_time), "not expired in time: {open:?}");
            }
            _ => {
                let bytes = message(&branch, &open, &mut choices);
                let received = session.receive(&bytes, now);
                if decode::<Message>(&bytes).is_err() {
                    return assert!(matches!(received, Err(Offence::Malformed(_))), "{received:?}");
                }
                let Ok((verdict, message)) = received else { return };
                heard = now;
                match (verdict, &message) {
                    (Verdict::Greeting, Message::Hello(hello)) => {
                        assert!(!is_greeted, "greeted twice");
                        assert_eq!((hello.version, hello.genesis), (PROTOCOL_VERSION, greeting.genesis));
                        assert!(hello.nonce != NONCE && hello.message_max as usize >= MESSAGE_MIN_BYTES);
                        is_greeted = true;
                    }
                    (Verdict::Greeting, other) => panic!("{other:?} is no greeting"),
                    // A peer that refuses may do so before it greets.
                    (_, other) if !is_greeted => assert!(matches!(other, Message::Refused(_)), "{other:?}"),
                    // Parts of a witness belong to a request that is still open.
                    (
                        Verdict::Answer(asked),
                        Message::WitnessStart(_) | Message::WitnessTransaction { .. },
                    ) => {
                        assert!(open.iter_mut().any(|(open, _)| *open == asked), "{asked:?} was not asked");
                        let waiting = open.iter_mut().filter(|(asked, _)| matches!(asked, Asked::Witness(_)));
                        waiting.for_each(|(_, since)| *since = now);
                    }
                    (Verdict::Answer(asked), _) => {
                        let place = open.iter().position(|(open, _)| *open == asked);
                        open.remove(place.expect("only what was asked is answered"));
                        expired = 0;
                    }
                    (Verdict::News | Verdict::Alive, _) => {}
                }
            }
        }
        let free = if is_greeted { REQUESTS_IN_FLIGHT_MAX - open.len() } else { 0 };
        assert_eq!(session.free_requests(), free);
        assert!(open.iter().all(|(asked, _)| session.is_asked(asked)));
    }
}

/// A whole conversation.
pub fn seeds() -> Vec<Vec<u8>> {
    let conversation = |asked: u8| {
        let mut bytes = vec![2, 0, 0];
        for kind in 0..7 {
            bytes.extend([0, kind, asked, 2, 1, kind]);
        }
        bytes.extend([1, 1, 1, 3]);
        bytes
    };
    (0..4).map(conversation).collect()
}

fn id(number: u8) -> Hash32 {
    Hash32::from_bytes([number % 4; 32])
}

fn asked(choices: &mut Choices<'_>) -> Asked {
    let number = choices.byte();
    match number % 6 {
        0 => Asked::Headers,
        1 if number >= 120 => Asked::BlockTransactions(id(number / 6)),
        1 => Asked::Block(id(number / 6)),
        2 => Asked::Addresses,
        3 => Asked::Account { block: id(number / 6), key: account(1).account_key() },
        4 => Asked::Inclusion(id(number / 6)),
        _ => Asked::Witness(id(number / 6)),
    }
}

/// A greeting, the answer to what is open, or anything.
fn message(branch: &Branch, open: &[(Asked, Moment)], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut bytes = match choices.byte() % 4 {
        0 => {
            let mut hello = hello(branch, branch.tip().time, u64::from(choices.byte()) + NONCE + 1);
            match choices.byte() {
                255 => hello.nonce = NONCE,
                254 => hello.version = choices.number() as u16,
                253 => hello.message_max = choices.number() as u32,
                252 => hello.genesis = id(choices.byte()),
                _ => {}
            }
            wire(&Message::Hello(hello))
        }
        1 => match open.get(choices.below(open.len().max(1))) {
            Some((Asked::Headers, _)) => with_list(&[], |list| wire(&Message::Headers(list))),
            Some((Asked::Addresses, _)) => with_list(&[], |list| wire(&Message::Addresses(list))),
            Some((Asked::Block(id) | Asked::Account { block: id, .. } | Asked::Inclusion(id), _)) => {
                wire(&Message::NotFound(*id))
            }
            Some((Asked::BlockTransactions(id), _)) => match choices.byte() % 2 {
                0 => with_list(&[], |transactions| {
                    wire(&Message::BlockTransactions { block: *id, transactions })
                }),
                _ => wire(&Message::NotFound(*id)),
            },
            Some((Asked::Witness(id), _)) => match choices.byte() % 3 {
                0 => wire(&Message::WitnessStart(branch.tip().clone())),
                1 => wire(&Message::WitnessEnd(None)),
                _ => wire(&Message::NotFound(*id)),
            },
            None => wire(&Message::Pong(choices.number())),
        },
        2 => choices.of(&messages(branch)).clone(),
        _ => choices.bytes(64).to_vec(),
    };
    if choices.once_in(6) {
        choices.mutate(&mut bytes);
    }
    bytes
}
