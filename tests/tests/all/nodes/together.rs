//! Blocks of a sync that come one right after another go into the ledger together, and it shows in nothing but speed:
//! the good ones before a bad one stay, whoever sent that is blamed, and whatever comes next finds them there.

use mote::node::request::PeerAddress;
use mote::node::status::Direction;
use mote::node::{Input, Output, PeerId};
use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::rules::check_header;
use mote_core::transaction::Transaction;
use mote_core::units::Height;
use mote_core::wire::{Hello, MESSAGE_MAX_BYTES, Message, PROTOCOL_VERSION, Services};
use mote_tests::devices::branch::with_list;
use mote_tests::fixtures::{Chain, VecBlock, account, execute_blindly, pay, wire};
use mote_tests::world::World;

use super::regtest;

/// How many payments each block has but the first.
const PAYMENTS: u64 = 3;

/// How many blocks a chain has.
const BLOCKS: usize = 12;

/// A chain whose blocks at some places have a payment with the signature of another one.
fn chain(params: &Params, bad: &[usize]) -> (Vec<VecBlock>, Tip) {
    let mut chain = Chain::new(params.clone());
    let mut blocks = Vec::new();
    for place in 0..BLOCKS {
        let nonces = PAYMENTS * (place as u64).saturating_sub(1)..PAYMENTS * place as u64;
        let mut payments: Vec<Transaction> =
            nonces.map(|nonce| pay(params, 1, account(2), 1, 1_000, nonce)).collect();
        if bad.contains(&place) {
            payments[1].signature = payments[0].signature;
        }
        let block = chain.block(account(1), payments);
        let checked = check_header(params, &chain.tip, &block.header, chain.clock()).expect("it is mined");
        execute_blindly(&mut chain.accounts, block.header.height, &account(1), &block.transactions);
        chain.tip.extend(&checked);
        blocks.push(block);
    }
    (blocks, chain.tip)
}

/// A node, and peers that the test speaks for.
struct Scene {
    world: World,
    peers: u64,
}

impl Scene {
    fn new() -> Self {
        Self { world: regtest(1), peers: 0 }
    }

    /// Gives the node one input after another, and what it then wants done.
    fn give(&mut self, inputs: Vec<Input>) -> Vec<Output> {
        let now = self.world.now(0);
        let node = self.world.places[0].node.as_mut().expect("the node is up");
        inputs.into_iter().for_each(|input| node.handle(now, input));
        node.commit(now).collect()
    }

    /// Connects a peer that shows the headers of these blocks, all of which the node then asks for.
    fn show(&mut self, blocks: &[VecBlock], tip: &Tip) -> PeerId {
        self.peers += 1;
        let peer = PeerId(1_000 + self.peers);
        let address = PeerAddress::from_ip([20, self.peers as u8, 0, 1].into(), 40_000);
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: self.world.params.genesis_id(),
            tip: tip.id(),
            height: tip.height(),
            work: tip.work(),
            time: self.world.now(0).time,
            services: Services::FULL,
            witness_from: Height::GENESIS,
            message_max: MESSAGE_MAX_BYTES as u32,
            nonce: self.peers,
            port: 0,
        };
        self.give(vec![Input::Opened { peer, direction: Direction::Inbound, address }]);
        self.give(vec![frame(peer, &Message::Hello(hello))]);
        let headers: Vec<Header> = blocks.iter().map(|block| block.header.clone()).collect();
        let wanted = with_list(&headers, |list| self.give(vec![frame(peer, &Message::Headers(list))]));
        let asked: Vec<Hash32> = wanted.iter().filter_map(asked_for).collect();
        assert_eq!(asked, blocks.iter().map(|block| block.header.id()).collect::<Vec<_>>());
        peer
    }

    fn judged(&self) -> u64 {
        self.world.node(0).ledger().signatures_judged()
    }

    #[track_caller]
    fn stands_at(&self, block: &VecBlock) {
        assert_eq!(self.world.tip(0), block.header.id(), "it is at height {}", self.world.height(0));
    }
}

fn frame(peer: PeerId, message: &Message<'_>) -> Input {
    Input::Frame { peer, bytes: wire(message) }
}

