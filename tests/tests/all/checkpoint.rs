//! Devices that start at a checkpoint instead of genesis: each talks with a full node, message by message.

use std::collections::{BTreeMap, VecDeque};

use mote::node::status::Direction;
use mote::node::{Input, Output, PeerId};
use mote_core::chain::Tip;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::params::{Network, Params};
use mote_core::pow::Work;
use mote_core::units::{Height, Moment};
use mote_core::wire::stream::{Piece, Window, WitnessReader};
use mote_core::wire::{ListWriter, Message};
use mote_firmware::command::Mining;
use mote_firmware::event::Event;
use mote_firmware::node::{Chains, Node, Records, SEND_MAX_BYTES, Settings, Surroundings};
use mote_firmware::report::{Offence, PaymentState, Stage};
use mote_tests::fixtures::wire;
use mote_tests::world::{World, account, payment};
use serde::Serialize;

/// The height of the checkpoint.
const CHECKPOINT: u64 = 70;

/// The kind of a record of an own payment: the transaction, and the height and the work where it was mined.
const PAYMENT_RECORD: u8 = 4;

/// What a device leaves around it.
#[derive(Default)]
struct Outside {
    events: Vec<Event>,
    snapshots: BTreeMap<Height, Tip>,
}

impl Surroundings for Outside {
    fn keep_snapshot(&mut self, tip: &Tip) {
        self.snapshots.insert(tip.height(), tip.clone());
    }

    fn load_snapshot(&mut self, height: Height, into: &mut Tip) -> bool {
        self.snapshots.get(&height).map(|tip| into.copy_from(tip)).is_some()
    }

    fn snapshot_id(&mut self, height: Height) -> Option<Hash32> {
        self.snapshots.get(&height).map(Tip::id)
    }

    fn work(&mut self) -> u64 {
        0
    }

    fn count_checks(&mut self, _: u64) {}

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// The records of a device's state.
#[derive(Default)]
struct State(Vec<(u8, Vec<u8>)>);

impl Records for State {
    type Error = ();

    fn record<T: Serialize>(&mut self, kind: u8, value: &T) -> Result<(), ()> {
        self.0.push((kind, wire(value)));
        Ok(())
    }
}

/// A device without a board.
struct Device {
    node: Node<'static>,
    outside: Outside,
    connections: u64,
    /// A block that it is made to name alone where it asks for headers.
    names: Option<Hash32>,
}

impl Device {
    fn new(params: &Params, checkpoint: Option<Vec<u8>>) -> Self {
        let settings = Settings {
            params: params.clone(),
            key: None,
            nonce: 77,
            mining: Mining::Off,
            peers: 1,
            checkpoint: checkpoint.map(|bytes| &*bytes.leak()),
        };
        let node = Node::new(settings, Box::leak(Box::<Chains>::default()));
        Self { node, outside: Outside::default(), connections: 0, names: None }
    }

    fn height(&self) -> u64 {
        self.node.tip().height.get()
    }

    /// The lowest block that it checked.
    fn lowest_checked(&self) -> Option<u64> {
        let height = |event: &Event| match event {
            Event::Block { height, .. } => Some(height.get()),
            _ => None,
        };
        self.outside.events.iter().filter_map(height).min()
    }

    /// Connects to a node, and talks until neither has anything to say.
    fn talk(&mut self, world: &mut World, index: usize) -> Result<(), Offence> {
        let now = world.now(index);
        let node = world.places[index].node.as_mut().expect("the node is up");
        self.connections += 1;
        let peer = PeerId(1 << 32 | self.connections);
        let address = "127.0.0.1:60000".parse().expect("an address");
        node.handle(now, Input::Opened { peer, direction: Direction::Inbound, address });
        self.node.closed(0);
        self.node.opened(0, "127.0.0.1:1".parse().expect("an address"), now.moment);
        let mut scratch = vec![0; SEND_MAX_BYTES];
        loop {
            self.node.tick(now.moment);
            self.node.follow_somebody(now.moment);
            let said = self.node.say(0, SEND_MAX_BYTES, &mut scratch, now.moment, &mut self.outside);
            let said = said.expect("the connection is of use").map(|message| match (message, self.names) {
                (Message::GetHeaders { limit, .. }, Some(id)) => {
                    let mut room = [0; 32];
                    let mut locator = ListWriter::new(&mut room);
                    locator.push(&id).expect("there is room for one");
                    wire(&Message::GetHeaders { locator: locator.finish(), limit })
                }
                (message, _) => wire(&message),
            });
            let has_said = said.is_some();
            said.into_iter().for_each(|bytes| node.handle(now, Input::Frame { peer, bytes }));
            let mut heard = VecDeque::new();
            for output in node.commit(now) {
                match output {
                    Output::Send { peer: to, message } if to == peer => heard.push_back(message),
                    Output::Close { peer: of, reason } if of == peer => panic!("the node closed: {reason}"),
                    _ => {}
                }
            }
            if !has_said && heard.is_empty() {
                return Ok(());
            }
            heard.into_iter().try_for_each(|message| self.hear(&message, now.moment))?;
        }
    }

