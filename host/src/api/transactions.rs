//! Transactions: sending them in, finding them, proving them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mote_core::hash::Hash32;
use mote_core::rules::check_transaction;
use mote_core::transaction::Transaction;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Code, Problem};
use super::extract::{self, Segment};
use super::json::SubmittedTransaction;
use super::lookup::{self, Located};
use crate::forms::TransactionJson;
use crate::node::request::{Reply, Request};
use crate::receipt::form::TransactionReceipt;
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
    params(("id" = String, Path, pattern = "^[0-9a-f]{64}$", description = "the transaction's id")),
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

/// The receipt of a mined transaction, which `mote verify` and anybody else can check without a node.
#[utoipa::path(
    get, path = "/api/v1/transactions/{id}/proof", tag = "transactions",
    params(("id" = String, Path, pattern = "^[0-9a-f]{64}$", description = "the transaction's id")),
    responses(
        (status = 200, body = TransactionReceipt),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found: also while the transaction is open"),
    )
)]
pub async fn proof<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<TransactionReceipt>, Problem> {
    let id = parse_id(&text)?;
    let found = app.0.handle.view(move |node| lookup::transaction_proof(node.ledger(), &id)).await??;
    let proof =
        found.ok_or_else(|| Problem::not_found(format_args!("no mined transaction has the id {id}")))?;
    Ok(Json(TransactionReceipt::new(&app.0.params, &proof)))
}

impl<D: Disk> App<D> {
    /// Gives the node a transaction; returns once it is durable. Its signature is checked here, on any processor
    /// that is free, and not by the one task that owns the chain.
    pub(super) async fn submit(&self, transaction: Transaction) -> Result<Hash32, Problem> {
        let checked = check_transaction(&self.0.params, &transaction)?.keep();
        match self.0.handle.request(Request::SubmitChecked(Box::new(checked))).await? {
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
