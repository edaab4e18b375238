//! The hosts that lie to devices, held against a client of a hundred lines that checks everything: so
//! that what a device refuses is the lie that was meant.

use mote_core::chain::Tip;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::crowd::Crowd;
use mote_tests::devices::host::Host;
use mote_tests::devices::lies::{Ground, Lie};
use mote_tests::devices::script::Script;
use mote_tests::fixtures::regtest;

use super::client::{follow, follow_from};

/// What the client says to each lie.
fn said(lies: &[Lie]) -> Vec<(String, String, Option<String>)> {
    let tell = |lie: &Lie| {
        let host = Host::start(lie.branch.clone(), lie.script.clone());
        let end = follow(host.address(), lie.branch.params(), host.now());
        let end = end.map_or_else(|reason| reason, |tip| format!("reached height {}", tip.height()));
        let parting = host.parting();
        (lie.name.clone(), end, parting.refused)
    };
    lies.iter().map(tell).collect()
}

/// Each lie is named by one of its reasons.
fn are_named(lies: &[Lie]) {
    let wrong: Vec<_> = said(lies)
        .into_iter()
        .zip(lies)
        .filter(|((_, end, _), lie)| !lie.reasons.iter().any(|reason| end.contains(reason)))
        .map(|((name, end, _), lie)| format!("{name}: expected one of {:?}, got {end}", lie.reasons))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn an_honest_host_is_followed() {
    let ground = Ground::new(regtest());
    let host = Host::start(ground.longer.clone(), Script::honest());
    let tip = follow(host.address(), ground.longer.params(), host.now()).expect("nothing is wrong");
    assert_eq!((tip.id(), tip.work()), (ground.longer.tip().id(), ground.longer.work()));
    assert_eq!(tip.state_root(), ground.longer.tip().state_root);
    assert_eq!(host.parting().refused, None);
}

#[test]
fn every_broken_rule_is_named() {
    let ground = Ground::new(regtest());
    let now = Host::start(ground.base.clone(), Script::honest()).now();
    let lies = ground.broken_rules(now);
    assert_eq!(lies.len(), mote_core::rules::Rule::ALL.len() - 1);
    are_named(&lies);
}

#[test]
fn a_block_from_the_future_breaks_no_other_rule() {
    let ground = Ground::new(regtest());
    let mut branch = ground.base.clone();
    let host = Host::start(branch.clone(), Script::honest());
    branch.append_broken(mote_core::rules::Rule::HeaderTimeFuture, host.now());
    host.become_another(branch.clone(), Script::honest());
    let refused = follow(host.address(), branch.params(), host.now()).expect_err("it is too early");
    assert!(refused.starts_with("C6-time-future"), "{refused}");
    let tip = follow(host.address(), branch.params(), host.now().plus(4_000)).expect("time has healed it");
    assert_eq!(tip.id(), branch.tip().id());
}

#[test]
fn every_forged_witness_is_named() {
    are_named(&Ground::new(regtest()).forged_witnesses());
}

#[test]
fn every_broken_protocol_is_named() {
    // The client takes headers as they come and knows nothing of clocks.
    let subtle =
        ["a clock that its own chain", "more headers than", "a new tip without work", "one header again"];
    let mut lies = Ground::new(regtest()).broken_protocol();
    lies.retain(|lie| !subtle.iter().any(|name| lie.name.starts_with(name)));
    are_named(&lies);
}

#[test]
fn nothing_comes_of_what_is_no_websocket() {
    let ground = Ground::new(regtest());
    let mut lies = ground.broken_sockets();
    // A client with more room than a device puts pieces together, and one need not mind a long form of a length.
    let harmless = ["5.3 a message in pieces", "a length in more bytes than it needs"];
    lies.retain(|lie| !harmless.contains(&lie.name.as_str()));
    // Those that say nothing make the client wait.
    lies.extend(ground.broken_off().into_iter().filter(|lie| !lie.name.starts_with("no")));
    for (name, end, refused) in said(&lies) {
        assert!(!end.starts_with("reached"), "{name}: {end}, {refused:?}");
    }
}
#[test]
fn a_crowd_makes_blocks_that_obey_every_rule() {
    let params = regtest();
    let (mut crowd, first) = Crowd::new(&params, &Tip::genesis(&params), 1_000);
    let start = crowd.tip().clone();
    let mut branch = Branch::new(params);
    branch.append(first);
    branch.append(crowd.full_block());
    branch.append(crowd.full_block());
    let host = Host::start(branch.clone(), Script::honest());
    let tip = follow_from(start, host.address(), branch.params(), host.now()).expect("nothing is wrong");
    assert_eq!((tip.id(), tip.state_root()), (crowd.tip().id(), branch.tip().state_root));
}
