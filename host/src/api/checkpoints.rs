//! Blocks that the operator's chosen keys vouch for. Everybody may see them, the operator adds them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mote_core::address::Address;
use mote_core::units::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{Code, Problem};
use super::extract;
use super::json::public_key;
use super::transactions::unexpected;
use super::wallet::find_sender;
use crate::checkpoint::{CheckpointJson, ReadCheckpoint};
use crate::forms::Text;
use crate::node::checkpoints::{CheckpointError, Standing};
use crate::node::request::{Reply, Request};
use crate::store::disk::Disk;
use crate::wallet::service::ServiceError;

/// A checkpoint and what became of it.
#[derive(Serialize, ToSchema)]
pub struct KeptCheckpoint {
    /// The checkpoint.
    #[serde(flatten)]
    checkpoint: CheckpointJson,
    /// `held`: the chain has the block and never leaves it. `ahead`: the chain is not that long yet.
    /// `conflict`: this node's chain had another block there before. `equivocal`: its key vouches for another
    /// block of that height too, so neither counts. `unnamed`: the operator does not name its key any more.
    #[schema(example = "held")]
    standing: &'static str,
}

/// Which block to vouch for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignCheckpoint {
    /// Height of a block of the main chain, at least 1.
    height: u64,
    /// The address of the wallet whose key signs; the first where it is not given.
    #[schema(value_type = Option<String>, example = "lmote1…")]
    key: Option<Text<Address>>,
}

fn standing_text(standing: Standing) -> &'static str {
    match standing {
        Standing::Held => "held",
        Standing::Ahead => "ahead",
        Standing::Conflict => "conflict",
        Standing::Equivocal => "equivocal",
        Standing::Unnamed => "unnamed",
    }
}

/// The checkpoints that this node keeps, highest first. They are its operator's policy, and no rule of the
/// network.
#[utoipa::path(
    get, path = "/api/v1/checkpoints", tag = "chain",
    responses((status = 200, body = Vec<KeptCheckpoint>))
)]
pub async fn list<D: Disk>(State(app): State<App<D>>) -> Result<Json<Vec<KeptCheckpoint>>, Problem> {
    let prefix = app.0.params.address_prefix;
    let kept = app.0.handle.view(|node| node.checkpoints()).await?;
    let list = kept.iter().map(|(checkpoint, standing)| KeptCheckpoint {
        checkpoint: CheckpointJson::new(prefix, checkpoint),
        standing: standing_text(*standing),
    });
    Ok(Json(list.collect()))
}

/// Adds a checkpoint of a key that the operator named with `--checkpoint-key`. From then on the node follows
/// no chain that has another block at that height, and leaves none that has this one.
#[utoipa::path(
    post, path = "/api/v1/checkpoints", tag = "peers", request_body = CheckpointJson,
    responses(
        (status = 201, body = KeptCheckpoint),
        (status = 400, description = "malformed"),
        (status = 409, description = "checkpoint-conflict: this chain, or the same key, has another block there"),
        (status = 422, description = "checkpoint-invalid, checkpoint-key"),
        (status = 503, description = "read-only"),
    )
)]
pub async fn add<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(read): extract::Json<ReadCheckpoint>,
) -> Result<(StatusCode, Json<KeptCheckpoint>), Problem> {
    match app.0.handle.request(Request::AddCheckpoint(read)).await? {
        Reply::CheckpointAdded(added) => {
            let (checkpoint, standing) = added?;
            let checkpoint = CheckpointJson::new(app.0.params.address_prefix, &checkpoint);
            Ok((StatusCode::CREATED, Json(KeptCheckpoint { checkpoint, standing: standing_text(standing) })))
        }
        other => Err(unexpected(&other)),
    }
}

/// Vouches for a block of this node's main chain with a key of its wallet. The answer is the checkpoint, for
/// those whose nodes name that key; this node does not follow it by that.
#[utoipa::path(
    post, path = "/api/v1/checkpoints/sign", tag = "wallet", request_body = SignCheckpoint,
    responses(
        (status = 201, body = CheckpointJson),
        (status = 400, description = "malformed"),
        (status = 404, description = "no-wallet, not-found"),
        (status = 409, description = "wallet-locked"),
    )
)]
pub async fn sign<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(SignCheckpoint { height, key }): extract::Json<SignCheckpoint>,
) -> Result<(StatusCode, Json<CheckpointJson>), Problem> {
    if height == 0 {
        return Err(Problem::malformed("height", "expected at least 1, got 0"));
    }
    let params = &app.0.params;
    let key = key.map(|key| public_key("key", key, params)).transpose()?;
    let info = app.0.wallet.info().await?.ok_or(ServiceError::NoWallet)?;
    let (index, _) = find_sender(&info, key)?;
    let block = app.0.handle.view(move |node| node.ledger().id_at(height)).await??;
    let block =
        block.ok_or_else(|| Problem::not_found(format_args!("there is no block at height {height}")))?;
    let signed = app.0.wallet.vouch(index, params.genesis_id(), Height::new(height), block).await?;
    Ok((StatusCode::CREATED, Json(CheckpointJson::new(params.address_prefix, &signed))))
}

impl From<CheckpointError> for Problem {
    fn from(error: CheckpointError) -> Self {
        let code = match error {
            CheckpointError::Invalid(_) | CheckpointError::File { .. } => Code::CheckpointInvalid,
            CheckpointError::UnknownKey => Code::CheckpointKey,
            CheckpointError::Conflict(_) | CheckpointError::Equivocal { .. } => Code::CheckpointConflict,
            CheckpointError::Full { .. } => Code::CheckpointsFull,
            CheckpointError::NotWritten(_) => Code::ReadOnly,
            CheckpointError::Store(_) => Code::Internal,
        };
        Self::new(code, error)
    }
}
