//! The simulated world: the same seed gives the same world, honest nodes stand what happens to them, and the
//! checker finds what is planted.

use std::collections::BTreeSet;

use mote::simulation::{Demand, Knobs, Planted, Preset, Summary, simulate};
use mote_core::rules::Rule;

/// A world of this kind, of a few nodes, for a few minutes.
fn run(knobs: Knobs) -> Summary {
    simulate(knobs, |_, _| {}).expect("the checker's own store works").summary
}

#[track_caller]
fn assert_sound(summary: &Summary) {
    let knobs = &summary.knobs;
    assert_eq!(summary.violation, None, "seed {}, {} nodes", knobs.seed, knobs.nodes);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let json = |seed| {
        let summary = run(Knobs::new(Preset::Storm, seed, 8, 3));
        serde_json::to_string(&summary).expect("a summary is plain data")
    };
    let first = json(7);
    assert_eq!(first, json(7));
    assert_ne!(first, json(8));
}

#[test]
fn a_report_is_one_page_without_script_and_the_same_for_the_same_seed() {
    let report = || {
        let ended = simulate(Knobs::new(Preset::Storm, 3, 6, 3), |_, _| {});
        ended.expect("the checker's own store works").report()
    };
    let page = report();
    assert_eq!(page, report());
    assert!(page.contains("class=\"main\"") && page.contains("class=\"line\""), "{page}");
    for foreign in ["<script", "http", "src=", "NaN"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_calm_world_agrees_at_once() {
    for seed in 0..4 {
        let summary = run(Knobs::new(Preset::Calm, seed, 8, 5));
        assert_sound(&summary);
        assert!(summary.height > 10 && summary.payments > 0, "{summary:?}");
        assert!(summary.propagation.median_ms < 1_000, "{summary:?}");
    }
}

#[test]
fn many_rough_worlds_keep_every_demand() {
    for seed in 0..48 {
        assert_sound(&run(Knobs::new(Preset::Rough, seed, 6, 3)));
    }
}

#[test]
fn storms_are_weathered() {
    for seed in 0..32 {
        assert_sound(&run(Knobs::new(Preset::Storm, seed, 8, 3)));
    }
}

#[test]
fn attackers_break_every_rule_in_vain() {
    let mut attacks = BTreeSet::new();
    for seed in 0..16 {
        let summary = run(Knobs::new(Preset::Hostile, seed, 6, 3));
        assert_sound(&summary);
        attacks.extend(summary.faults.into_keys());
    }
    // No account of a world comes near 2^64 grains, so nobody can break L3.
    let untried =
        Rule::ALL.into_iter().filter(|rule| *rule != Rule::LedgerOverflow && !attacks.contains(rule.id()));
    assert_eq!(untried.collect::<Vec<_>>(), []);
}

#[test]
fn a_surrounded_victim_keeps_hearing_of_the_chain() {
    for seed in 1..5 {
        assert_sound(&run(Knobs::new(Preset::Eclipse, seed, 6, 12)));
    }
}

#[test]
fn a_disk_that_is_still_broken_keeps_its_node_off() {
    assert_sound(&run(Knobs::new(Preset::Storm, 40, 12, 15)));
}

#[test]
fn a_payment_outlives_a_crash_before_the_block_that_has_it_is_durable() {
    assert_sound(&run(Knobs::new(Preset::Storm, 1_043, 8, 8)));
}

/// What the checker says of a world with a planted mistake.
fn demand_broken_by(planted: Planted) -> Option<Demand> {
    (0..8).find_map(|seed| {
        let rough = Knobs::new(Preset::Rough, seed, 5, 3);
        let knobs = Knobs {
            crash_interval_ms: 10_000,
            disk_fault_interval_ms: 0,
            late_per_mille: 0,
            planted: Some(planted),
            ..rough
        };
        run(knobs).violation.map(|violation| violation.demand)
    })
}

#[test]
fn planted_mistakes_are_found() {
    let lost = [Demand::Durability, Demand::Restart].map(Some);
    assert!(lost.contains(&demand_broken_by(Planted::FilesNotSynced)));
    assert!(lost.contains(&demand_broken_by(Planted::NamesNotSynced)));
    assert_eq!(demand_broken_by(Planted::FastClock), Some(Demand::ValidChain));
    assert_eq!(demand_broken_by(Planted::EasyTarget), Some(Demand::ValidChain));
    assert_eq!(demand_broken_by(Planted::NeverHealed), Some(Demand::Agreement));
    assert_eq!(demand_broken_by(Planted::NoMiner), Some(Demand::Liveness));
}
