//! The HTTP API through its router, without a socket. Requests are parted by zeros; each is `METHOD TARGET [HOST]`, a
//! line feed and a body, and one that begins with `~` comes from another computer. Whatever they are, no answer is a
//! failure of the node, every refusal is a problem as RFC 9457 has it and changes nothing, and nobody else gets at
//! the wallet.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use mote::api::guard::TokenPolicy;
use mote::api::token::Token;
use mote::api::{App, AppParts, router};
use mote::checkpoint::Checkpoint;
use mote::clock::Clock;
use mote::driver::{DriverJoin, start};
use mote::net::{Network, PeerLimits};
use mote::node::request::{MiningSettings, PeerAddress, RateLimit, Switch};
use mote::node::{Node, Options};
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote::store::segment::Identity;
use mote::wallet::service::WalletService;
use mote_core::address::Address;
use mote_core::keys::PublicKey;
use mote_core::rules::Clock as RuleClock;
use mote_core::units::Height;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use super::grove::Grove;
use crate::fixtures::{account, key};

/// The most requests of one input.
const REQUESTS: usize = 6;

/// The largest answer that is read.
const ANSWER_MAX_BYTES: usize = 1 << 24;

/// What only the operator may reach.
const PRIVATE: [&str; 4] = ["/api/v1/wallet", "/api/v1/mining", "/api/v1/peers", "/api/v1/resolve"];

/// What everybody may read and only the operator change.
const OPERATED: &str = "/api/v1/checkpoints";

/// The account whose checkpoints the node follows.
const VOUCHER: u64 = 1;

/// Whose wallet the node has: the words of an entropy of zeros.
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

/// Reads requests and makes them one after another.
pub fn run(data: &[u8]) {
    let requests: Vec<Asked> = data.split(|byte| *byte == 0).filter_map(Asked::read).take(REQUESTS).collect();
    if requests.is_empty() {
        return;
    }
    let runtime = runtime();
    runtime.block_on(async {
        let running = Running::start();
        for request in &requests {
            running.make(request).await;
        }
        running.join.stop().await.expect("the node ends well");
    });
}

/// A request for every route of the API's own document, and some more where there is a body.
pub fn seeds() -> Vec<Vec<u8>> {
    let grove = Grove::get();
    let block = grove.branches[0][3].header.id();
    let transaction = grove.branches[0][3].transactions[0].id();
    let address = text_of(&account(1));
    let runtime = runtime();
    let document: Value = runtime.block_on(async {
        let running = Running::start();
        let asked = Asked {
            is_stranger: false,
            method: "GET",
            target: "/api/v1/openapi.json",
            host: None,
            body: b"",
        };
        let text = running.ask(&asked).await.expect("the document is there").text;
        running.join.stop().await.expect("the node ends well");
        serde_json::from_str(&text).expect("the document is JSON")
    });
    let mut seeds: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        let target = path
            .replace("{block}", &block.to_string())
            .replace("{id}", &transaction.to_string())
            .replace("{address}", &address)
            .replace("{peer}", "127.0.0.1:1");
        let methods = methods.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
        seeds.extend(methods.map(|method| format!("{method} {target}\n{{}}")));
    }
    let wallet = [
        "POST /api/v1/mining/block\n".to_owned(),
        format!(
            "POST /api/v1/wallet/send\n{{\"to\":\"{address}\",\"amount\":\"1.5\",\"fee\":\"0.002\",\"memo\":\"x\",\"nonce\":0}}"
        ),
        "GET /api/v1/mempool\n".to_owned(),
        "GET /api/v1/wallet\n".to_owned(),
    ];
    seeds.push(wallet.join("\0"));
    let payment = &grove.payments[3];
    let submitted = json!({
        "sender": text_of(&payment.sender), "recipient": text_of(&payment.recipient), "amount": "0.070002",
        "fee": "0.002", "nonce": payment.nonce, "memo": "", "signature": format!("{:?}", payment.signature),
    });
    for (path, body) in [
        ("transactions", submitted),
        ("wallet/send", json!({"to": address, "amount": "1", "memo": {"hex": "cafe"}})),
        ("wallet", json!({"passphrase": null})),
        ("wallet/restore", json!({"words": WORDS})),
        ("wallet/unlock", json!({"passphrase": "x"})),
        ("mining", json!({"enabled": false, "threads": 2, "limit": null})),
        ("peers", json!({"peer": "127.0.0.1:1"})),
        ("laboratory/hash", json!({"text": "abc", "zero_bits": 8, "search": "on"})),
        ("laboratory/block", json!({"place": "alone"})),
        ("laboratory/block/mine", json!({"bytes": "00"})),
        ("laboratory/chain", json!({"action": {"do": "memo", "height": 3, "payment": 0, "text": "<b>"}})),
        (
            "laboratory/peers",
            json!({"nodes": 2, "steps": [{"do": "mine", "node": 1}, {"do": "pay", "from": "ada", "to": "ben", "amount": "1"}, {"do": "replay", "step": 1, "at": 0}]}),
        ),
        ("laboratory/proofs", json!({"tree": "payments", "leaves": 5, "index": 4, "spoil": 0})),
        ("laboratory/difficulty", json!({"before": 1e5, "after": 1e6, "step": 5, "blocks": 10})),
    ] {
        seeds.push(format!("POST /api/v1/{path}\n{body}"));
    }
    for target in [
        "blocks?before=5&limit=3",
        "blocks/4",
        "charts?blocks=20&points=3",
        "qr?text=abc",
        "branches?limit=2",
        "mempool?limit=1",
        &format!("search?text={address}"),
        &format!("accounts/{address}/history?before=6.0&limit=2"),
    ] {
        seeds.push(format!("GET /api/v1/{target}\n"));
    }
    seeds.push("~GET /api/v1/wallet 192.0.2.1:7700\n".to_owned());
    let (id, params) = (grove.branches[0][0].header.id(), &grove.params);
    let signed = Checkpoint::sign(params.genesis_id(), Height::new(1), id, &key(VOUCHER));
    let signed = signed.line(params.address_prefix);
    for stranger in ["", "~"] {
        seeds.push(format!("{stranger}POST /api/v1/checkpoints\n{signed}\0GET /api/v1/checkpoints\n"));
        seeds.push(format!(
            "POST /api/v1/wallet/restore\n{{\"words\":\"{WORDS}\"}}\0{stranger}POST /api/v1/checkpoints/sign\n{{\"height\":1}}"
        ));
    }
    seeds.into_iter().map(String::into_bytes).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("there is a runtime")
}

