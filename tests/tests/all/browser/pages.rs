//! Every page, on a node that has nothing, on one that has a bit of everything, and on a long chain: it shows
//! what it is, complains of nothing, and is for everybody.

use mote_tests::browser::{Browser, broken_rules, keyboard_faults, overflow};

use super::stages::Stage;

/// The pages that every node has, and their main headings.
const PAGES: [(&str, &str); 17] = [
    ("/start", "Start here"),
    ("/blocks", "The newest blocks"),
    ("/mempool", "Open payments"),
    ("/forks", "Forks"),
    ("/mining", "Mining"),
    ("/network", "Network"),
    ("/wallet", "Wallet"),
    ("/browser-wallet", "Wallet in this browser"),
    ("/laboratory", "Laboratory"),
    ("/laboratory/hash", "Hash"),
    ("/laboratory/block", "Block"),
    ("/laboratory/chain", "Chain"),
    ("/laboratory/peers", "Peers"),
    ("/laboratory/payments", "Payments"),
    ("/laboratory/proofs", "Proofs"),
    ("/laboratory/difficulty", "Difficulty"),
    ("/docs", "Mote API"),
];

/// All pages of a node, and their main headings.
fn pages(stage: &Stage) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> =
        PAGES.map(|(path, heading)| (path.to_owned(), heading.to_owned())).to_vec();
    let status = stage.node.api().status();
    let home = if status.height == 0 { "Welcome to Mote" } else { "The regtest network" };
    pages.push(("/".to_owned(), home.to_owned()));
    pages.push((format!("/address/{}", stage.address), "Address".to_owned()));
    pages.push(("/block/0".to_owned(), "Genesis block".to_owned()));
    if let Some((transaction, height)) = &stage.paid {
        pages.push((format!("/transaction/{transaction}"), "Payment of".to_owned()));
        pages.push((format!("/block/{height}"), "Block ".to_owned()));
        pages.push((format!("/block/{}", status.tip), "Block ".to_owned()));
        pages.push((format!("/blocks?before={height}"), "Blocks below".to_owned()));
    }
    pages
}

#[track_caller]
fn are_for_everybody(stage: &Stage) {
    let browser = Browser::start();
    let window = browser.window();
    let mut faults = Vec::new();
    for (path, heading) in pages(stage) {
        stage.open(&window, &path);
        if !window.text("h1").contains(&heading) {
            faults.push(format!("{path}: expected {heading}, got {}", window.text("main")));
        }
        for look in [keyboard_faults, broken_rules, overflow] {
            faults.extend(look(&window).into_iter().map(|fault| format!("{path}: {fault}")));
        }
    }
    faults.extend(browser.faults());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pages_of_an_empty_node_are_for_everybody() {
    are_for_everybody(&Stage::empty());
}

#[test]
fn pages_of_a_lively_node_are_for_everybody() {
    are_for_everybody(&Stage::lively());
}

#[test]
fn pages_of_a_long_chain_are_for_everybody() {
    are_for_everybody(&Stage::long());
}
