//! A node as a process of its own, and what a test compares before and after an attack on it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mote_core::address::Address;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use mote_tests::fixtures::{Chain, VecBlock, account, network};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, Request};
use super::peer::{Branch, Peer};

/// Longer than anything here takes on a busy computer, so that only what never comes fails a test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` finds something.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The address of this computer in its network, where it is in one. No packet is sent.
pub fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// The program, which is built along with the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a path");
    let program = tests.ancestors().nth(2).expect("it is in a folder of cargo's").join("mote");
    assert!(program.is_file(), "{} is missing: build the whole workspace first", program.display());
    program
}

/// A node, running or not, and its data.
pub struct Node {
    /// The network that it belongs to.
    pub params: Params,
    /// Its data folder.
    pub folder: TempDir,
    arguments: Vec<String>,
    process: Option<Child>,
    address: SocketAddr,
}

/// What must be the same after an attack as before it.
#[derive(Debug, PartialEq)]
pub struct Holdings {
    height: Value,
    tip: Value,
    work: Value,
    accounts: Vec<Value>,
    open: Value,
}

impl Node {
    /// A new node of `regtest`.
    pub fn start() -> Self {
        Self::start_with("regtest", &[])
    }

    /// A new node of a network, with more arguments.
    pub fn start_with(name: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let common = ["run", "--network", name, "--port", "0", "--log-level", "info"];
        let arguments = common.iter().chain(arguments).map(ToString::to_string).collect();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut node = Self { params: network(name), folder, arguments, process: None, address };
        node.start_again();
        node
    }

