//! New tips in compact form: who is pushed one, what is made of it, and what comes of lies.

use mote::block::Block;
use mote::node::request::PeerAddress;
use mote::node::status::Direction;
use mote::node::{Input, Output, PeerId};
use mote_core::block::Header;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_core::units::Height;
use mote_core::wire::{Hello, MESSAGE_MAX_BYTES, MESSAGE_MIN_BYTES, Message, PROTOCOL_VERSION, Services};
use mote_tests::devices::branch::with_list;
use mote_tests::fixtures::{mine, wire};
use mote_tests::world::{World, account, payment};

use super::regtest;

/// Node 0, peers that the test speaks for, and what the node says to them.
struct Scene {
    world: World,
    /// The child of the node's tip, with payments of which the node has the first ones open.
    block: Block,
    peers: u64,
}

impl Scene {
    fn new(payments: u64, open: u64) -> Self {
        let mut world = regtest(2);
        world.connect(0, 1);
        world.mine_many(0, 1, 3);
        world.set_cut(0, 1, true);
        let params = world.params.clone();
        for nonce in 0..payments {
            let payment = payment(&params, 1, account(2), 1_000, 1_000, nonce);
            (0..2).filter(|node| *node == 1 || nonce < open).for_each(|node| {
                let _ = world.submit(node, payment.clone());
            });
        }
        assert_eq!(world.node(0).mempool().len() as u64, open);
        let id = world.mine(1, 3);
        let block = world.node(1).ledger().block(&id).expect("the store works").expect("it was mined");
        assert_eq!(block.transactions.len() as u64, payments);
        Self { world, block, peers: 0 }
    }

    /// Connects a peer that says that its tip is the node's.
    fn level(&mut self, services: Services) -> PeerId {
        let tip = self.world.tip(0);
        self.peer(services, tip, MESSAGE_MAX_BYTES)
    }

    fn peer(&mut self, services: Services, tip: Hash32, message_max: usize) -> PeerId {
        self.peers += 1;
        let peer = PeerId(1_000 + self.peers);
        // What one does is not held against the next.
        let address = PeerAddress::from_ip([20, self.peers as u8, 0, 1].into(), 40_000);
        self.world.input(0, Input::Opened { peer, direction: Direction::Inbound, address });
        let entry = self.world.node(0).ledger().header(&tip).expect("the store works").expect("it is known");
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: self.world.params.genesis_id(),
            tip,
            height: entry.header.height,
            work: entry.work,
            time: self.world.now(0).time,
            services,
            witness_from: Height::GENESIS,
            message_max: message_max as u32,
            nonce: self.peers,
            port: 0,
        };
        self.hear(peer, &Message::Hello(hello));
        peer
    }

    /// What the node says, and to whom, once it has heard a message.
    fn hear(&mut self, peer: PeerId, message: &Message<'_>) -> Vec<(PeerId, Vec<u8>)> {
        let (now, bytes) = (self.world.now(0), wire(message));
        let node = self.world.places[0].node.as_mut().expect("the node is up");
        node.handle(now, Input::Frame { peer, bytes });
        let sent = node.commit(now).filter_map(|output| match output {
            Output::Send { peer, message } => Some((peer, message)),
            _ => None,
        });
        sent.collect()
    }

    fn push(&mut self, peer: PeerId, header: &Header, ids: &[Hash32]) -> Vec<(PeerId, Vec<u8>)> {
        let header = header.clone();
        with_list(ids, |ids| self.hear(peer, &Message::CompactBlock { header, ids }))
    }

    /// A peer pushes the block as it is.
    fn push_block(&mut self, peer: PeerId) -> Vec<(PeerId, Vec<u8>)> {
        let (header, ids) = (self.block.header.clone(), self.ids());
        self.push(peer, &header, &ids)
    }

    /// A peer gives transactions of the block.
    fn give(&mut self, peer: PeerId, transactions: &[Transaction]) -> Vec<(PeerId, Vec<u8>)> {
        let block = self.id();
        with_list(transactions, |transactions| {
            self.hear(peer, &Message::BlockTransactions { block, transactions })
        })
    }

    fn ids(&self) -> Vec<Hash32> {
        self.block.transactions.iter().map(Transaction::id).collect()
    }

    fn id(&self) -> Hash32 {
        self.block.header.id()
    }

    #[track_caller]
    fn has_block(&self) {
        assert_eq!(self.world.tip(0), self.id());
    }

    /// The node has no block yet, and takes it from an honest peer.
    #[track_caller]
    fn takes_block_from_another(&mut self) {
        assert_ne!(self.world.tip(0), self.id());
        let other = self.level(Services::FULL);
        let header = self.block.header.clone();
        let answer = self.hear(other, &Message::Tip(header));
        assert!(asks_for_block(&answer, other, &self.id()), "{:?}", names(&answer));
        let bytes = wire(&self.block);
        self.hear(other, &Message::Block(&bytes));
        self.has_block();
    }
}

