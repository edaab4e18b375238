//! Checkpoints that somebody signs, through the doors of real nodes: whoever names the key keeps the chain
//! that has the block, whatever work another one shows; whoever does not follows the most work as ever.

use std::fs;

use mote::checkpoint::Checkpoint;
use mote_core::address::Address;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::units::Height;
use mote_tests::fixtures::{account, key, network, regtest};
use mote_tests::processes::{Launch, Node, PATIENCE, wait_for_one_tip, wait_until};
use serde_json::{Value, json};

/// The number of the account whose key is named in most of these tests.
const SIGNER: u64 = 50;

fn address(number: u64) -> String {
    Address::new(regtest().address_prefix, account(number)).to_string()
}

fn node_that_names(key: &str) -> Node {
    Launch::regtest().variable("MOTE_CHECKPOINT_KEY", key).start()
}

/// A node with a wallet and a chain of its own.
fn node_with_chain(blocks: usize) -> (Node, String) {
    let node = Launch::regtest().start();
    let address = node.api().create_wallet().address;
    node.api().mine_many(blocks);
    (node, address)
}

fn signed_by(number: u64, params: &Params, height: u64, block: &str) -> Value {
    let block: Hash32 = block.parse().expect("an id");
    let signed = Checkpoint::sign(params.genesis_id(), Height::new(height), block, &key(number));
    serde_json::from_str(&signed.line(params.address_prefix)).expect("a line is JSON")
}

fn signed(height: u64, block: &str) -> Value {
    signed_by(SIGNER, &regtest(), height, block)
}

fn id_at(node: &Node, height: u64) -> String {
    node.api().block(height).id
}

/// Adds a checkpoint that is taken; what becomes of it.
fn add(node: &Node, checkpoint: &Value) -> String {
    let kept: Value = node.api().post("/checkpoints", checkpoint).expect(201);
    kept["standing"].as_str().expect("a standing").to_owned()
}

/// Adds a checkpoint that is refused.
#[track_caller]
fn refuses(node: &Node, checkpoint: &Value, status: u16, code: &str) {
    let answer = node.api().post("/checkpoints", checkpoint);
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.body);
}

/// The heights of the checkpoints that a node keeps and what became of each.
fn kept(node: &Node) -> Vec<(u64, String)> {
    let list: Vec<Value> = node.api().get("/checkpoints").expect(200);
    let entry = |kept: &Value| {
        (kept["height"].as_u64().expect("a height"), kept["standing"].as_str().expect("text").to_owned())
    };
    list.iter().map(entry).collect()
}

fn conflict(node: &Node) -> Option<String> {
    let status: Value = node.api().get("/status").expect(200);
    status["checkpoint_conflict"].as_str().map(str::to_owned)
}

/// Waits until the node says that it refused a chain.
fn wait_for_refusal(node: &Node) {
    wait_until("the node refuses the other chain", PATIENCE, || {
        conflict(node).filter(|text| text.starts_with("refused: ")).map(drop).ok_or_else(|| node.log())
    });
}

#[test]
fn a_heavier_branch_below_a_checkpoint_is_refused_where_its_key_is_named() {
    let (signer, vouching) = node_with_chain(6);
    let (mut faithful, other) = (node_that_names(&vouching), Launch::regtest().start());
    faithful.add_peer(&signer);
    other.add_peer(&signer);
    wait_for_one_tip(&[&signer, &faithful, &other]);
    // Signed and added from the command line, by a file.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("checkpoint.json");
    fs::write(&file, signer.cli(&["checkpoint", "sign", "4"])).expect("the folder is writable");
    let file = file.to_str().expect("it is text");
    assert_eq!(faithful.cli_json(&["checkpoint", "add", file])["standing"], "held");
    let refused = other.run(&["checkpoint", "add", file]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("(checkpoint-key)"), "{said}");
    assert!(faithful.cli(&["checkpoint", "list"]).contains("held"));

    // A majority shows a chain from genesis with twice the work.
    let (majority, _) = node_with_chain(12);
    let before = faithful.api().status();
    faithful.add_peer(&majority);
    other.add_peer(&majority);
    wait_for_one_tip(&[&majority, &other, &signer]);
    wait_for_refusal(&faithful);
    assert_eq!(faithful.api().status().tip, before.tip);

    // The same after a start, by the file alone; and the chain goes on where it was.
    faithful.kill();
    faithful.start();
    assert_eq!(kept(&faithful), [(4, "held".to_owned())]);
    wait_for_refusal(&faithful);
    assert_eq!(faithful.api().status().tip, before.tip);
    faithful.api().create_wallet();
    let mined = faithful.api().mine();
    assert_eq!((mined.height, faithful.api().block(mined.id).previous), (7, before.tip));
}