    fn hear(&mut self, message: &[u8], now: Moment) -> Result<(), Offence> {
        let (index, mut rest) = message.split_first().expect("no message is empty");
        let Some(mut reader) = WitnessReader::new(*index) else {
            return self.node.receive(0, message, now, &mut self.outside);
        };
        self.node.begin_pieces(0, *index, now)?;
        loop {
            let next = reader.next(rest, Window::Rest).expect("a full node speaks the protocol");
            let (piece, size) = next.expect("the message is whole");
            rest = &rest[size..];
            self.node.receive_piece(0, *index, &piece, now, &mut self.outside)?;
            if piece == Piece::End {
                return Ok(());
            }
        }
    }

    fn state(&self) -> State {
        let mut state = State::default();
        self.node.save(&mut state).expect("a list takes everything");
        state
    }

    fn restore(&mut self, state: &State) {
        for (kind, payload) in &state.0 {
            self.node.restore(*kind, payload).expect("the state is of this network");
        }
        self.node.note_restored();
    }
}

/// A world of nodes that share a chain of so many blocks, and no longer know of each other.
fn world(count: usize, blocks: usize) -> World {
    let mut world = World::new(Params::new(Network::Regtest), count);
    for other in 1..count {
        world.connect(0, other);
    }
    world.mine_many(0, 1, blocks);
    world.pass(2_000);
    for other in 1..count {
        assert_eq!(world.tip(0), world.tip(other));
        world.set_cut(0, other, true);
    }
    world
}

fn id_at(world: &World, index: usize, height: u64) -> Hash32 {
    world.node(index).ledger().id_at(height).expect("the store works").expect("there is a block")
}

/// The checkpoint at a height of a node's chain, as a device is built with it.
fn checkpoint_at(world: &World, index: usize, height: u64) -> Vec<u8> {
    let tip = world.node(index).ledger().tip_of(&id_at(world, index, height)).expect("the store works");
    let genesis = world.params.genesis_id();
    [genesis.as_bytes(), &*wire(&tip.expect("there is a block"))].concat()
}

#[test]
fn a_device_checks_what_is_above_its_checkpoint() {
    let mut world = world(1, 100);
    let checkpoint = checkpoint_at(&world, 0, CHECKPOINT);
    let mut device = Device::new(&world.params, Some(checkpoint.clone()));
    assert_eq!(device.node.tip().id, id_at(&world, 0, CHECKPOINT));
    device.talk(&mut world, 0).expect("the node is honest");
    assert_eq!(device.node.tip().id, world.tip(0));
    assert_eq!(device.lowest_checked(), Some(CHECKPOINT + 1));

    // What is no checkpoint of the network counts as none.
    let mut inconsistent = checkpoint.clone();
    // The last number of the history is how many peaks it has; without the last peak it contradicts itself.
    let peaks = (CHECKPOINT + 1).count_ones() as usize;
    let at = checkpoint.len() - 32 * peaks - 1;
    assert_eq!(usize::from(inconsistent[at]), peaks);
    inconsistent[at] -= 1;
    inconsistent.truncate(checkpoint.len() - 32);
    assert!(decode::<Tip>(&inconsistent[32..]).is_ok());
    let mut elsewhere = checkpoint.clone();
    elsewhere[0] ^= 1;
    let short = checkpoint[..checkpoint.len() - 1].to_vec();
    let long = [&*checkpoint, &[0]].concat();
    for wrong in [elsewhere, short, long, inconsistent, checkpoint[..32].to_vec(), vec![1; 5], Vec::new()] {
        let mut device = Device::new(&world.params, Some(wrong));
        assert_eq!(device.node.tip().id, world.params.genesis_id());
        device.talk(&mut world, 0).expect("the node is honest");
        assert_eq!((device.node.tip().id, device.lowest_checked()), (world.tip(0), Some(1)));
    }
}

#[test]
fn a_branch_that_leaves_the_chain_below_the_checkpoint_is_refused() {
    let mut world = world(2, 66);
    world.mine_many(0, 1, 14);
    world.mine_many(1, 2, 24);
    let checkpoint = checkpoint_at(&world, 0, CHECKPOINT);
    let mut device = Device::new(&world.params, Some(checkpoint));
    device.talk(&mut world, 0).expect("the node is honest");
    let tip = device.node.tip().id;
    assert_eq!(tip, world.tip(0));

    // A snapshot that was kept by a program without a checkpoint leads nowhere, whether it is named or not.
    let mut free = Device::new(&world.params, None);
    free.talk(&mut world, 0).expect("the node is honest");
    let low = Height::new(64);
    device.outside.snapshots.insert(low, free.outside.snapshots[&low].clone());
    let offence = device.talk(&mut world, 1).expect_err("the branch leaves the chain too far down");
    assert!(matches!(offence, Offence::Unlinked { got } if got == world.params.genesis_id()), "{offence}");
    let shared = id_at(&world, 1, 64);
    device.names = Some(shared);
    let offence = device.talk(&mut world, 1).expect_err("the branch leaves the chain too far down");
    assert!(matches!(offence, Offence::Unlinked { got } if got == shared), "{offence}");
    assert_eq!(device.node.tip().id, tip);

    // A device without a checkpoint follows it.
    free.talk(&mut world, 1).expect("the node is honest");
    assert_eq!(free.node.tip().id, world.tip(1));
}

#[test]
fn a_branch_from_below_the_blocks_that_are_kept_starts_at_the_checkpoint() {
    let mut world = world(2, CHECKPOINT as usize + 5);
    world.mine_many(0, 1, 90);
    world.mine_many(1, 2, 95);
    let mut device = Device::new(&world.params, Some(checkpoint_at(&world, 0, CHECKPOINT)));
    device.talk(&mut world, 0).expect("the node is honest");
    // There is no card.
    device.outside.snapshots.clear();
    device.talk(&mut world, 1).expect("the node is honest");
    assert_eq!(device.node.tip().id, world.tip(1));
    let fork = Height::new(CHECKPOINT);
    let reorganised = |event: &Event| matches!(event, Event::Reorganised { fork: at, .. } if *at == fork);
    assert!(device.outside.events.iter().any(reorganised));
    assert_eq!(device.lowest_checked(), Some(CHECKPOINT + 1));
}

#[test]
fn a_state_that_lies_below_the_checkpoint_is_given_up_for_it() {
    let mut world = world(1, 40);
    let mut behind = Device::new(&world.params, None);
    behind.talk(&mut world, 0).expect("the node is honest");
    behind.node.command(mote_firmware::command::Command::Mine(Mining::On));
    world.mine_many(0, 1, 60);
    let checkpoint = checkpoint_at(&world, 0, CHECKPOINT);
    let built = || Device::new(&world.params, Some(checkpoint.clone()));
    let (mut device, mut other) = (built(), built());
    device.restore(&behind.state());
    assert_eq!(device.node.tip().id, id_at(&world, 0, CHECKPOINT));
    assert_eq!(device.node.mining().switch, Mining::On, "what does not concern the chain is kept");
    device.talk(&mut world, 0).expect("the node is honest");
    assert_eq!((device.height(), device.lowest_checked()), (100, Some(CHECKPOINT + 1)));

    // One that could be followed back below it is as well, and one that lies above it is not.
    behind.talk(&mut world, 0).expect("the node is honest");
    assert_eq!(behind.height(), 100);
    let mut state = behind.state();
    let [low, high] = [0, 1].map(|nonce| payment(&world.params, 1, account(2), 5, 1_000, nonce));
    for (transaction, height) in [(&low, CHECKPOINT), (&high, CHECKPOINT + 1)] {
        state.0.push((PAYMENT_RECORD, wire(&(transaction, Some((Height::new(height), Work::ZERO))))));
    }
    other.restore(&state);
    assert_eq!(other.height(), CHECKPOINT);
    let is_open =
        |id| other.node.payments().iter().any(|own| own.id == id && own.state == PaymentState::Open);
    assert!(
        is_open(high.id()) && !is_open(low.id()),
        "only what was mined above the checkpoint is open again"
    );
    other.restore(&device.state());
    assert_eq!(other.node.tip().id, world.tip(0));
}

#[test]
fn a_peer_that_has_not_got_as_far_as_the_checkpoint_is_left_alone() {
    let mut world = world(2, 0);
    world.mine_many(0, 1, CHECKPOINT as usize);
    world.mine_many(1, 2, 5);
    let mut device = Device::new(&world.params, Some(checkpoint_at(&world, 0, CHECKPOINT)));
    device.talk(&mut world, 1).expect("the node is honest");
    let entry = world.node(1).ledger().header(&world.tip(1)).expect("the store works").expect("a tip");
    let now = world.now(1).moment;
    device.hear(&wire(&Message::Tip(entry.header)), now).expect("news are no offence");
    device.node.follow_somebody(now);
    assert_eq!((device.node.stage(), device.height()), (Stage::AtTip, CHECKPOINT));
}
