//! Many that want too much, or nothing at all. Each abuse goes on while the node does what it is for.

use mote_tests::abuse::{ALL, Abuse};

use super::victim::Victim;

fn abuse(name: &str) -> &'static Abuse {
    ALL.iter().find(|abuse| abuse.name == name).unwrap_or_else(|| panic!("there is no abuse {name:?}"))
}

#[test]
fn ten_thousand_connections_that_say_nothing_block_nobody() {
    Victim::start().endures(
        abuse("10,000 connections that say nothing"),
        10_000,
        Victim::takes_in_a_newcomer,
    );
}

#[test]
fn who_writes_byte_by_byte_blocks_nobody() {
    let victim = Victim::start();
    for name in ["headers byte by byte", "bodies byte by byte"] {
        victim.endures(abuse(name), 600, Victim::takes_in_a_newcomer);
    }
    victim.endures(abuse("frames byte by byte"), 100, Victim::takes_in_a_newcomer);
}

#[test]
fn who_reads_nothing_blocks_nobody() {
    let victim = Victim::start();
    for name in ["answers that nobody reads", "streams of events that nobody reads"] {
        victim.endures(abuse(name), 300, Victim::takes_in_a_newcomer);
    }
    // They have greeted like any peer, and hold their places until they have taken nothing for too long. Whoever
    // is connected already does not notice.
    victim.endures(abuse("peers that ask and never read"), 50, Victim::works);
}

#[test]
fn what_does_not_end_is_ended() {
    let victim = Victim::start();
    for name in ["headers without end", "bodies without end", "messages without end"] {
        victim.endures(abuse(name), 40, Victim::takes_in_a_newcomer);
    }
}

#[test]
fn what_is_worth_nothing_costs_nothing() {
    let victim = Victim::start();
    for name in ["bodies that are no request", "requests without a pause"] {
        victim.endures(abuse(name), 200, Victim::takes_in_a_newcomer);
    }
    for name in ["peers that never greet", "messages that nobody asked for"] {
        victim.endures(abuse(name), 100, Victim::takes_in_a_newcomer);
    }
}