fn asks_for_block(said: &[(PeerId, Vec<u8>)], peer: PeerId, block: &Hash32) -> bool {
    said.iter().any(|(to, bytes)| *to == peer && *bytes == wire(&Message::GetBlock(*block)))
}

/// The places that a peer is asked for.
fn places(said: &[(PeerId, Vec<u8>)], peer: PeerId) -> Option<Vec<u32>> {
    said.iter().filter(|(to, _)| *to == peer).find_map(|(_, bytes)| match decode(bytes) {
        Ok(Message::GetBlockTransactions { places, .. }) => Some(places.iter().flatten().collect()),
        _ => None,
    })
}

#[track_caller]
fn is_refused(said: &[(PeerId, Vec<u8>)], peer: PeerId, expected: &str) {
    let reason = said.iter().filter(|(to, _)| *to == peer).find_map(|(_, bytes)| match decode(bytes) {
        Ok(Message::Refused(reason)) => Some(reason.to_owned()),
        _ => None,
    });
    let reason = reason.unwrap_or_else(|| panic!("expected {expected}, got {:?}", names(said)));
    assert!(reason.contains(expected), "expected {expected}, got {reason}");
}

/// What is said to whom, in words.
fn names(said: &[(PeerId, Vec<u8>)]) -> Vec<(PeerId, &'static str)> {
    let name = |bytes: &[u8]| match decode(bytes) {
        Ok(Message::Tip(_)) => "tip",
        Ok(Message::CompactBlock { .. }) => "compact block",
        Ok(Message::Block(_)) => "block",
        Ok(Message::GetBlock(_)) => "get block",
        Ok(Message::GetBlockTransactions { .. }) => "get transactions",
        Ok(Message::BlockTransactions { .. }) => "transactions",
        Ok(Message::GetHeaders { .. }) => "get headers",
        Ok(Message::NotFound(_)) => "not found",
        Ok(Message::Refused(_)) => "refused",
        _ => "another",
    };
    said.iter().map(|(peer, bytes)| (*peer, name(bytes))).collect()
}

const COMPACT: Services = Services::FULL.and(Services::COMPACT);

#[test]
fn a_block_is_put_together_of_open_payments_and_pushed_on() {
    let mut scene = Scene::new(70, 70);
    let (pusher, level) = (scene.level(COMPACT), scene.level(COMPACT));
    let plain = scene.level(Services::FULL.and(Services::WITNESS));
    let small = {
        let tip = scene.world.tip(0);
        scene.peer(COMPACT, tip, MESSAGE_MIN_BYTES)
    };
    let genesis = scene.world.params.genesis_id();
    let behind = scene.peer(COMPACT, genesis, MESSAGE_MAX_BYTES);
    let said = scene.push_block(pusher);
    scene.has_block();
    // Only who can use the ids gets them, and nobody is asked for anything.
    let expected =
        [(pusher, "tip"), (level, "compact block"), (plain, "tip"), (small, "tip"), (behind, "tip")];
    let mut said_of_tip = names(&said);
    said_of_tip.sort();
    assert_eq!(said_of_tip, expected);
    let pushed = said.iter().find_map(|(_, bytes)| match decode(bytes) {
        Ok(Message::CompactBlock { header, ids }) => Some((header, ids.iter().flatten().collect::<Vec<_>>())),
        _ => None,
    });
    assert_eq!(pushed, Some((scene.block.header.clone(), scene.ids())));
    assert!(scene.world.node(0).mempool().is_empty());
}

#[test]
fn an_empty_block_is_whole_at_once() {
    let mut scene = Scene::new(0, 0);
    let pusher = scene.level(COMPACT);
    assert_eq!(names(&scene.push_block(pusher)), [(pusher, "tip")]);
    scene.has_block();
}

#[test]
fn what_is_missing_is_asked_for_of_whom_pushed_the_block() {
    let mut scene = Scene::new(5, 3);
    let pusher = scene.level(COMPACT);
    let said = scene.push_block(pusher);
    assert_eq!(places(&said, pusher), Some(vec![3, 4]));
    assert_eq!(scene.world.node(0).held().half_built, 1);
    // The same from others asks for nothing more.
    let other = scene.level(COMPACT);
    assert_eq!(names(&scene.push_block(other)), []);
    let missing = scene.block.transactions[3..].to_vec();
    scene.give(pusher, &missing);
    scene.has_block();
    assert_eq!(scene.world.node(0).held().half_built, 0);
}

