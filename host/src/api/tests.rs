mod access;
mod chain;
mod laboratory;
mod payments;
mod views;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use mote_core::params::Network as Chain;
use serde_json::{Value, json};
use tokio::runtime::Handle as Tokio;
use tower::ServiceExt;

use super::*;
use crate::clock::Clock;
use crate::driver::{DriverJoin, start};
use crate::net::{Network, PeerLimits};
use crate::node::request::{MiningSettings, RateLimit, Switch};
use crate::node::{Node, Options};
use crate::store::journal::{Journal, JournalLimits};
use crate::store::ledger::Ledger;
use crate::store::memory::MemoryDisk;
use crate::store::segment::Identity;
use crate::wallet::service::Ticks;

/// A node over memory with its API, asked without a socket.
struct Running {
    app: App<MemoryDisk>,
    router: Router,
    params: Arc<Params>,
    folder: tempfile::TempDir,
    _join: DriverJoin,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts that this is a problem with this status and code, and returns its detail.
    #[track_caller]
    fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/docs#{code}"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        problem["detail"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }
}

fn ticks() -> Ticks {
    let clock = Clock::start();
    Arc::new(move || clock.elapsed())
}

impl Running {
    fn start() -> Self {
        Self::over(|_| {})
    }

    /// The same over a chain that is there before.
    fn over(prepare: impl FnOnce(&mut Ledger<MemoryDisk>)) -> Self {
        let params = Arc::new(Params::new(Chain::Regtest));
        let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
        let disk = MemoryDisk::new();
        let (mut ledger, _) = Ledger::open(disk.clone(), params.clone(), 7, |_| {}).unwrap();
        prepare(&mut ledger);
        let (journal, open) =
            Journal::open(disk.clone(), &identity, JournalLimits::default(), 7, ledger.journal_end())
                .unwrap();
        let mining =
            MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
        let options = Options { port: 7700, nonce: 1, mining, mempool_capacity: 100 };
        let node = Node::new(disk, ledger, (journal, open.transactions), params.clone(), options).unwrap();
        let (network, arrivals) = Network::new(Tokio::current(), PeerLimits::default(), Vec::new());
        let (handle, join) = start(node, Clock::start(), network, arrivals).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let app = App::new(AppParts {
            handle,
            params: params.clone(),
            wallet: WalletService::open(&folder.path().join("wallet"), "regtest", ticks()).unwrap(),
            token: Token::create(folder.path()).unwrap(),
            bind: (Ipv4Addr::LOCALHOST, 7700).into(),
            token_policy: TokenPolicy::Remote,
        });
        Self { router: router(app.clone()), app, params, folder, _join: join }
    }

    async fn ask(&self, request: axum::http::request::Builder, body: Body) -> Answer {
        let mut request = request.body(body).unwrap();
        request.headers_mut().entry("host").or_insert("localhost:7700".parse().unwrap());
        let here: SocketAddr = (Ipv4Addr::LOCALHOST, 5000).into();
        let client = request.extensions_mut().get_or_insert_with(|| ConnectInfo(here)).0;
        let response = match at_once(self.app.clone())(client, &request) {
            Some(response) => response,
            None => self.router.clone().oneshot(request).await.unwrap(),
        };
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path), Body::empty()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    async fn post_text(&self, path: &str, body: &str) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.ask(request, Body::from(body.to_owned())).await
    }

    /// Makes a wallet and mines a block for it; returns its address.
    async fn fund(&self) -> String {
        let made = self.post("/api/v1/wallet", &json!({})).await.ok(201);
        self.mine().await;
        made["address"].as_str().unwrap().to_owned()
    }

    async fn mine(&self) -> Value {
        self.ask(Request::post("/api/v1/mining/block"), Body::empty()).await.ok(201)
    }
}
