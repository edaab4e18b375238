//! Numbers for monitors, in the text form of OpenMetrics that Prometheus reads.

use std::sync::atomic::{AtomicI64, AtomicU64};

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::App;
use super::error::{Code, Problem};
use super::peers::state_text;
use crate::node::request::Switch;
use crate::node::status::{PeerState, Status};
use crate::store::disk::Disk;

type Whole = Gauge<i64, AtomicI64>;
type Real = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeerLabels {
    state: &'static str,
}

/// All numbers. Those of the node are set from its last status when they are asked for.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    peers: Family<PeerLabels, Whole>,
    height: Whole,
    work: Real,
    difficulty: Real,
    mempool: Whole,
    blocks: Whole,
    log_bytes: Whole,
    network_hash_rate: Real,
    miner_hash_rate: Real,
    miner_enabled: Whole,
    sync_target: Whole,
    sync_rate: Real,
    read_only: Whole,
}

impl Metrics {
    /// All numbers at 0.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("mote");
        let (requests, peers) = (Family::default(), Family::default());
        registry.register("http_requests", "HTTP requests answered", Family::clone(&requests));
        registry.register("peers", "Peers by the state of their connection", Family::clone(&peers));
        let mut whole = |name, help| {
            let gauge = Whole::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let height = whole("height", "Height of the last block");
        let mempool = whole("mempool_transactions", "Open transactions");
        let blocks = whole("blocks_stored", "Blocks stored, those on other branches included");
        let log_bytes = whole("log_bytes", "Size of the log in bytes");
        let miner_enabled = whole("miner_enabled", "Whether the miner is on");
        let sync_target = whole("sync_target_height", "Height of the best branch known");
        let read_only = whole("read_only", "Whether the node takes nothing in any more");
        let mut real = |name, help| {
            let gauge = Real::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let work = real("work", "Work of the chain in attempts");
        let difficulty = real("difficulty", "Attempts that the next block takes on average");
        let network_hash_rate = real("network_hash_rate", "Attempts a second of the network, estimated");
        let miner_hash_rate = real("miner_hash_rate", "Attempts a second of this node");
        let sync_rate = real("sync_blocks_per_second", "Blocks a second while syncing");
        Self {
            registry,
            requests,
            peers,
            height,
            work,
            difficulty,
            mempool,
            blocks,
            log_bytes,
            network_hash_rate,
            miner_hash_rate,
            miner_enabled,
            sync_target,
            sync_rate,
            read_only,
        }
    }

    /// Counts a request by what was asked and what came of it.
    pub fn count(&self, method: &Method, route: Option<&str>, status: StatusCode) {
        // Only routes and methods that exist make a label, so nobody can fill the memory with them.
        let route = route.unwrap_or("other").to_owned();
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let labels = RequestLabels { method, route, status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
    }

    fn set(&self, status: &Status, miner_hash_rate: f64) {
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.height.set(whole(status.height.get()));
        self.work.set(status.work.as_f64());
        self.difficulty.set(status.block_work.as_f64());
        self.mempool.set(whole(status.mempool as u64));
        self.blocks.set(whole(status.blocks_stored));
        self.log_bytes.set(whole(status.log_bytes));
        self.network_hash_rate.set(status.hash_rate);
        self.miner_hash_rate.set(miner_hash_rate);
        self.miner_enabled.set(i64::from(status.mining.switch == Switch::On));
        let (target, rate) = match &status.syncing {
            Some(sync) => (sync.target, sync.blocks_per_second),
            None => (status.height, 0.0),
        };
        self.sync_target.set(whole(target.get()));
        self.sync_rate.set(rate);
        self.read_only.set(i64::from(status.read_only.is_some()));
        for state in [PeerState::Waiting, PeerState::Dialling, PeerState::Greeting, PeerState::Connected] {
            let count = status.peers.iter().filter(|peer| peer.state == state).count();
            self.peers.get_or_create(&PeerLabels { state: state_text(state) }).set(whole(count as u64));
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The node's numbers.
#[utoipa::path(
    get, path = "/metrics", tag = "monitoring",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics<D: Disk>(State(app): State<App<D>>) -> Result<impl IntoResponse, Problem> {
    app.0.metrics.set(&app.0.handle.status(), app.0.handle.mining_rate());
    let mut text = String::new();
    let failed = |error| Problem::new(Code::Internal, format_args!("the metrics cannot be written: {error}"));
    encode(&mut text, &app.0.metrics.registry).map_err(failed)?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
