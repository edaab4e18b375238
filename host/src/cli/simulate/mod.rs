//! Simulated worlds, from the command line.

pub(super) mod flags;

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::error::CliError;
use super::output::{Facts, count, scaled};
use super::progress::{Progress, rate};
use crate::simulation::{
    self, ECLIPSE_NODES_MIN, Knobs, Minimised, Preset, Revenue, Seeds, Summary, Totals, Violation, WORLDS_MAX,
};
use flags::{OnViolation, SimulateArguments};

/// So many failing worlds are named at the most.
const FAILURES_SHOWN: usize = 20;

/// Runs a world, or many, and says what came of them; a violation is a failure.
pub fn simulate(arguments: &SimulateArguments, out: &mut impl Write) -> Result<(), CliError> {
    let SimulateArguments { preset, seed, nodes, devices, minutes, without, .. } = arguments;
    if *preset == Preset::Eclipse && usize::from(*nodes) < ECLIPSE_NODES_MIN {
        let needed = format!("an eclipse needs at least {ECLIPSE_NODES_MIN} nodes, got {nodes}");
        return Err(CliError::Usage(needed));
    }
    let knobs = Knobs::new(*preset, *seed, usize::from(*nodes), u64::from(*minutes));
    let knobs = Knobs { devices: usize::from(*devices), ..knobs }.without(without);
    match &arguments.seeds {
        None => one(knobs, arguments, out),
        Some(seeds) => many(&knobs, seeds, arguments, out),
    }
}

fn one(knobs: Knobs, arguments: &SimulateArguments, out: &mut impl Write) -> Result<(), CliError> {
    let mut bar = Progress::new("simulate");
    let ended = simulation::simulate(knobs, |done, total| {
        let speed = done as f64 / bar.elapsed().as_millis().max(1) as f64;
        bar.update(done, total, &format!("{speed:.0} times as fast as life"));
    })?;
    bar.finish();
    let summary = &ended.summary;
    if let Some(path) = &arguments.report {
        let error = |source| CliError::File { action: "write", path: path.clone(), source };
        std::fs::write(path, ended.report()).map_err(error)?;
    }
    let least = match &summary.violation {
        Some(violation) => minimised(&summary.knobs, violation, arguments.on_violation)?,
        None => None,
    };
    let value = with_least(json(summary)?, least.as_ref())?;
    arguments.form.print(out, &value, |out| facts(summary).write(out))?;
    match &summary.violation {
        None => Ok(()),
        Some(violation) => Err(failure(told(&summary.knobs, violation), least)),
    }
}

fn many(
    knobs: &Knobs,
    seeds: &Seeds,
    arguments: &SimulateArguments,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let total = seeds.0.end - seeds.0.start;
    let mut bar = Progress::new("simulate");
    let totals = simulation::simulate_many(knobs, seeds.0.clone(), |done| {
        bar.update(done, total, &format!("{:.1} worlds/s", rate(done, bar.elapsed())));
    });
    bar.finish();
    let totals = totals.map_err(|error| CliError::Failed(error.to_string()))?;
    let first = totals.failures.first();
    let least = match first {
        Some(failure) => minimised(&failure.knobs, &failure.violation, arguments.on_violation)?,
        None => None,
    };
    let value = with_least(json(&totals)?, least.as_ref())?;
    arguments.form.print(out, &value, |out| sums(&totals, knobs).write(out))?;
    if first.is_none() {
        return Ok(());
    }
    let shown = totals.failures.iter().take(FAILURES_SHOWN);
    let mut lines: Vec<String> = shown.map(|failure| told(&failure.knobs, &failure.violation)).collect();
    if totals.failures.len() > FAILURES_SHOWN {
        lines.push(format!("and {} more", totals.failures.len() - FAILURES_SHOWN));
    }
    Err(failure(lines.join("\n"), least))
}

fn json(value: &impl serde::Serialize) -> Result<Value, CliError> {
    serde_json::to_value(value)
        .map_err(|error| CliError::Failed(format!("the summary cannot be written: {error}")))
}

fn with_least(mut value: Value, least: Option<&Minimised>) -> Result<Value, CliError> {
    if let (Some(least), Some(object)) = (least, value.as_object_mut()) {
        object.insert("minimised".to_owned(), json!(json(least)?));
    }
    Ok(value)
}

/// The least world that violates the same, where that is asked for.
fn minimised(
    knobs: &Knobs,
    violation: &Violation,
    on_violation: OnViolation,
) -> Result<Option<Minimised>, CliError> {
    if on_violation == OnViolation::Tell {
        return Ok(None);
    }
    eprintln!(
        "seed {}: {:?} is violated; looking for the least world that shows it",
        knobs.seed, violation.demand
    );
    let mut bar = Progress::new("minimise");
    let least = simulation::minimise(knobs.clone(), violation.clone(), |tried| {
        let (tried, most) = (u64::from(tried), u64::from(WORLDS_MAX));
        bar.update(tried, most, &format!("{:.1} worlds/s", rate(tried, bar.elapsed())));
    })?;
    bar.finish();
    Ok(Some(least))
}

