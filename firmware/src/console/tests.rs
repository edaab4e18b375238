//! The console from outside: keys in, text out.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use mote_core::address::{Address, AddressPrefix};
use mote_core::params::Params;
use mote_core::rules::RuleError;
use mote_core::units::{Amount, Height, Moment};
use proptest::prelude::*;

use super::*;
use crate::command::{Command, Mining, Outcome, Refusal};
use crate::event::Miner;
use crate::fixtures::{busy, extreme, id, key, ordinary, params, peer, prepared};
use crate::report::{Fault, Offence, Refused};

/// The lines that `keys` make, refusals as `!` and their text, and what was shown.
fn type_in(keys: &[u8]) -> (Vec<String>, String) {
    let (mut console, mut lines, mut shown) = (Console::new(), Vec::new(), String::new());
    for key in keys {
        match console.receive(*key, &mut shown) {
            Input::Pending => {}
            Input::Line(line) => lines.push(line.to_string()),
            Input::Refused(error) => lines.push(format!("!{error}")),
        }
    }
    (lines, shown)
}

fn lines(keys: &[u8]) -> Vec<String> {
    type_in(keys).0
}

#[test]
fn lines_end_with_return_line_feed_or_both() {
    assert_eq!(
        lines(b"status\rpeers\nhelp\r\n\r\n\n  \r\nmine on\r"),
        ["status", "peers", "help", "mine on"]
    );
    assert_eq!(type_in(b"ab\r\n").1, "ab\n");
}

#[test]
fn keys_that_edit() {
    assert_eq!(lines(b"stx\x08atus\r"), ["status"]);
    assert_eq!(lines(b"\x7f\x7fa\x7f\x7fb\r"), ["b"]);
    assert_eq!(type_in(b"ab\x7f").1, "ab\x08 \x08");
    assert_eq!(lines(b"nonsense\x15help\rmore\x03\r"), ["help"]);
    assert_eq!(lines(b"a\tb\x00\x07c\r"), ["a bc"]);
    assert_eq!(lines(b"he\x1b[A\x1b[1;5D\x1bOPlp\x1b\r\x1b[\rok\r"), ["help", "ok"]);
}

#[test]
fn characters_of_several_bytes_are_one() {
    assert_eq!(type_in("grün é✓".as_bytes()).1, "grün é✓");
    let (typed, shown) = type_in("he\u{9b}2\u{85}\x7flp\r".as_bytes());
    assert_eq!((typed, shown.as_str()), (Vec::from(["help".to_string()]), "he2\x08 \x08lp\n"));
    assert_eq!(lines("grü\x7fun é✓\x7f\r".as_bytes()), ["grun é"]);
    assert_eq!(
        lines(b"\xffabc\r\xc3\rhelp\r"),
        ["!the line is not UTF-8: nothing was done", "!the line is not UTF-8: nothing was done", "help"]
    );
}

#[test]
fn lines_that_are_too_long_are_refused_whole() {
    let longest = "a".repeat(LINE_MAX_BYTES);
    assert_eq!(lines(format!("{longest}\r").as_bytes()), [longest.as_str()]);
    let refused = format!("!the line is longer than {LINE_MAX_BYTES} bytes: nothing was done");
    assert_eq!(lines(format!("{longest}b\x7f\x7fconfirm\rhelp\r").as_bytes()), [refused.as_str(), "help"]);
}

#[test]
fn the_longest_payment_fits_a_line() {
    let params = params("local");
    let address = Address::new(params.address_prefix, key(3));
    let line = format!("pay {address} 18446744073709.551615 hex:{}", "ab".repeat(64));
    assert_eq!(lines(format!("{line}\n").as_bytes()), [line.as_str()]);
    assert!(
        matches!(parse(&line, &params), Ok(Request::Command(Command::Pay { memo, .. })) if memo.len() == 64)
    );
}

#[test]
fn an_event_does_not_disturb_what_is_typed() {
    let (mut console, mut shown) = (Console::new(), String::new());
    let event = Event::Saved { height: Height::new(7) };
    console.write_event(&event, &mut shown).unwrap();
    for key in b"sta" {
        console.receive(*key, &mut shown);
    }
    console.write_event(&event, &mut shown).unwrap();
    assert_eq!(shown, "saved 7\nsta\r\x1b[Ksaved 7\nsta");
    for key in b"tus" {
        console.receive(*key, &mut shown);
    }
    assert_eq!(console.receive(b'\r', &mut shown), Input::Line("status"));
    shown.clear();
    console.write_event(&event, &mut shown).unwrap();
    assert_eq!(shown, "saved 7\n");
}

