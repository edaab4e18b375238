//! Two nodes: how fast one catches up with the other, and how soon it has a block that the other found.
//! Both are whole nodes with their driver, over sockets of the loopback interface.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use mote::block::Block;
use mote::clock::Clock;
use mote::driver::{DriverJoin, start};
use mote::net::server::{Server, ServerLimits};
use mote::net::{Network, PeerLimits, peer_route};
use mote::node::handle::Handle;
use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Reply, Request, Switch};
use mote::node::status::{PeerState, Status};
use mote::node::{Node, Options};
use mote::store::disk::FileDisk;
use mote::store::journal::{Journal, JournalLimits};
use mote::store::memory::MemoryDisk;
use mote::store::segment::Identity;
use mote_core::hash::Hash32;
use mote_tests::growth::{Grower, add};
use mote_tests::world::World;
use tokio::runtime::Handle as Tokio;

/// Blocks that are fetched.
const BLOCKS: u64 = 10_000;

/// Blocks whose way to the other node is timed.
const FOUND: usize = 50;

#[tokio::main]
async fn main() {
    let grower = Grower::default();
    println!("\nfetching {BLOCKS} blocks");
    let (taken, lower) =
        tokio::task::spawn_blocking(|| sync_in_world(&Grower::default())).await.expect("it ends");
    println!("without sockets, disks in memory: {:.0} blocks/s", BLOCKS as f64 / taken.as_secs_f64());
    println!("adding them alone:                {:.0} blocks/s", BLOCKS as f64 / lower.as_secs_f64());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = |name| FileDisk::new(folder.path().join(name)).expect("the folder can be made");
    let mut ledger = grower.open(disk("first"));
    grower.grow(&mut ledger, BLOCKS);
    ledger.close().expect("the index can be written");
    let first = Running::start(&grower, disk("first")).await;
    let second = Running::start(&grower, disk("second")).await;
    let begun = Instant::now();
    second.add(&first).await;
    second.until(|status| status.height.get() == BLOCKS).await;
    println!(
        "over sockets, disks in files:     {:.0} blocks/s",
        BLOCKS as f64 / begun.elapsed().as_secs_f64()
    );

    first.until_connected().await;
    let mut latencies = Vec::with_capacity(FOUND);
    for _ in 0..FOUND {
        // Finding a block takes two attempts here, so all of this is the block's way.
        let asked = Instant::now();
        let id = first.mine(&grower).await;
        second.until(|status| status.tip == id).await;
        latencies.push(asked.elapsed());
    }
    latencies.sort_unstable();
    let percentile = |percent: usize| latencies[latencies.len() * percent / 100];
    println!("\nfrom asking one node for a block until it is the other's tip, {FOUND} blocks");
    println!("p50 {:.1?}, p90 {:.1?}, longest {:.1?}", percentile(50), percentile(90), latencies[FOUND - 1]);
    for node in [first, second] {
        node.join.stop().await.expect("the node ends well");
    }
}

/// How long two nodes without sockets take until the second has all blocks of the first, and how long a
/// ledger takes for the same blocks.
fn sync_in_world(grower: &Grower) -> (Duration, Duration) {
    let mut world = World::new(grower.params.as_ref().clone(), 2);
    world.kill(0);
    let mut ledger = grower.open(world.places[0].disk.clone());
    grower.grow(&mut ledger, BLOCKS);
    let ids = (1..=BLOCKS).map(|height| ledger.id_at(height).expect("the store works").expect("it is there"));
    let block = |id| ledger.block(&id).expect("the store works").expect("it is there");
    let blocks: Vec<Block> = ids.map(block).collect();
    let mut copy = grower.open(MemoryDisk::new());
    let begun = Instant::now();
    blocks.iter().for_each(|block| add(&mut copy, block));
    let adding = begun.elapsed();
    ledger.close().expect("the index can be written");
    world.start(0);
    let begun = Instant::now();
    world.connect(1, 0);
    while world.height(1) < BLOCKS {
        world.pass(100);
    }
    (begun.elapsed(), adding)
}

/// A whole node.
struct Running {
    handle: Handle<FileDisk>,
    join: DriverJoin,
    address: PeerAddress,
}

impl Running {
    /// Starts a node over this folder, with a port of its own.
    async fn start(grower: &Grower, disk: FileDisk) -> Self {
        let params = grower.params.clone();
        let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
        let ledger = grower.open(disk.clone());
        let journal =
            Journal::open(disk.clone(), &identity, JournalLimits::default(), 7, ledger.journal_end());
        let (journal, open) = journal.expect("the journal opens");
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::bind(address, ServerLimits::default()).await.expect("a port is free");
        let port = server.address().port();
        let mining =
            MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
        let options = Options { port, nonce: u64::from(port), mining, mempool_capacity: 100 };
        let node = Node::new(disk, ledger, (journal, open.transactions), params, options);
        let node = node.expect("the node starts");
        let (network, arrivals) = Network::new(Tokio::current(), PeerLimits::default(), Vec::new());
        let (handle, join) = start(node, Clock::start(), network.clone(), arrivals).expect("a thread starts");
        tokio::spawn(server.serve(peer_route::router(network), std::future::pending()));
        Self { handle, join, address: PeerAddress::from_ip(Ipv4Addr::LOCALHOST.into(), port) }
    }

    async fn add(&self, other: &Self) {
        let added = self.handle.request(Request::AddPeer(other.address.clone())).await;
        assert!(matches!(added, Ok(Reply::PeerChanged(Ok(())))), "{added:?}");
    }

    /// Has the node find a block, and returns its id.
    async fn mine(&self, grower: &Grower) -> Hash32 {
        match self.handle.request(Request::MineBlock(grower.owner(0))).await {
            Ok(Reply::Mined(Ok((id, _)))) => id,
            other => panic!("nothing was mined: {other:?}"),
        }
    }

    async fn until(&self, is_so: impl Fn(&Status) -> bool) {
        let mut watch = self.handle.watch();
        watch.wait_for(|status| is_so(status)).await.expect("the node goes on");
    }

    async fn until_connected(&self) {
        self.until(|status| status.peers.iter().any(|peer| peer.state == PeerState::Connected)).await;
    }
}
