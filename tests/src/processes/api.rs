//! A node's HTTP API as a program uses it.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

/// How long any answer may take; a test that expects one sooner says so itself.
const ANSWER: Duration = Duration::from_secs(120);

/// The way to a node.
#[derive(Clone, Debug)]
pub struct Api {
    agent: Agent,
    base: String,
}

/// What a node answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body; null where it is empty, a string where it is no JSON.
    pub body: Value,
}

/// The node at a glance.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// The tip's height.
    pub height: u64,
    /// The tip's id.
    pub tip: String,
    /// The work of the chain.
    pub work: String,
    /// How many peers are connected.
    pub peers: usize,
    /// How many transactions are open.
    pub mempool: usize,
    /// Why nothing is taken in any more.
    pub read_only: Option<String>,
    /// How far the clock is from those of the peers, where that is too far.
    pub clock_skew_seconds: Option<i64>,
}

/// A peer.
#[derive(Clone, Debug, Deserialize)]
pub struct PeerJson {
    /// Its address.
    pub address: String,
    /// Who opened the connection.
    pub direction: String,
    /// How far the connection is.
    pub state: String,
}

/// A wallet that was made.
#[derive(Clone, Debug, Deserialize)]
pub struct Created {
    /// Its first address.
    pub address: String,
    /// Its words.
    pub words: String,
}

/// The wallet.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct WalletJson {
    /// Its first address.
    pub address: String,
    /// What that holds, in motes.
    pub balance: String,
    /// How many of its transactions are mined.
    pub nonce: u64,
}

/// A payment that was taken in.
#[derive(Clone, Debug, Deserialize)]
pub struct Sent {
    /// The transaction's id.
    pub id: String,
    /// Its nonce.
    pub nonce: u64,
}

/// A block that was mined on demand.
#[derive(Clone, Debug, Deserialize)]
pub struct MinedBlock {
    /// Its id.
    pub id: String,
    /// Its height.
    pub height: u64,
}

/// A block.
#[derive(Clone, Debug, Deserialize)]
pub struct BlockJson {
    /// Its id.
    pub id: String,
    /// Its height.
    pub height: u64,
    /// The id of the block before it.
    pub previous: String,
    /// Whether it is on the chain of most work.
    pub on_main_chain: bool,
    /// Its transactions.
    pub transactions: Vec<TransactionJson>,
}

/// A transaction of a block.
#[derive(Clone, Debug, Deserialize)]
pub struct TransactionJson {
    /// Its id.
    pub id: String,
}

/// Where a transaction is.
#[derive(Clone, Debug, Deserialize)]
pub struct Located {
    /// Its id.
    pub id: String,
    /// `open` or `mined`.
    pub status: String,
}

/// What came of asking all peers.
#[derive(Clone, Debug, Deserialize)]
pub struct Resolved {
    /// Whether the tip is another one now.
    pub replaced: bool,
    /// The tip before.
    pub from: Place,
    /// The tip now.
    pub to: Place,
}

/// A block's place.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: String,
    /// Its height.
    pub height: u64,
}

impl Api {
    /// The way to the node that listens here.
    pub fn new(host: &str, port: u16) -> Self {
        // A connection of its own for every request: one that is kept may be ended by the node just when
        // the next request is on its way.
        let settings = Agent::config_builder()
            .max_idle_connections(0)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(ANSWER))
            .build();
        Self { agent: settings.into(), base: format!("http://{host}:{port}") }
    }

    /// Whether the node answers and is well.
    pub fn is_healthy(&self) -> bool {
        self.try_send("GET", "/healthz", None).is_ok_and(|answer| answer.status == 200)
    }

    /// Makes a request; the reason where there is no answer.
    pub fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let failed = |error: ureq::Error| format!("{method} {path}: {error}");
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body.map(Value::to_string).unwrap_or_default());
        let mut response = self.agent.run(request.map_err(|error| failed(error.into()))?).map_err(failed)?;
        let text = response.body_mut().read_to_string().map_err(failed)?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        };
        Ok(Answer { status: response.status().as_u16(), body })
    }

    /// Posts to a route below `/api/v1`; the reason where there is no answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        self.try_send("POST", &format!("/api/v1{path}"), Some(body))
    }

    /// Posts to a route below `/api/v1`.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Asks a route below `/api/v1`.
    pub fn get(&self, path: &str) -> Answer {
        let answer = self.try_send("GET", &format!("/api/v1{path}"), None);
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The text that is answered at a path, good or bad.
    pub fn text(&self, path: &str) -> String {
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        let text = response.and_then(|mut response| response.body_mut().read_to_string());
        text.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// The node at a glance.
    pub fn status(&self) -> Status {
        self.get("/status").expect(200)
    }

    /// The peers.
    pub fn peers(&self) -> Vec<PeerJson> {
        self.get("/peers").expect(200)
    }

    /// Adds a peer.
    pub fn add_peer(&self, address: &str) {
        self.post("/peers", &json!({ "peer": address })).expect::<Value>(201);
    }

    /// Makes a wallet.
    pub fn create_wallet(&self) -> Created {
        self.post("/wallet", &json!({})).expect(201)
    }

    /// The wallet.
    pub fn wallet(&self) -> WalletJson {
        self.get("/wallet").expect(200)
    }

    /// Pays.
    pub fn send(&self, to: &str, amount: &str) -> Sent {
        self.try_pay(to, amount, None).expect(201)
    }

    /// Tries to pay, with a chosen nonce where there is one.
    pub fn try_pay(&self, to: &str, amount: &str, nonce: Option<u64>) -> Answer {
        let mut order = json!({ "to": to, "amount": amount });
        if let Some(nonce) = nonce {
            order["nonce"] = json!(nonce);
        }
        self.post("/wallet/send", &order)
    }

    /// Mines a block.
    pub fn mine(&self) -> MinedBlock {
        self.post("/mining/block", &json!({})).expect(201)
    }

    /// Mines some blocks, one after the other.
    pub fn mine_many(&self, count: usize) {
        for _ in 0..count {
            self.mine();
        }
    }

    /// Turns the miner on or off.
    pub fn set_mining(&self, enabled: bool) {
        self.post("/mining", &json!({ "enabled": enabled })).expect::<Value>(200);
    }

    /// Asks every peer now.
    pub fn resolve(&self) -> Resolved {
        self.post("/resolve", &json!({})).expect(200)
    }

    /// A block by its height or id.
    pub fn block(&self, name: impl ToString) -> BlockJson {
        self.get(&format!("/blocks/{}", name.to_string())).expect(200)
    }

    /// Whether a transaction is `open` or `mined`; `None` where it is not known.
    pub fn transaction_status(&self, id: &str) -> Option<String> {
        let answer = self.get(&format!("/transactions/{id}"));
        (answer.status != 404).then(|| answer.expect::<Located>(200).status)
    }

    /// What an account holds.
    pub fn balance(&self, address: &str) -> String {
        let account: Value = self.get(&format!("/accounts/{address}")).expect(200);
        account["balance"].as_str().expect("a balance is a string").to_owned()
    }
}

impl Answer {
    /// The body of an answer that has this status code.
    pub fn expect<T: DeserializeOwned>(self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.body);
        let body = self.body.to_string();
        serde_json::from_value(self.body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// The code that says why the node refused.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}
