//! Several nodes in one process: paying, forking, agreeing again, restarting.

mod callers;
mod compact;
mod together;

use mote::node::request::{Reply, Request};
use mote::node::status::{Direction, Event};
use mote::node::{Input, Output, PeerId};
use mote::store::memory::PowerCut;
use mote_core::codec::decode;
use mote_core::params::{Network, Params};
use mote_core::wire::Message;
use mote_tests::world::{World, account, address, payment};

fn regtest(count: usize) -> World {
    World::new(Params::new(Network::Regtest), count)
}

#[test]
fn two_nodes_pay_fork_and_agree_again() {
    let mut world = regtest(2);
    world.connect(0, 1);
    assert_eq!(world.node(1).status(world.now(1)).peers.len(), 1, "both know each other");
    world.mine_many(0, 1, 3);
    assert_eq!(world.height(1), 3);
    let params = world.params.clone();
    let paid = world.submit(0, payment(&params, 1, account(2), 5_000_000, 1_000, 0));
    assert!(matches!(paid, Reply::Submitted(Ok(_))), "{paid:?}");
    assert_eq!(world.node(1).mempool().len(), 1, "the payment is known everywhere before it is mined");
    world.mine(0, 1);
    assert_eq!(world.balance(1, &account(2)), 5_000_000);

    world.set_cut(0, 1, true);
    let paid = world.submit(0, payment(&params, 1, account(3), 1_000_000, 1_000, 1));
    assert!(matches!(paid, Reply::Submitted(Ok(_))), "{paid:?}");
    world.mine_many(0, 1, 2);
    world.mine_many(1, 2, 4);
    assert_ne!(world.tip(0), world.tip(1));
    world.set_cut(0, 1, false);
    world.pass(10_000);
    assert_eq!(world.tip(0), world.tip(1));
    assert_eq!(world.height(0), 8);
    let reorganised = |event: &Event| matches!(event, Event::Reorganisation { depth: 2, .. });
    assert!(world.places[0].events.iter().any(reorganised));
    assert_eq!(world.node(0).mempool().len(), 1, "the losing side's payment is open again");
    world.pass(2_000);
    assert_eq!(world.node(1).mempool().len(), 1, "and known to the winning side");
    world.mine(1, 2);
    assert_eq!(world.balance(0, &account(3)), 1_000_000);
}

#[test]
fn a_node_that_was_behind_hears_of_open_payments_once_it_has_the_chain() {
    let mut world = regtest(2);
    world.mine_many(0, 1, 3);
    let params = world.params.clone();
    let paid = world.submit(0, payment(&params, 1, account(2), 5_000_000, 1_000, 0));
    assert!(matches!(paid, Reply::Submitted(Ok(_))), "{paid:?}");
    // Without a block it can only refuse what it hears of at first: nobody has anything to pay with.
    world.connect(1, 0);
    world.pass(10_000);
    assert_eq!(world.tip(1), world.tip(0));
    assert_eq!(world.node(1).mempool().len(), 1);
}

#[test]
fn a_reorganisation_opens_payments_again_in_their_order() {
    let mut world = regtest(2);
    world.connect(0, 1);
    world.mine_many(0, 1, 3);
    world.set_cut(0, 1, true);
    let params = world.params.clone();
    let mined = world.submit(0, payment(&params, 1, account(3), 1_000_000, 1_000, 0));
    world.mine(0, 1);
    let open = world.submit(0, payment(&params, 1, account(3), 2_000_000, 1_000, 1));
    assert!(matches!((mined, open), (Reply::Submitted(Ok(_)), Reply::Submitted(Ok(_)))));
    world.mine_many(1, 2, 3);
    world.set_cut(0, 1, false);
    world.pass(10_000);
    assert_eq!(world.tip(0), world.tip(1));
    let nonces: Vec<u64> =
        world.node(0).mempool().by_priority().map(|entry| entry.transaction().nonce).collect();
    assert_eq!(nonces, [0, 1], "what came after the undone payment stays open too");
    world.mine(1, 2);
    assert_eq!(world.balance(0, &account(3)), 3_000_000);
}

#[test]
fn a_line_of_nodes_hears_of_everything() {
    let mut world = regtest(3);
    world.connect(0, 1);
    world.connect(1, 2);
    world.mine(0, 1);
    let params = world.params.clone();
    let _ = world.submit(0, payment(&params, 1, account(2), 1, 1_000, 0));
    assert_eq!(world.tip(2), world.tip(0));
    assert_eq!(world.node(2).mempool().len(), 1);
}

#[test]
fn a_new_node_catches_up() {
    let mut world = regtest(3);
    world.connect(0, 1);
    world.mine_many(0, 1, 1_200);
    world.connect(2, 0);
    world.connect(2, 1);
    world.pass(10_000);
    assert_eq!(world.tip(2), world.tip(0));
}