fn text_of(key: &PublicKey) -> String {
    Address::new(Grove::get().params.address_prefix, *key).to_string()
}

/// A request as an input has it.
struct Asked<'a> {
    is_stranger: bool,
    method: &'a str,
    target: &'a str,
    host: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (line, body) =
            (std::str::from_utf8(&bytes[..end]).ok()?, bytes.get(end + 1..).unwrap_or_default());
        let (is_stranger, line) = line.strip_prefix('~').map_or((false, line), |line| (true, line));
        let mut words = line.split(' ');
        let asked =
            Self { is_stranger, method: words.next()?, target: words.next()?, host: words.next(), body };
        asked.is_harmless().then_some(asked)
    }

    /// Nothing is to be dialled, and nobody is to mine on and on.
    fn is_harmless(&self) -> bool {
        let body: Option<Value> = serde_json::from_slice(self.body).ok();
        let peer = body.as_ref().and_then(|body| body["peer"].as_str()?.parse::<PeerAddress>().ok());
        let is_dialled = peer.is_some_and(|peer| peer.to_string() != "127.0.0.1:1");
        let mines = self.target.contains("mining") && self.body.windows(4).any(|part| part == b"true");
        !is_dialled && !mines
    }

    fn is_private(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        let is_below =
            |part: &str| path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        PRIVATE.into_iter().any(is_below) || (!matches!(self.method, "GET" | "HEAD") && is_below(OPERATED))
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

/// A node over memory, with its API.
struct Running {
    router: Router,
    join: DriverJoin,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let grove = Grove::get();
        let params = Arc::new(grove.params.clone());
        let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
        let disk = MemoryDisk::new();
        let (mut ledger, _) =
            Ledger::open(disk.clone(), params.clone(), 7, |_| {}).expect("the ledger opens");
        for block in grove.branches[0].iter().chain(&grove.branches[2][7..]) {
            ledger.add(block, RuleClock::AcceptedBefore).expect("the block is valid");
        }
        let (journal, open) =
            Journal::open(disk.clone(), &identity, JournalLimits::default(), 7, ledger.journal_end())
                .expect("the journal opens");
        let mining =
            MiningSettings { miner: None, switch: Switch::Off, threads: 1, limit: RateLimit::Unlimited };
        let options = Options { port: 7_700, nonce: 1, mining, mempool_capacity: 100 };
        let node = Node::new(disk, ledger, (journal, open.transactions), params.clone(), options);
        let handle = tokio::runtime::Handle::current();
        let (network, arrivals) = Network::new(handle, PeerLimits::default(), Vec::new());
        let mut node = node.expect("the node starts");
        node.name_checkpoint_keys(vec![account(VOUCHER)]).expect("there is no file of checkpoints");
        let (handle, join) = start(node, Clock::start(), network, arrivals).expect("the driver starts");
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The time stands still, so that the same bytes do the same again.
        let ticks = std::sync::Arc::new(|| Duration::ZERO);
        let app = App::new(AppParts {
            handle,
            params,
            wallet: WalletService::open(&folder.path().join("wallet"), "regtest", ticks)
                .expect("there is no wallet"),
            token: Token::create(folder.path()).expect("the token is written"),
            bind: (Ipv4Addr::LOCALHOST, 7_700).into(),
            token_policy: TokenPolicy::Remote,
        });
        Self { router: router(app), join, _folder: folder }
    }

    /// Makes a request, and requires what must be so of every answer.
    async fn make(&self, asked: &Asked<'_>) {
        let before = self.state().await;
        let Some(answer) = self.ask(asked).await else { return };
        let Answer { status, headers, text } = &answer;
        let shown = || format!("{} {}: {status} {text}", asked.method, asked.target);
        assert!(!status.is_server_error(), "{}", shown());
        assert_eq!(headers["x-content-type-options"], "nosniff", "{}", shown());
        assert!(headers.contains_key("content-security-policy"), "{}", shown());
        assert!(!headers.contains_key("access-control-allow-origin"), "{}", shown());
        if asked.is_stranger && asked.is_private() {
            assert!(status.is_client_error(), "{}", shown());
        }
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if status.is_client_error() && asked.method != "HEAD" {
            assert_eq!(kind, "application/problem+json", "{}", shown());
            let problem: Value =
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {}", shown()));
            let code = problem["code"].as_str().unwrap_or_default();
            assert!(!code.is_empty() && problem["type"] == format!("/docs#{code}"), "{}", shown());
            assert_eq!(problem["status"], status.as_u16(), "{}", shown());
            assert!(problem["detail"].is_string() && problem["title"].is_string(), "{}", shown());
        } else if kind == "application/json" && asked.method != "HEAD" {
            let parsed = serde_json::from_str::<Value>(text);
            assert!(parsed.is_ok(), "{}", shown());
        }
        if !status.is_success() {
            assert_eq!(self.state().await, before, "{}", shown());
        }
    }

    /// What a refused request must not change.
    async fn state(&self) -> Vec<Value> {
        let mut state = Vec::new();
        for target in ["/api/v1/status", "/api/v1/mempool", "/api/v1/wallet/addresses", "/api/v1/checkpoints"]
        {
            let asked = Asked { is_stranger: false, method: "GET", target, host: None, body: b"" };
            let answer = self.ask(&asked).await.expect("the request is one");
            let mut value: Value = serde_json::from_str(&answer.text).expect("the API answers in JSON");
            if target == "/api/v1/status" {
                value = json!([value["height"], value["tip"], value["work"], value["mempool"]]);
            }
            state.push(value);
        }
        state
    }

    /// The answer; none where the request cannot be made at all.
    async fn ask(&self, asked: &Asked<'_>) -> Option<Answer> {
        let target: Uri = asked.target.parse().ok()?;
        let remote: SocketAddr = if asked.is_stranger {
            ([192, 0, 2, 9], 5_000).into()
        } else {
            (Ipv4Addr::LOCALHOST, 5_000).into()
        };
        let mut request = Request::builder().method(asked.method).uri(target);
        if !asked.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request =
            request.header("host", asked.host.unwrap_or("localhost:7700")).extension(ConnectInfo(remote));
        let request = request.body(Body::from(asked.body.to_vec())).ok()?;
        let response = self.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("the router answers everything").into_parts();
        let is_endless = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_endless {
            Default::default()
        } else {
            to_bytes(body, ANSWER_MAX_BYTES).await.expect("the answer is whole")
        };
        Some(Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}
