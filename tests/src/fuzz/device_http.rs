//! The page and the status of a device: any bytes are answered alike however they are cut up, and whatever the device
//! has to report is JSON that says just that.

use std::net::{Ipv4Addr, SocketAddrV4};

use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::pow::{CompactTarget, Work};
use mote_core::rules::RuleError;
use mote_core::state::Account;
use mote_core::units::{Amount, Height, Moment, Timestamp};
use mote_firmware::command::Mining;
use mote_firmware::http::Exchange;
use mote_firmware::json::{PIECE_MAX_BYTES, StatusJson};
use mote_firmware::report::{
    CardReport, Cycles, Fault, Load, Memory, MiningReport, OWN_PAYMENTS, Offence, PaymentReport,
    PaymentState, PeerReport, PeerState, Prepared, Refused, Report, Stage, TipReport,
};
use serde_json::Value;

use super::Choices;
use crate::fixtures::{account, regtest};

/// Longer than this, no name stands on a card.
const NAME_MAX_BYTES: usize = mote_core::card::NAME_MAX_BYTES;

/// Half of the inputs are requests, the others reports.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let params = regtest();
    if choices.byte().is_multiple_of(2) {
        let cuts = [1 + choices.below(40), 1 + choices.below(600)];
        requested(choices.rest(), cuts, &report("device", &params, &mut Choices::new(&[])));
    } else {
        let name = String::from_utf8_lossy(choices.bytes(NAME_MAX_BYTES)).into_owned();
        let end = name.floor_char_boundary(NAME_MAX_BYTES);
        reported(&report(&name[..end], &params, &mut choices));
    }
}

/// Requests of browsers and of others, and reports.
pub fn seeds() -> Vec<Vec<u8>> {
    let request = |text: &str| [&[0, 39, 255][..], text.as_bytes()].concat();
    let reported =
        |seed: u8| (0..200_u8).map(|index| index.wrapping_mul(seed) | u8::from(index == 0)).collect();
    let mut seeds = vec![
        request("GET /status HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: a\r\n\r\n"),
        request("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        request("HEAD /nothing?a=b HTTP/1.0\nHost: 10.0.2.15\n\n"),
        request("POST /status HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 4\r\n\r\nbody"),
        request("\r\nGET / HTTP/1.1\r\nHost: [::1]\r\nHost: 1.1.1.1\r\n\r\n"),
    ];
    seeds.extend((1..6).map(reported));
    seeds
}

/// The answer to bytes that come and go in pieces of these lengths.
fn answer(request: &[u8], [incoming, outgoing]: [usize; 2], report: &Report<'_>) -> String {
    let mut exchange = Exchange::new();
    for piece in request.chunks(incoming) {
        assert_eq!(exchange.receive(piece), piece.len());
    }
    let (mut text, mut out) = (Vec::new(), vec![0; outgoing]);
    loop {
        match exchange.write(report, &mut out) {
            0 => break,
            count => text.extend_from_slice(&out[..count]),
        }
    }
    assert_eq!(exchange.is_done(), exchange.has_response());
    String::from_utf8(text).expect("answers are text")
}

fn requested(request: &[u8], cuts: [usize; 2], report: &Report<'_>) {
    let text = answer(request, cuts, report);
    assert_eq!(text, answer(request, [usize::MAX, 8_192], report));
    if text.is_empty() {
        return assert!(request.len() <= 2_048, "a request without an end is waited for");
    }
    let (head, body) = text.split_once("\r\n\r\n").expect("a head ends");
    let mut words = head.split(' ');
    assert_eq!(words.next(), Some("HTTP/1.1"));
    let status = words.next().unwrap_or_default();
    let is_problem = head.contains("Content-Type: application/problem+json");
    assert_eq!(is_problem, status != "200", "{head}");
    assert!(["200", "400", "404", "405", "421", "431"].contains(&status), "{head}");
    for header in ["Connection: close", "X-Content-Type-Options: nosniff"] {
        assert!(head.contains(header), "{head}");
    }
    if status == "200" {
        // A page elsewhere must not read what the device says, whatever name leads here.
        let request = String::from_utf8_lossy(request);
        let hosts: Vec<&str> = request
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, host)| host.trim().split(':').next().unwrap_or_default())
            .collect();
        let host = hosts.first().copied().unwrap_or_default();
        let is_address = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        assert!(is_address || host.eq_ignore_ascii_case("localhost"), "{host:?} is let in");
    }
    if !body.is_empty() && !head.contains("text/html") {
        let json: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert!(!is_problem || json["status"].as_u64() == status.parse().ok(), "{body}");
    }
}

/// The report is JSON, in pieces that fit, and says what it is made of.
fn reported(report: &Report<'_>) {
    let (mut status, mut text) = (StatusJson::new(), String::new());
    while !status.is_done() {
        let before = text.len();
        status.write_piece(report, &mut text).expect("a string takes everything");
        assert!(text.len() - before <= PIECE_MAX_BYTES, "a piece of {} bytes", text.len() - before);
    }
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(json["name"], report.name);
    assert_eq!(json["height"].as_u64(), Some(report.tip.height.get()));
    assert_eq!(json["tip"], report.tip.id.to_string());
    assert_eq!(json["payments"].as_array().map(Vec::len), Some(report.payments.len()));
    // On the console nothing of it moves the cursor.
    let mut printed = String::new();
    mote_firmware::console::write_status(report, &mut printed).expect("a string takes everything");
    let is_plain = printed.chars().all(|letter| !letter.is_control() || letter == '\n' || letter == '\r');
    assert!(is_plain || report.name.chars().any(char::is_control), "{printed:?}");
}

