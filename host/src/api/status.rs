//! The node at a glance, and whether it is well.

use axum::Json;
use axum::extract::State;
use mote_core::params::Params;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Code, Problem};
use crate::node::status::{PeerState, Status};
use crate::store::disk::Disk;

/// A node at a moment.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
pub struct StatusJson {
    /// The network's name.
    #[schema(example = "local")]
    network: String,
    /// Id of its genesis block.
    genesis: String,
    /// Version of this program.
    version: &'static str,
    /// Height of the last block.
    height: u64,
    /// Its id.
    tip: String,
    /// Its time in Unix seconds.
    tip_time: u64,
    /// The work of the chain in attempts, hexadecimal.
    work: String,
    /// The target of the next block in compact form.
    target: String,
    /// How many attempts the next block takes on average.
    difficulty: f64,
    /// Attempts a second of the whole network, estimated from the last blocks.
    hash_rate: f64,
    /// Peers that are connected.
    peers: usize,
    /// Open transactions.
    mempool: usize,
    /// What is still to be fetched; null where nothing is.
    syncing: Option<SyncJson>,
    /// Why the node takes nothing in any more; null where it does.
    read_only: Option<String>,
    /// How many seconds this computer's clock is ahead of most peers' clocks; null where they agree.
    clock_skew_seconds: Option<i64>,
    /// What stands against the checkpoints that the operator follows: a chain that was refused, this node's own
    /// chain, or a key that vouches for two blocks; null where nothing does. It is no rule of the network.
    checkpoint_conflict: Option<String>,
    /// Blocks stored, those on other branches included.
    blocks_stored: u64,
    /// Size of the log in bytes.
    log_bytes: u64,
}

/// How far fetching the chain is.
#[derive(Serialize, ToSchema)]
#[schema(as = Sync)]
pub struct SyncJson {
    /// Height of the last block that is here.
    height: u64,
    /// Height of the best branch that a peer has shown or claimed.
    target: u64,
    /// Blocks a second lately.
    blocks_per_second: f64,
    /// Seconds left at that rate; null where there is none.
    seconds_left: Option<u64>,
}

impl StatusJson {
    fn new(params: &Params, status: &Status) -> Self {
        let connected = status.peers.iter().filter(|peer| peer.state == PeerState::Connected);
        Self {
            network: params.network().to_string(),
            genesis: params.genesis_id().to_string(),
            version: env!("CARGO_PKG_VERSION"),
            height: status.height.get(),
            tip: status.tip.to_string(),
            tip_time: status.tip_time.seconds(),
            work: status.work.to_string(),
            target: status.target.to_string(),
            difficulty: status.block_work.as_f64(),
            hash_rate: status.hash_rate,
            peers: connected.count(),
            mempool: status.mempool,
            syncing: status.syncing.map(|sync| SyncJson {
                height: sync.height.get(),
                target: sync.target.get(),
                blocks_per_second: sync.blocks_per_second,
                seconds_left: sync.seconds_left,
            }),
            read_only: status.read_only.clone(),
            clock_skew_seconds: status.clock_skew_seconds,
            checkpoint_conflict: status.checkpoint_conflict.clone(),
            blocks_stored: status.blocks_stored,
            log_bytes: status.log_bytes,
        }
    }
}

/// The node's network, chain and state.
#[utoipa::path(get, path = "/api/v1/status", tag = "chain", responses((status = 200, body = StatusJson)))]
pub async fn status<D: Disk>(State(app): State<App<D>>) -> Json<StatusJson> {
    Json(StatusJson::new(&app.0.params, &app.0.handle.status()))
}

/// Whether the node takes blocks and transactions in.
#[utoipa::path(
    get, path = "/healthz", tag = "monitoring",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 503, description = "read-only"))
)]
pub async fn health<D: Disk>(State(app): State<App<D>>) -> Result<&'static str, Problem> {
    match &app.0.handle.status().read_only {
        None => Ok("ok\n"),
        Some(reason) => Err(Problem::new(Code::ReadOnly, reason)),
    }
}
