//! Two people who have never seen a ledger: from the first look at the page to a payment that has arrived, with
//! the mouse, and typing only what there is to say.

use std::time::{Duration, Instant};

use mote_tests::browser::{Browser, Control, Window};
use mote_tests::processes::Launch;

use super::stages::address_of;

/// How long all of it may take, however busy the computer is: a person who has to wait longer gives up.
const PATIENCE: Duration = Duration::from_secs(120);

fn go(window: &Window, page: &str) {
    window.click(&Control::link(page).within("header"));
    window.wait_for(&Control::of("heading", page).within("main"));
}

/// The text in the page that starts so, as it is shown to be copied.
fn shown(window: &Window, start: &str) -> String {
    let find = "return [...document.querySelectorAll('main code')].map((code) => code.textContent)
      .find((text) => text.startsWith(arguments[0])) ?? null";
    let found =
        window.wait_for_script(&format!("a text that starts with {start} is shown"), find, &[start.into()]);
    found.as_str().expect("it is text").to_owned()
}

#[test]
fn two_people_make_wallets_join_mine_and_pay_by_mouse() {
    let nodes = [(); 2].map(|()| Launch::regtest().start());
    let browser = Browser::start();
    let begun = Instant::now();
    let (first, second) = (browser.window(), browser.new_window());

    // The first tries it at once, the second makes a wallet.
    first.open(&address_of(&nodes[0], "/"));
    first.wait_for(&Control::of("heading", "Welcome to Mote"));
    first.click(&Control::button("Mine a block now"));
    first.click(&Control::button("I have written them down"));
    first.wait_for_text(".balance", "10 motes");
    second.open(&address_of(&nodes[1], "/"));
    second.click(&Control::link("On this node"));
    second.click(&Control::button("Make a wallet"));
    second.click(&Control::button("I have written them down"));
    second.wait_for_text(".balance", "0 motes");
    let payee = shown(&second, "lmote1");
    assert_eq!(payee, nodes[1].api().wallet().address);

    // The card of the one's network is pasted at the other.
    go(&first, "Network");
    let card = shown(&first, "mote:");
    go(&second, "Network");
    second.fill(&Control::field("Add a peer"), &card);
    second.click(&Control::button("Add"));
    second.wait_for_text("main table", "connected");
    first.wait_for_text("main table", "connected");
    go(&second, "Wallet");
    second.script("window.isTheSamePage = true", &[]);

    go(&first, "Wallet");
    first.fill(&Control::field("Pay to"), &payee);
    first.fill(&Control::field("Amount in motes"), "2.5");
    first.fill(&Control::field("Memo (may be empty)"), "for the soup");
    first.click(&Control::button("Go on"));
    first.wait_for(&Control::of("heading", "Is this right?"));
    first.click(&Control::button("Send now"));
    first.wait_for_text("main", "✓ Sent.");
    second.wait_for_text("main", "On its way");
    go(&first, "Mining");
    first.click(&Control::button("Mine one block now"));

    // Nobody has touched the other page.
    second.wait_for_text(".balance", "2.5 motes");
    second.wait_for_text("main", "for the soup");
    second.click(&Control::link("+ received"));
    second.wait_for_text("main", "✓ 1 confirmation");
    first.click(&Control::button("Mine one block now"));
    second.wait_for_text("main", "✓ 2 confirmations");
    assert_eq!(second.script("return window.isTheSamePage", &[]), true, "the page was loaded again");
    let taken = begun.elapsed();
    println!("from the first look to the second confirmation: {taken:.1?}");
    assert!(taken < PATIENCE, "it took {taken:?}");
    assert_eq!(nodes[0].api().balance(&payee), "2.5");
}