/// A report as decided.
fn report<'a>(name: &'a str, params: &'a Params, choices: &mut Choices<'_>) -> Report<'a> {
    let height = |choices: &mut Choices<'_>| Height::new(choices.number());
    let hash = |choices: &mut Choices<'_>| Hash32::from_bytes([choices.byte(); 32]);
    let some = |choices: &mut Choices<'_>| choices.byte().is_multiple_of(2);
    let address = |choices: &mut Choices<'_>| {
        SocketAddrV4::new(Ipv4Addr::from(choices.array()), choices.number() as u16)
    };
    let stage = match choices.byte() % 5 {
        0 => Stage::NoNetwork,
        1 => Stage::NoPeer,
        2 => Stage::Judging { height: height(choices), claimed: height(choices) },
        3 => Stage::Validating { height: height(choices), goal: height(choices) },
        _ => Stage::AtTip,
    };
    let peers = std::array::from_fn(|_| PeerReport {
        address: some(choices).then(|| address(choices)),
        state: *choices.of(&[
            PeerState::Waiting,
            PeerState::Connecting,
            PeerState::Greeting,
            PeerState::Connected,
        ]),
        height: some(choices).then(|| height(choices)),
        latency_ms: some(choices).then(|| choices.number()),
    });
    let offence = match choices.byte() % 8 {
        0 => Offence::Block {
            height: height(choices),
            error: RuleError::LedgerNonce { got: choices.number(), expected: 1 },
        },
        1 => Offence::Witness {
            height: height(choices),
            error: mote_core::state::WitnessError::Missing { key: hash(choices) },
        },
        2 => Offence::Order { expected: "the start of a witness", got: "a part of one" },
        3 => Offence::Work { shown: Work::ZERO, claimed: Work::from_be_bytes(&[0xff; 32]) },
        4 => Offence::Unlinked { got: hash(choices) },
        5 => Offence::Clock {
            clock: Timestamp::from_seconds(choices.number()),
            chain: Timestamp::from_seconds(choices.number()),
        },
        6 => Offence::Peer(mote_core::peer::Offence::Network { got: hash(choices), expected: hash(choices) }),
        _ => Offence::Peer(mote_core::peer::Offence::Rule(RuleError::BlockStateRoot {
            got: hash(choices),
            expected: hash(choices),
        })),
    };
    let mut payments = Vec::new();
    for _ in 0..choices.below(5) {
        let state = if some(choices) {
            PaymentState::Open
        } else {
            PaymentState::Mined { height: height(choices), confirmations_tenths: choices.number() as u32 }
        };
        let amount = Amount::from_grains(choices.number());
        payments.push(PaymentReport { id: hash(choices), recipient: account(1), amount, state });
    }
    let faults = [
        Fault::DifficultyFell,
        Fault::ClockDisagrees,
        Fault::CardFailed,
        Fault::CardUnreadable,
        Fault::FallingBehind { blocks: u64::MAX },
        Fault::NoHonestPeer,
    ];
    Report {
        name,
        params,
        uptime: Moment::from_millis(choices.number()),
        clock: some(choices).then(|| Timestamp::from_seconds(choices.number())),
        ip: some(choices).then(|| Ipv4Addr::from(choices.array())),
        tip: TipReport {
            id: hash(choices),
            height: height(choices),
            time: Timestamp::from_seconds(choices.number()),
            state_root: hash(choices),
            work: Work::from_be_bytes(&[choices.byte(); 32]),
            next_target: CompactTarget::from_bits(choices.number() as u32),
        },
        stage,
        pace_tenths: choices.number() as u32,
        peers,
        refused: some(choices).then(|| Refused {
            peer: address(choices),
            offence,
            at: Moment::from_millis(choices.number()),
        }),
        mining: MiningReport {
            switch: if some(choices) { Mining::On } else { Mining::Off },
            hash_rate: choices.number() as u32,
            attempts: choices.number(),
            found: choices.number() as u32,
            last: some(choices).then(|| height(choices)),
        },
        key: some(choices).then(|| account(1)),
        account: some(choices)
            .then(|| Account { balance: Amount::from_grains(choices.number()), nonce: choices.number() }),
        prepared: some(choices).then(|| Prepared {
            recipient: account(2),
            amount: Amount::from_grains(choices.number()),
            fee: Amount::from_grains(1_000),
            memo_bytes: choices.below(65),
        }),
        payments: payments.into_iter().take(OWN_PAYMENTS).collect(),
        fault: some(choices).then(|| *choices.of(&faults)),
        memory: Memory { ram: choices.number() as u32, fixed: 0, stack_peak: u32::MAX },
        load: Load {
            checks: choices.number() as u16,
            mining: 0,
            other: 0,
            cycles: Cycles { all: choices.number(), checks: 0, mining: 0 },
        },
        card: match choices.byte() % 3 {
            0 => CardReport::None,
            1 => CardReport::Failed,
            _ => CardReport::Present { saved: height(choices), boots: choices.number() as u32 },
        },
    }
}
