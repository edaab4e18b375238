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

/// The probability that a payment with this many blocks is taken back by a share `q` of the hash rate: M. Rosenfeld,
/// "Analysis of hashrate-based double-spending", 2014, section 5.
fn taken_back(q: f64, blocks: u32) -> f64 {
    let p = 1.0 - q;
    if q >= p {
        return 1.0;
    }
    let n = f64::from(blocks);
    // The logarithm of the binomial coefficient of m + n - 1 over m, which itself would not fit.
    let mut ways = 0.0f64;
    let mut sum = 0.0;
    for m in 0..=blocks {
        if m > 0 {
            ways += ((n - 1.0 + f64::from(m)) / f64::from(m)).ln();
        }
        let chance = |first: f64, second: f64| (ways + n * first.ln() + f64::from(m) * second.ln()).exp();
        sum += chance(p, q) - chance(q, p);
    }
    1.0 - sum
}

#[test]
fn the_chances_of_a_minority_are_those_of_the_formula() {
    // The first figures of the paper's own table: 10 % with 1, 2 and 6 blocks, 40 % with 10.
    for (q, blocks, expected) in [(0.1, 1, 0.2), (0.1, 2, 0.056), (0.1, 6, 0.000_591), (0.4, 10, 0.372_18)] {
        assert!((taken_back(q, blocks) - expected).abs() < 0.0006, "{q} {blocks}: {}", taken_back(q, blocks));
    }
    let text = |chance: f64| match chance * 100.0 {
        percent if percent >= 99.95 => "100 %".to_owned(),
        percent if percent < 0.01 => "< 0.01 %".to_owned(),
        percent if percent < 10.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    };
    let readme = include_str!("../../../README.md");
    for share in [5, 10, 20, 30, 40, 45, 50] {
        let cells =
            [1, 3, 6, 12, 30, 60, 360].map(|blocks| text(taken_back(f64::from(share) / 100.0, blocks)));
        let line = format!("| {share} % | {} |", cells.join(" | "));
        assert!(readme.contains(&line), "not in README.md: {line}");
    }
}
