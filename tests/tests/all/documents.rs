//! What the documents say of consensus is what the core does.

use mote_core::params::{Network, Params};
use mote_core::rules::Rule;

fn protocol() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../PROTOCOL.md");
    std::fs::read_to_string(path).expect("PROTOCOL.md stands at the top level")
}

#[test]
fn the_protocol_lists_every_rule() {
    let protocol = protocol();
    let expected: Vec<String> =
        Rule::ALL.iter().map(|rule| format!("| {} | {} |", rule.id(), rule.sentence())).collect();
    let missing: Vec<&String> = expected.iter().filter(|line| !protocol.contains(*line)).collect();
    assert!(missing.is_empty(), "not in PROTOCOL.md:\n{missing:#?}");
    let listed = protocol.lines().filter(|line| expected.iter().any(|expected| expected == line)).count();
    assert_eq!(listed, Rule::ALL.len());
}

#[test]
fn the_protocol_names_every_genesis() {
    let protocol = protocol();
    for network in [Network::Main, Network::Test, Network::Local, Network::Regtest] {
        let params = Params::new(network);
        let line = format!(
            "| `{}` | {} | {} | {} |",
            params.network(),
            params.floor,
            if params.block_transactions_max == 1_024 { "1,024" } else { "128" },
            params.genesis_id()
        );
        assert!(protocol.contains(&line), "not in PROTOCOL.md: {line}");
    }
}
