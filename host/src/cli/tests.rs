//! Verbs on data folders without a node, from the command line to what is printed.

mod receipts;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use mote_core::chain::Tip;
use mote_core::keys::SecretKey;
use mote_core::miner::{Job, template};
use mote_core::params::{Network, Params};
use mote_core::rules::{Clock, check_header, check_transaction};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::Amount;

use super::{Cli, Invocation, execute};
use crate::block::Block;
use crate::config::Surroundings;
use crate::store::disk::FileDisk;
use crate::store::ledger::Ledger;
use crate::store::lock::FolderLock;
use crate::store::nodes::NODES_FILE;
use crate::store::opening::INDEX_FILE;

/// A data folder, and a port at which nobody answers.
struct Place {
    folder: tempfile::TempDir,
    port: u16,
}

impl Place {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self { folder: tempfile::tempdir().unwrap(), port: listener.local_addr().unwrap().port() }
    }

    fn node(&self) -> PathBuf {
        self.folder.path().join(format!("regtest-{}", self.port))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a command line prints, or why it fails.
    fn mote<const N: usize>(&self, arguments: [&dyn AsRef<Path>; N]) -> Result<String, String> {
        let port = self.port.to_string();
        let settings = ["mote", "--network", "regtest", "--port", &port].map(OsString::from);
        let arguments = arguments.iter().map(|argument| argument.as_ref().as_os_str().to_owned());
        let cli =
            Cli::try_parse_from(settings.into_iter().chain(arguments)).map_err(|error| error.to_string())?;
        let variables = vec![("MOTE_DATA".to_owned(), self.folder.path().display().to_string())];
        let surroundings = Surroundings { variables, current: "/".into() };
        let Ok(Invocation::Verb(verb, config)) = cli.resolve(&surroundings) else { panic!("no verb") };
        let mut out = Vec::new();
        execute(verb, &config, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// Adds `blocks` blocks to the chain, a payment in each but the first of all.
    fn mine(&self, blocks: u64) {
        let (params, key) = (Arc::new(Params::new(Network::Regtest)), SecretKey::from_seed(&[7; 32]));
        let disk = FileDisk::new(self.node()).unwrap();
        let (mut ledger, _) = Ledger::open(disk, params.clone(), 7, |_| {}).unwrap();
        let tip = ledger.tip().height().get();
        for height in tip + 1..=tip + blocks {
            let transactions =
                if height == 1 { Vec::new() } else { vec![payment(&params, &key, height - 2)] };
            let checked: Vec<_> = transactions
                .iter()
                .map(|transaction| check_transaction(&params, transaction).unwrap())
                .collect();
            let tip = ledger.tip().clone();
            let executed = ledger.execute(&tip, &checked, key.public_key()).unwrap();
            let time = tip.median_time().plus(1);
            let mut header = template(&params, &tip, key.public_key(), time, &executed);
            header.nonce = Job::new(&header).unwrap().search(0..u64::MAX).unwrap();
            ledger.add(&Block { header, transactions }, Clock::AcceptedBefore).unwrap();
        }
        ledger.close().unwrap();
    }

    fn content(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(self.node()).unwrap().map(|entry| entry.unwrap().path());
        let mut content: Vec<_> = entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        content.sort();
        content
    }
}

fn payment(params: &Params, key: &SecretKey, nonce: u64) -> Transaction {
    let recipient = SecretKey::from_seed(&[nonce as u8; 32]).public_key();
    let (amount, fee) = (Amount::from_grains(12_500), Amount::from_grains(1_000));
    Payment { recipient, amount, fee, nonce, memo: Memo::from_slice(b"memo").unwrap() }.sign(params, key)
}

#[test]
fn a_chain_goes_out_as_text_and_comes_in_again() {
    let (from, to) = (Place::new(), Place::new());
    from.mine(5);
    let file = from.file("chain.jsonl");
    assert!(from.mote([&"export", &"--output", &file]).unwrap().starts_with("exported 6 blocks to "));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(from.mote([&"export"]).unwrap(), text);

    let lines: Vec<&str> = text.lines().collect();
    let wrong = lines[3].replacen("\"amount\":\"0.0125\"", "\"amount\":\"-1\"", 1);
    let bad = [&lines[..3], &[wrong.as_str()], &lines[4..]].concat();
    std::fs::write(&file, bad.join("\n")).unwrap();
    let error = to.mote([&"import", &file]).unwrap_err();
    assert!(error.contains("line 4, column ") && error.contains("transactions[0].amount"), "{error}");
    assert!(error.contains("2 added"), "{error}");
    let skipped = [&lines[..3], &lines[4..]].concat();
    std::fs::write(&file, skipped.join("\n")).unwrap();
    assert!(to.mote([&"import", &file]).unwrap_err().contains("line 4: block 4 is not acceptable"));

    std::fs::write(&file, &text).unwrap();
    let answer = to.mote([&"import", &file, &"--json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (answer["added"].as_u64(), answer["known"].as_u64(), answer["height"].as_u64()),
        (Some(3), Some(3), Some(5))
    );
    assert_eq!(to.mote([&"export"]).unwrap(), text);
}

#[test]
fn a_chain_of_another_network_does_not_come_in() {
    let place = Place::new();
    place.mine(1);
    let file = place.file("chain.jsonl");
    let text = place.mote([&"export"]).unwrap().replacen("\"regtest\"", "\"local\"", 1);
    std::fs::write(&file, text).unwrap();
    let error = place.mote([&"import", &file]).unwrap_err();
    assert!(error.contains("line 1") && error.contains("network local, expected regtest"), "{error}");
}

#[test]
fn verification_changes_nothing_and_finds_every_damage() {
    let place = Place::new();
    assert!(place.mote([&"verify"]).unwrap_err().contains("no node has kept data here"));
    place.mine(4);
    let before = place.content();
    let found = place.mote([&"verify", &"--json"]).unwrap();
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!((found["blocks"].as_u64(), found["transactions"].as_u64()), (Some(5), Some(3)));
    assert_eq!(place.content(), before);

    let log = place.node().join("log-00000000.seg");
    let sound = std::fs::read(&log).unwrap();
    for offset in (0..sound.len()).step_by(97) {
        let mut damaged = sound.clone();
        damaged[offset] ^= 1;
        std::fs::write(&log, damaged).unwrap();
        let before = place.content();
        let error = place.mote([&"verify"]).unwrap_err();
        assert!(error.contains("log-00000000.seg"), "{offset}: {error}");
        assert_eq!(place.content(), before);
    }
    std::fs::write(&log, sound).unwrap();
    place.mote([&"verify"]).unwrap();
}

#[test]
fn an_index_that_says_something_else_is_found() {
    let (long, short) = (Place::new(), Place::new());
    long.mine(4);
    short.mine(2);
    for file in [INDEX_FILE, NODES_FILE] {
        std::fs::copy(long.node().join(file), short.node().join(file)).unwrap();
    }
    let error = short.mote([&"verify"]).unwrap_err();
    assert!(error.contains("log-00000000.seg ends at"), "{error}");
}

#[test]
fn a_node_in_the_folder_is_named() {
    let place = Place::new();
    place.mine(1);
    let _lock = crate::store::lock::FolderLock::acquire(&place.node()).unwrap();
    let expected = format!("a node (pid {}) uses this folder", std::process::id());
    for verb in ["export", "verify"] {
        let error = place.mote([&verb]).unwrap_err();
        assert!(error.starts_with(&expected), "{verb}: {error}");
    }
}

#[test]
fn a_checkpoint_is_a_block_that_is_deep_enough_and_reading_it_changes_nothing() {
    let place = Place::new();
    assert!(place.mote([&"device", &"checkpoint"]).unwrap_err().contains("no node has kept data here"));
    place.mine(143);
    let error = place.mote([&"device", &"checkpoint"]).unwrap_err();
    assert!(error.contains("expected a chain up to height 144, got 143"), "{error}");
    place.mine(1);
    let before = place.content();
    let line = place.mote([&"device", &"checkpoint"]).unwrap();
    let text = line.strip_suffix('\n').unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let found = json(&place.mote([&"device", &"checkpoint", &"--json"]).unwrap());
    assert_eq!((found["network"].as_str(), found["height"].as_u64()), (Some("regtest"), Some(64)));
    assert_eq!(found["checkpoint"].as_str(), Some(text));

    let bytes = crate::wallet::hex::decode_all(text).unwrap();
    let params = Arc::new(Params::new(Network::Regtest));
    let (genesis, tip) = bytes.split_at(32);
    assert_eq!(genesis, params.genesis_id().as_bytes());
    let tip: Tip = mote_core::codec::decode(tip).unwrap();
    assert_eq!(Some(tip.id().to_string().as_str()), found["id"].as_str());
    // A height that is named is taken as it is.
    let named = |height: &str| place.mote([&"device", &"checkpoint", &height, &"--json"]);
    assert_eq!(json(&named("144").unwrap())["height"], 144);
    let genesis = json(&named("0").unwrap());
    assert_eq!(genesis["id"].as_str(), Some(params.genesis_id().to_string().as_str()));
    let error = named("145").unwrap_err();
    assert!(error.contains("no block 145: expected at most 144"), "{error}");
    assert!(place.content() == before);
    let lock = FolderLock::acquire(&place.node()).unwrap();
    let error = place.mote([&"device", &"checkpoint"]).unwrap_err();
    assert!(error.contains("stop it first"), "{error}");
    drop(lock);

    // It is that of somebody who followed the chain up to there.
    let (ledger, _) = Ledger::open(FileDisk::new(place.node()).unwrap(), params.clone(), 7, |_| {}).unwrap();
    let mut followed = Tip::genesis(&params);
    for height in 1..=64 {
        let id = ledger.id_at(height).unwrap().unwrap();
        let header = ledger.header(&id).unwrap().unwrap().header;
        followed.extend(&check_header(&params, &followed, &header, Clock::AcceptedBefore).unwrap());
    }
    assert_eq!(tip, followed);
}
