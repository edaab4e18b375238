//! Open transactions.

use axum::Json;
use axum::extract::State;

use super::App;
use super::error::Problem;
use super::extract::{Paging, Query};
use super::transactions::parse_id;
use crate::forms::TransactionJson;
use crate::store::disk::Disk;

/// Open transactions in the order in which a miner takes them: by fee, a sender's by nonce. `before`
/// is the id of the last one that was read, and the list goes on behind it.
#[utoipa::path(
    get, path = "/api/v1/mempool", tag = "transactions", params(Paging),
    responses(
        (status = 200, body = Vec<TransactionJson>),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found: the transaction of `before` is not open any more"),
    )
)]
pub async fn mempool<D: Disk>(
    State(app): State<App<D>>,
    Query(paging): Query<Paging>,
) -> Result<Json<Vec<TransactionJson>>, Problem> {
    let (before, limit) = (paging.before.as_deref().map(parse_id).transpose()?, paging.limit()?);
    let entries = app.0.handle.view(move |node| {
        let mut open = node.mempool().by_priority();
        if let Some(last) = before {
            open.find(|entry| entry.id() == last)?;
        }
        let taken = open.take(limit).map(|entry| (entry.id(), entry.transaction().clone()));
        Some(taken.collect::<Vec<_>>())
    });
    let entries = entries.await?;
    let entries =
        entries.ok_or_else(|| Problem::not_found("the transaction of before is not open any more"))?;
    let prefix = app.0.params.address_prefix;
    let entries = entries.iter().map(|(id, transaction)| TransactionJson::new(prefix, id, transaction));
    Ok(Json(entries.collect()))
}