#[test]
fn a_block_of_unknown_payments_is_asked_for_whole() {
    let mut scene = Scene::new(5, 0);
    let pusher = scene.level(COMPACT);
    let said = scene.push_block(pusher);
    assert!(asks_for_block(&said, pusher, &scene.id()), "{:?}", names(&said));
    let bytes = wire(&scene.block);
    scene.hear(pusher, &Message::Block(&bytes));
    scene.has_block();
}

#[test]
fn ids_that_lead_elsewhere_end_the_connection_and_harm_no_block() {
    type Lie = fn(&mut Vec<Hash32>);
    let lies: [(Lie, &str); 5] = [
        (|ids| ids.reverse(), "B3-transactions-root"),
        (|ids| ids.truncate(4), "B3-transactions-root"),
        (|ids| ids.clear(), "B3-transactions-root"),
        (|ids| ids.extend(ids.clone()), "B3-transactions-root"),
        (|ids| ids.resize(1_025, Hash32::ZERO), "1025 items in one message, expected at most 1024"),
    ];
    for (lie, reason) in lies {
        // All payments are open, so that the lie would be put together.
        let mut scene = Scene::new(5, 5);
        let liar = scene.level(COMPACT);
        let (header, mut ids) = (scene.block.header.clone(), scene.ids());
        lie(&mut ids);
        is_refused(&scene.push(liar, &header, &ids), liar, reason);
        scene.takes_block_from_another();
    }
    // One id leads to itself, whatever log it is the root of.
    let mut scene = Scene::new(2, 2);
    let liar = scene.level(COMPACT);
    let (header, root) = (scene.block.header.clone(), scene.block.header.transactions_root);
    is_refused(&scene.push(liar, &header, &[root]), liar, "B2-transaction-count");
    scene.takes_block_from_another();
}

#[test]
fn a_wrong_answer_ends_the_connection_and_harms_no_block() {
    type Lie = fn(&mut Vec<Transaction>);
    let lies: [(Lie, &str); 5] = [
        (|answer| answer.reverse(), "B3-transactions-root"),
        (|answer| answer.truncate(1), "B3-transactions-root"),
        (|answer| answer.clear(), "B3-transactions-root"),
        (|answer| answer[1].nonce += 1, "B3-transactions-root"),
        (|answer| answer.push(answer[0].clone()), "3 items in one message, expected at most 2"),
    ];
    for (lie, reason) in lies {
        let mut scene = Scene::new(5, 3);
        let liar = scene.level(COMPACT);
        scene.push_block(liar);
        let mut answer = scene.block.transactions[3..].to_vec();
        lie(&mut answer);
        is_refused(&scene.give(liar, &answer), liar, reason);
        assert_eq!(scene.world.node(0).held().half_built, 0);
        scene.takes_block_from_another();
    }
}

#[test]
fn an_answer_that_was_not_asked_for_is_an_offence() {
    let mut scene = Scene::new(5, 3);
    let liar = scene.level(COMPACT);
    let answer = scene.block.transactions[3..].to_vec();
    is_refused(&scene.give(liar, &answer), liar, "unrequested transactions of a block");
    scene.takes_block_from_another();
}

#[test]
fn a_peer_that_denies_what_it_pushed_is_left_and_another_asked() {
    let mut scene = Scene::new(5, 3);
    let (denier, other) = (scene.level(COMPACT), scene.level(COMPACT));
    scene.push_block(denier);
    scene.push_block(other);
    let id = scene.id();
    let said = scene.hear(denier, &Message::NotFound(id));
    assert!(asks_for_block(&said, other, &id), "{:?}", names(&said));
    assert_eq!(scene.world.node(0).held().half_built, 0);
    let bytes = wire(&scene.block);
    scene.hear(other, &Message::Block(&bytes));
    scene.has_block();
}

#[test]
fn a_peer_that_never_gives_what_it_pushed_costs_its_time_and_no_more() {
    let mut scene = Scene::new(5, 3);
    let (silent, other) = (scene.level(COMPACT), scene.level(COMPACT));
    scene.push_block(silent);
    scene.push_block(other);
    scene.world.pass(16_000);
    assert_eq!(scene.world.node(0).held().half_built, 0);
    // Had the other one not been asked meanwhile, this would be an offence.
    let bytes = wire(&scene.block);
    scene.hear(other, &Message::Block(&bytes));
    scene.has_block();
    // What comes late is no offence.
    let late = scene.block.transactions[3..].to_vec();
    assert_eq!(names(&scene.give(silent, &late)), []);
}

