//! The peers of the node, for its operator.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mote_core::hash::Hash32;
use mote_core::units::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::Problem;
use super::extract::{self, Segment};
use super::transactions::unexpected;
use crate::forms::Text;
use crate::node::request::{PeerAddress, Reply, Request};
use crate::node::status::{Direction, PeerState, PeerStatus};
use crate::store::disk::Disk;

/// A peer.
#[derive(Serialize, ToSchema)]
#[schema(as = Peer)]
pub struct PeerJson {
    /// Where it listens, or where its connection comes from.
    #[schema(example = "192.0.2.7:7700")]
    address: String,
    /// Who opened the connection.
    #[schema(value_type = String, example = "outbound", pattern = "^(inbound|outbound)$")]
    direction: &'static str,
    /// How far the connection is.
    #[schema(value_type = String, example = "connected", pattern = "^(waiting|dialling|greeting|connected)$")]
    state: &'static str,
    /// The best height that it claimed or showed.
    height: Option<u64>,
    /// How long a ping takes, in milliseconds.
    latency_ms: Option<u64>,
    /// Bytes received from it.
    bytes_in: u64,
    /// Bytes sent to it.
    bytes_out: u64,
    /// What it was last refused for.
    last_refusal: Option<String>,
}

/// A peer to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPeer {
    /// Where it listens.
    #[schema(value_type = String, example = "192.0.2.7:7700")]
    peer: Text<PeerAddress>,
}

/// A peer that was added.
#[derive(Serialize, ToSchema)]
pub struct AddedPeer {
    /// Where it listens.
    address: String,
}

/// A block by id and height.
#[derive(Serialize, ToSchema)]
pub struct BlockPlace {
    /// Its id.
    id: String,
    /// Its height.
    height: u64,
}

/// What came of asking every peer.
#[derive(Serialize, ToSchema)]
#[schema(as = Resolved)]
pub struct ResolvedJson {
    /// Whether the last block is another one now.
    replaced: bool,
    /// The last block before.
    from: BlockPlace,
    /// The last block after.
    to: BlockPlace,
}

/// The text form of how far a connection is.
pub(super) fn state_text(state: PeerState) -> &'static str {
    match state {
        PeerState::Waiting => "waiting",
        PeerState::Dialling => "dialling",
        PeerState::Greeting => "greeting",
        PeerState::Connected => "connected",
    }
}

impl PeerJson {
    fn new(peer: &PeerStatus) -> Self {
        Self {
            address: peer.address.to_string(),
            direction: match peer.direction {
                Direction::Inbound => "inbound",
                Direction::Outbound => "outbound",
            },
            state: state_text(peer.state),
            height: peer.height.map(Height::get),
            latency_ms: peer.latency_ms,
            bytes_in: peer.bytes_in,
            bytes_out: peer.bytes_out,
            last_refusal: peer.last_refusal.clone(),
        }
    }
}

/// All peers: those that are connected, and those that are dialled or will be again.
#[utoipa::path(get, path = "/api/v1/peers", tag = "peers", responses((status = 200, body = Vec<PeerJson>)))]
pub async fn list<D: Disk>(State(app): State<App<D>>) -> Json<Vec<PeerJson>> {
    Json(app.0.handle.status().peers.iter().map(PeerJson::new).collect())
}

/// Connects to a peer now and again after every start, until it is removed. Whether it can be reached
/// shows in the list.
#[utoipa::path(
    post, path = "/api/v1/peers", tag = "peers", request_body = AddPeer,
    responses(
        (status = 201, body = AddedPeer),
        (status = 400, description = "malformed"),
        (status = 409, description = "peers-full"),
        (status = 422, description = "peer-itself"),
    )
)]
pub async fn add<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(AddPeer { peer: Text(peer) }): extract::Json<AddPeer>,
) -> Result<(StatusCode, Json<AddedPeer>), Problem> {
    let address = peer.to_string();
    app.change_peers(Request::AddPeer(peer)).await?;
    Ok((StatusCode::CREATED, Json(AddedPeer { address })))
}

/// Closes the connection to a peer and forgets its address.
#[utoipa::path(
    delete, path = "/api/v1/peers/{peer}", tag = "peers",
    params(("peer" = String, Path, description = "its address as host:port")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found"),
    )
)]
pub async fn remove<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<StatusCode, Problem> {
    let peer: PeerAddress = text.parse().map_err(|error| Problem::malformed("peer", error))?;
    app.change_peers(Request::RemovePeer(peer)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks every peer for its chain now, and says what came of it. The node does the same by itself.
#[utoipa::path(post, path = "/api/v1/resolve", tag = "peers", responses((status = 200, body = ResolvedJson)))]
pub async fn resolve<D: Disk>(State(app): State<App<D>>) -> Result<Json<ResolvedJson>, Problem> {
    let place = |(id, height): (Hash32, Height)| BlockPlace { id: id.to_string(), height: height.get() };
    match app.0.handle.request(Request::Resolve).await? {
        Reply::Resolved(resolved) => Ok(Json(ResolvedJson {
            replaced: resolved.replaced,
            from: place(resolved.from),
            to: place(resolved.to),
        })),
        other => Err(unexpected(&other)),
    }
}

impl<D: Disk> App<D> {
    async fn change_peers(&self, request: Request) -> Result<(), Problem> {
        match self.0.handle.request(request).await? {
            Reply::PeerChanged(changed) => Ok(changed?),
            other => Err(unexpected(&other)),
        }
    }
}
