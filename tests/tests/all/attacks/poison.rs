//! Leaving something in a node's files that keeps it from its work after every start.

use std::fs;

use mote::store::disk::FileDisk;
use mote::store::journal::{Journal, JournalLimits};
use mote::store::log::{Identity, Position};
use mote_core::keys::{PublicKey, Signature};
use mote_core::transaction::Transaction;
use mote_tests::fixtures::{account, network, pay, wire};
use serde_json::json;

use super::node::{Node, eventually};

#[test]
fn poison_does_not_survive_a_restart() {
    let (mut node, ..) = Node::with_chain("regtest", 3);
    node.make_wallet();
    let paid = pay(&node.params, 1, account(3), 1_000_000, 1_000, 0);
    assert_eq!(node.submit(&paid).status, 201);
    let before = node.holdings();
    let wrong = [
        json!(""),
        json!("x"),
        json!(7),
        json!(null),
        json!("a:b:c"),
        json!("127.0.0.1"),
        json!("127.0.0.1:99999"),
        json!("<script>:1"),
        json!({"host": "a"}),
        json!(["127.0.0.1:1"]),
        json!("\u{202e}:1"),
        json!("a\nb:1"),
    ];
    for peer in wrong {
        node.post("/api/v1/peers", &json!({"peer": peer})).is_refused(400, "malformed");
    }
    let nowhere = json!({"peer": "127.0.0.1:1"});
    assert_eq!(node.post("/api/v1/peers", &nowhere).status, 201);
    node.kill();
    // Whatever has come into the files is dropped for good, and costs nothing else.
    let peers = node.file("peers", ".txt");
    let junk = b"\n+\nnonsense\n+http://a/b:1\n\xff\xfe\x00:9\n+127.0.0.1:1\n\r\n+[::1\n";
    fs::write(&peers, junk).expect("the folder is writable");
    plant_in_journal(&node);
    node.start_again();
    node.is_unharmed(&before);
    // The peer that has just looked may still be parting.
    eventually("the one peer that was added", || {
        (node.get("/api/v1/peers").json().as_array()?.len() == 1).then_some(())
    });
    eventually("the list without the junk", || {
        (fs::read_to_string(&peers).ok()? == "+127.0.0.1:1\n").then_some(())
    });
    assert_eq!(node.mine()["transaction_count"], 1);
    assert_eq!(node.balance(account(3)), 1_000_000);
    node.restart();
    assert_eq!((node.height(), node.open().len()), (4, 0));
    assert_eq!(node.mine()["height"], 5);
    node.serves_its_chain();
}

/// Writes transactions into the journal that no node takes: unsigned, of nothing, of somebody who has
/// nothing, and far too early.
fn plant_in_journal(node: &Node) {
    let params = &node.params;
    let unsigned = Transaction {
        signature: Signature::from_bytes([0; 64]),
        ..pay(params, 1, account(4), 1_000_000, 1_000, 1)
    };
    let from_nobody = Transaction { sender: PublicKey::from_bytes([0; 32]), ..unsigned.clone() };
    let poison = [
        unsigned,
        from_nobody,
        pay(params, 1, account(4), 0, 1_000, 1),
        pay(params, 7, account(4), 1_000_000, 1_000, 0),
        pay(params, 1, account(4), 1_000_000, 1_000, u64::MAX),
        pay(&network("local"), 1, account(4), 1_000_000, 1_000, 1),
    ];
    let disk = FileDisk::new(node.inner()).expect("the node has a folder");
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (mut journal, _) = Journal::open(disk, &identity, JournalLimits::default(), 1, Position::START)
        .expect("the journal is sound");
    for transaction in poison {
        journal.append(&wire(&transaction), transaction.id()).expect("the journal takes it");
    }
    journal.sync().expect("the disk works");
}

#[test]
fn a_ruined_index_is_made_anew() {
    let (mut node, ..) = Node::with_chain("regtest", 20);
    let before = node.holdings();
    node.kill();
    let index = node.file("index", "");
    let intact = fs::read(&index).expect("the index is readable");
    let zeros = vec![0; intact.len()];
    let mut flipped = intact.clone();
    flipped.iter_mut().step_by(97).for_each(|byte| *byte ^= 0x55);
    let mut behind_the_start = intact.clone();
    behind_the_start.iter_mut().skip(4_096).step_by(61).for_each(|byte| *byte = 0xff);
    let half = intact[..intact.len() / 2].to_vec();
    for ruin in [Vec::new(), b"junk".to_vec(), zeros, flipped, behind_the_start, half] {
        fs::write(&index, ruin).expect("the folder is writable");
        node.start_again();
        node.is_unharmed(&before);
        node.kill();
    }
    // So is one that is gone, and what is behind the log's end is cut.
    fs::remove_file(&index).expect("there is an index");
    let log = node.file("log", "");
    let mut torn = fs::read(&log).expect("the log is readable");
    torn.extend_from_slice(b"\x40\0\0\0\x01half a record");
    fs::write(&log, torn).expect("the folder is writable");
    node.start_again();
    node.is_unharmed(&before);
}
