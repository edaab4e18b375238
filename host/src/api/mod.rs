//! The HTTP API and the pages of a node.
//!
//! [`router`] makes everything but the connections of peers, apart from serving it; whoever serves it
//! must pass on where requests come from (`into_make_service_with_connect_info::<SocketAddr>`).
//! Handlers read through views of the node and change it through requests; none of them decides
//! anything about the chain.
//!
//! | file | purpose |
//! | --- | --- |
//! | `guard`, `token` | who may do what |
//! | `extract`, `json`, `error` | what comes in, what goes out, what goes wrong |
//! | `lookup` | everything that is read from the node |
//! | `status`, `blocks`, `transactions`, `accounts`, `mempool` | the chain |
//! | `wallet`, `mining`, `peers` | what only the operator may do |
//! | `events` | server-sent events |
//! | `metrics`, `openapi`, `page` | for monitors, for programs, for people |

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, delete, get, post};
use axum::{Router, response::IntoResponse};
use mote_core::params::Params;

pub mod accounts;
pub mod blocks;
pub mod error;
pub mod events;
pub mod extract;
pub mod guard;
pub mod json;
pub mod lookup;
pub mod mempool;
pub mod metrics;
pub mod mining;
pub mod openapi;
pub mod page;
pub mod peers;
pub mod status;
#[cfg(test)]
mod tests;
pub mod token;
pub mod transactions;
pub mod wallet;

use error::{Code, Problem};
use events::Streams;
use guard::{Class, Guard, TokenPolicy};
use metrics::Metrics;
use token::Token;

use crate::node::handle::Handle;
use crate::store::disk::Disk;
use crate::wallet::service::WalletService;

/// What the API is made of.
pub struct AppParts<D: Disk> {
    /// The way to the node.
    pub handle: Handle<D>,
    /// The network.
    pub params: Arc<Params>,
    /// The node's wallet.
    pub wallet: WalletService,
    /// The operator's token.
    pub token: Token,
    /// Where the node listens, with the port that it got.
    pub bind: SocketAddr,
    /// When the token is asked for.
    pub token_policy: TokenPolicy,
}

/// What handlers share; clones share the same.
pub struct App<D: Disk>(Arc<Shared<D>>);

struct Shared<D: Disk> {
    handle: Handle<D>,
    params: Arc<Params>,
    wallet: WalletService,
    guard: Arc<Guard>,
    streams: Streams,
    metrics: Metrics,
}

impl<D: Disk> Clone for App<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Disk> App<D> {
    /// Puts the parts together.
    pub fn new(parts: AppParts<D>) -> Self {
        let AppParts { handle, params, wallet, token, bind, token_policy } = parts;
        let guard = Arc::new(Guard::new(bind, token_policy, token));
        let (streams, metrics) = (Streams::new(), Metrics::new());
        Self(Arc::new(Shared { handle, params, wallet, guard, streams, metrics }))
    }

    /// Ends the streams of events, which would keep a server from ending by itself.
    pub fn close(&self) {
        self.0.streams.close();
    }

    /// The node's wallet.
    pub fn wallet(&self) -> &WalletService {
        &self.0.wallet
    }
}

/// All routes but those of peers.
pub fn router<D: Disk>(app: App<D>) -> Router {
    let Routes { router, .. } = Routes::all(&app);
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), metrics::count::<D>))
        .layer(from_fn_with_state((app.0.guard.clone(), Class::Public), guard::guard))
        .layer(from_fn(guard::protect))
        .layer(DefaultBodyLimit::max(extract::BODY_MAX_BYTES))
        .with_state(app)
}

/// Puts the route of peers behind the rules that hold for everybody: a foreign host is refused. Which
/// origins may connect is for the route to say, since the operator may allow some.
pub fn guarded<D: Disk>(app: &App<D>, peers: Router) -> Router {
    let rules = from_fn_with_state((app.0.guard.clone(), Class::Public), guard::guard);
    peers.route_layer(rules).layer(from_fn(guard::protect))
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::not_found(format_args!("there is no route {path:?}"))
}

