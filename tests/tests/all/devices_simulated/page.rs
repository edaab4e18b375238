//! The device's page, which is there whatever else happens.

use mote_core::card::Mines;
use mote_tests::devices::simulated::{Bench, Running, SharedPipe};
use serde_json::Value;

use super::{chain, longer};

const PORT: u16 = 80;

/// Asks for a path; what comes of it is read later.
fn request(device: &mut Running<'_>, path: &str) -> SharedPipe {
    let pipe = device.bench.dial(PORT);
    let text = format!("GET {path} HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n");
    pipe.borrow_mut().said.extend(text.bytes());
    pipe
}

fn text(pipe: &SharedPipe) -> String {
    let bytes: Vec<u8> = pipe.borrow().heard.iter().copied().collect();
    String::from_utf8(bytes).expect("the page is text")
}

/// Asks for a path and reads the answer, without its head.
#[track_caller]
fn fetch(device: &mut Running<'_>, path: &str) -> String {
    let pipe = request(device, path);
    device.until("the page comes", |_| pipe.borrow().has_ended);
    pipe.borrow_mut().is_closing = true;
    let answer = text(&pipe);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer.split_once("\r\n\r\n").expect("an answer has a head").1.to_owned()
}

#[test]
fn the_page_says_what_the_console_says() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        device.until("its account is known", |device| device.status()["balance"].is_string());
        let page: Value = serde_json::from_str(&fetch(device, "/status")).expect("it is JSON");
        let console = device.status();
        for name in ["height", "tip", "work", "balance", "network", "peers", "state_root", "card"] {
            assert_eq!(page[name], console[name], "{name}");
        }
        let html = fetch(device, "/");
        assert!(html.contains(&branch.tip().id().to_string()[..8]) || html.contains("/status"), "{html}");
    });
}

#[test]
fn the_page_is_there_while_blocks_are_checked() {
    let branch = chain(120);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until("it checks", |device| device.has_printed("block 3 "));
        let mut heights = Vec::new();
        while !device.has_printed("block 120 ") {
            let page: Value = serde_json::from_str(&fetch(device, "/status")).expect("it is JSON");
            heights.push(page["height"].as_u64().expect("a number"));
        }
        assert!(heights.len() > 10 && heights.is_sorted(), "{heights:?}");
    });
}

#[test]
fn nobody_keeps_a_socket_from_others() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        // One says nothing, then one that never ends: the other socket serves all others.
        let silent = device.bench.dial(PORT);
        device.pass(100);
        for _ in 0..5 {
            fetch(device, "/status");
            device.pass(20);
        }
        device.until("the silent one is left", |_| silent.borrow().is_gone);
        let before = device.millis();
        let slow = device.bench.dial(PORT);
        while !slow.borrow().has_ended {
            slow.borrow_mut().said.push_back(b'G');
            fetch(device, "/status");
            device.pass(20);
        }
        assert!((4_000..7_000).contains(&(device.millis() - before)));
        // Both are held, and one of them is free in time.
        let held = [device.bench.dial(PORT), device.bench.dial(PORT)];
        device.pass(100);
        let refused = request(device, "/");
        device.until("a third one is refused", |_| refused.borrow().has_ended);
        assert_eq!(text(&refused), "");
        device.pass(6_000);
        assert!(held.iter().all(|pipe| pipe.borrow().is_gone));
        fetch(device, "/");
    });
}

#[test]
fn a_page_left_open_is_in_nobodys_way() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for _ in 0..6 {
            // Whoever asked got the answer and does not end its side.
            let open = [request(device, "/"), request(device, "/status")];
            device.until("both are answered", |_| open.iter().all(|pipe| pipe.borrow().has_ended));
            assert!(open.iter().all(|pipe| text(pipe).contains("200 OK")));
            device.pass(5_200);
        }
        fetch(device, "/");
    });
}

#[test]
fn a_flood_of_visitors_stops_nothing() {
    let mut branch = chain(60);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until("it has an address", |device| device.has_printed("address"));
        let mut served = 0;
        for _ in 0..20 {
            let visitors: Vec<SharedPipe> = (0..8).map(|_| request(device, "/status")).collect();
            device.until("all are done", |_| visitors.iter().all(|pipe| pipe.borrow().has_ended));
            served += visitors.iter().filter(|pipe| text(pipe).ends_with('}')).count();
            visitors.iter().for_each(|pipe| pipe.borrow_mut().is_closing = true);
            device.pass(30);
        }
        assert!(served >= 20, "{served} were served");
        device.until_tip(&branch);
        branch = longer(&branch);
        device.peer(0).show(branch.clone());
        device.until_tip(&branch);
        device.pass(6_000);
        fetch(device, "/");
        assert!(!device.has_printed("disconnected"), "{}", device.seen());
    });
}

#[test]
fn visitors_that_leave_at_any_moment_leave_nothing_behind() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for steps in 0..60 {
            let pipe = request(device, "/status");
            for _ in 0..steps {
                device.step();
            }
            if steps % 2 == 0 {
                pipe.borrow_mut().is_reset = true;
            } else {
                pipe.borrow_mut().is_closing = true;
            }
            device.pass(60);
        }
        device.pass(6_000);
        for _ in 0..4 {
            fetch(device, "/");
        }
    });
}
