//! Every numbered rule, by what it lets through and what it stops, each with the exact error.

mod headers;
mod ledger;
mod transactions;

use std::collections::BTreeSet;

use mote_core::rules::{Rule, RuleError};
use mote_tests::fixtures::{Chain, account};

/// What was judged, and the verdict that it must get.
struct Refusal {
    verdict: Result<(), RuleError>,
    expected: RuleError,
}

/// The tests of one rule: the verdicts on what is just allowed, and on what is just not.
struct Case {
    rule: Rule,
    accept: fn() -> Vec<Result<(), RuleError>>,
    reject: fn() -> Vec<Refusal>,
}

fn cases() -> impl Iterator<Item = &'static Case> {
    transactions::CASES.iter().chain(&headers::CASES).chain(&ledger::CASES)
}

fn refusal<T>(verdict: Result<T, RuleError>, expected: RuleError) -> Refusal {
    Refusal { verdict: verdict.map(drop), expected }
}

#[test]
fn every_rule_has_one_case() {
    for rule in Rule::ALL {
        let count = cases().filter(|case| case.rule == rule).count();
        assert_eq!(count, 1, "{} has {count} cases", rule.id());
    }
    assert_eq!(cases().count(), Rule::ALL.len(), "every case belongs to a rule of the list");
}

#[test]
fn what_is_just_allowed_is_accepted() {
    for case in cases() {
        let verdicts = (case.accept)();
        assert!(!verdicts.is_empty(), "{} accepts nothing", case.rule.id());
        for verdict in verdicts {
            assert_eq!(verdict, Ok(()), "{}", case.rule.id());
        }
    }
}

#[test]
fn what_is_just_not_allowed_is_refused() {
    for case in cases() {
        let refusals = (case.reject)();
        assert!(!refusals.is_empty(), "{} refuses nothing", case.rule.id());
        for Refusal { verdict, expected } in refusals {
            assert_eq!(verdict, Err(expected), "{}", case.rule.id());
            assert_eq!(expected.rule(), case.rule);
            let text = expected.to_string();
            assert!(text.starts_with(&format!("{}: ", case.rule.id())), "{text}");
        }
    }
}

#[test]
fn a_whole_block_can_break_each_rule_alone() {
    let chain = Chain::funded();
    let block = chain.block(account(20), Vec::new());
    assert!(chain.judge(&block).is_ok());
    for rule in Rule::ALL {
        let broken = chain.judge(&chain.broken(&block, rule)).map(drop);
        assert_eq!(broken.map_err(|error| error.rule()), Err(rule));
    }
}

#[test]
fn rules_are_told_apart() {
    let ids: BTreeSet<&str> = Rule::ALL.map(Rule::id).into();
    let numbers: BTreeSet<&str> = ids.iter().filter_map(|id| id.split('-').next()).collect();
    assert_eq!((ids.len(), numbers.len()), (Rule::ALL.len(), Rule::ALL.len()), "{ids:?}");
    for texts in [Rule::ALL.map(Rule::sentence), Rule::ALL.map(Rule::reason)] {
        assert!(texts.iter().all(|text| text.split(' ').count() >= 3), "{texts:?}");
    }
    let sentences: BTreeSet<&str> = Rule::ALL.map(Rule::sentence).into();
    assert_eq!(sentences.len(), Rule::ALL.len());
}