async fn method_not_allowed(method: Method) -> impl IntoResponse {
    Problem::new(Code::MethodNotAllowed, format_args!("the route does not have {method}"))
}

/// The routes with a list of them, which axum does not give out again.
struct Routes<D: Disk> {
    router: Router<App<D>>,
    guard: Arc<Guard>,
    #[cfg(test)]
    list: Vec<(MethodFilter, &'static str)>,
}

impl<D: Disk> Routes<D> {
    fn all(app: &App<D>) -> Self {
        use Class::{LoopbackOnly, Private, Public};
        let (read, make, remove) = (MethodFilter::GET, MethodFilter::POST, MethodFilter::DELETE);
        Self::new(app)
            .add(Public, read, "/", get(page::index))
            .add(Public, read, "/style.css", get(page::style))
            .add(Public, read, "/script.js", get(page::script))
            .add(Public, read, "/docs", get(page::docs))
            .add(Public, read, "/healthz", get(status::health))
            .add(Public, read, "/metrics", get(metrics::metrics))
            .add(Public, read, "/api/v1/openapi.json", get(openapi::openapi))
            .add(Public, read, "/api/v1/status", get(status::status))
            .add(Public, read, "/api/v1/blocks", get(blocks::list))
            .add(Public, read, "/api/v1/blocks/{block}", get(blocks::block))
            .add(Public, read, "/api/v1/blocks/{block}/header", get(blocks::header))
            .add(Public, read, "/api/v1/blocks/{block}/raw", get(blocks::raw))
            .add(Public, make, "/api/v1/transactions", post(transactions::submit))
            .add(Public, read, "/api/v1/transactions/{id}", get(transactions::transaction))
            .add(Public, read, "/api/v1/transactions/{id}/proof", get(transactions::proof))
            .add(Public, read, "/api/v1/accounts/{address}", get(accounts::account))
            .add(Public, read, "/api/v1/accounts/{address}/history", get(accounts::history))
            .add(Public, read, "/api/v1/accounts/{address}/proof", get(accounts::proof))
            .add(Public, read, "/api/v1/mempool", get(mempool::mempool))
            .add(Public, read, "/api/v1/events", get(events::events))
            .add(Private, read, "/api/v1/wallet", get(wallet::wallet))
            .add(LoopbackOnly, make, "/api/v1/wallet", post(wallet::create))
            .add(LoopbackOnly, make, "/api/v1/wallet/restore", post(wallet::restore))
            .add(LoopbackOnly, make, "/api/v1/wallet/unlock", post(wallet::unlock))
            .add(Private, make, "/api/v1/wallet/lock", post(wallet::lock))
            .add(Private, read, "/api/v1/wallet/addresses", get(wallet::addresses))
            .add(Private, make, "/api/v1/wallet/addresses", post(wallet::add_address))
            .add(Private, make, "/api/v1/wallet/send", post(wallet::send))
            .add(Private, read, "/api/v1/mining", get(mining::mining))
            .add(Private, make, "/api/v1/mining", post(mining::set))
            .add(Private, make, "/api/v1/mining/block", post(mining::mine_block))
            .add(Private, read, "/api/v1/peers", get(peers::list))
            .add(Private, make, "/api/v1/peers", post(peers::add))
            .add(Private, remove, "/api/v1/peers/{peer}", delete(peers::remove))
            .add(Private, make, "/api/v1/resolve", post(peers::resolve))
    }

    fn new(app: &App<D>) -> Self {
        let guard = app.0.guard.clone();
        Self {
            router: Router::new(),
            guard,
            #[cfg(test)]
            list: Vec::new(),
        }
    }

    fn add(
        mut self,
        class: Class,
        method: MethodFilter,
        path: &'static str,
        handler: MethodRouter<App<D>>,
    ) -> Self {
        let rules = from_fn_with_state((self.guard.clone(), class), guard::guard);
        self.router = self.router.route(path, handler.route_layer(rules));
        #[cfg(test)]
        self.list.push((method, path));
        #[cfg(not(test))]
        let _ = method;
        self
    }
}
