//! The nodes that pages are looked at on: an empty one, a lively one, and one with a long chain.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mote::store::disk::FileDisk;
use mote_core::address::Address;
use mote_tests::browser::Window;
use mote_tests::fixtures::{account, regtest};
use mote_tests::growth::Grower;
use mote_tests::processes::{Launch, Node, wait_for_one_tip};
use serde_json::{Value, json};

/// Blocks of the long chain.
const LONG: u64 = 100_000;

/// Whether a page shows something and is not busy with showing more.
const FILLED: &str = "return document.querySelector('main:not([aria-busy]) h1') !== null";

/// A node, and what there is to see on it.
pub struct Stage {
    /// The node whose pages are looked at.
    pub node: Node,
    /// An address to which something has happened.
    pub address: String,
    /// A mined payment, and the block that it is in; none on an empty node.
    pub paid: Option<(String, u64)>,
    /// Nodes that it is connected to.
    _others: Vec<Node>,
}

impl Stage {
    /// A node that has just been started for the first time.
    pub fn empty() -> Self {
        let node = Launch::regtest().start();
        let address = Address::new(regtest().address_prefix, account(1)).to_string();
        Self { node, address, paid: None, _others: Vec::new() }
    }

    /// A node with a wallet, a peer, payments with memos, some of them open, and blocks that lost.
    pub fn lively() -> Self {
        let [node, other] = [(); 2].map(|()| Launch::regtest().start());
        let api = node.api();
        let address = api.create_wallet().address;
        let payee = other.api().create_wallet().address;
        api.mine_many(2);
        other.api().mine_many(3);
        node.add_peer(&other);
        wait_for_one_tip(&[&node, &other]);
        api.mine_many(3);
        let pay = |memo: &str| -> String {
            let order = json!({ "to": payee, "amount": "1.25", "memo": memo });
            let sent: Value = api.post("/wallet/send", &order).expect(201);
            sent["id"].as_str().expect("an id is text").to_owned()
        };
        let paid = pay("for the soup");
        pay("Grüße, 𝄞 und ☕");
        let height = api.mine().height;
        pay("");
        pay("still open");
        Self { node, address, paid: Some((paid, height)), _others: vec![other] }
    }

    /// A node with a wallet and a long chain.
    pub fn long() -> Self {
        let node = Launch::regtest().with_chain(long_chain()).start();
        node.api().create_wallet();
        // Every tenth block has a payment.
        let block: Value = node.api().get(&format!("/blocks/{}", LONG / 2)).expect(200);
        let text = |value: &Value| value.as_str().expect("it is text").to_owned();
        let paid = text(&block["transactions"][0]["id"]);
        Self { node, address: text(&block["miner"]), paid: Some((paid, LONG / 2)), _others: Vec::new() }
    }

    /// Opens a page of the node, and waits until it shows all that it shows at first.
    pub fn open(&self, window: &Window, path: &str) {
        window.open(&address_of(&self.node, path));
        window.wait_for_script("the page is filled", FILLED, &[]);
    }
}

/// The address of a page of a node.
pub fn address_of(node: &Node, path: &str) -> String {
    format!("http://{}{path}", node.address())
}

/// The folder with the long chain, grown once.
fn long_chain() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("long-chain");
        // One that another run has left may be of another format.
        let _ = fs::remove_dir_all(&folder);
        let grower = Grower::default();
        let mut ledger = grower.open(FileDisk::new(&folder).expect("the folder can be made"));
        grower.grow(&mut ledger, LONG);
        ledger.close().expect("the index can be written");
        folder
    })
}
