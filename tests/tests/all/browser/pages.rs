//! Every page, on a node that has nothing, on one that has a bit of everything, and on a long chain.

use mote_tests::browser::{Browser, Control, broken_rules, keyboard_faults, overflow};
use mote_tests::processes::Launch;

#[test]
fn the_first_page_is_for_everybody() {
    let node = Launch::regtest().start();
    let browser = Browser::start();
    // That there is no wallet yet is an answer that the browser takes for a failure.
    browser.expect_complaint(
        "/api/v1/wallet - Failed to load resource: the server responded with a status of 404",
    );
    let window = browser.window();
    window.open(&format!("http://{}/", node.address()));
    window.wait_for(&Control::of("heading", "Chain"));
    let none: [String; 0] = [];
    assert_eq!(keyboard_faults(&window), none);
    assert_eq!(broken_rules(&window), none);
    assert_eq!(overflow(&window), none);
}