#[test]
fn a_branch_that_was_there_before_the_checkpoint_cannot_overtake_it() {
    let (mut long, vouching) = node_with_chain(5);
    let (mut majority, _) = node_with_chain(4);
    let faithful = node_that_names(&vouching);
    // First the branch that is to lose, which is stored beside the other from then on.
    faithful.add_peer(&majority);
    wait_for_one_tip(&[&majority, &faithful]);
    // It goes before it hears of more work than its own.
    majority.terminate();
    faithful.add_peer(&long);
    wait_for_one_tip(&[&long, &faithful]);
    let signed: Value = serde_json::from_str(&long.cli(&["checkpoint", "sign", "3"])).expect("it is JSON");
    assert_eq!(add(&faithful, &signed), "held");
    let tip = faithful.api().status().tip;
    faithful.cli(&["peers", "remove", &majority.address()]);
    // Nobody may tell it of the other chain while it mines in secret.
    long.terminate();
    fs::remove_file(majority.folder().join("peers.txt")).expect("it knows a peer");
    majority.start();
    majority.api().mine_many(6);
    faithful.add_peer(&majority);
    wait_for_refusal(&faithful);
    assert_eq!(faithful.api().status().tip, tip);
    assert_eq!(kept(&faithful), [(3, "held".to_owned())]);
}

#[test]
fn a_checkpoint_ahead_of_the_chain_waits_for_it() {
    let (honest, _) = node_with_chain(6);
    let (majority, _) = node_with_chain(9);
    let mut faithful = node_that_names(&address(SIGNER));
    assert_eq!(add(&faithful, &signed(5, &id_at(&honest, 5))), "ahead");
    faithful.kill();
    faithful.start();
    assert_eq!(kept(&faithful), [(5, "ahead".to_owned())]);
    // Nobody can know yet which chain leads to that block, so none is taken before it does.
    faithful.add_peer(&majority);
    wait_for_refusal(&faithful);
    assert_eq!(faithful.api().status().height, 0);
    faithful.add_peer(&honest);
    wait_until("the chain of the checkpoint is followed", PATIENCE, || {
        let tip = faithful.api().status().tip;
        if tip == honest.api().status().tip { Ok(()) } else { Err(format!("{tip}\n{}", faithful.log())) }
    });
    assert_eq!(kept(&faithful), [(5, "held".to_owned())]);
}

#[test]
fn nobody_mines_in_the_place_of_a_block_that_must_come() {
    let (honest, _) = node_with_chain(2);
    let node = node_that_names(&address(SIGNER));
    node.api().create_wallet();
    assert_eq!(add(&node, &signed(2, &id_at(&honest, 2))), "ahead");
    node.api().mine();
    let refused = node.api().post("/mining/block", &json!({}));
    assert_eq!((refused.status, refused.code()), (409, "checkpoint-conflict"), "{}", refused.body);
    node.api().set_mining(true);
    node.add_peer(&honest);
    node.wait("the miner goes on behind the block that came", |status| status.height > 2);
    assert_eq!((id_at(&node, 2), kept(&node)), (id_at(&honest, 2), vec![(2, "held".to_owned())]));
}

#[test]
fn a_file_brings_in_no_chain_that_a_checkpoint_is_not_on() {
    let mut node = node_that_names(&address(SIGNER));
    node.api().create_wallet();
    node.api().mine_many(3);
    let (own, tip) = (id_at(&node, 2), node.api().status().tip);
    assert_eq!(add(&node, &signed(2, &own)), "held");
    let (mut heavier, _) = node_with_chain(6);
    heavier.terminate();
    let file = heavier.folder().join("heavier.jsonl");
    fs::write(&file, heavier.cli(&["export"])).expect("the folder is writable");
    node.terminate();
    let refused = node.run(&["import", file.to_str().expect("it is text")]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&own), "{said}");
    node.start();
    assert_eq!((node.api().status().tip, kept(&node)), (tip, vec![(2, "held".to_owned())]));
}

