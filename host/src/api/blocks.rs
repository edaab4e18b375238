//! Blocks and headers.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use mote_core::address::AddressPrefix;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::Problem;
use super::extract::{Paging, Query, Segment};
use super::lookup::{self, BlockName};
use crate::forms::{HeaderJson, TransactionJson};
use crate::store::disk::Disk;
use crate::store::lookup::{BlockEntry, Branch};

/// A block without its transactions.
#[derive(Serialize, ToSchema)]
#[schema(as = BlockSummary)]
pub struct BlockSummary {
    /// What proof of work covers.
    #[serde(flatten)]
    header: HeaderJson,
    /// The work of the chain up to and including the block, in attempts, hexadecimal.
    work: String,
    /// How many blocks of the main chain confirm it, itself included; 0 on another branch.
    confirmations: u64,
    /// Whether the block is on the chain of most work.
    on_main_chain: bool,
}

/// A block.
#[derive(Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockJson {
    /// The block without its transactions.
    #[serde(flatten)]
    summary: BlockSummary,
    /// Its transactions, in the order in which they apply.
    transactions: Vec<TransactionJson>,
}

impl BlockSummary {
    /// The form of a block with its confirmations.
    pub fn new(prefix: AddressPrefix, entry: &BlockEntry, confirmations: u64) -> Self {
        Self {
            header: HeaderJson::new(prefix, &entry.header),
            work: entry.work.to_string(),
            confirmations,
            on_main_chain: entry.branch == Branch::Main,
        }
    }
}

/// The last blocks of the main chain, newest first. `before` is a height.
#[utoipa::path(
    get, path = "/api/v1/blocks", tag = "chain", params(Paging),
    responses((status = 200, body = Vec<BlockSummary>), (status = 400, description = "malformed"))
)]
pub async fn list<D: Disk>(
    State(app): State<App<D>>,
    Query(paging): Query<Paging>,
) -> Result<Json<Vec<BlockSummary>>, Problem> {
    let (before, limit) = (paging.before_height()?, paging.limit()?);
    let blocks = app.0.handle.view(move |node| lookup::blocks(node, before, limit)).await??;
    let prefix = app.0.params.address_prefix;
    let blocks = blocks.iter().map(|(entry, confirmations)| BlockSummary::new(prefix, entry, *confirmations));
    Ok(Json(blocks.collect()))
}

/// A block with its transactions.
#[utoipa::path(
    get, path = "/api/v1/blocks/{block}", tag = "chain",
    params((
        "block" = String, Path, pattern = "^([0-9]{1,20}|[0-9a-f]{64})$",
        description = "a height on the main chain, or the id of any block",
    )),
    responses(
        (status = 200, body = BlockJson),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found"),
    )
)]
pub async fn block<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<BlockJson>, Problem> {
    let name = BlockName::parse(&text)?;
    let found = app.0.handle.view(move |node| lookup::block(node, name)).await??;
    let (entry, confirmations, block) = found.ok_or_else(|| unknown(name))?;
    let prefix = app.0.params.address_prefix;
    let transactions = block.transactions.iter();
    let transactions =
        transactions.map(|transaction| TransactionJson::new(prefix, &transaction.id(), transaction));
    let transactions = transactions.collect();
    Ok(Json(BlockJson { summary: BlockSummary::new(prefix, &entry, confirmations), transactions }))
}

/// A block's header.
#[utoipa::path(
    get, path = "/api/v1/blocks/{block}/header", tag = "chain",
    params((
        "block" = String, Path, pattern = "^([0-9]{1,20}|[0-9a-f]{64})$",
        description = "a height on the main chain, or the id of any block",
    )),
    responses(
        (status = 200, body = HeaderJson),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found"),
    )
)]
pub async fn header<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<HeaderJson>, Problem> {
    let name = BlockName::parse(&text)?;
    let found = app.0.handle.view(move |node| lookup::entry(node, name)).await??;
    let (entry, _) = found.ok_or_else(|| unknown(name))?;
    Ok(Json(HeaderJson::new(app.0.params.address_prefix, &entry.header)))
}

/// A block's wire form, from which everybody can compute its id.
#[utoipa::path(
    get, path = "/api/v1/blocks/{block}/raw", tag = "chain",
    params((
        "block" = String, Path, pattern = "^([0-9]{1,20}|[0-9a-f]{64})$",
        description = "a height on the main chain, or the id of any block",
    )),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found"),
    )
)]
pub async fn raw<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<impl IntoResponse, Problem> {
    let name = BlockName::parse(&text)?;
    let found = app.0.handle.view(move |node| match lookup::entry(node, name)? {
        Some((entry, _)) => node.ledger().block_bytes(&entry.id),
        None => Ok(None),
    });
    let bytes = found.await??.ok_or_else(|| unknown(name))?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes))
}

/// There is no such block.
pub(super) fn unknown(name: BlockName) -> Problem {
    Problem::not_found(format_args!("there is no block {name}"))
}
