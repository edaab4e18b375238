use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use mote_core::hash::Hash32;
use mote_core::keys::SecretKey;
use mote_core::params::{Network as Chain, Params};
use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;
use tokio::runtime::Handle as Tokio;

use super::*;
use crate::net::server::{Server, ServerLimits};
use crate::net::{PeerLimits, peer_route};
use crate::node::Options;
use crate::node::handle::Stopped;
use crate::node::request::{MiningSettings, PeerAddress, RateLimit, Request, Switch};
use crate::node::status::PeerState;
use crate::store::journal::{Journal, JournalLimits};
use crate::store::ledger::Ledger;
use crate::store::memory::MemoryDisk;
use crate::store::segment::Identity;

const SOON: Duration = Duration::from_secs(20);

struct Running {
    handle: Handle<MemoryDisk>,
    join: DriverJoin,
    address: PeerAddress,
}

/// A node on regtest over this disk, with a port of its own.
async fn start_node(disk: MemoryDisk) -> Running {
    let params = Arc::new(Params::new(Chain::Regtest));
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (ledger, _) = Ledger::open(disk.clone(), params.clone(), 7, |_| {}).unwrap();
    let (journal, open) =
        Journal::open(disk.clone(), &identity, JournalLimits::default(), 7, ledger.journal_end()).unwrap();
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), ServerLimits::default()).await.unwrap();
    let port = server.address().port();
    let mining = MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
    let options = Options { port, nonce: u64::from(port), mining, mempool_capacity: 100 };
    let node = Node::new(disk, ledger, (journal, open.transactions), params, options).unwrap();
    let (network, arrivals) = Network::new(Tokio::current(), PeerLimits::default(), Vec::new());
    let (handle, join) = start(node, Clock::start(), network.clone(), arrivals).unwrap();
    tokio::spawn(server.serve(peer_route::router(network), std::future::pending()));
    Running { handle, join, address: PeerAddress::from_ip(Ipv4Addr::LOCALHOST.into(), port) }
}

impl Running {
    async fn mine(&self) -> Hash32 {
        let miner = SecretKey::from_seed(&[1; 32]).public_key();
        match self.handle.request(Request::MineBlock(miner)).await {
            Ok(Reply::Mined(Ok((id, _)))) => id,
            other => panic!("nothing was mined: {other:?}"),
        }
    }

    async fn add(&self, other: &Self) {
        let added = self.handle.request(Request::AddPeer(other.address.clone())).await;
        assert!(matches!(added, Ok(Reply::PeerChanged(Ok(())))), "{added:?}");
    }

    async fn until(&self, is_so: impl Fn(&crate::node::status::Status) -> bool) {
        let mut watch = self.handle.watch();
        let waiting = watch.wait_for(|status| is_so(status));
        timeout(SOON, waiting).await.expect("it never is so").unwrap();
    }

    async fn until_connected(&self) {
        self.until(|status| status.peers.iter().any(|peer| peer.state == PeerState::Connected)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_seen_at_once() {
    let node = start_node(MemoryDisk::new()).await;
    for height in 1..=5 {
        let id = node.mine().await;
        let status = node.handle.status();
        assert_eq!((status.tip, status.height.get()), (id, height));
        let seen = node.handle.view(|node| node.ledger().tip().id()).await;
        assert_eq!(seen, Ok(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_everybodys_soon() {
    let (first, second) = (start_node(MemoryDisk::new()).await, start_node(MemoryDisk::new()).await);
    second.add(&first).await;
    first.until_connected().await;
    second.until_connected().await;
    for _ in 0..15 {
        let id = first.mine().await;
        second.until(|status| status.tip == id).await;
    }
    second.until(|status| status.peers.iter().any(|peer| peer.bytes_in > 0 && peer.bytes_out > 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_numbered_and_kept() {
    let node = start_node(MemoryDisk::new()).await;
    let mut live = node.handle.events();
    let (mined, later) = (node.mine().await, node.mine().await);
    let is_of = |event: &Event, block| matches!(event, Event::Block { id, .. } if *id == block);
    let first = loop {
        let news = timeout(SOON, live.recv()).await.unwrap().unwrap();
        if is_of(&news.what, mined) {
            break news.number;
        }
    };
    let (missed, _) = node.handle.events_since(first);
    assert!(missed.iter().all(|news| news.number > first));
    assert!(missed.iter().any(|news| is_of(&news.what, later)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_ends_in_time_and_goes_on_where_it_was() {
    let disk = MemoryDisk::new();
    let (first, second) = (start_node(disk.clone()).await, start_node(MemoryDisk::new()).await);
    second.add(&first).await;
    first.until_connected().await;
    let id = first.mine().await;
    let begun = Instant::now();
    assert_eq!(first.join.stop().await, Ok(()));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(first.handle.view(|_| ()).await, Err(Stopped));
    second.until(|status| status.peers.iter().all(|peer| peer.state != PeerState::Connected)).await;
    let again = start_node(disk).await;
    assert_eq!(again.handle.status().tip, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_noticed() {
    let mut node = start_node(MemoryDisk::new()).await;
    let looked = node.handle.view(|_| panic!("a bug that this test makes up")).await;
    assert_eq!(looked, Err::<(), _>(Stopped));
    timeout(SOON, node.join.ended()).await.unwrap();
    assert_eq!(node.join.stop().await, Err(DriverPanicked));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_signature_of_the_mempool_is_judged_again_in_a_block() {
    let (first, second) = (start_node(MemoryDisk::new()).await, start_node(MemoryDisk::new()).await);
    second.add(&first).await;
    first.until_connected().await;
    let funded = first.mine().await;
    second.until(|status| status.tip == funded).await;
    let payment = Payment {
        recipient: SecretKey::from_seed(&[2; 32]).public_key(),
        amount: Amount::from_grains(1),
        fee: Amount::from_grains(1_000),
        nonce: 0,
        memo: Memo::new(),
    };
    let payment = payment.sign(&Params::new(Chain::Regtest), &SecretKey::from_seed(&[1; 32]));
    let sent = first.handle.request(Request::Submit(payment)).await;
    assert!(matches!(sent, Ok(Reply::Submitted(Ok(_)))), "{sent:?}");
    second.until(|status| status.mempool == 1).await;
    let mined = first.mine().await;
    second.until(|status| status.tip == mined && status.mempool == 0).await;
    for node in [&first, &second] {
        let judged = node.handle.view(|node| node.ledger().signatures_judged()).await;
        assert_eq!(judged, Ok(0), "both had it in the mempool");
    }
    // Who comes later has not seen it.
    let third = start_node(MemoryDisk::new()).await;
    third.add(&first).await;
    third.until(|status| status.tip == mined).await;
    let judged = third.handle.view(|node| node.ledger().signatures_judged()).await;
    assert_eq!(judged, Ok(1));
}