#[test]
fn a_pushed_block_shows_its_work_and_its_parent_before_anything_else() {
    let mut scene = Scene::new(5, 5);
    let ids = scene.ids();
    let liar = scene.level(COMPACT);
    let mut cheap = scene.block.header.clone();
    while cheap.target.expand().is_some_and(|target| target.is_met_by(&cheap.id())) {
        cheap.nonce += 1;
    }
    is_refused(&scene.push(liar, &cheap, &ids), liar, "H4-proof-of-work");
    // Nobody knows what this one stands on: its sender is asked, and the ids are forgotten.
    let stranger = scene.level(COMPACT);
    let mut orphan = scene.block.header.clone();
    orphan.previous = Hash32::from_bytes([7; 32]);
    mine(&mut orphan);
    assert_eq!(names(&scene.push(stranger, &orphan, &ids)), [(stranger, "get headers")]);
    let held = scene.world.node(0).held();
    assert_eq!((held.wanted, held.half_built), (0, 0));
    scene.takes_block_from_another();
}

#[test]
fn a_pushed_block_that_breaks_a_rule_is_refused_for_good() {
    let mut scene = Scene::new(5, 5);
    let (ids, mut header) = (scene.ids(), scene.block.header.clone());
    header.state_root = Hash32::from_bytes([7; 32]);
    mine(&mut header);
    for _ in 0..2 {
        let liar = scene.level(COMPACT);
        let said = scene.push(liar, &header, &ids);
        is_refused(&said, liar, "broke rule");
    }
    scene.takes_block_from_another();
}

#[test]
fn one_block_a_peer_is_half_built() {
    let mut scene = Scene::new(5, 3);
    let pusher = scene.level(COMPACT);
    scene.push_block(pusher);
    // Its child comes before the answer: it waits for its parent, and is asked for whole.
    let params = scene.world.params.clone();
    let known = payment(&params, 1, account(2), 1_000, 1_000, 3);
    let _ = scene.world.submit(0, known);
    for nonce in 5..7 {
        let next = payment(&params, 1, account(2), 1_000, 1_000, nonce);
        let _ = scene.world.submit(1, next);
    }
    let id = scene.world.mine(1, 3);
    let child = scene.world.node(1).ledger().block(&id).expect("the store works").expect("it was mined");
    let ids: Vec<Hash32> = child.transactions.iter().map(Transaction::id).collect();
    let said = scene.push(pusher, &child.header, &ids);
    assert!(asks_for_block(&said, pusher, &id), "{:?}", names(&said));
    assert_eq!(scene.world.node(0).held().half_built, 1);
    let bytes = wire(&child);
    scene.hear(pusher, &Message::Block(&bytes));
    let missing = scene.block.transactions[3..].to_vec();
    scene.give(pusher, &missing);
    assert_eq!(scene.world.tip(0), id);
}

#[test]
fn transactions_of_a_block_are_given_by_their_places() {
    let mut scene = Scene::new(5, 5);
    let peer = scene.level(COMPACT);
    scene.push_block(peer);
    let block = scene.id();
    let ask = |scene: &mut Scene, peer: PeerId, block: Hash32, places: &[u32]| {
        with_list(places, |places| scene.hear(peer, &Message::GetBlockTransactions { block, places }))
    };
    let said = ask(&mut scene, peer, block, &[1, 4]);
    let expected = [scene.block.transactions[1].clone(), scene.block.transactions[4].clone()];
    let expected =
        with_list(&expected, |transactions| wire(&Message::BlockTransactions { block, transactions }));
    assert_eq!(said, [(peer, expected)]);
    let unknown = Hash32::from_bytes([7; 32]);
    let said = ask(&mut scene, peer, unknown, &[0]);
    assert_eq!(said, [(peer, wire(&Message::NotFound(unknown)))]);
    for (places, reason) in [
        (&[5][..], "place 5 in a block, expected one from 0 on and below 5"),
        (&[2, 2], "place 2 in a block, expected one from 3 on and below 5"),
        (&[3, 1], "place 1 in a block, expected one from 4 on and below 5"),
        (&[u32::MAX], "place 4294967295 in a block, expected one from 0 on and below 5"),
        (&[0; 1_025], "1025 items in one message, expected at most 1024"),
    ] {
        let liar = scene.level(COMPACT);
        is_refused(&ask(&mut scene, liar, block, places), liar, reason);
    }
}
