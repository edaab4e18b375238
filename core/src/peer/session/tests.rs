//! What a session lets through, and what it ends a connection for.

use super::*;
use crate::codec::{encode, encoded_len};
use crate::pow::Work;
use crate::units::{Height, Timestamp};
use crate::wire::Services;
use std::vec;
use std::vec::Vec;

const GENESIS: Hash32 = Hash32::from_bytes([1; 32]);
const OTHER: Hash32 = Hash32::from_bytes([2; 32]);

fn at(milliseconds: u64) -> Moment {
    Moment::from_millis(milliseconds)
}

fn hello() -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        genesis: GENESIS,
        tip: GENESIS,
        height: Height::GENESIS,
        work: Work::ZERO,
        time: Timestamp::default(),
        services: Services::FULL,
        witness_from: Height::GENESIS,
        message_max: MESSAGE_MAX_BYTES as u32,
        nonce: 5,
        port: 0,
    }
}

fn wire(message: &Message) -> Vec<u8> {
    let mut bytes = vec![0; encoded_len(message)];
    assert!(encode(message, &mut bytes).is_ok());
    bytes
}

fn opened() -> Session {
    Session::new(Greeting { genesis: GENESIS, nonce: 9, message_max: 4_096 }, at(0))
}

/// A session whose peer has greeted and whose first ping is out.
fn greeted() -> Session {
    let mut session = opened();
    assert!(matches!(session.receive(&wire(&Message::Hello(hello())), at(0)), Ok((Verdict::Greeting, _))));
    assert_eq!(session.poll(at(0)), Some(Due::Ping(1)));
    session
}

fn offence(session: &mut Session, message: &Message) -> Option<Offence> {
    session.receive(&wire(message), at(1)).err()
}

fn answers(session: &mut Session, message: &Message, now: u64) -> Option<Asked> {
    match session.receive(&wire(message), at(now)) {
        Ok((Verdict::Answer(asked), _)) => Some(asked),
        _ => None,
    }
}

#[test]
fn the_greeting_comes_first_and_once() {
    let mut session = opened();
    assert_eq!((session.free_requests(), session.ask(Asked::Headers, at(0))), (0, false));
    assert_eq!(offence(&mut session, &Message::Ping(1)), Some(Offence::NoGreeting));
    // A peer that refuses may do so before it greets.
    assert_eq!(offence(&mut session, &Message::Refused("B1-capacity")), None);
    assert_eq!(offence(&mut session, &Message::Hello(hello())), None);
    assert_eq!(session.remote(), Some(&hello()));
    assert_eq!(offence(&mut session, &Message::Hello(hello())), Some(Offence::GreetedTwice));
}

#[test]
fn a_greeting_must_fit() {
    let greet = |change: fn(&mut Hello)| {
        let mut hello = hello();
        change(&mut hello);
        offence(&mut opened(), &Message::Hello(hello))
    };
    assert_eq!(greet(|hello| hello.version = 2), Some(Offence::Version { got: 2, expected: 1 }));
    let network = Offence::Network { got: OTHER, expected: GENESIS };
    assert_eq!(greet(|hello| hello.genesis = OTHER), Some(network));
    assert_eq!(greet(|hello| hello.nonce = 9), Some(Offence::Itself));
    let small = Offence::MessageMax { got: MESSAGE_MIN_BYTES - 1, expected: MESSAGE_MIN_BYTES };
    assert_eq!(greet(|hello| hello.message_max = MESSAGE_MIN_BYTES as u32 - 1), Some(small));
    assert_eq!(greet(|hello| hello.message_max = MESSAGE_MIN_BYTES as u32), None);
}

#[test]
fn large_and_malformed_frames_are_offences() {
    let mut session = greeted();
    let too_large = Offence::TooLarge { got: 4_097, limit: 4_096 };
    assert_eq!(session.receive(&[0; 4_097], at(1)).err(), Some(too_large));
    let malformed = session.receive(&[99], at(1)).err();
    assert_eq!(malformed, Some(Offence::Malformed(DecodeError::Malformed)));
}

#[test]
fn answers_are_matched_with_what_was_asked() {
    let mut session = greeted();
    assert_eq!(offence(&mut session, &Message::NotFound(OTHER)), Some(Offence::Unrequested("not-found")));
    assert!(session.ask(Asked::Inclusion(OTHER), at(1)));
    assert!(!session.ask(Asked::Inclusion(OTHER), at(1)), "the same is waited for");
    assert_eq!(answers(&mut session, &Message::NotFound(OTHER), 2), Some(Asked::Inclusion(OTHER)));
    assert_eq!(session.asked().count(), 0);
    // A second answer to one request was not asked for.
    assert_eq!(offence(&mut session, &Message::NotFound(OTHER)), Some(Offence::Unrequested("not-found")));
    let block = Message::Block(&[0]);
    assert!(matches!(offence(&mut session, &block), Some(Offence::Malformed(_))));
}

