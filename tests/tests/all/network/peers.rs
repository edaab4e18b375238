//! Peers that are silent, and peers whose clocks are wrong.

use std::time::{Duration, Instant};

use mote_tests::processes::{Launch, wait_for_one_tip};

#[test]
fn a_silent_peer_delays_an_answer_by_no_more_than_twelve_seconds() {
    let [node, silent] = [(); 2].map(|()| Launch::regtest().start());
    node.add_peer(&silent);
    node.wait("both know each other", |status| status.peers == 1);
    node.api().create_wallet();
    silent.pause();
    let begun = Instant::now();
    let resolved = node.api().resolve();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}: {resolved:?}");
    assert!(!resolved.replaced, "{resolved:?}");
    // Everything else goes on meanwhile.
    node.api().mine();
    silent.resume();
    assert_eq!(wait_for_one_tip(&[&node, &silent]), 1);
}

#[test]
fn a_silent_peer_keeps_nobody_from_following_the_others() {
    let [node, silent, other] = [(); 3].map(|()| Launch::regtest().start());
    node.add_peer(&silent);
    node.wait("the silent one is connected", |status| status.peers == 1);
    silent.pause();
    other.api().create_wallet();
    other.api().mine_many(5);
    node.add_peer(&other);
    assert_eq!(wait_for_one_tip(&[&node, &other]), 5);
    silent.resume();
    assert_eq!(wait_for_one_tip(&[&node, &silent]), 5);
}

/// What shows a process another time of day, where it is installed. The program `faketime` would do the
/// same, but it stays between the test and the process, and does not pass on how either ends.
fn library_of_wrong_time() -> Option<String> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let mut paths = folders.flatten().map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = paths.find(|path| path.is_file());
    if found.is_none() {
        eprintln!("not done: the Debian package libfaketime is not installed");
    }
    found.map(|path| path.display().to_string())
}

#[test]
fn a_clock_three_minutes_ahead_is_named_and_its_blocks_wait() {
    let Some(library) = library_of_wrong_time() else { return };
    let ahead = Launch::regtest()
        .variable("LD_PRELOAD", &library)
        .variable("FAKETIME", "+180s")
        // Only the time of day is wrong; a clock that counts from the start of the computer is not.
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .start();
    let right = [(); 2].map(|()| Launch::regtest().start());
    for node in &right {
        ahead.add_peer(node);
    }
    ahead.wait("it has both as peers", |status| status.peers == 2);
    right[0].add_peer(&right[1]);
    right[0].wait("all know each other", |status| status.peers == 2);
    let skew = ahead.wait("it says that its clock is off", |status| status.clock_skew_seconds.is_some());
    let seconds = skew.clock_skew_seconds.unwrap_or_default();
    assert!((170..=190).contains(&seconds), "{skew:?}");

    ahead.api().create_wallet();
    ahead.api().mine();
    right[0].api().create_wallet();
    right[0].api().mine();
    assert_eq!(wait_for_one_tip(&[&right[0], &right[1]]), 1);
    right[0].api().mine();
    // The heavier branch is of now, so that even the node of tomorrow follows it, and nobody was cut off.
    assert_eq!(wait_for_one_tip(&[&ahead, &right[0], &right[1]]), 2);
    assert_eq!(right.each_ref().map(|node| node.api().status().peers), [2, 2]);
}
