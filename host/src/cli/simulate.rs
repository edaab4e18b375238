//! A simulated world, from the command line.

use std::io::Write;

use super::error::CliError;
use super::flags::SimulateArguments;
use super::output::{Facts, count, scaled};
use super::progress::Progress;
use crate::simulation::{self, Knobs, Revenue, Summary, Violation};

/// Runs a world and says what came of it; a violation is a failure.
pub fn simulate(arguments: &SimulateArguments, out: &mut impl Write) -> Result<(), CliError> {
    let SimulateArguments { nodes, seed, minutes, preset, report, form } = arguments;
    let knobs = Knobs::new(*preset, *seed, usize::from(*nodes), u64::from(*minutes));
    let mut bar = Progress::new("simulate");
    let ended = simulation::simulate(knobs, |done, total| {
        let speed = done as f64 / bar.elapsed().as_millis().max(1) as f64;
        bar.update(done, total, &format!("{speed:.0} times as fast as life"));
    })?;
    bar.finish();
    let summary = &ended.summary;
    if let Some(path) = report {
        let error = |source| CliError::File { action: "write", path: path.clone(), source };
        std::fs::write(path, ended.report()).map_err(error)?;
    }
    let value = serde_json::to_value(summary)
        .map_err(|error| CliError::Failed(format!("the summary cannot be written: {error}")))?;
    form.print(out, &value, |out| facts(summary).write(out))?;
    match &summary.violation {
        None => Ok(()),
        Some(violation) => Err(CliError::Failed(told(summary, violation))),
    }
}

fn facts(summary: &Summary) -> Facts {
    let depths = summary.reorganisations.iter().map(|(depth, times)| format!("{times} of depth {depth}"));
    let faults = summary.faults.iter().map(|(name, times)| format!("{times} {}", name.replace('_', " ")));
    let or_none = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
    let propagation = &summary.propagation;
    Facts::default()
        .add("world", format!("seed {}, {}", summary.knobs.seed, count(summary.knobs.nodes as u64, "node")))
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
        .add("reorganised", or_none(depths.collect()))
        .add("payments", summary.payments)
        .add("faults", or_none(faults.collect()))
        .add_some("withheld", summary.revenue.as_ref().map(revenue))
        .add("lies", summary.lies)
        .add("messages", format!("{} ({}B)", summary.messages, scaled(summary.bytes as f64)))
        .add("steps", summary.steps)
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

fn told(summary: &Summary, violation: &Violation) -> String {
    let at = violation.node.map(|node| format!(" at node {node}")).unwrap_or_default();
    format!(
        "seed {}: after {}{at}, {:?} is violated: got {}, expected {}; the same command shows it again",
        summary.knobs.seed,
        seconds(violation.millis),
        violation.demand,
        violation.got,
        violation.expected
    )
}
