//! The least world that still violates a demand: what can be left out of a failing one is left out.

use serde::Serialize;

use super::checker::Violation;
use super::knobs::Knobs;
use super::simulate;
use super::trouble::Trouble;
use crate::store::error::StoreError;

/// So many worlds are tried at the most to make one smaller.
pub const WORLDS_MAX: u32 = 1_000;

/// So many seeds are tried of each smaller world: a world without something takes another course from then on,
/// and what was rare under the first seed may be there under the next.
const SEEDS: u64 = 8;

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
            while let Some(smaller) = step.applied(&least.knobs, &least.violation)
                && try_seeds(smaller, &mut least, &mut progress)?
            {
                has_shrunk = true;
            }
        }
        if !has_shrunk || least.worlds >= WORLDS_MAX {
            return Ok(least);
        }
    }
}

/// Runs a smaller world under a few seeds; whether one of them violates the same, which is then the least.
fn try_seeds(
    smaller: Knobs,
    least: &mut Minimised,
    progress: &mut impl FnMut(u32),
) -> Result<bool, StoreError> {
    for more in 0..SEEDS {
        if least.worlds >= WORLDS_MAX {
            return Ok(false);
        }
        least.worlds += 1;
        progress(least.worlds);
        let knobs = Knobs { seed: smaller.seed.wrapping_add(more), ..smaller.clone() };
        let violation = simulate(knobs.clone(), |_, _| {})?.summary.violation;
        if let Some(violation) =
            violation.filter(|found| is_alike(found, &least.violation, &knobs, &least.knobs))
        {
            *least = Minimised { command: knobs.command(), knobs, violation, worlds: least.worlds };
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether two violations are of the same demand, both of a node or both of a device.
fn is_alike(one: &Violation, other: &Violation, in_one: &Knobs, in_other: &Knobs) -> bool {
    let is_device = |violation: &Violation, knobs: &Knobs| violation.node.map(|node| node >= knobs.nodes);
    one.demand == other.demand && is_device(one, in_one) == is_device(other, in_other)
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
    fn applied(self, least: &Knobs, violation: &Violation) -> Option<Knobs> {
        let mut knobs = least.clone();
        match self {
            Self::UntilTheViolation => {
                knobs.minutes = knobs.minutes.min(violation.millis.div_ceil(60_000).max(1));
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
        (knobs != *least).then_some(knobs)
    }
}
