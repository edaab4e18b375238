//! The nodes that pages are looked at on: an empty one, a lively one, and one with a long chain.

use std::time::{SystemTime, UNIX_EPOCH};

use mote::store::disk::FileDisk;
use mote_core::address::Address;
use mote_core::rules::Clock;
use mote_core::units::Timestamp;
use mote_tests::browser::Window;
use mote_tests::fixtures::{account, regtest};
use mote_tests::growth::{Grower, add};
use mote_tests::processes::{Launch, Node, wait_for_one_tip};
use mote_tests::random::Random;
use serde_json::{Value, json};

/// Blocks of the long chain.
const LONG: u64 = 100_000;

/// Blocks of the chain that goes on, the seconds between them, and who mines them.
const RECENT: u64 = 360;
const SPACING: u64 = 10;
const MINERS: u64 = 5;

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
        let folder = tempfile::tempdir().expect("a temporary folder");
        let grower = Grower::default();
        let mut ledger = grower.open(FileDisk::new(folder.path()).expect("the folder is there"));
        grower.grow(&mut ledger, LONG);
        ledger.close().expect("the index can be written");
        let node = Launch::regtest().with_chain(folder.path()).start();
        node.api().create_wallet();
        // Every tenth block has a payment.
        let block: Value = node.api().get(&format!("/blocks/{}", LONG / 2)).expect(200);
        let text = |value: &Value| value.as_str().expect("it is text").to_owned();
        let paid = text(&block["transactions"][0]["id"]);
        Self { node, address: text(&block["miner"]), paid: Some((paid, LONG / 2)), _others: Vec::new() }
    }

    /// A node whose chain is an hour old and goes on: blocks of a few miners, payments, and a fork.
    pub fn recent() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs();
        let grower = Grower::default();
        let mut ledger = grower.open(FileDisk::new(folder.path()).expect("the folder is there"));
        let mut random = Random::new(1);
        let gaps: Vec<u64> =
            (0..RECENT).map(|_| 1 + (random.exponential() * (SPACING - 1) as f64) as u64).collect();
        let mut time = now - gaps.iter().sum::<u64>();
        for (number, gap) in (0..).zip(gaps) {
            time += gap;
            let payers = if number < 20 { 0 } else { random.next_u64() % MINERS };
            let payments = (0..payers).map(|payer| {
                let grains = 10_000 * (1 + random.next_u64() % 100);
                grower.pay(&ledger, payer, 10 + number % 50, grains)
            });
            let payments = payments.collect();
            let block =
                |miner, payments| grower.block_at(Timestamp::from_seconds(time), &ledger, miner, payments);
            let (block, late) = (block(random.next_u64() % MINERS, payments), block(MINERS, Vec::new()));
            add(&mut ledger, &block);
            if number == RECENT - 5 {
                ledger.add(&late, Clock::AcceptedBefore).expect("the block obeys every rule");
            }
        }
        ledger.close().expect("the index can be written");
        let node = Launch::regtest().with_chain(folder.path()).start();
        let address = node.api().create_wallet().address;
        node.api().mine_many(2);
        let sent = node.api().send(&Address::new(regtest().address_prefix, account(1)).to_string(), "2.5");
        let height = node.api().mine().height;
        node.api().send(&address, "1");
        Self { node, address, paid: Some((sent.id, height)), _others: Vec::new() }
    }

    /// Opens a page of the node, and waits until it shows all that it shows at first.
    pub fn open(&self, window: &Window, path: &str) {
        window.open(&address_of(&self.node, path));
        window.wait_for_script("the page is filled", FILLED, &[]);
        let heading = window.text("h1");
        assert_ne!(heading, "This page cannot be shown", "{path}: {}", window.text("main"));
    }
}

/// The address of a page of a node.
pub fn address_of(node: &Node, path: &str) -> String {
    format!("http://{}{path}", node.address())
}