fn failure(told: String, least: Option<Minimised>) -> CliError {
    let least = least.map(|least| {
        let Minimised { command, violation, worlds, .. } = least;
        format!("\nthe least of {worlds} worlds that shows it ({}): {command}", violation_text(&violation))
    });
    CliError::Failed(format!("{told}{}", least.unwrap_or_default()))
}

fn facts(summary: &Summary) -> Facts {
    let knobs = &summary.knobs;
    let propagation = &summary.propagation;
    let devices = (knobs.devices > 0).then(|| {
        format!(
            "{} checked, {} mined, {} paid, {}",
            count(summary.device_checks, "block"),
            summary.device_blocks,
            summary.device_payments,
            count(summary.device_starts, "start")
        )
    });
    Facts::default()
        .add("world", format!("seed {}, {}", knobs.seed, inhabitants(knobs)))
        .add("time", seconds(summary.millis))
        .add_some(
            "agreed",
            summary.agreed_after_ms.map(|millis| format!("{} after the last fault", seconds(millis))),
        )
        .add("chain", format!("height {}, tip {}", summary.height, summary.tip))
        .add("blocks", summary.blocks)
        .add("forks", format!("{}.{} %", summary.forks_per_mille / 10, summary.forks_per_mille % 10))
        .add(
            "propagation",
            format!(
                "{} ms median, {} ms p90, {} ms p99",
                propagation.median_ms, propagation.p90_ms, propagation.p99_ms
            ),
        )
        .add("reorganised", depths(&summary.reorganisations))
        .add("payments", summary.payments)
        .add_some("devices", devices)
        .add("faults", faults(&summary.faults))
        .add_some("withheld", summary.revenue.as_ref().map(revenue))
        .add("lies", summary.lies)
        .add("messages", format!("{} ({}B)", summary.messages, scaled(summary.bytes as f64)))
        .add("steps", summary.steps)
        .add("again", summary.knobs.command())
}

fn sums(totals: &Totals, knobs: &Knobs) -> Facts {
    let failures = match totals.failures.len() {
        0 => "every demand was kept".to_owned(),
        failures => count(failures as u64, "violation"),
    };
    Facts::default()
        .add("worlds", format!("{} of {} each: {failures}", totals.worlds, inhabitants(knobs)))
        .add("time", format!("{:.1} h", totals.millis as f64 / 3_600_000.0))
        .add("agreed", format!("{} after the last fault at the latest", seconds(totals.agreed_after_max_ms)))
        .add("blocks", totals.blocks)
        .add("payments", totals.payments)
        .add("reorganised", depths(&totals.reorganisations))
        .add("starts", totals.starts)
        .add(
            "devices",
            format!(
                "{} checked blocks, {} mined, {} starts",
                totals.device_checks, totals.device_blocks, totals.device_starts
            ),
        )
        .add("faults", faults(&totals.faults))
        .add("lies", totals.lies)
        .add("turnover", format!("{} left, {} joined in their place", totals.left, totals.joined))
        .add("messages", totals.messages)
        .add("steps", totals.steps)
}

fn inhabitants(knobs: &Knobs) -> String {
    let nodes = count(knobs.nodes as u64, "node");
    if knobs.devices == 0 { nodes } else { format!("{nodes}, {}", count(knobs.devices as u64, "device")) }
}

fn or_none(texts: Vec<String>) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn depths(reorganisations: &BTreeMap<u64, u64>) -> String {
    or_none(reorganisations.iter().map(|(depth, times)| format!("{times} of depth {depth}")).collect())
}

fn faults(faults: &BTreeMap<&'static str, u64>) -> String {
    or_none(faults.iter().map(|(name, times)| format!("{times} {}", name.replace('_', " "))).collect())
}

/// What a miner who withholds blocks got.
fn revenue(got: &Revenue) -> String {
    let per_cent = |per_mille: u64| format!("{}.{} %", per_mille / 10, per_mille % 10);
    format!(
        "{} of the blocks by {} of the attempts; {} to {} expected",
        per_cent(got.revenue_per_mille),
        per_cent(got.share_per_mille.into()),
        per_cent(got.expected_least_per_mille),
        per_cent(got.expected_most_per_mille)
    )
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}

fn told(knobs: &Knobs, violation: &Violation) -> String {
    format!("seed {}: {}; shown again by: {}", knobs.seed, violation_text(violation), knobs.command())
}

fn violation_text(violation: &Violation) -> String {
    let at = violation.node.map(|node| format!(" at node {node}")).unwrap_or_default();
    format!(
        "after {}{at}, {:?} is violated: got {}, expected {}",
        seconds(violation.millis),
        violation.demand,
        violation.got,
        violation.expected
    )
}