#[test]
fn a_terminal_returns_the_carriage() {
    let mut bytes = Vec::new();
    let mut terminal = Terminal(|part: &[u8]| bytes.extend_from_slice(part));
    terminal.write_str("a\nb").unwrap();
    terminal.write_str("\n\n").unwrap();
    assert_eq!(bytes, b"a\r\nb\r\n\r\n");
}

fn pay(params: &Params, rest: &str) -> Result<Command, String> {
    let line = format!("pay {} {rest}", Address::new(params.address_prefix, key(3)));
    match parse(&line, params) {
        Ok(Request::Command(command)) => Ok(command),
        other => Err(format!("{:?}", other.map_err(|error| error.to_string()))),
    }
}

#[test]
fn commands_are_understood() {
    let params = params("local");
    let request = |line| parse(line, &params).map_err(|error| error.to_string());
    let command = |command| Ok(Request::Command(command));
    assert_eq!(request("help"), Ok(Request::Help));
    assert_eq!(request("  status "), Ok(Request::Status));
    assert_eq!(request("status  json"), Ok(Request::StatusJson));
    assert_eq!(request("peers"), Ok(Request::Peers));
    assert_eq!(request("address"), Ok(Request::Address));
    assert_eq!(request("confirm"), command(Command::Confirm));
    assert_eq!(request("yes"), command(Command::Confirm));
    assert_eq!(request("no"), command(Command::Decline));
    assert_eq!(request("mine on"), command(Command::Mine(Mining::On)));
    assert_eq!(request("mine  off"), command(Command::Mine(Mining::Off)));
    assert_eq!(request("notarise CAfe01"), command(Command::Notarise([0xca, 0xfe, 1].into_iter().collect())));
    let payment = |memo: &[u8]| Command::Pay {
        recipient: key(3),
        amount: Amount::from_grains(12_500_000),
        memo: memo.iter().copied().collect(),
    };
    assert_eq!(pay(&params, "12.5"), Ok(payment(b"")));
    assert_eq!(pay(&params, "12.5  rent, May "), Ok(payment(b"rent, May")));
    assert_eq!(pay(&params, "12.5 grün"), Ok(payment("grün".as_bytes())));
    assert_eq!(pay(&params, "12.5 hex:00ff"), Ok(payment(&[0, 0xff])));
}

