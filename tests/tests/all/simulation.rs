//! The simulated world: the same seed gives the same world, honest nodes stand what happens to them, and the
//! checker finds what is planted.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use mote::simulation::{
    Demand, Knobs, Planted, Preset, Summary, Totals, Trouble, minimise, simulate, simulate_many,
};
use mote_core::rules::Rule;
use mote_tests::processes::program;

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
    for preset in [Preset::Storm, Preset::Hostile] {
        let json = |seed| {
            let summary = run(Knobs::new(preset, seed, 6, 3));
            serde_json::to_string(&summary).expect("a summary is plain data")
        };
        let first = json(7);
        assert_eq!(first, json(7));
        assert_ne!(first, json(8));
    }
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
        // A message takes 50 ms on average here, and a block that is asked for takes three.
        assert!(summary.propagation.p90_ms < 100, "{summary:?}");
    }
}

/// What came of many worlds of this kind.
fn run_many(knobs: &Knobs, worlds: u64) -> Totals {
    simulate_many(knobs, 0..worlds, |_| {}).expect("the checker's own stores work")
}

#[test]
fn many_rough_worlds_keep_every_demand() {
    let totals = run_many(&Knobs { devices: 2, ..Knobs::new(Preset::Rough, 0, 6, 2) }, 160);
    assert!(totals.failures.is_empty(), "{:?}", totals.failures);
    assert_eq!(totals.worlds, 160);
    assert!(totals.device_checks > 0 && totals.device_blocks > 0 && totals.device_starts > 320, "{totals:?}");
}

#[test]
fn many_storms_are_weathered() {
    let totals = run_many(&Knobs { devices: 2, ..Knobs::new(Preset::Storm, 0, 8, 2) }, 160);
    assert!(totals.failures.is_empty(), "{:?}", totals.failures);
    // Nothing is demanded of what never happened.
    for fault in [
        "clock_jumps",
        "disk_faults",
        "flipped_bits",
        "leaves",
        "partitions",
        "power_cuts",
        "power_cuts_in_starts",
        "rate_changes",
        "resets",
        "silences",
    ] {
        assert!(totals.faults.get(fault).is_some_and(|times| *times > 0), "{fault}: {totals:?}");
    }
    assert!(totals.left > 0 && totals.joined > 0 && totals.lies > 0, "{totals:?}");
    assert!(totals.reorganisations.keys().any(|depth| *depth > 2), "{totals:?}");
}

#[test]
fn devices_check_mine_and_pay_among_nodes_and_know_what_they_have() {
    let summary = run(Knobs { devices: 4, ..Knobs::new(Preset::Calm, 1, 6, 8) });
    assert_sound(&summary);
    assert!(summary.device_checks > 40 && summary.device_blocks > 5, "{summary:?}");
    assert!(summary.device_payments > 5 && summary.refusals == 0, "{summary:?}");
}

#[test]
fn an_index_with_a_flipped_bit_is_closed_without_a_panic() {
    assert_sound(&run(Knobs { devices: 3, ..Knobs::new(Preset::Storm, 64, 8, 4) }));
}

#[test]
fn payments_are_told_again_to_a_peer_that_had_to_refuse_them_before_it_had_the_chain() {
    assert_sound(&run(Knobs { devices: 3, ..Knobs::new(Preset::Storm, 68, 8, 4) }));
    assert_sound(&run(Knobs { devices: 3, ..Knobs::new(Preset::Storm, 168, 8, 4) }));
}

#[test]
fn files_of_open_payments_outlast_the_blocks_that_have_them_until_those_are_durable() {
    for seed in [1, 3, 5] {
        let left_out = [Trouble::FlippedBits, Trouble::DiskFaults, Trouble::Leaves];
        assert_sound(&run(Knobs::new(Preset::Hostile, seed, 1, 2).without(&left_out)));
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
fn a_miner_who_withholds_blocks_gets_some_and_harms_no_node() {
    for seed in 0..3 {
        let summary = run(Knobs::new(Preset::Selfish, seed, 6, 8));
        assert_sound(&summary);
        assert!(summary.revenue.as_ref().is_some_and(|got| got.revenue_per_mille > 0), "{summary:?}");
    }
}

#[test]
fn many_worlds_come_to_the_same_sum_and_name_those_that_fail() {
    let storm = Knobs::new(Preset::Storm, 0, 5, 1);
    assert_eq!(run_many(&storm, 6), run_many(&storm, 6));
    let planted = |seed| Knobs { planted: Some(Planted::FastClock), seed, ..storm.clone() };
    let alone: Vec<u64> = (0..6).filter(|seed| run(planted(*seed)).violation.is_some()).collect();
    let totals = run_many(&planted(0), 6);
    let named: Vec<u64> = totals.failures.iter().map(|failure| failure.knobs.seed).collect();
    assert_eq!(named, alone);
    assert!(!alone.is_empty());
}

#[test]
fn a_failing_world_is_made_as_small_as_it_can_be() {
    let storm = Knobs { devices: 2, ..Knobs::new(Preset::Storm, 0, 8, 4) };
    let least = |planted| {
        let knobs = Knobs { planted: Some(planted), ..storm.clone() };
        let violation = run(knobs.clone()).violation.expect("what is planted is found");
        minimise(knobs, violation, |_| {}).expect("the checker's own stores work")
    };
    // A clock that is wrong needs nothing else but a miner.
    let fast = least(Planted::FastClock);
    let without: Vec<&str> =
        Trouble::ALL.into_iter().filter(|trouble| trouble.is_in(&storm)).map(Trouble::name).collect();
    let (seed, without) = (fast.knobs.seed, without.join(","));
    let least_of_all =
        format!("mote simulate --preset storm --seed {seed} --nodes 1 --minutes 1 --without {without}");
    assert_eq!(fast.command, least_of_all);
    // A disk that does not sync needs power that fails, and that alone.
    let unsynced = least(Planted::FilesNotSynced);
    assert!(unsynced.knobs.nodes < 8 && unsynced.knobs.devices == 0, "{unsynced:?}");
    let needs: Vec<Trouble> =
        Trouble::ALL.into_iter().filter(|trouble| trouble.is_in(&unsynced.knobs)).collect();
    assert!(needs.len() <= 2, "{needs:?}");
    assert_eq!(run(unsynced.knobs.clone()).violation, Some(unsynced.violation.clone()));
}

/// What the program says to this command.
fn mote(arguments: &str) -> Output {
    let mut command = Command::new(program());
    command.arg("simulate").args(arguments.split(' '));
    command.output().expect("the program runs")
}

#[test]
fn two_processes_write_the_same_bytes_for_the_same_seed() {
    let arguments = "--preset storm --nodes 6 --devices 2 --minutes 2 --seed 5 --json";
    let (first, second) = (mote(arguments), mote(arguments));
    assert!(first.status.success() && !first.stdout.is_empty(), "{first:?}");
    assert_eq!(first.stdout, second.stdout);
    let sum = mote(
        "--preset storm --nodes 4 --minutes 1 --seeds 3..7 --without liars,power-cuts,start-cuts --json",
    );
    assert!(sum.status.success(), "{sum:?}");
    let sum: serde_json::Value = serde_json::from_slice(&sum.stdout).expect("JSON");
    assert_eq!(
        (&sum["worlds"], &sum["lies"], &sum["faults"]["power_cuts"]),
        (&4.into(), &0.into(), &().into())
    );
    assert!(!mote("--without weather").status.success());
    let unbesieged = mote("--preset eclipse --nodes 2");
    assert!(String::from_utf8_lossy(&unbesieged.stderr).contains("an eclipse needs at least 3 nodes, got 2"));
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
