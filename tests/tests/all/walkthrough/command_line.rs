//! The same from the command line, and what only it can do: exporting, importing, verifying.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::PathBuf;
use std::thread;

use mote_tests::processes::{Launch, Node, wait_for_one_tip};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is a string in {value}")).to_owned()
}

/// The first file of the log of blocks.
fn log_file(node: &Node) -> PathBuf {
    node.folder().join("log-00000000.seg")
}

#[test]
fn the_command_line_pays_and_mines() {
    let [first, second] = [(); 2].map(|()| Launch::regtest().start());
    first.cli(&["peers", "add", &second.address()]);
    first.wait("both are connected", |status| status.peers == 1);
    let made = first.cli_json(&["wallet", "new"]);
    assert_eq!(text(&made, "words").split_whitespace().count(), 24);
    let payee = text(&second.cli_json(&["wallet", "new"]), "address");
    first.cli(&["mine", "--count", "2"]);
    let sent = first.cli_json(&["wallet", "send", &payee, "2.5", "--memo", "for the soup", "--nonce", "0"]);
    let again = first.run(&["wallet", "send", &payee, "2.5", "--nonce", "0"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert!(said.contains("replacement-fee"), "{said}");
    first.cli(&["mine"]);
    wait_for_one_tip(&[&first, &second]);
    let status = second.cli_json(&["status"]);
    assert_eq!(status["height"], 3, "{status}");
    assert_eq!(text(&second.cli_json(&["wallet", "balance"]), "balance"), "2.5");
    let transaction = second.cli_json(&["tx", &text(&sent, "id")]);
    assert_eq!(text(&transaction, "status"), "mined");
    let block = second.cli_json(&["block", "3"]);
    assert_eq!(block["transactions"][0]["id"], sent["id"], "{block}");
    let history = second.cli(&["wallet", "history"]);
    assert!(history.contains("for the soup") && history.contains("+2.5"), "{history}");
    let resolved = second.cli_json(&["resolve"]);
    assert_eq!(resolved["replaced"], false, "{resolved}");
    first.cli(&["peers", "remove", &second.address()]);
    let peers = first.cli_json(&["peers", "list"]);
    assert!(!peers.to_string().contains(&second.address()), "{peers}");
}

#[test]
fn a_chain_goes_through_a_file_and_is_verified() {
    let mut source = Launch::regtest().start();
    let payee = source.api().create_wallet().address;
    source.api().mine_many(3);
    source.api().send(&payee, "0.5");
    source.api().mine();
    let tip = source.api().status().tip;
    let file = source.data().join("chain.jsonl");
    let path = file.to_str().expect("a temporary folder has a plain name").to_owned();
    source.cli(&["export", "--output", &path]);
    let exported = std::fs::read_to_string(&file).expect("the chain was exported");

    let mut target = Launch::regtest().start();
    target.terminate();
    target.cli(&["import", &path]);
    let verified = target.cli_json(&["verify"]);
    assert_eq!((text(&verified, "tip"), verified["height"].as_u64()), (tip.clone(), Some(4)));
    assert_eq!(target.cli(&["export"]), exported, "what was imported is exported as it was");
    target.start();
    assert_eq!(target.api().status().tip, tip);

    source.terminate();
    assert_eq!(text(&source.cli_json(&["verify"]), "tip"), tip);
    assert_eq!(source.cli(&["export"]), exported, "a node that is down exports the same");
}

#[test]
fn what_has_the_name_of_a_result_and_is_no_file_stays_what_it_is() {
    let mut node = Launch::regtest().start();
    node.api().create_wallet();
    node.api().mine_many(2);
    node.terminate();
    let exported = node.cli(&["export"]);
    let path = |name: &str| node.data().join(name).to_str().expect("a plain name").to_owned();
    let (pipe, link, file) = (path("pipe"), path("link"), path("file"));

    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe can be made");
    let reading = pipe.clone();
    let reader = thread::spawn(move || fs::read_to_string(reading).expect("the pipe can be read"));
    node.cli(&["export", "--output", &pipe]);
    assert_eq!(reader.join().expect("the reader ends"), exported);
    let refused = node.run(&["device", "provision", &pipe, "--force"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("no regular file"), "{said}");
    assert!(fs::symlink_metadata(&pipe).expect("it is there").file_type().is_fifo());

    fs::write(&file, "old").expect("a file can be made");
    symlink(&file, &link).expect("a link can be made");
    node.cli(&["export", "--output", &link]);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), exported);
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
}

#[test]
fn an_amount_that_is_edited_in_the_chain_file_is_found() {
    let mut node = Launch::regtest().start();
    let payee = node.api().create_wallet().address;
    node.api().mine();
    node.api().send(&payee, "5.5");
    node.api().mine_many(3);
    let (tip, balance) = (node.api().status().tip, node.api().balance(&payee));
    node.terminate();

    let path = log_file(&node);
    let sound = std::fs::read(&path).expect("the log can be read");
    // The amount in grains, as the block has it: a variable-length integer.
    let amount = variable_length(5_500_000);
    let places: Vec<usize> = (0..sound.len()).filter(|at| sound[*at..].starts_with(&amount)).collect();
    let [place] = places[..] else { panic!("expected the amount once, got it at {places:?}") };
    let mut edited = sound.clone();
    edited[place] ^= 1;
    std::fs::write(&path, &edited).expect("the log can be written");

    let output = node.run(&["verify"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&*path.to_string_lossy()) && said.contains("offset"), "{said}");
    // A start does not read the whole chain again, but nobody is ever shown what was edited.
    node.start();
    let answer = node.api().get("/blocks/2");
    assert_eq!((answer.status, answer.code()), (500, "internal"), "{}", answer.body);
    assert!(answer.body.to_string().contains("damaged at offset"), "{}", answer.body);
    assert_eq!(node.api().balance(&payee), balance);
    node.kill();
    assert_eq!(std::fs::read(&path).expect("the log can be read"), edited, "nothing was changed");

    std::fs::write(&path, &sound).expect("the log can be written");
    assert_eq!(text(&node.cli_json(&["verify"]), "tip"), tip);
    node.start();
    assert_eq!(node.api().status().tip, tip);
}

/// Seven bits a byte, the lowest first, the top bit set on all but the last.
fn variable_length(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
