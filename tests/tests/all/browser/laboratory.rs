//! The laboratory: what is done by hand, and what the code of the nodes makes of it.

use mote_tests::browser::{Browser, Control, Window};

use super::stages::Stage;

/// Waits until a script about the page is true.
fn wait(window: &Window, what: &str, script: &str) {
    window.wait_for_script(what, &format!("return {script}"), &[]);
}

/// Opens an experiment on an empty node and judges what the browser has noticed once it is over.
fn experiment(path: &str, act: impl FnOnce(&Window, &Stage)) {
    let stage = Stage::empty();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, path);
    act(&window, &stage);
    // What was done stands in the address, for whoever it is sent to.
    let place = window.place();
    stage.open(&window, &place);
    assert_eq!(window.place(), place);
}

const BLOCK_IS_VALID: &str =
    "[...document.querySelectorAll('#block-stages li')].every((stage) => stage.dataset.outcome === 'passed')";

#[test]
fn a_nonce_is_searched_for_a_text() {
    experiment("/laboratory/hash", |window, _| {
        window.fill(&Control::field("Text"), "mote");
        let hash = mote_core::hash::sha256(b"mote").to_string();
        window.wait_for_text("#hash-result", &hash);
        window.click(&Control::button("Search a nonce"));
        wait(window, "a nonce is found", "document.querySelector('#hash-verdict.good') !== null");
    });
}

#[test]
fn a_changed_byte_breaks_a_rule_until_the_block_is_mined_again() {
    experiment("/laboratory/block", |window, _| {
        wait(window, "the block is valid", BLOCK_IS_VALID);
        window.click(&Control::button("Flip its lowest bit"));
        wait(window, "the block is broken", &format!("!({BLOCK_IS_VALID})"));
        window.wait_for_text("main", "H4-proof-of-work");
        window.click(&Control::button("Undo all changes"));
        wait(window, "the block is valid again", BLOCK_IS_VALID);
        // The time may be another one: that only takes new work.
        window.script(
            "const [time] = [...document.querySelectorAll('input')].filter((input) => input.ariaLabel === 'Bytes of time');
             time.value = (time.value.startsWith('f') ? 'e' : 'f') + time.value.slice(1);
             time.dispatchEvent(new Event('change', { bubbles: true }))",
            &[],
        );
        window.wait_for_text("main", "H4-proof-of-work");
        window.click(&Control::button("Mine it again"));
        wait(window, "the block is mined", BLOCK_IS_VALID);
    });
}

#[test]
fn a_block_of_the_node_is_taken_apart() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/block/2");
    window.click(&Control::link("Take it apart in the laboratory"));
    window.wait_for_text("h1", "Block");
    window.wait_for_text("#block-id", &stage.node.api().block(2).id);
}

#[test]
fn a_changed_block_breaks_those_above_it_until_they_are_mined_again() {
    experiment("/laboratory/chain", |window, _| {
        let valid =
            "[...document.querySelectorAll('[data-valid]')].map((block) => block.dataset.valid).join()";
        wait(window, "all are valid", &format!("{valid} === 'true,true,true,true,true'"));
        window.script(
            "const time = document.getElementById('chain-2-time'); time.value = Number(time.value) + 1;
             time.dispatchEvent(new Event('change', { bubbles: true }))",
            &[],
        );
        wait(window, "the rest is broken", &format!("{valid} === 'true,false,false,false,false'"));
        for height in 2..=5 {
            window.click(&Control::button("Mine it again").within(&format!("#chain-{height}-card")));
            wait(
                window,
                "the block is mined",
                &format!("document.getElementById('chain-{height}-card').dataset.valid === 'true'"),
            );
        }
        wait(window, "all are valid again", &format!("{valid} === 'true,true,true,true,true'"));
    });
}

#[test]
fn nodes_that_were_cut_apart_agree_once_they_are_joined() {
    experiment("/laboratory/peers", |window, _| {
        let tips =
            "new Set([...document.querySelectorAll('[data-tip]')].map((node) => node.dataset.tip)).size";
        for line in ["Cut 1–2", "Cut 1–3"] {
            window.click(&Control::button(line));
        }
        window.click(&Control::button("Node 1 mines"));
        window.click(&Control::button("Node 2 mines"));
        wait(window, "there are two tips", &format!("{tips} === 2"));
        window.click(&Control::button("Node 2 mines"));
        window.click(&Control::button("Join 1–2"));
        window.click(&Control::button("Wait 10 seconds"));
        wait(window, "there is one tip", &format!("{tips} === 1"));
        window.wait_for_text("#peers-log", "reorganisation");
    });
}

#[test]
fn payments_that_are_none_are_refused_by_their_rule() {
    let outcomes = [
        ("A payment that is fine", "taken"),
        ("Spend more than there is", "L2-balance"),
        ("Forge a signature", "T5-signature"),
        ("Replay from another network", "T5-signature"),
    ];
    for (trial, outcome) in outcomes {
        experiment("/laboratory/payments", |window, _| {
            window.click(&Control::button(trial));
            wait(
                window,
                "it is judged",
                &format!("document.getElementById('payments-last').dataset.outcome === '{outcome}'"),
            );
        });
    }
}

#[test]
fn a_proof_with_a_spoilt_hash_shows_nothing() {
    for tree in ["payments", "history", "accounts"] {
        experiment(&format!("/laboratory/proofs?tree={tree}"), |window, _| {
            wait(window, "it is proved", "document.querySelector('#proofs-verdict .good') !== null");
            window.click(&Control::button("Spoil hash 1"));
            wait(window, "it is refused", "document.querySelector('#proofs-verdict .bad') !== null");
            window.click(&Control::button("Repair hash 1"));
            wait(window, "it is proved again", "document.querySelector('#proofs-verdict .good') !== null");
        });
    }
}

#[test]
fn difficulty_follows_the_hash_rate() {
    experiment("/laboratory/difficulty", |window, _| {
        window.wait_for_text("#difficulty-reached", "blocks");
        wait(
            window,
            "both charts are drawn",
            "document.querySelectorAll('#difficulty-charts .chart svg').length === 2",
        );
    });
}