fn body(peer: PeerId, block: &VecBlock) -> Input {
    frame(peer, &Message::Block(&wire(block)))
}

fn asked_for(output: &Output) -> Option<Hash32> {
    let Output::Send { message, .. } = output else { return None };
    match decode(message) {
        Ok(Message::GetBlock(id)) => Some(id),
        _ => None,
    }
}

fn reason(outputs: &[Output], of: PeerId) -> Option<&str> {
    outputs.iter().find_map(|output| match output {
        Output::Close { peer, reason } if *peer == of => Some(reason.as_str()),
        _ => None,
    })
}

#[test]
fn each_signature_is_judged_once_in_whatever_order_blocks_come() {
    for is_reversed in [false, true] {
        let mut scene = Scene::new();
        let (mut blocks, tip) = chain(&scene.world.params, &[]);
        let peer = scene.show(&blocks, &tip);
        if is_reversed {
            blocks.reverse();
        }
        let outputs = scene.give(blocks.iter().map(|block| body(peer, block)).collect());
        assert_eq!((scene.world.tip(0), reason(&outputs, peer)), (tip.id(), None));
        assert_eq!(scene.judged(), PAYMENTS * (BLOCKS as u64 - 1));
    }
}

#[test]
fn what_stands_before_a_bad_block_stays_and_whoever_sent_that_is_blamed() {
    for bad in [&[2][..], &[1], &[BLOCKS - 1], &[4, 7]] {
        let mut scene = Scene::new();
        let (blocks, tip) = chain(&scene.world.params, bad);
        let peer = scene.show(&blocks, &tip);
        let outputs = scene.give(blocks.iter().map(|block| body(peer, block)).collect());
        scene.stands_at(&blocks[bad[0] - 1]);
        let reason = reason(&outputs, peer).expect("the peer is parted from");
        assert!(reason.starts_with("broke rule T5-signature"), "{reason}");
        // Another one's chain is nobody's fault, and goes on from there.
        let (blocks, tip) = chain(&scene.world.params, &[]);
        let rest = &blocks[bad[0]..];
        let peer = scene.show(rest, &tip);
        let outputs = scene.give(rest.iter().map(|block| body(peer, block)).collect());
        assert!(outputs.iter().all(|output| !matches!(output, Output::Close { .. })));
        scene.stands_at(&blocks[BLOCKS - 1]);
    }
}

#[test]
fn a_bad_message_behind_blocks_takes_nothing_from_them() {
    let mut scene = Scene::new();
    let (blocks, tip) = chain(&scene.world.params, &[]);
    let peer = scene.show(&blocks, &tip);
    let mut inputs: Vec<Input> = blocks[..3].iter().map(|block| body(peer, block)).collect();
    // A body with other transactions than its header says is its sender's fault at once.
    let wrong = VecBlock { transactions: blocks[2].transactions.clone(), header: blocks[3].header.clone() };
    inputs.push(body(peer, &wrong));
    let outputs = scene.give(inputs);
    let reason = reason(&outputs, peer).expect("the peer is parted from");
    assert!(reason.starts_with("broke rule B3-"), "{reason}");
    scene.stands_at(&blocks[2]);
}

#[test]
fn whatever_is_no_block_finds_the_blocks_before_it_in_the_ledger() {
    let mut scene = Scene::new();
    let (blocks, tip) = chain(&scene.world.params, &[]);
    let peer = scene.show(&blocks, &tip);
    // Without the second block its sender has an earlier payment to make.
    let next = pay(&scene.world.params, 1, account(3), 5, 1_000, PAYMENTS);
    let closed = Input::Closed { peer, reason: "the other side is gone".to_owned() };
    let transaction = frame(peer, &Message::Transaction(next));
    scene.give(vec![body(peer, &blocks[0]), body(peer, &blocks[1]), transaction]);
    assert_eq!(scene.world.node(0).mempool().len(), 1);
    // What nobody shows any more is wanted no more.
    scene.give(vec![body(peer, &blocks[2]), closed]);
    scene.stands_at(&blocks[2]);
}
