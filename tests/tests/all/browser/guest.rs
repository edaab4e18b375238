//! The wallet that lives in the browser: its keys never reach the node, online and as a saved file.

use std::fs;

use mote_tests::browser::{Browser, Control, Window};
use mote_tests::processes::{Launch, Node};
use serde_json::{Value, json};

use super::stages::{Stage, address_of};

const WORDS: &str =
    "return [...document.querySelectorAll('ol.words li')].map((word) => word.textContent).join(' ')";

/// The words that are asked back, by their places.
const ASKED: &str = "return [...document.querySelectorAll('main label')].map((label) => label.textContent)
  .filter((text) => text.startsWith('Word ')).join()";

/// Whether a script can read the private half of any key.
const READABLE: &str = "
const { kept } = await import('/web/keys.js');
const reads = (await kept()).map((key) => crypto.subtle.exportKey('pkcs8', key.privateKey).then(() => true, () => false));
return (await Promise.all(reads)).length + ':' + (await Promise.all(reads)).includes(true)";

fn text(window: &Window, script: &str) -> String {
    window.script(script, &[]).as_str().expect("it is text").to_owned()
}

/// Makes a key from new words by hand; the words.
fn make_key(window: &Window) -> String {
    window.click(&Control::button("Make a key from new words"));
    window.wait_for(&Control::button("I have written them down"));
    let words = text(window, WORDS);
    window.click(&Control::button("I have written them down"));
    window.wait_for(&Control::button("Check"));
    for asked in text(window, ASKED).split(',') {
        let place: usize = asked.strip_prefix("Word ").and_then(|place| place.parse().ok()).expect("a place");
        window.fill(&Control::field(asked), words.split(' ').nth(place - 1).expect("24 words"));
    }
    window.click(&Control::button("Check"));
    window.wait_for_text("main", "the words are its backup");
    words
}

fn own_address(window: &Window) -> String {
    text(window, "return document.querySelector('main .copyable code').textContent")
}

fn pay(window: &Window, to: &str, amount: &str) {
    window.fill(&Control::field("Pay to"), to);
    window.fill(&Control::field("Amount in motes"), amount);
}

/// A node with something to give, whose wallet gives some to this address.
fn give(node: &Node, to: &str, amount: &str) {
    node.api().send(to, amount);
    node.api().mine();
}

#[test]
fn a_guest_pays_without_giving_the_key_away() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/browser-wallet");
    let words = make_key(&window);
    let own = own_address(&window);
    // A node's own wallet makes the same key of these words.
    let other = Launch::regtest().start();
    let restored: Value = other.api().post("/wallet/restore", &json!({ "words": words })).expect(201);
    assert_eq!(restored["address"], own.as_str());
    assert_eq!(text(&window, READABLE), "1:false");

    give(&stage.node, &own, "3");
    window.wait_for_text(".balance", "3 motes");
    pay(&window, &stage.address, "1.5");
    window.click(&Control::button("Go on"));
    window.click(&Control::button("Sign and send"));
    window.wait_for_text("main", "✓ Sent.");
    stage.node.api().mine();
    window.wait_for_text(".balance", "1.499 motes");
    assert_eq!(stage.node.api().balance(&own), "1.499");

    // What cannot be is said before anything is signed.
    window.click(&Control::button("Another payment"));
    let (rest, last) = stage.address.split_at(stage.address.len() - 1);
    pay(&window, &format!("{rest}{}", if last == "q" { "p" } else { "q" }), "1");
    window.click(&Control::button("Go on"));
    window.wait_for_text("#alert", "checksum");
}

#[test]
fn a_key_is_restored_from_its_words_and_forgotten() {
    let stage = Stage::empty();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/browser-wallet");
    let words = make_key(&window);
    let own = own_address(&window);
    window.click(&Control::button("Forget it …"));
    window.click(&Control::button("Forget it"));
    window.wait_for_text("main", "No key yet");
    window.fill(&Control::field("24 words"), &words);
    window.click(&Control::button("Restore"));
    window.wait_for_text("main", "the words are its backup");
    assert_eq!(own_address(&window), own);
    window.reload();
    window.wait_for_text("main", &own);
}

#[test]
fn a_saved_wallet_signs_where_there_is_no_network() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mote-wallet.html");
    let saved = ureq::get(address_of(&stage.node, "/offline-wallet.html")).call();
    let saved = saved.and_then(|mut answer| answer.body_mut().read_to_string()).expect("the node answers");
    fs::write(&file, saved).expect("the folder is writable");

    let status: Value = stage.node.api().get("/status").expect(200);
    let genesis = status["genesis"].as_str().expect("an id is text").to_owned();
    window.open(&format!("file://{}", file.display()));
    window.fill(&Control::field("Network"), "regtest");
    window.fill(&Control::field("Genesis"), &genesis);
    window.click(&Control::button("Go on"));
    make_key(&window);
    let own = own_address(&window);
    give(&stage.node, &own, "2");
    pay(&window, &stage.address, "0.5");
    window.click(&Control::button("Sign"));
    window.wait_for(&Control::of("heading", "Signed"));
    let signed = text(
        &window,
        "return [...document.querySelectorAll('code')].find((code) => code.textContent.startsWith('{')).textContent",
    );
    let reach = "return fetch(arguments[0]).then(() => 'reached', () => 'held back')";
    let tried = window.script(reach, &[json!(address_of(&stage.node, "/api/v1/status"))]);
    assert_eq!(tried, "held back", "the file can reach the network");
    let requests = browser.record().requests;
    assert!(requests.iter().all(|asked| asked.url.starts_with("file:")), "{requests:?}");
    // The browser complains of the attempt.
    browser.forgive();

    stage.open(&window, "/browser-wallet");
    window.fill(&Control::field("Signed payment"), &signed);
    window.click(&Control::button("Send it"));
    window.wait_for_text("main", "Open:");
    stage.node.api().mine();
    window.wait_for_text("main", "✓ 1 confirmation");
    assert_eq!(stage.node.api().balance(&own), "1.499");
}
