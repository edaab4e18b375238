//! Many worlds on all processors, and the sum of them.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, available_parallelism};

use serde::Serialize;

use super::checker::Violation;
use super::knobs::Knobs;
use super::simulate;
use super::summary::Summary;
use crate::store::error::StoreError;

/// The stack of a thread that runs worlds, in bytes: the memory of a device passes over it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Seeds of worlds, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

/// A text that names no seeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected how many seeds, such as 1000, or FROM..TO, got {0:?}")]
pub struct ParseSeedsError(String);

impl FromStr for Seeds {
    type Err = ParseSeedsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").unwrap_or(("0", text));
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) if from < to => Ok(Self(from..to)),
            _ => Err(ParseSeedsError(text.to_owned())),
        }
    }
}

/// A world in which a demand was violated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The world.
    pub knobs: Knobs,
    /// What was violated.
    pub violation: Violation,
}

/// The sum of many worlds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many worlds there were.
    pub worlds: u64,
    /// How long they went on, in milliseconds of each.
    pub millis: u64,
    /// The longest time after the last fault until all honest nodes had one tip, in milliseconds.
    pub agreed_after_max_ms: u64,
    /// Blocks that were on some node's chain.
    pub blocks: u64,
    /// Payments that were acknowledged, those of devices included.
    pub payments: u64,
    /// Reorganisations of any node by their depth.
    pub reorganisations: BTreeMap<u64, u64>,
    /// Starts of nodes.
    pub starts: u64,
    /// Starts of devices.
    pub device_starts: u64,
    /// Blocks that devices have checked by their witnesses.
    pub device_checks: u64,
    /// Blocks that devices have mined.
    pub device_blocks: u64,
    /// Faults by their names.
    pub faults: BTreeMap<&'static str, u64>,
    /// Messages that byzantine nodes have tampered with.
    pub lies: u64,
    /// Nodes that left.
    pub left: u64,
    /// Nodes that joined in the place of one that had left.
    pub joined: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Events of any kind.
    pub steps: u64,
    /// The worlds in which a demand was violated, by their seeds.
    pub failures: Vec<Failure>,
}

impl Totals {
    /// Adds a world.
    fn add(&mut self, summary: Summary) {
        self.worlds += 1;
        self.millis += summary.millis;
        self.agreed_after_max_ms = self.agreed_after_max_ms.max(summary.agreed_after_ms.unwrap_or(0));
        self.blocks += summary.blocks;
        self.payments += summary.payments + summary.device_payments;
        for (depth, times) in summary.reorganisations {
            *self.reorganisations.entry(depth).or_default() += times;
        }
        self.starts += summary.starts;
        self.device_starts += summary.device_starts;
        self.device_checks += summary.device_checks;
        self.device_blocks += summary.device_blocks;
        for (name, times) in summary.faults {
            *self.faults.entry(name).or_default() += times;
        }
        self.lies += summary.lies;
        self.left += summary.left;
        self.joined += summary.joined;
        self.messages += summary.messages;
        self.steps += summary.steps;
        if let Some(violation) = summary.violation {
            self.failures.push(Failure { knobs: summary.knobs, violation });
        }
    }
}

/// Why many worlds could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ManyError {
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
    /// The checker's own store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs a world of this kind for each seed, on all processors, and sums up what came of them; the same seeds give
/// the same sum. `progress` is told how many worlds have ended.
pub fn simulate_many(
    knobs: &Knobs,
    seeds: Range<u64>,
    mut progress: impl FnMut(u64),
) -> Result<Totals, ManyError> {
    let next = AtomicU64::new(seeds.start);
    let threads = available_parallelism().map_or(1, NonZero::get);
    let mut totals = thread::scope(|scope| {
        let (sender, ended) = mpsc::channel();
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            let run = move || {
                let following = |seed| (seed < seeds.end).then_some(seed + 1);
                while let Ok(seed) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, following) {
                    let summary =
                        simulate(Knobs { seed, ..knobs.clone() }, |_, _| {}).map(|ended| ended.summary);
                    if sender.send(summary).is_err() {
                        return;
                    }
                }
            };
            let started = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
            started.map_err(ManyError::Thread)?;
        }
        drop(sender);
        let mut totals = Totals::default();
        for summary in ended {
            totals.add(summary?);
            progress(totals.worlds);
        }
        Ok::<_, ManyError>(totals)
    })?;
    totals.failures.sort_by_key(|failure| failure.knobs.seed);
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_number_or_a_range() {
        assert_eq!("1000".parse(), Ok(Seeds(0..1_000)));
        assert_eq!("7..9".parse(), Ok(Seeds(7..9)));
        for text in ["", "0", "9..7", "7..7", "7..", "-1", "1..2..3"] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }
}