#[test]
fn errors_name_the_word_and_what_was_expected() {
    let params = params("local");
    let other = Address::new(AddressPrefix::Main, key(3)).to_string();
    let long = "x".repeat(65);
    let own = Address::new(params.address_prefix, key(3)).to_string();
    for (line, expected) in [
        ("hello".to_string(), "unknown command \"hello\": expected status,"),
        ("mine".to_string(), "something is missing: expected mine on|off"),
        ("mine maybe".to_string(), "unexpected \"maybe\": expected mine on|off"),
        ("confirm 7".to_string(), "unexpected \"7\": expected confirm"),
        ("status xml".to_string(), "unexpected \"xml\": expected status [json]"),
        ("pay".to_string(), "something is missing: expected pay ADDRESS AMOUNT [MEMO]"),
        (format!("pay {own}"), "something is missing: expected pay ADDRESS AMOUNT [MEMO]"),
        ("pay lmote1x 5".to_string(), "\"lmote1x\" is no address here: the address has a typing error"),
        (
            format!("pay {other} 5"),
            "expected an address that starts with lmote1, got one that starts with mote1",
        ),
        (format!("pay {own} 1,5"), "\"1,5\" is no amount: character 1 is not a decimal digit"),
        (format!("pay {own} 5 {long}"), "expected a memo of at most 64 bytes, got 65"),
        (format!("pay {own} 5 hex:0g"), "\"0g\" is not hexadecimal: character 1 is no hexadecimal digit"),
        ("notarise".to_string(), "something is missing: expected notarise HEX"),
        ("notarise abc".to_string(), "\"abc\" is not hexadecimal: expected an even number of digits, got 3"),
        (format!("notarise {}", "00".repeat(65)), "expected a memo of at most 64 bytes, got 65"),
    ] {
        let error = parse(&line, &params).unwrap_err().to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
}

fn printed(print: impl FnOnce(&mut dyn Write) -> fmt::Result) -> String {
    let mut text = String::new();
    print(&mut text).unwrap();
    text
}

#[test]
fn the_status_is_aligned_lines() {
    let params = params("local:garden");
    let mut report = busy(&params);
    (report.prepared, report.fault) = (Some(prepared()), Some(Fault::CardFailed));
    let text = printed(|out| write_status(&report, out));
    let golden = include_str!("status.txt").replace("VERSION", crate::VERSION);
    assert!(text == golden, "{text}");
    report.peers = Default::default();
    assert_eq!(printed(|out| write_peers(&report, out)), "peers:          -\n");
    // The longest values and a name that would leave the line stay lines.
    let text = printed(|out| write_status(&extreme(&params, "a\n\"b\u{1b}[2J"), out));
    let is_fact = |line: &str| line.split_once(':').is_some_and(|(name, _)| name.len() < 16);
    assert!(text.lines().all(is_fact) && !text.contains('\u{1b}'), "{text}");
    assert_eq!(text.lines().count(), golden.lines().count(), "{text}");
}

#[test]
fn the_own_address_is_printed_alone() {
    let params = params("test");
    let mut report = ordinary(&params);
    let address = Address::new(AddressPrefix::Test, key(1));
    assert_eq!(printed(|out| write_address(&report, out)), format!("{address}\n"));
    report.key = None;
    assert_eq!(printed(|out| write_address(&report, out)), "this device has no key\n");
}

#[test]
fn events_are_single_lines() {
    let (height, id) = (Height::new(123), id(0xab));
    let (text, root) = (id.to_string(), crate::fixtures::id(0x5a));
    let error = RuleError::LedgerNonce { got: 1, expected: 2 };
    let refused = Refused { peer: peer(2), offence: Offence::Block { height, error }, at: Moment::default() };
    let block = |miner| Event::Block { height, id, transactions: 4, state_root: root, miner };
    for (event, expected) in [
        (block(Miner::Other), format!("block 123 {text} 4 transactions state {root}\n")),
        (block(Miner::Own), format!("block 123 {text} 4 transactions state {root} own\n")),
        (
            Event::Refused(refused),
            "refused 10.0.2.2:7700 L1-nonce: block 123: L1-nonce: expected nonce 2, got 1\n".to_string(),
        ),
        (
            Event::Reorganised { from: Height::new(9), fork: Height::new(4), to: Height::new(11) },
            "reorganised 9 to 11 fork 4 depth 5\n".to_string(),
        ),
        (Event::Connected { peer: peer(2), height }, "connected 10.0.2.2:7700 height 123\n".to_string()),
        (
            Event::Disconnected { peer: peer(2), reason: "the connection ended" },
            "disconnected 10.0.2.2:7700: the connection ended\n".to_string(),
        ),
        (Event::Address([10, 0, 2, 15].into()), "address 10.0.2.15\n".to_string()),
        (Event::Found { height, id }, format!("found 123 {text}\n")),
        (Event::Paid { id, height }, format!("paid {text} height 123\n")),
        (
            Event::Fault(Fault::NoHonestPeer),
            "fault no-honest-peer: the last peer broke a rule, and there is no other. \
             Provision the card with the address of another node.\n"
                .to_string(),
        ),
        (Event::FaultCleared, "fault cleared\n".to_string()),
        (Event::Saved { height }, "saved 123\n".to_string()),
    ] {
        assert_eq!(printed(|out| write_event(&event, out)), expected);
    }
    let started = printed(|out| write_event(&Event::Started { height, id, state_root: root }, out));
    assert!(started.starts_with(&format!("started 123 {text} state {root} version ")), "{started}");
}

#[test]
fn outcomes_say_what_to_do_next() {
    let prefix = AddressPrefix::Local;
    let text = |outcome| printed(|out| write_outcome(&outcome, prefix, out));
    let (amount, fee) = (Amount::from_grains(12_500_000), Amount::from_grains(1_000));
    let address = Address::new(prefix, key(3));
    assert_eq!(text(Outcome::Done), "done\n");
    assert_eq!(
        text(Outcome::Prepared { recipient: key(3), amount, fee }),
        format!("prepared 12.5 to {address} fee 0.001: confirm or decline\n")
    );
    assert_eq!(text(Outcome::Sent { id: id(1) }), format!("sent {}\n", id(1)));
    assert_eq!(
        text(Outcome::Refused(Refusal::NothingPrepared)),
        "not done: no payment waits for confirmation\n"
    );
}

proptest! {
    /// Whatever is typed, a line is text that fits, and asks for something or says why not.
    #[test]
    fn any_bytes_can_be_typed(keys in prop::collection::vec(any::<u8>(), 0..1_000)) {
        let params = params("local");
        for line in lines(&keys) {
            prop_assert!(line.starts_with('!') || line.len() <= LINE_MAX_BYTES);
            if let Err(error) = parse(&line, &params) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_line_can_be_parsed(start in "(pay |mine |notarise |status |)", rest in "\\PC{0,80}") {
        let line = format!("{start}{rest}");
        if let Err(error) = parse(&line, &params("local")) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