#[test]
fn what_is_no_checkpoint_of_a_named_key_changes_nothing() {
    let mut node = node_that_names(&address(SIGNER));
    node.api().create_wallet();
    node.api().mine_many(3);
    let (own, strange) = (id_at(&node, 2), "ab".repeat(32));
    // Whoever has no right to vouch, or did not.
    refuses(&node, &signed_by(SIGNER + 1, &regtest(), 2, &own), 422, "checkpoint-key");
    refuses(&node, &signed_by(SIGNER, &network("local:other"), 2, &own), 422, "checkpoint-invalid");
    let good = signed(2, &own);
    let mut signature = good["signature"].as_str().expect("text").to_owned();
    signature.replace_range(..2, if signature.starts_with("00") { "01" } else { "00" });
    let elsewhere = signed(3, &own)["signature"].clone();
    for (field, value) in [
        ("signature", json!(signature)),
        ("signature", elsewhere),
        ("height", json!(3)),
        ("height", json!(0)),
        ("block", json!(strange)),
        ("key", json!(address(SIGNER + 1))),
        ("genesis", json!(strange)),
    ] {
        let mut damaged = good.clone();
        damaged[field] = value;
        refuses(&node, &damaged, 422, "checkpoint-invalid");
    }
    for damaged in [json!({}), json!([]), json!("x"), json!({"height": 2}), json!({"genesis": 1})] {
        refuses(&node, &damaged, 400, "malformed");
    }
    // What this node's own chain stands against is not followed, and not kept.
    refuses(&node, &signed(2, &strange), 409, "checkpoint-conflict");
    assert_eq!((kept(&node), conflict(&node)), (Vec::new(), None));
    // Twice the same is once.
    assert_eq!((add(&node, &good), add(&node, &good)), ("held".to_owned(), "held".to_owned()));
    assert_eq!(kept(&node), [(2, "held".to_owned())]);

    // A file that was damaged may have held what the node must not leave, so it does not start.
    node.terminate();
    let file = node.folder().join("checkpoints.jsonl");
    let whole = fs::read_to_string(&file).expect("it is kept");
    let damaged = whole.replacen(&own, &strange, 1);
    for text in [&damaged, &whole[..40], "\n"] {
        fs::write(&file, text).expect("it is ours");
        let said = node.try_start().expect_err("the file is damaged");
        assert!(said.contains("checkpoints.jsonl:1: "), "{said}");
    }
    fs::write(&file, whole).expect("it is ours");
    node.start();
    assert_eq!(kept(&node), [(2, "held".to_owned())]);
    // Who names another key is not bound, and is told.
    node.terminate();
    node.relaunch(|launch| launch.variable("MOTE_CHECKPOINT_KEY", &address(SIGNER + 1)));
    node.start();
    assert_eq!((kept(&node), conflict(&node)), (vec![(2, "unnamed".to_owned())], None));
    // Somebody has the chain that is left now.
    let own_chain = Launch::regtest().start();
    own_chain.add_peer(&node);
    wait_for_one_tip(&[&own_chain, &node]);
    node.cli(&["peers", "remove", &own_chain.address()]);
    let (heavier, _) = node_with_chain(8);
    node.add_peer(&heavier);
    wait_for_one_tip(&[&heavier, &node]);
    // Named again, the chain that was taken meanwhile is reported as what it is.
    node.terminate();
    node.relaunch(|launch| launch.variable("MOTE_CHECKPOINT_KEY", &address(SIGNER)));
    node.start();
    assert_eq!(kept(&node), [(2, "conflict".to_owned())]);
    assert!(conflict(&node).is_some_and(|text| text.starts_with("this node's chain does not have")));
    // It is held as soon as the chain that has it is the heavier one again.
    own_chain.api().create_wallet();
    own_chain.api().mine_many(7);
    node.add_peer(&own_chain);
    wait_until("the checkpoint is held", PATIENCE, || match kept(&node).as_slice() {
        [(2, standing)] if standing == "held" => Ok(()),
        other => Err(format!("{other:?}\n{}", node.log())),
    });
    assert_eq!(conflict(&node), None);
}

#[test]
fn a_key_that_vouches_for_two_blocks_of_one_height_binds_nobody_there() {
    let mut node = node_that_names(&format!("{},{}", address(SIGNER), address(SIGNER + 1)));
    let (first, second) = ("ab".repeat(32), "cd".repeat(32));
    assert_eq!(add(&node, &signed(3, &first)), "ahead");
    // Another key may not overrule the first that came.
    refuses(&node, &signed_by(SIGNER + 1, &regtest(), 3, &second), 409, "checkpoint-conflict");
    refuses(&node, &signed(3, &second), 409, "checkpoint-conflict");
    let both = || vec![(3, "equivocal".to_owned()), (3, "equivocal".to_owned())];
    let says_so = |node: &Node| conflict(node).is_some_and(|text| text.contains("two blocks at height 3"));
    assert_eq!(kept(&node), both());
    assert!(says_so(&node));
    node.kill();
    node.start();
    assert_eq!(kept(&node), both());
    assert!(says_so(&node));
    let (any, _) = node_with_chain(5);
    node.add_peer(&any);
    wait_for_one_tip(&[&any, &node]);
    // At other heights it counts as before.
    assert_eq!(add(&node, &signed(2, &id_at(&any, 2))), "held");
}
