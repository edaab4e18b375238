//! The HTTP API and the pages of a node.
//!
//! [`router`] makes everything but the connections of peers, apart from serving it; whoever serves it
//! must pass on where requests come from (`into_make_service_with_connect_info::<SocketAddr>`). [`at_once`] may be asked
//! first.
//! Handlers read through views of the node and change it through requests; none of them decides
//! anything about the chain.
//!
//! | file | purpose |
//! | --- | --- |
//! | `guard`, `token` | who may do what |
//! | `framing` | where a request ends |
//! | `entrance` | what every request passes |
//! | `answers` | what stays as it is until the node publishes something else |
//! | `extract`, `json`, `secret`, `error` | what comes in, and what goes wrong; [`crate::forms`] is what goes out |
//! | `lookup` | everything that is read from the node |
//! | `status`, `blocks`, `transactions`, `accounts`, `mempool` | the chain |
//! | `checkpoints` | blocks that chosen keys vouch for |
//! | `branches` | what stands beside the main chain |
//! | `course`, `charts` | how the chain went |
//! | `search`, `card`, `qr` | finding what a text names; joining the network; texts as pictures |
//! | `wallet`, `mining`, `peers` | what only the operator may do |
//! | `laboratory` | experiments |
//! | `events` | server-sent events |
//! | `metrics`, `openapi`, `page` | for monitors, for programs, for people |

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler as Handles;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use mote_core::params::Params;

pub mod accounts;
mod answers;
pub mod blocks;
pub mod branches;
pub mod card;
pub mod charts;
pub mod checkpoints;
mod course;
mod entrance;
pub mod error;
pub mod events;
pub mod extract;
mod framing;
pub mod guard;
pub mod json;
pub mod laboratory;
pub mod lookup;
pub mod mempool;
pub mod metrics;
pub mod mining;
pub mod openapi;
pub mod page;
pub mod peers;
pub mod qr;
pub mod search;
pub mod secret;
pub mod status;
#[cfg(test)]
mod tests;
pub mod token;
pub mod transactions;
pub mod wallet;

use answers::{Answers, Depends};
use course::Course;
use error::{Code, Problem};
use events::Streams;
use guard::{Class, Guard, TokenPolicy};
use laboratory::Benches;
use metrics::Metrics;
use token::Token;

use crate::node::handle::Handle;
use crate::store::disk::Disk;
use crate::wallet::service::WalletService;
use crate::web;

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
    bind: SocketAddr,
    wallet: WalletService,
    guard: Arc<Guard>,
    course: Course,
    streams: Streams,
    metrics: Metrics,
    benches: Benches,
    answers: Answers,
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
        let (streams, metrics, benches) = (Streams::new(), Metrics::new(), Benches::default());
        Self(Arc::new(Shared {
            handle,
            params,
            bind,
            wallet,
            guard,
            course: Course::default(),
            streams,
            metrics,
            benches,
            answers: Answers::default(),
        }))
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
        .layer(from_fn_with_state(app.clone(), entrance::pass::<D>))
        .with_state(app)
}

/// Answers requests of these clients whose answers are there already, before they get to the [`router`].
pub fn at_once<D: Disk, B>(app: App<D>) -> impl Fn(SocketAddr, &Request<B>) -> Option<Response> {
    move |client, request| entrance::at_once(&app, client, request)
}

/// The route of peers, behind what `entrance` asks of it.
pub fn guarded(peers: Router) -> Router {
    peers.layer(from_fn(entrance::pass_peer))
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::not_found(format_args!("there is no route {path:?}"))
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(Code::MethodNotAllowed, format_args!("the route does not have {method}"))
}

