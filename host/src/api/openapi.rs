//! The API's description of itself, OpenAPI 3.1, made from the handlers and forms.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::error::ProblemJson;
use super::{
    accounts, blocks, branches, card, charts, checkpoints, events, laboratory, mempool, metrics, mining,
    page, peers, qr, search, status, transactions, wallet,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mote",
        description = "The HTTP API of a Mote node. Amounts are decimal strings of motes, ids, keys and memos \
                       lower-case hexadecimal, accounts addresses. Lists are newest first, with `before` and \
                       `limit`. Errors are `application/problem+json` (RFC 9457) with a `code` that a program \
                       can match. Routes tagged wallet, mining and peers are the operator's: they need a Host \
                       of this node, the same origin, and from anywhere but this computer the bearer token.",
    ),
    tags(
        (name = "chain", description = "The chain as it grows"),
        (name = "transactions", description = "Transactions, open and mined"),
        (name = "accounts", description = "Accounts and their proofs"),
        (name = "laboratory", description = "Experiments, which read and change nothing of the node"),
        (name = "wallet", description = "The node's wallet, for its operator"),
        (name = "mining", description = "The miner, for its operator"),
        (name = "peers", description = "The peers, for the operator"),
        (name = "monitoring", description = "For monitors"),
        (name = "pages", description = "For people"),
    ),
    paths(
        status::status,
        card::card,
        search::search,
        charts::charts,
        blocks::list,
        blocks::block,
        blocks::header,
        blocks::raw,
        branches::siblings,
        branches::list,
        transactions::submit,
        transactions::transaction,
        transactions::proof,
        accounts::account,
        accounts::history,
        accounts::proof,
        mempool::mempool,
        laboratory::try_hash,
        laboratory::judge_block,
        laboratory::mine_block,
        laboratory::change_chain,
        laboratory::replay,
        laboratory::prove,
        laboratory::follow_difficulty,
        wallet::wallet,
        wallet::create,
        wallet::restore,
        wallet::unlock,
        wallet::lock,
        wallet::addresses,
        wallet::add_address,
        wallet::send,
        mining::mining,
        mining::set,
        mining::mine_block,
        peers::list,
        peers::add,
        peers::remove,
        peers::resolve,
        checkpoints::list,
        checkpoints::add,
        checkpoints::sign,
        events::events,
        openapi,
        metrics::metrics,
        status::health,
        qr::qr,
        page::index,
        page::asset,
        page::offline_wallet,
        page::docs,
    ),
    components(schemas(ProblemJson)),
    modifiers(&Common)
)]
struct Description;

/// What all routes have in common: the form of errors, and the token of the operator's routes.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The content of the file api-token in the node's data folder."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
        let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                let is_private = |tag: &String| ["wallet", "mining", "peers"].contains(&tag.as_str());
                if operation.tags.iter().flatten().any(is_private) {
                    let needs = utoipa::openapi::security::SecurityRequirement::new;
                    let none = utoipa::openapi::security::SecurityRequirement::default();
                    operation.security = Some(vec![none, needs("token", Vec::<String>::new())]);
                }
                for (status, response) in &mut operation.responses.responses {
                    if let (Ok(400..), RefOr::T(response)) = (status.parse::<u16>(), response) {
                        response.content.insert("application/problem+json".to_owned(), RefOr::T(problem()));
                    }
                }
                let any = ResponseBuilder::new()
                    .description("any other error")
                    .content("application/problem+json", problem());
                operation.responses.responses.insert("default".to_owned(), RefOr::T(any.build()));
            }
        }
    }
}

/// The document; it never changes while the program runs.
pub fn document() -> &'static utoipa::openapi::OpenApi {
    static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(Description::openapi);
    &DOCUMENT
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "pages", responses((status = 200, body = Object)))]
pub async fn openapi() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(|| serde_json::to_string(document()).unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