#[test]
fn a_branch_of_two_hundred_blocks_wins() {
    let mut world = regtest(2);
    world.mine_many(0, 1, 200);
    world.mine_many(1, 2, 210);
    world.connect(0, 1);
    world.pass(10_000);
    assert_eq!(world.tip(0), world.tip(1));
    assert_eq!(world.height(0), 210);
    assert_eq!(world.balance(0, &account(1)), 0);
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let mut world = regtest(1);
    world.mine_many(0, 1, 5);
    let params = world.params.clone();
    let paid = world.submit(0, payment(&params, 1, account(2), 7, 1_000, 0));
    assert!(matches!(paid, Reply::Submitted(Ok(_))), "{paid:?}");
    let tip = world.tip(0);
    world.kill(0);
    world.places[0].disk.crash(PowerCut::LosesAll);
    world.start(0);
    assert_eq!(world.tip(0), tip);
    assert_eq!(world.node(0).mempool().len(), 1);
}

#[test]
fn peers_are_found_again_after_a_restart() {
    let mut world = regtest(2);
    world.connect(0, 1);
    for index in [0, 1] {
        world.kill(index);
        world.start(index);
    }
    world.pass(10_000);
    world.mine(0, 1);
    assert_eq!(world.tip(1), world.tip(0));
}

#[test]
fn a_removed_peer_stays_away_until_it_is_added_again() {
    let mut world = regtest(2);
    world.connect(0, 1);
    let removed = world.request(0, Request::RemovePeer(mote_tests::world::address(1)));
    assert!(matches!(removed, Some(Reply::PeerChanged(Ok(())))), "{removed:?}");
    world.pass(10_000);
    world.mine(0, 1);
    world.kill(0);
    world.start(0);
    world.pass(10_000);
    assert_eq!(world.height(1), 0, "nothing crosses the cut, in either direction and over a restart");
    world.connect(0, 1);
    world.pass(10_000);
    assert_eq!(world.tip(1), world.tip(0));
}

#[test]
fn a_node_does_not_talk_to_itself() {
    let mut world = regtest(1);
    world.connect(0, 0);
    world.pass(5_000);
    assert!(world.node(0).status(world.now(0)).peers.is_empty());
    let again = world.request(0, Request::AddPeer(address(0)));
    assert!(matches!(again, Some(Reply::PeerChanged(Err(_)))), "{again:?}");
}

#[test]
fn a_clock_three_minutes_ahead_delays_a_block_and_costs_nothing_else() {
    let mut world = regtest(2);
    world.connect(0, 1);
    world.places[1].skew_seconds = 180;
    world.mine(1, 1);
    assert_eq!(world.height(0), 0, "the block is from the future");
    world.pass(70_000);
    assert_eq!(world.tip(0), world.tip(1), "time has healed it");
    assert_eq!(world.node(0).status(world.now(0)).peers.len(), 1, "nobody was punished");
}

#[test]
fn resolving_reports_what_came_of_it() {
    let mut world = regtest(2);
    world.mine_many(1, 1, 3);
    world.connect(0, 1);
    let Some(Reply::Resolved(resolved)) = world.request(0, Request::Resolve) else { panic!("no reply") };
    assert_eq!(resolved.to.1.get(), 3);
    assert_eq!(resolved.replaced, resolved.from.0 != resolved.to.0);
}

/// Gives a node one input, and returns the messages with which it answers.
fn answers(world: &mut World, index: usize, input: Input) -> Vec<Vec<u8>> {
    let now = world.now(index);
    let node = world.places[index].node.as_mut().expect("the node is up");
    node.handle(now, input);
    let outputs = node.commit(now).filter_map(|output| match output {
        Output::Send { message, .. } => Some(message),
        _ => None,
    });
    outputs.collect()
}

#[test]
fn a_tip_that_comes_between_two_greetings_is_told() {
    let mut world = regtest(2);
    let opened = |direction, other| Input::Opened { peer: PeerId(900), direction, address: address(other) };
    let greeting = answers(&mut world, 1, opened(Direction::Outbound, 0));
    answers(&mut world, 0, opened(Direction::Inbound, 1));
    let id = world.mine(0, 1);
    let bytes = greeting.into_iter().next().expect("a node greets at once");
    let told = answers(&mut world, 0, Input::Frame { peer: PeerId(900), bytes });
    // The other one stands where this one stood before, so that it can be pushed the block.
    let is_tip = |bytes: &Vec<u8>| matches!(decode(bytes), Ok(Message::CompactBlock { header, .. }) if header.id() == id);
    assert!(told.iter().any(is_tip), "{} messages, none of which is the tip", told.len());
}