/// The routes with a list of them, which axum does not give out again.
struct Routes<D: Disk> {
    router: Router<App<D>>,
    app: App<D>,
    #[cfg(test)]
    list: Vec<(MethodFilter, &'static str)>,
}

impl<D: Disk> Routes<D> {
    fn all(app: &App<D>) -> Self {
        use Class::{LoopbackOnly, Private, Public};
        let (read, make, remove) = (MethodFilter::GET, MethodFilter::POST, MethodFilter::DELETE);
        let pages = web::PAGES.into_iter();
        pages
            .fold(Self::new(app), |routes, path| routes.add(Public, read, path, page::index))
            .add(Public, read, "/web/{*path}", page::asset)
            .add(Public, read, "/offline-wallet.html", page::offline_wallet)
            .add(Public, read, "/docs", page::docs)
            .add(Public, read, "/healthz", status::health::<D>)
            .add(Public, read, "/metrics", metrics::metrics::<D>)
            .add(Public, read, "/api/v1/openapi.json", openapi::openapi)
            .add_kept(Depends::Status, "/api/v1/status", status::status::<D>)
            .add(Public, read, "/api/v1/card", card::card::<D>)
            .add(Public, read, "/api/v1/search", search::search::<D>)
            .add(Public, read, "/api/v1/qr", qr::qr)
            .add(Public, read, "/api/v1/charts", charts::charts::<D>)
            .add_kept(Depends::Tip, "/api/v1/blocks", blocks::list::<D>)
            .add_kept(Depends::Tip, "/api/v1/blocks/{block}", blocks::block::<D>)
            .add_kept(Depends::Tip, "/api/v1/blocks/{block}/header", blocks::header::<D>)
            .add_kept(Depends::Tip, "/api/v1/blocks/{block}/raw", blocks::raw::<D>)
            .add(Public, read, "/api/v1/blocks/{block}/siblings", branches::siblings::<D>)
            .add(Public, read, "/api/v1/branches", branches::list::<D>)
            .add(Public, make, "/api/v1/transactions", transactions::submit::<D>)
            .add(Public, read, "/api/v1/transactions/{id}", transactions::transaction::<D>)
            .add_kept(Depends::Tip, "/api/v1/transactions/{id}/proof", transactions::proof::<D>)
            .add_kept(Depends::TipAndOpen, "/api/v1/accounts/{address}", accounts::account::<D>)
            .add_kept(Depends::Tip, "/api/v1/accounts/{address}/history", accounts::history::<D>)
            .add_kept(Depends::Tip, "/api/v1/accounts/{address}/proof", accounts::proof::<D>)
            .add(Public, read, "/api/v1/mempool", mempool::mempool::<D>)
            .add(Public, read, "/api/v1/events", events::events::<D>)
            .add(Public, make, "/api/v1/laboratory/hash", laboratory::try_hash::<D>)
            .add(Public, make, "/api/v1/laboratory/block", laboratory::judge_block::<D>)
            .add(Public, make, "/api/v1/laboratory/block/mine", laboratory::mine_block::<D>)
            .add(Public, make, "/api/v1/laboratory/chain", laboratory::change_chain::<D>)
            .add(Public, make, "/api/v1/laboratory/peers", laboratory::replay::<D>)
            .add(Public, make, "/api/v1/laboratory/proofs", laboratory::prove::<D>)
            .add(Public, make, "/api/v1/laboratory/difficulty", laboratory::follow_difficulty::<D>)
            .add(Private, read, "/api/v1/wallet", wallet::wallet::<D>)
            .add(LoopbackOnly, make, "/api/v1/wallet", wallet::create::<D>)
            .add(LoopbackOnly, make, "/api/v1/wallet/restore", wallet::restore::<D>)
            .add(LoopbackOnly, make, "/api/v1/wallet/unlock", wallet::unlock::<D>)
            .add(Private, make, "/api/v1/wallet/lock", wallet::lock::<D>)
            .add(Private, read, "/api/v1/wallet/addresses", wallet::addresses::<D>)
            .add(Private, make, "/api/v1/wallet/addresses", wallet::add_address::<D>)
            .add(Private, make, "/api/v1/wallet/send", wallet::send::<D>)
            .add(Private, read, "/api/v1/mining", mining::mining::<D>)
            .add(Private, make, "/api/v1/mining", mining::set::<D>)
            .add(Private, make, "/api/v1/mining/block", mining::mine_block::<D>)
            .add(Private, read, "/api/v1/peers", peers::list::<D>)
            .add(Private, make, "/api/v1/peers", peers::add::<D>)
            .add(Private, remove, "/api/v1/peers/{peer}", peers::remove::<D>)
            .add(Private, make, "/api/v1/resolve", peers::resolve::<D>)
            .add(Public, read, "/api/v1/checkpoints", checkpoints::list::<D>)
            .add(Private, make, "/api/v1/checkpoints", checkpoints::add::<D>)
            .add(Private, make, "/api/v1/checkpoints/sign", checkpoints::sign::<D>)
    }

    fn new(app: &App<D>) -> Self {
        Self {
            router: Router::new(),
            app: app.clone(),
            #[cfg(test)]
            list: Vec::new(),
        }
    }

    /// A public route for reading what depends on its path and on this alone.
    fn add_kept<T: 'static>(
        self,
        depends: Depends,
        path: &'static str,
        handler: impl Handles<T, App<D>>,
    ) -> Self {
        let keep = from_fn_with_state((self.app.clone(), depends, path), answers::keep::<D>);
        self.add_route(MethodFilter::GET, path, on(MethodFilter::GET, handler).route_layer(keep))
    }

    fn add<T: 'static>(
        self,
        class: Class,
        method: MethodFilter,
        path: &'static str,
        handler: impl Handles<T, App<D>>,
    ) -> Self {
        let mut route = on(method, handler);
        if class != Class::Public {
            let guard = self.app.0.guard.clone();
            route = route.route_layer(from_fn_with_state((guard, class), guard::guard));
        }
        self.add_route(method, path, route)
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "only tests list the routes"))]
    fn add_route(mut self, method: MethodFilter, path: &'static str, route: MethodRouter<App<D>>) -> Self {
        self.router = self.router.route(path, route);
        #[cfg(test)]
        self.list.push((method, path));
        self
    }
}
