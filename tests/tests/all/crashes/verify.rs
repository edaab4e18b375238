//! What is said of a folder that somebody has damaged, and that what is said to help does.

use std::fs;
use std::path::{Path, PathBuf};

use mote::node::checkpoints::CHECKPOINTS_FILE;
use mote::store::opening::INDEX_FILE;
use mote::store::rows::Place;
use mote_core::address::Address;
use mote_core::hash::Hash32;
use mote_tests::processes::{Launch, Node};
use serde_json::Value;

/// A node with some blocks, that is stopped, and what its wallet's address is.
fn stopped(blocks: usize) -> (Node, String) {
    let mut node = Launch::regtest().start();
    let payee = node.api().create_wallet().address;
    node.api().mine_many(blocks);
    node.terminate();
    (node, payee)
}

/// What a verb says that must fail.
fn refused(node: &Node, arguments: &[&str]) -> String {
    let output = node.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Flips a bit of one byte, wherever these bytes stand in a file.
fn flip(path: &Path, bytes: &[u8], at: usize) {
    let mut content = fs::read(path).expect("the file can be read");
    let places = 0..content.len() - bytes.len();
    let places: Vec<usize> = places.filter(|place| content[*place..].starts_with(bytes)).collect();
    assert!(!places.is_empty(), "the bytes are there");
    places.iter().for_each(|place| content[place + at] ^= 1);
    fs::write(path, content).expect("the file can be written");
}

fn files(node: &Node, is_one: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let files = fs::read_dir(node.folder()).expect("the folder can be read");
    let files = files.map(|file| file.expect("the folder can be read").path());
    files.filter(|path| path.file_name().is_some_and(|name| is_one(&name.to_string_lossy()))).collect()
}

#[test]
fn a_row_of_a_history_that_is_another_one_is_found() {
    let (node, payee) = stopped(5);
    let owner: Address = payee.parse().expect("it is an address");
    let key = Place { height: 3, index: None }.key(&owner.public_key().account_key());
    // The lowest bit of what the row says of the account.
    flip(&node.folder().join(INDEX_FILE), &key.to_le_bytes(), 8);
    let said = refused(&node, &["verify"]);
    assert!(said.contains("the table history"), "{said}");
    fs::remove_file(node.folder().join(INDEX_FILE)).expect("the index can be removed");
    node.cli(&["verify"]);
}

#[test]
fn a_header_that_is_another_one_is_no_answer() {
    let (mut node, _) = stopped(60);
    node.start();
    let block: Value = node.api().get("/blocks/3").expect(200);
    let [root, id] = ["state_root", "id"].map(|name| block[name].as_str().expect("it is a string"));
    node.terminate();
    let root: Hash32 = root.parse().expect("it is a hash");
    flip(&node.folder().join(INDEX_FILE), root.as_bytes(), 9);
    node.start();
    let answer = node.api().get("/blocks/3");
    assert_eq!((answer.status, answer.code()), (500, "internal"), "{}", answer.body);
    assert!(answer.body.to_string().contains(id), "{}", answer.body);
    node.terminate();
    let said = refused(&node, &["verify"]);
    assert!(said.contains(id) && said.contains(INDEX_FILE), "{said}");
    fs::remove_file(node.folder().join(INDEX_FILE)).expect("the index can be removed");
    node.start();
    assert_eq!(node.api().block(3).id, id);
}

#[test]
fn open_transactions_that_are_cut_off_are_found_and_can_be_given_up() {
    let (mut node, payee) = stopped(3);
    node.start();
    node.api().send(&payee, "0.5");
    node.api().send(&payee, "0.6");
    node.terminate();
    let [file] = &files(&node, |name| name.starts_with("open-"))[..] else { panic!("expected one file") };
    let content = fs::read(file).expect("the file can be read");
    fs::write(file, &content[..content.len() - 10]).expect("the file can be written");
    let said = refused(&node, &["verify"]);
    assert!(said.contains("records up to") && said.contains("open-00000000.seg"), "{said}");
    let start = node.try_start().expect_err("a node does not start without what it has acknowledged");
    assert!(start.contains("records up to"), "{start}");
    fs::remove_file(file).expect("the file can be removed");
    assert_eq!(node.cli_json(&["verify"])["open_transactions_given_up"], true);
    node.start();
    node.terminate();
    assert_eq!(node.cli_json(&["verify"])["open_transactions_given_up"], false);
}

#[test]
fn a_wallet_and_checkpoints_that_cannot_be_read_are_found() {
    let (node, _) = stopped(2);
    let wallet = node.folder().join("wallet.json");
    let content = fs::read(&wallet).expect("the file can be read");
    fs::write(&wallet, &content[..content.len() / 2]).expect("the file can be written");
    let said = refused(&node, &["verify"]);
    assert!(said.contains("wallet.json"), "{said}");
    fs::write(&wallet, &content).expect("the file can be written");
    node.cli(&["verify"]);
    let checkpoints = node.folder().join(CHECKPOINTS_FILE);
    fs::write(&checkpoints, "{}\n").expect("the file can be written");
    let said = refused(&node, &["verify"]);
    assert!(said.contains(CHECKPOINTS_FILE), "{said}");
    assert_eq!(fs::read(&checkpoints).expect("the file can be read"), b"{}\n", "nothing was changed");
}

#[test]
fn a_chain_whose_log_is_damaged_can_be_had_anew() {
    let (mut node, payee) = stopped(40);
    let export = node.data().join("chain.jsonl");
    let export = export.to_str().expect("a temporary folder has a plain name");
    node.cli(&["export", "--output", export]);
    let tip = node.cli_json(&["verify"])["tip"].clone();
    let log = node.folder().join("log-00000000.seg");
    let content = fs::read(&log).expect("the log can be read");
    for damaged in [content[..content.len() / 2].to_vec(), {
        let mut content = content.clone();
        content[4_000] ^= 1;
        content
    }] {
        fs::write(&log, damaged).expect("the log can be written");
        let said = refused(&node, &["verify"]);
        assert!(said.contains("move the log-*.seg files and index.redb away"), "{said}");
        // That is what is done here.
        let away = node.data().join("away");
        fs::create_dir_all(&away).expect("a folder can be made");
        for path in files(&node, |name| name.starts_with("log-") || name == INDEX_FILE) {
            fs::rename(&path, away.join(path.file_name().expect("it has a name"))).expect("it can be moved");
        }
        node.cli(&["import", export]);
        assert_eq!(node.cli_json(&["verify"])["tip"], tip);
        node.start();
        assert_eq!(node.api().wallet().address, payee, "the wallet is untouched");
        node.terminate();
    }
}
