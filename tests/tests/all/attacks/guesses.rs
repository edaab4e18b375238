//! Guessing the passphrase at a node's door: it gets slower for everybody, ends, and is in nobody's way.

use std::thread;

use serde_json::json;

use super::http::Answer;
use super::node::{Node, eventually};

const RIGHT: &str = "correct horse";

fn guess(node: &Node, passphrase: &str) -> Answer {
    node.post("/api/v1/wallet/unlock", &json!({"passphrase": passphrase}))
}

/// The guess was not even tried; how many seconds the node asks to wait.
#[track_caller]
fn is_put_off(answer: &Answer) -> u64 {
    answer.is_refused(429, "too-many-attempts");
    let seconds =
        answer.header("retry-after").and_then(|text| text.parse().ok()).expect("a number of seconds");
    assert!((1..=60).contains(&seconds), "{answer:?}");
    seconds
}

#[test]
fn guesses_are_slowed_over_all_connections_and_nothing_else_is() {
    let mut node = Node::start();
    let made = node.post("/api/v1/wallet", &json!({"passphrase": RIGHT}));
    assert_eq!(made.status, 201, "{made:?}");
    let lock = || node.post("/api/v1/wallet/lock", &json!({}));
    assert_eq!(lock().status, 200);
    // Each guess has a connection of its own, and all come at once; the node goes on meanwhile.
    let (guesses, others): (Vec<Answer>, Vec<Answer>) = thread::scope(|scope| {
        let guessers: Vec<_> = (0..24).map(|_| scope.spawn(|| guess(&node, "wrong"))).collect();
        let others = ["wallet", "wallet/addresses", "mining", "status", "mempool"];
        let others = Vec::from(others.map(|name| node.get(&format!("/api/v1/{name}"))));
        let guesses = guessers.into_iter().map(|guesser| guesser.join().expect("an answer")).collect();
        (guesses, others)
    });
    assert!(others.iter().all(|answer| answer.status == 200), "{others:?}");
    let (tried, put_off): (Vec<&Answer>, Vec<&Answer>) =
        guesses.iter().partition(|answer| answer.status != 429);
    tried.iter().for_each(|answer| answer.is_refused(403, "wrong-passphrase"));
    // Four before there is a wait, and then one where that is over.
    assert!(tried.len() >= 4 && !put_off.is_empty(), "{guesses:?}");
    for answer in put_off {
        is_put_off(answer);
    }

    // The owner waits like everybody, is told how long, and gets in however often others have asked since.
    let waited = eventually("the right passphrase is tried", || {
        let answer = guess(&node, RIGHT);
        (answer.status != 429 || is_put_off(&answer) == 0).then_some(answer)
    });
    assert_eq!((waited.status, &waited.json()["locked"]), (200, &json!(false)), "{waited:?}");
    // From there on mistakes are free again.
    for _ in 0..3 {
        guess(&node, "wrong").is_refused(403, "wrong-passphrase");
    }
    assert_eq!(guess(&node, RIGHT).status, 200);
    // Nothing but guesses is ever put off.
    assert_eq!(lock().status, 200);
    // The wait begins when a guess has failed and doubles, so that it is longer than the next takes in the end.
    eventually("the right passphrase is put off", || {
        while guess(&node, "wrong").status != 429 {}
        let answer = guess(&node, RIGHT);
        lock();
        (answer.status == 429).then(|| is_put_off(&answer))
    });
    let words = "abandon ".repeat(23) + "art";
    let restored = node.post("/api/v1/wallet/restore", &json!({"words": words, "passphrase": "wrong"}));
    restored.is_refused(409, "wallet-exists");
    node.post("/api/v1/wallet/send", &json!({"to": made.json()["address"], "amount": "1"}))
        .is_refused(409, "wallet-locked");
    assert_eq!(lock().status, 200);
    // A start begins anew: who can end the node at its own computer need not guess at its door.
    node.restart();
    assert_eq!(guess(&node, RIGHT).status, 200);
}

#[test]
fn where_nothing_can_be_guessed_nobody_waits() {
    let node = Node::start();
    for _ in 0..8 {
        guess(&node, RIGHT).is_refused(404, "no-wallet");
    }
    node.make_wallet();
    for _ in 0..8 {
        guess(&node, RIGHT).is_refused(409, "wallet-not-encrypted");
    }
}
