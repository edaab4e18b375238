//! Who keeps a place where more call a node than it has places for.

use std::net::IpAddr;

use mote::node::request::PeerAddress;
use mote::node::status::Direction;
use mote::node::{Input, Output, PeerId};
use mote_core::codec::{decode, encode_into};
use mote_core::wire::{Hello, Message};
use mote_tests::world::{World, address};

use super::{answers, regtest};

/// How many callers a node takes, and how many of one network.
const PLACES: usize = 64;
const OF_ONE_NETWORK: usize = 4;

/// A node with callers that all greet it.
struct Called {
    world: World,
    hello: Vec<u8>,
    callers: u64,
}

impl Called {
    fn new() -> Self {
        let mut world = regtest(2);
        let opened = Input::Opened { peer: PeerId(1), direction: Direction::Outbound, address: address(0) };
        let greeting = answers(&mut world, 1, opened);
        Self { world, hello: greeting.into_iter().next().expect("a node greets at once"), callers: 0 }
    }

    /// Lets somebody call from an address of this network and greet; says who called and whose connections end.
    fn call(&mut self, network: usize) -> (PeerId, Vec<PeerId>) {
        self.callers += 1;
        let peer = PeerId(1_000 + self.callers);
        let [high, low] = (network as u16).to_be_bytes();
        let ip = IpAddr::from([20 + high, low, 0, self.callers as u8]);
        let address = PeerAddress::from_ip(ip, 40_000);
        let mut ended = self.input(Input::Opened { peer, direction: Direction::Inbound, address });
        let Ok(Message::Hello(hello)) = decode(&self.hello) else { panic!("a node greets first") };
        let hello = Message::Hello(Hello { nonce: 1_000 + self.callers, ..hello });
        let mut bytes = Vec::new();
        encode_into(&hello, |piece| bytes.extend_from_slice(piece));
        if !ended.contains(&peer) {
            ended.extend(self.input(Input::Frame { peer, bytes }));
        }
        (peer, ended)
    }

    fn input(&mut self, input: Input) -> Vec<PeerId> {
        let now = self.world.now(0);
        let node = self.world.places[0].node.as_mut().expect("the node is up");
        node.handle(now, input);
        let closed = |output| match output {
            Output::Close { peer, .. } => Some(peer),
            _ => None,
        };
        node.commit(now).filter_map(closed).collect()
    }
}

#[test]
fn callers_of_few_networks_make_room_for_another_network() {
    let mut node = Called::new();
    let mut by_network = vec![Vec::new(); PLACES / OF_ONE_NETWORK];
    for number in 0..PLACES {
        let network = number % by_network.len();
        let (peer, ended) = node.call(network);
        assert_eq!(ended, [], "caller {number}");
        by_network[network].push(peer);
    }
    // The youngest of one of those networks goes each time, until each has but one place.
    for newcomer in 0..PLACES - by_network.len() {
        let (_, ended) = node.call(100 + newcomer);
        let [leaver] = ended[..] else { panic!("{ended:?} end for newcomer {newcomer}") };
        let network = by_network.iter_mut().find(|callers| callers.last() == Some(&leaver));
        let network = network.unwrap_or_else(|| panic!("{leaver:?} is not the youngest of its network"));
        assert!(network.len() > 1, "{leaver:?} is the only one of its network");
        network.pop();
    }
    // Whoever comes now finds no network with more than its share.
    let (newcomer, ended) = node.call(200);
    assert_eq!(ended, [newcomer]);
    assert!(by_network.iter().all(|callers| callers.len() == 1), "{by_network:?}");
}

#[test]
fn one_network_gets_no_more_than_its_places() {
    let mut node = Called::new();
    for number in 0..OF_ONE_NETWORK {
        assert_eq!(node.call(7).1, [], "caller {number}");
    }
    let (newcomer, ended) = node.call(7);
    assert_eq!(ended, [newcomer]);
    assert_eq!(node.call(8).1, []);
}
