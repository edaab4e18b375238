//! Finding what a text names: a block, a transaction or an account.

use axum::Json;
use axum::extract::State;
use mote_core::address::Address;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::Problem;
use super::extract::{Query, parse_number};
use super::lookup::{self, BlockName};
use crate::forms::address;
use crate::store::disk::Disk;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// A height, the id of a block or of a transaction, or an address of this network.
    text: String,
}

/// What a text can name.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = FoundKind)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A block, on whatever branch.
    Block,
    /// A transaction, open or mined.
    Transaction,
    /// An account, used or not.
    Address,
}

/// What a text names.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// What it is.
    kind: Kind,
    /// Path of the page that shows it.
    #[schema(example = "/block/120")]
    at: String,
}

/// What a text can be, before anything is looked up.
enum Named {
    Height(u64),
    Id(Hash32),
    Account(String),
}

/// What a text names, and the page that shows it. Space around the text and the case of letters do not
/// matter.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "chain", params(Question),
    responses(
        (status = 200, body = Found),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found; the detail says what the text was taken for"),
    )
)]
pub async fn search<D: Disk>(
    State(app): State<App<D>>,
    Query(Question { text }): Query<Question>,
) -> Result<Json<Found>, Problem> {
    match read(&text.trim().to_lowercase(), &app.0.params)? {
        Named::Account(address) => Ok(Json(Found { kind: Kind::Address, at: format!("/address/{address}") })),
        Named::Height(height) => {
            let name = BlockName::Height(height);
            let found = app.0.handle.view(move |node| lookup::entry(node, name)).await??;
            if found.is_some() {
                return Ok(Json(Found { kind: Kind::Block, at: format!("/block/{height}") }));
            }
            let tip = app.0.handle.status().height;
            Err(Problem::not_found(format_args!(
                "there is no block at height {height}: the last is at {tip}"
            )))
        }
        Named::Id(id) => {
            let found = app.0.handle.view(move |node| {
                if node.ledger().contains(&id)? {
                    return Ok(Some((Kind::Block, "block")));
                }
                let transaction = lookup::transaction(node, &id)?;
                Ok::<_, Problem>(transaction.map(|_| (Kind::Transaction, "transaction")))
            });
            let none = || {
                Problem::not_found(format_args!("no block and no open or mined transaction has the id {id}"))
            };
            let (kind, page) = found.await??.ok_or_else(none)?;
            Ok(Json(Found { kind, at: format!("/{page}/{id}") }))
        }
    }
}

/// Takes a text in lower case for what its form says.
fn read(text: &str, params: &Params) -> Result<Named, Problem> {
    if let Some(height) = parse_number(text) {
        return Ok(Named::Height(height));
    }
    if let Ok(id) = text.parse() {
        return Ok(Named::Id(id));
    }
    let prefix = params.address_prefix;
    match Address::parse_for(text, params) {
        Ok(found) => Ok(Named::Account(address(prefix, found.public_key()))),
        // The prefix of every network ends like this, and nothing else that can be found does.
        Err(error) if text.contains("mote1") => Err(Problem::not_found(error)),
        Err(_) => {
            let (got, prefix): (String, _) = (text.chars().take(80).collect(), prefix.as_str());
            Err(Problem::not_found(format_args!(
                "expected a height, an id of 64 hexadecimal digits, or an address that starts with {prefix}1, \
                 got {got:?}"
            )))
        }
    }
}