#[test]
fn transactions_are_those_of_the_block_that_was_asked_about() {
    let mut session = greeted();
    let mut buffer = [];
    let transactions = crate::wire::ListWriter::new(&mut buffer).finish();
    let given = Message::BlockTransactions { block: OTHER, transactions };
    let unrequested = Some(Offence::Unrequested("transactions of a block"));
    assert_eq!(offence(&mut session, &given), unrequested);
    assert!(session.ask(Asked::BlockTransactions(GENESIS), at(1)));
    assert_eq!(offence(&mut session, &given), unrequested);
    assert!(session.ask(Asked::BlockTransactions(OTHER), at(1)));
    assert_eq!(answers(&mut session, &given, 2), Some(Asked::BlockTransactions(OTHER)));
    let denied = Some(Asked::BlockTransactions(GENESIS));
    assert_eq!(answers(&mut session, &Message::NotFound(GENESIS), 2), denied);
    assert_eq!(session.asked().count(), 0);
}

#[test]
fn a_witness_is_one_answer_of_many_messages() {
    let mut session = greeted();
    let end = Message::WitnessEnd(None);
    assert_eq!(offence(&mut session, &end), Some(Offence::Unrequested("end of a witness")));
    let header = crate::params::Params::new(crate::params::Network::Regtest).genesis().clone();
    let start = Message::WitnessStart(header);
    assert_eq!(offence(&mut session, &start), Some(Offence::Unrequested("witness")));
    assert!(session.ask(Asked::Witness(OTHER), at(0)));
    assert_eq!(answers(&mut session, &start, 14_000), Some(Asked::Witness(OTHER)));
    // Each part gives the next one as much time as a request has.
    assert_eq!(session.poll(at(REQUEST_TIMEOUT_MS + 1_000)), None);
    assert_eq!(answers(&mut session, &end, 16_000), Some(Asked::Witness(OTHER)));
    assert_eq!(session.asked().count(), 0);
}

#[test]
fn requests_are_limited_and_expire() {
    let mut session = greeted();
    for number in 0..REQUESTS_IN_FLIGHT_MAX as u8 {
        assert!(session.ask(Asked::Block(Hash32::from_bytes([number; 32])), at(0)));
    }
    assert_eq!((session.free_requests(), session.ask(Asked::Headers, at(0))), (0, false));
    assert_eq!(session.poll(at(REQUEST_TIMEOUT_MS - 1)), None);
    let expired = (0..REQUESTS_IN_FLIGHT_MAX).map_while(|_| match session.poll(at(REQUEST_TIMEOUT_MS)) {
        Some(Due::Expired(Asked::Block(id))) => Some(id),
        _ => None,
    });
    assert_eq!(expired.count(), REQUESTS_IN_FLIGHT_MAX);
    assert!(matches!(session.poll(at(REQUEST_TIMEOUT_MS)), Some(Due::Close(_))), "too many in a row");
}

#[test]
fn a_late_answer_is_no_offence_and_only_one() {
    let mut session = greeted();
    assert!(session.ask(Asked::Inclusion(OTHER), at(0)));
    assert_eq!(session.poll(at(REQUEST_TIMEOUT_MS)), Some(Due::Expired(Asked::Inclusion(OTHER))));
    assert_eq!(offence(&mut session, &Message::NotFound(OTHER)), None);
    assert_eq!(offence(&mut session, &Message::NotFound(OTHER)), Some(Offence::Unrequested("not-found")));
}

#[test]
fn silence_is_asked_about_and_then_ended() {
    let mut session = opened();
    assert_eq!(session.poll(at(GREETING_TIMEOUT_MS - 1)), None);
    assert!(matches!(session.poll(at(GREETING_TIMEOUT_MS)), Some(Due::Close(_))));

    let mut session = greeted();
    assert!(matches!(session.receive(&wire(&Message::Pong(1)), at(40)), Ok((Verdict::Alive, _))));
    assert_eq!(session.latency_ms(), Some(40));
    assert_eq!(session.poll(at(40 + PING_AFTER_MS - 1)), None);
    assert_eq!(session.poll(at(40 + PING_AFTER_MS)), Some(Due::Ping(2)));
    assert_eq!(session.poll(at(40 + PING_AFTER_MS)), None);
    assert_eq!(offence(&mut session, &Message::Pong(3)), Some(Offence::Unrequested("pong")));
    let mut session = greeted();
    assert!(!matches!(session.poll(at(SILENCE_MAX_MS - 1)), Some(Due::Close(_))));
    assert!(matches!(session.poll(at(SILENCE_MAX_MS)), Some(Due::Close(_))));
}

#[test]
fn a_late_witness_is_no_offence_to_its_end() {
    let mut session = greeted();
    let header = crate::params::Params::new(crate::params::Network::Regtest).genesis().clone();
    let (start, end) = (Message::WitnessStart(header), Message::WitnessEnd(None));
    assert!(session.ask(Asked::Witness(OTHER), at(0)));
    assert_eq!(session.poll(at(REQUEST_TIMEOUT_MS)), Some(Due::Expired(Asked::Witness(OTHER))));
    // As many parts as the largest block has transactions, and the two around them.
    for _ in 0..=BLOCK_TRANSACTIONS_MAX {
        assert_eq!(offence(&mut session, &start), None);
    }
    assert_eq!(offence(&mut session, &start), Some(Offence::Unrequested("witness")));
    assert_eq!(offence(&mut session, &end), None);
    assert_eq!(offence(&mut session, &end), Some(Offence::Unrequested("end of a witness")));
}
