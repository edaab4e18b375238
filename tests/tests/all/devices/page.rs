//! The device's own page, for those who ask politely, those who never leave, and those who never stop.

use std::io::{Read, Write};
use std::net::TcpStream;

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use serde_json::Value;

/// How many connections a flood has.
const FLOOD: usize = 300;

fn device(host: &Host) -> Machine {
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 3, &[host.port()], Mines::WhenTold));
    machine.switch_on();
    machine
}

#[test]
fn a_device_has_a_page() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 5);
    let host = Host::start(branch.clone(), Script::honest());
    let machine = device(&host);
    machine.wait_for_tip(&branch.tip().id().to_string());
    let page = machine.fetch("/");
    assert_eq!(page.status, 200);
    let text = page.body.as_str().expect("a page is text").to_lowercase();
    assert!(text.starts_with("<!doctype html>"), "{text}");
    assert_eq!(machine.fetch("/nowhere").status, 404);
    let status = machine.status();
    assert_eq!((&status["network"], &status["height"]), (&Value::from("regtest"), &Value::from(5)));
}

#[test]
fn a_page_left_open_and_a_flood_keep_nobody_away() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 5);
    let host = Host::start(branch.clone(), Script::honest());
    let machine = device(&host);
    machine.wait_for_tip(&branch.tip().id().to_string());
    // Browsers open connections ahead, and leave them.
    let open: Vec<TcpStream> = (0..4).filter_map(|_| machine.open().ok()).collect();
    machine.status();
    // Half a request, one byte at a time, and a request that nobody reads the answer of.
    let mut slow = machine.open().expect("the emulator listens");
    let _ = slow.write_all(b"GET / HT");
    let mut deaf = machine.open().expect("the emulator listens");
    let _ = deaf.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    machine.status();
    let flood: Vec<TcpStream> = (0..FLOOD).filter_map(|_| machine.open().ok()).collect();
    branch.grow(1, 3);
    host.announce(branch.clone());
    let lines = || machine.blocks().last().map(|line| line.height);
    mote_tests::processes::wait_until(
        "the flood keeps no block away",
        mote_tests::processes::PATIENCE,
        || {
            if lines() == Some(8) { Ok(()) } else { Err(machine.last_lines()) }
        },
    );
    drop(flood);
    machine.wait_for_tip(&branch.tip().id().to_string());
    drop((open, slow, deaf));
    assert!(host.partings().is_empty(), "the node was never left: {:?}", host.partings());
}

#[test]
fn requests_that_are_none_are_told_so_or_dropped() {
    let branch = Branch::new(regtest());
    let host = Host::start(branch, Script::honest());
    let machine = device(&host);
    machine.status();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X-More: and more\r\n".repeat(4_000));
    for request in [
        "\r\n\r\n",
        "nonsense\r\n\r\n",
        "POST /status HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "GET /status",
        &long,
        &many,
    ] {
        let Ok(mut stream) = machine.open() else { continue };
        // What the device thinks of it shows in its answer, if it has one.
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            !answer.starts_with("HTTP/1.1 200") || request.starts_with("GET / "),
            "{request:.40}: {answer}"
        );
        machine.status();
    }
}
