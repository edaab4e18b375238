//! The device's own page, for those who ask politely, those who never leave, and those who never stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use mote_tests::processes::{PATIENCE, wait_until};
use serde_json::Value;

/// How many open connections one after the other as fast as they can.
const FLOODERS: usize = 8;

/// How many blocks come meanwhile.
const BLOCKS: usize = 20;

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
    // Half a request, and a request that nobody reads the answer of.
    let mut slow = machine.open().expect("the emulator listens");
    let _ = slow.write_all(b"GET / HT");
    let mut deaf = machine.open().expect("the emulator listens");
    let _ = deaf.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    machine.status();
    drop((open, slow, deaf));

    let is_over = AtomicBool::new(false);
    let flooded = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..FLOODERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    flooded.fetch_add(usize::from(machine.open().is_ok()), Ordering::Relaxed);
                }
            });
        }
        for _ in 0..BLOCKS {
            branch.grow(1, 1);
            host.announce(branch.clone());
            wait_until("a block comes through the flood", PATIENCE, || match machine.blocks().last() {
                Some(last) if last.height == branch.height() => Ok(()),
                _ => Err(machine.last_lines()),
            });
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(flooded.into_inner() > FLOODERS, "this was no flood");
    machine.wait_for_tip(&branch.tip().id().to_string());
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