    /// Starts the node over its data.
    pub fn start_again(&mut self) {
        let mut process = self.spawn();
        let mut line = String::new();
        let output = process.stdout.take().expect("the output is piped");
        BufReader::new(output).read_line(&mut line).expect("the output is text");
        let said = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next());
        self.process = Some(process);
        let said = said.unwrap_or_else(|| panic!("the node does not start: {}", self.log()));
        self.address = said.parse().expect("a node prints its address");
    }

    /// What the node says where it must not start.
    pub fn refuses_to_start(&mut self) -> String {
        self.kill();
        let status = self.spawn().wait_with_output().expect("the node ends");
        assert!(!status.status.success(), "the node starts: {}", self.log());
        self.log()
    }

    /// The outcome of a verb over the node's data.
    pub fn verb(&self, arguments: &[&str]) -> (bool, String) {
        let network = self.params.network().to_string();
        let mut command = self.command();
        command.args(arguments).args(["--network", &network, "--port", "0"]);
        let output = command.output().expect("the program runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("MOTE_DATA", self.folder.path()).current_dir(self.folder.path());
        command
    }

    fn spawn(&self) -> Child {
        let log = File::create(self.folder.path().join("node.log")).expect("the folder is writable");
        let mut command = self.command();
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        command.spawn().expect("the program runs")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("node.log")).unwrap_or_default()
    }

    /// Ends the node as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it is a child of the test");
            process.wait().expect("it is a child of the test");
        }
    }

    /// Ends the node and starts it over its data.
    pub fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Ends the node and starts it over its data with further arguments.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self.restart();
    }

    /// The folder in which the node keeps its files.
    pub fn inner(&self) -> PathBuf {
        let name = self.params.network().to_string().replace(':', "-");
        self.folder.path().join(format!("{name}-0"))
    }

    /// The one file of the node whose name starts and ends like this.
    pub fn file(&self, start: &str, end: &str) -> PathBuf {
        let is_it = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(start) && name.ends_with(end)
        };
        let entries = fs::read_dir(self.inner()).expect("the node has a folder");
        let mut found: Vec<PathBuf> =
            entries.map(|entry| entry.expect("it is readable").path()).filter(|path| is_it(path)).collect();
        found.sort();
        found.pop().unwrap_or_else(|| panic!("no file {start}…{end}"))
    }

    /// Where the node listens, as seen from this computer.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A GET request.
    pub fn get(&self, path: &str) -> Answer {
        Request::new("GET", path).send(self.address)
    }

    /// A POST request with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        Request::new("POST", path).json(body).send(self.address)
    }

    /// A POST request with a JSON body that may be anything.
    pub fn post_text(&self, path: &str, body: &str) -> Answer {
        Request::new("POST", path).header("Content-Type", "application/json").body(body).send(self.address)
    }

    /// A field of the node's status.
    pub fn status(&self, field: &str) -> Value {
        self.get("/api/v1/status").json()[field].clone()
    }

    /// The height of the tip.
    pub fn height(&self) -> u64 {
        self.status("height").as_u64().expect("a height is a number")
    }

    /// The text form of an account.
    pub fn text(&self, key: PublicKey) -> String {
        Address::new(self.params.address_prefix, key).to_string()
    }

    /// What an account has, in grains.
    pub fn balance(&self, key: PublicKey) -> u64 {
        let account = self.get(&format!("/api/v1/accounts/{}", self.text(key))).json();
        let balance: Amount =
            account["balance"].as_str().and_then(|text| text.parse().ok()).expect("an amount");
        balance.grains()
    }

    /// The ids of the open transactions.
    pub fn open(&self) -> Vec<String> {
        let open = self.get("/api/v1/mempool").json();
        let ids = open.as_array().expect("a list").iter().map(|open| open["id"].as_str().map(str::to_owned));
        ids.collect::<Option<_>>().expect("transactions have ids")
    }

    /// Makes a wallet; its address.
    pub fn make_wallet(&self) -> String {
        let made = self.post("/api/v1/wallet", &json!({}));
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["address"].as_str().expect("an address").to_owned()
    }

    /// Mines a block for the wallet.
    pub fn mine(&self) -> Value {
        let mined = self.post("/api/v1/mining/block", &json!({}));
        assert_eq!(mined.status, 201, "{mined:?}");
        mined.json()
    }

    /// The JSON form of a transaction.
    pub fn json(&self, transaction: &Transaction) -> Value {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        json!({
            "sender": self.text(transaction.sender), "recipient": self.text(transaction.recipient),
            "amount": transaction.amount.to_string(), "fee": transaction.fee.to_string(),
            "nonce": transaction.nonce, "memo": hex(&transaction.memo),
            "signature": hex(transaction.signature.as_bytes()),
        })
    }

    /// Sends in a signed transaction.
    pub fn submit(&self, transaction: &Transaction) -> Answer {
        self.post("/api/v1/transactions", &self.json(transaction))
    }

    /// What is to be compared.
    pub fn holdings(&self) -> Holdings {
        let status = self.get("/api/v1/status").json();
        let accounts = (1..=4).map(|number| {
            self.get(&format!("/api/v1/accounts/{}", self.text(account(number)))).json()["balance"].clone()
        });
        Holdings {
            height: status["height"].clone(),
            tip: status["tip"].clone(),
            work: status["work"].clone(),
            accounts: accounts.collect(),
            open: self.get("/api/v1/mempool").json(),
        }
    }

    /// The node has what it had, answers, and gives an honest peer its chain.
    #[track_caller]
    pub fn is_unharmed(&self, before: &Holdings) {
        assert_eq!(self.holdings(), *before);
        self.serves_its_chain();
    }

    /// An honest peer gets the node's last block by asking for headers from genesis on.
    #[track_caller]
    pub fn serves_its_chain(&self) {
        let tip = Peer::greeted(self.address, &self.params).fetch_tip(&self.params);
        assert_eq!(Value::from(tip.to_string()), self.status("tip"));
    }

    /// A node with a chain of `count` blocks that account 1 mined, told of by a peer.
    pub fn with_chain(name: &str, count: usize) -> (Self, Chain, Branch) {
        let node = Self::start_with(name, &[]);
        let mut chain = Chain::new(node.params.clone());
        let mut branch = Branch::default();
        grow(&mut chain, &mut branch, count);
        node.learn(&branch);
        (node, chain, branch)
    }

    /// Tells the node of a branch that it takes.
    #[track_caller]
    pub fn learn(&self, branch: &Branch) {
        Peer::greeted(self.address, &self.params).offer(branch);
        assert_eq!(Value::from(branch.tip().to_string()), self.status("tip"));
    }

    /// Memory in use, in kibibytes, and the number of threads.
    pub fn footprint(&self) -> (u64, u64) {
        let process = self.process.as_ref().expect("the node runs");
        let text = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("the node runs");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux has it");
            line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
        };
        (field("VmRSS:"), field("Threads:"))
    }
}

/// Adds blocks that account 1 mined.
pub fn grow(chain: &mut Chain, branch: &mut Branch, count: usize) {
    for _ in 0..count {
        add(chain, branch, chain.block(account(1), Vec::new()));
    }
}

/// Adds a block that obeys the rules.
pub fn add(chain: &mut Chain, branch: &mut Branch, block: VecBlock) {
    chain.accept(&block).expect("the block obeys every rule");
    branch.push(block);
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        self.kill();
    }
}
