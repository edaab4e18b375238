//! Transactions: sending them in, finding them, proving them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mote_core::hash::Hash32;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Code, Problem};
use super::extract::{self, Segment};
use super::json::{HeaderJson, SubmittedTransaction, TransactionJson};
use super::lookup::{self, Located};
use crate::node::request::{Reply, Request};
use crate::store::disk::Disk;

/// A transaction that was taken in.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// The transaction's id.
    id: String,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransactionStatus {
    /// It waits to be mined.
    Open,
    /// It is on the main chain.
    Mined,
}

/// A transaction and where it is.
#[derive(Serialize, ToSchema)]
#[schema(as = LocatedTransaction)]
pub struct LocatedJson {
    /// The transaction.
    #[serde(flatten)]
    transaction: TransactionJson,
    /// Whether it is open or mined.
    status: TransactionStatus,
    /// Id of its block; null while it is open.
    block: Option<String>,
    /// The block's height; null while it is open.
    height: Option<u64>,
    /// Its place in the block, from 0; null while it is open.
    index: Option<u32>,
    /// How many blocks confirm it; 0 while it is open.
    confirmations: u64,
}

/// What proves a transaction: with the tip's header alone, whoever trusts its id can check that the
/// transaction is on the chain.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
pub struct ReceiptJson {
    /// The network's name.
    network: String,
    /// Id of its genesis block, which the signature covers.
    genesis: String,
    /// The transaction; its id is the leaf.
    transaction: TransactionJson,
    /// Its place in the block, from 0.
    index: u32,
    /// The siblings from the leaf up to the header's `transactions_root` (RFC 6962).
    path: Vec<String>,
    /// The header of the transaction's block.
    header: HeaderJson,
    /// The work of the chain up to and including that block, in attempts, 64 hexadecimal digits; with
    /// the block's id it is the block's leaf in the log of all blocks.
    work: String,
    /// The siblings from that leaf up to the tip's `history_root`, a log of `tip.height` leaves; null
    /// where the block is the tip itself.
    history_path: Option<Vec<String>>,
    /// The header of the last block.
    tip: HeaderJson,
}

/// Takes in a signed transaction from any wallet and passes it on. Answered once it is durable.
#[utoipa::path(
    post, path = "/api/v1/transactions", tag = "transactions", request_body = SubmittedTransaction,
    responses(
        (status = 201, body = Accepted),
        (status = 400, description = "malformed; the detail names the field"),
        (status = 409, description = "known, L1-nonce (used before), replacement-fee"),
        (status = 422, description = "the id of the broken rule, nonce-gap, uncovered"),
        (status = 503, description = "read-only, mempool-full"),
    )
)]
pub async fn submit<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(submitted): extract::Json<SubmittedTransaction>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let transaction = submitted.into_transaction(&app.0.params)?;
    let id = app.submit(transaction).await?;
    Ok((StatusCode::CREATED, Json(Accepted { id: id.to_string() })))
}

/// A transaction, open or mined.
#[utoipa::path(
    get, path = "/api/v1/transactions/{id}", tag = "transactions",
    params(("id" = String, Path, description = "the transaction's id")),
    responses(
        (status = 200, body = LocatedJson),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found"),
    )
)]
pub async fn transaction<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<LocatedJson>, Problem> {
    let id = parse_id(&text)?;
    let found = app.0.handle.view(move |node| lookup::transaction(node, &id)).await??;
    let prefix = app.0.params.address_prefix;
    Ok(Json(match found.ok_or_else(|| unknown(&id))? {
        Located::Open(transaction) => LocatedJson {
            transaction: TransactionJson::new(prefix, &id, &transaction),
            status: TransactionStatus::Open,
            block: None,
            height: None,
            index: None,
            confirmations: 0,
        },
        Located::Mined { transaction, block, height, index, confirmations } => LocatedJson {
            transaction: TransactionJson::new(prefix, &id, &transaction),
            status: TransactionStatus::Mined,
            block: Some(block.to_string()),
            height: Some(height),
            index: Some(index),
            confirmations,
        },
    }))
}

/// The receipt of a mined transaction.
#[utoipa::path(
    get, path = "/api/v1/transactions/{id}/proof", tag = "transactions",
    params(("id" = String, Path, description = "the transaction's id")),
    responses(
        (status = 200, body = ReceiptJson),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found: also while the transaction is open"),
    )
)]
pub async fn proof<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<ReceiptJson>, Problem> {
    let id = parse_id(&text)?;
    let found = app.0.handle.view(move |node| lookup::receipt(node, &id)).await??;
    let lookup::Receipt { transaction, path, header, work, tip, history } =
        found.ok_or_else(|| Problem::not_found(format_args!("no mined transaction has the id {id}")))?;
    let params = &app.0.params;
    let prefix = params.address_prefix;
    let texts = |path: &[Hash32]| path.iter().map(Hash32::to_string).collect();
    Ok(Json(ReceiptJson {
        network: params.network().to_string(),
        genesis: params.genesis_id().to_string(),
        transaction: TransactionJson::new(prefix, &id, &transaction),
        index: path.index,
        path: texts(&path.path),
        header: HeaderJson::new(prefix, &header),
        work: super::json::hex(&work.to_be_bytes()),
        history_path: history.map(|path| texts(&path)),
        tip: HeaderJson::new(prefix, &tip),
    }))
}

impl<D: Disk> App<D> {
    /// Gives the node a transaction; returns once it is durable.
    pub(super) async fn submit(
        &self,
        transaction: mote_core::transaction::Transaction,
    ) -> Result<Hash32, Problem> {
        match self.0.handle.request(Request::Submit(transaction)).await? {
            Reply::Submitted(submitted) => Ok(submitted?),
            other => Err(unexpected(&other)),
        }
    }
}

/// A reply to another request than the one that was made.
pub(super) fn unexpected(reply: &Reply) -> Problem {
    Problem::new(Code::Internal, format_args!("the node gave the reply to another request: {reply:?}"))
}

pub(super) fn parse_id(text: &str) -> Result<Hash32, Problem> {
    text.parse().map_err(|error| Problem::malformed("id", error))
}

fn unknown(id: &Hash32) -> Problem {
    Problem::not_found(format_args!("there is no open or mined transaction with the id {id}"))
}
