//! Finding one's way: the search, links from page to page, and proofs that the page checks by itself.

use mote_tests::browser::{Browser, Control, Window};
use serde_json::Value;

use super::stages::{Stage, address_of};

fn search(window: &Window, text: &str) {
    window.fill(&Control::of("searchbox", "Height, id, address or transaction"), text);
    window.click(&Control::button("Search"));
}

fn wait_for_heading(window: &Window, part: &str, path: &str) {
    window.wait_for_text("h1", part);
    assert_eq!(window.place(), path);
}

#[test]
fn the_search_finds_everything_that_has_a_name() {
    let stage = Stage::lively();
    let (transaction, height) = stage.paid.clone().expect("there are payments");
    let block: Value = stage.node.api().get(&format!("/blocks/{height}")).expect(200);
    let id = block["id"].as_str().expect("an id is text");
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/");
    search(&window, &transaction);
    wait_for_heading(&window, "Payment of 1.25 motes", &format!("/transaction/{transaction}"));
    search(&window, &height.to_string());
    wait_for_heading(&window, &format!("Block {height}"), &format!("/block/{height}"));
    search(&window, &stage.address);
    wait_for_heading(&window, "Address", &format!("/address/{}", stage.address));
    search(&window, id);
    wait_for_heading(&window, &format!("Block {height}"), &format!("/block/{id}"));
    // Back is back.
    window.script("history.back()", &[]);
    wait_for_heading(&window, "Address", &format!("/address/{}", stage.address));
}

#[test]
fn proofs_are_checked_in_the_page() {
    let stage = Stage::lively();
    let (transaction, _) = stage.paid.clone().expect("there are payments");
    let browser = Browser::start();
    let window = browser.window();
    for path in [format!("/transaction/{transaction}"), format!("/address/{}", stage.address)] {
        stage.open(&window, &path);
        window.click(&Control::button("Check the proof"));
        window.wait_for_text("main", "✓ Everything holds.");
        assert!(!window.text("main").contains('✗'), "{path}");
    }
}

#[test]
fn a_block_that_lost_stands_beside_the_one_that_won() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/block/2");
    window.wait_for_text("main", "Stale blocks at this height");
    let beside: Value = stage.node.api().get("/blocks/2/siblings").expect(200);
    let stale = beside[0]["id"].as_str().expect("an id is text");
    window.wait_for_text("main", &stale[..8]);
    stage.open(&window, &format!("/block/{stale}"));
    window.wait_for_text("main", "Stale:");
    window.click(&Control::link("See the block of the chain at this height"));
    window.wait_for_text("main", "✓ 6 confirmations");
    stage.open(&window, "/forks");
    window.wait_for_text("main table", &stale[..8]);
}

#[test]
fn what_is_not_there_is_said_and_comes_when_it_is() {
    let stage = Stage::empty();
    let browser = Browser::start();
    browser.expect_complaint(
        "/api/v1/blocks/1 - Failed to load resource: the server responded with a status of 404",
    );
    let window = browser.window();
    stage.open(&window, "/block/1");
    window.wait_for_text("h1", "Not found");
    stage.node.api().create_wallet();
    stage.node.api().mine();
    window.click(&Control::button("Try again"));
    window.wait_for_text("h1", "Block 1");
}

#[test]
fn addresses_that_lead_nowhere_are_told_so() {
    let stage = Stage::empty();
    let browser = Browser::start();
    let window = browser.window();
    window.open(&address_of(&stage.node, "/laboratory/alchemy"));
    window.wait_for(&Control::of("heading", "There is no such page"));
    browser.expect_complaint("404");
    window.open(&address_of(&stage.node, "/block/1000"));
    window.wait_for(&Control::of("heading", "Not found"));
    window.click(&Control::link("Home"));
    window.wait_for(&Control::of("heading", "Welcome to Mote"));
}
