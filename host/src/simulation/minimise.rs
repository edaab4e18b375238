//! The least world that still violates a demand: what can be left out of a failing one is left out.

use serde::Serialize;

use super::checker::Violation;
use super::knobs::Knobs;
use super::simulate;
use super::trouble::Trouble;
use crate::store::error::StoreError;

/// So many worlds are tried at the most.
const WORLDS_MAX: u32 = 200;

/// A world from which nothing can be taken without the violation going away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Minimised {
    /// The command that runs it.
    pub command: String,
    /// What it is like.
    pub knobs: Knobs,
    /// What is violated in it: the same demand as in the world that it was made of.
    pub violation: Violation,
    /// How many worlds were tried.
    pub worlds: u32,
}

/// Takes away from a world that violates a demand whatever it does not need for that: single troubles, devices,
/// nodes and time, until nothing can be taken away. `progress` is told how many worlds were tried.
pub fn minimise(
    knobs: Knobs,
    violation: Violation,
    mut progress: impl FnMut(u32),
) -> Result<Minimised, StoreError> {
    let mut least = Minimised { command: knobs.command(), knobs, violation, worlds: 0 };
    loop {
        let mut has_shrunk = false;
        for step in Step::ALL {
            while least.worlds < WORLDS_MAX {
                let Some(smaller) = step.applied(&least) else { break };
                least.worlds += 1;
                progress(least.worlds);
                let violation = simulate(smaller.clone(), |_, _| {})?.summary.violation;
                let Some(violation) = violation.filter(|found| found.demand == least.violation.demand) else {
                    break;
                };
                let command = smaller.command();
                least = Minimised { command, knobs: smaller, violation, worlds: least.worlds };
                has_shrunk = true;
            }
        }
        if !has_shrunk || least.worlds >= WORLDS_MAX {
            return Ok(least);
        }
    }
}

/// One way to make a world smaller.
#[derive(Clone, Copy)]
enum Step {
    UntilTheViolation,
    NoDevices,
    HalfTheDevices,
    OneDeviceLess,
    HalfTheNodes,
    OneNodeLess,
    HalfTheTime,
    OneMinuteLess,
    Without(Trouble),
}

impl Step {
    const ALL: [Self; 8 + Trouble::ALL.len()] = {
        let mut all = [Self::UntilTheViolation; 8 + Trouble::ALL.len()];
        let mut place = 0;
        while place < Trouble::ALL.len() {
            all[place + 1] = Self::Without(Trouble::ALL[place]);
            place += 1;
        }
        let sizes = [
            Self::NoDevices,
            Self::HalfTheDevices,
            Self::OneDeviceLess,
            Self::HalfTheNodes,
            Self::OneNodeLess,
            Self::HalfTheTime,
            Self::OneMinuteLess,
        ];
        let mut size = 0;
        while size < sizes.len() {
            all[place + 1 + size] = sizes[size];
            size += 1;
        }
        all
    };

    /// The smaller world; none where it would be the same, or nothing.
    fn applied(self, least: &Minimised) -> Option<Knobs> {
        let mut knobs = least.knobs.clone();
        match self {
            Self::UntilTheViolation => {
                knobs.minutes = knobs.minutes.min(least.violation.millis.div_ceil(60_000).max(1));
            }
            Self::NoDevices => knobs.devices = 0,
            Self::HalfTheDevices => knobs.devices /= 2,
            Self::OneDeviceLess => knobs.devices = knobs.devices.saturating_sub(1),
            Self::HalfTheNodes => knobs.nodes = knobs.nodes.div_ceil(2),
            Self::OneNodeLess => knobs.nodes = (knobs.nodes - 1).max(1),
            Self::HalfTheTime => knobs.minutes = knobs.minutes.div_ceil(2),
            Self::OneMinuteLess => knobs.minutes = knobs.minutes.saturating_sub(1).max(1),
            Self::Without(trouble) => trouble.leave_out(&mut knobs),
        }
        (knobs != least.knobs).then_some(knobs)
    }
}
