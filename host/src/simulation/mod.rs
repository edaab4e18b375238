//! A world of real nodes in one process: a simulated network, simulated disks and a clock that jumps from one
//! event to the next. One seed decides everything, so whatever happened once happens again.
//!
//! Nothing here reads a clock, a file or a socket. The nodes are [`crate::node::Node`]s as they run
//! everywhere, over disks whose power may fail at any operation. After each step the checker looks at
//! the node that took it.
//!
//! | file | purpose |
//! | --- | --- |
//! | `knobs` | what a world is like |
//! | `random`, `queue` | chance from a seed; what is going to happen |
//! | `network`, `disk` | what connects nodes, and what they keep; how both fail |
//! | `place`, `liar` | one node with all that is its own; what a byzantine one says |
//! | `device`, `card`, `devices` | the same for devices, which run the firmware's node |
//! | `adversary` | attackers from outside: broken blocks, lies, forged payments, an eclipse, a selfish miner |
//! | `world`, `turns`, `payments` | the steps, and a node's part in them; who pays whom |
//! | `faults`, `rot`, `turnover`, `ending` | what goes wrong; bits that flip; who comes and goes; how it is put right, and what is demanded then |
//! | `checker`, `audit`, `device_checker`, `bounds`, `fairness` | what must never be |
//! | `replay`, `oracle`, `wide` | every block judged by plain code that shares nothing with the core's |
//! | `trouble`, `minimise`, `many` | what can be left out; the least world that fails; many at once |
//! | `tally`, `summary`, `report` | what is counted, what came of it, and a page that shows it |

mod adversary;
mod audit;
mod bounds;
mod card;
mod checker;
mod device;
mod device_checker;
mod devices;
mod disk;
mod ending;
mod fairness;
mod faults;
mod knobs;
mod liar;
mod many;
mod minimise;
mod network;
pub mod oracle;
mod payments;
mod place;
mod queue;
mod random;
mod replay;
mod report;
mod rot;
mod summary;
mod tally;
mod trouble;
mod turnover;
mod turns;
mod wide;
mod world;

pub use adversary::{ECLIPSE_NODES_MIN, Revenue};
pub use checker::{Demand, Violation};
pub use knobs::{DEVICES_MAX, Knobs, NODES_MAX, ParsePresetError, Planted, Preset};
pub use many::{Failure, ManyError, ParseSeedsError, Seeds, Totals, simulate_many};
pub use minimise::{Minimised, WORLDS_MAX, minimise};
pub use summary::{Propagation, Summary};
pub use trouble::{ParseTroubleError, Trouble};

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::store::error::StoreError;
use world::World;

/// How often progress is told, in milliseconds of the world.
const PROGRESS_MS: u64 = 10_000;

/// A world that has come to its end.
pub struct Ended {
    /// What came of it.
    pub summary: Summary,
    world: World,
}

impl Ended {
    /// The world as a page of HTML that needs nothing else: who was on which chain when, how fast blocks
    /// spread, how deep reorganisations went.
    pub fn report(&self) -> String {
        report::page(&self.world, &self.summary)
    }
}

/// Runs a world to its end, or to the first violation. `progress` is told how many milliseconds of how many
/// have passed.
pub fn simulate(knobs: Knobs, mut progress: impl FnMut(u64, u64)) -> Result<Ended, StoreError> {
    let total = knobs.faults_ms();
    let mut world = World::new(knobs)?;
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut until = 0;
        while until < total {
            until = (until + PROGRESS_MS).min(total);
            world.run_until(until)?;
            progress(until, total);
        }
        world.heal();
        world.agree()
    }));
    // What a panic leaves behind is only summed up.
    let ran = ran.unwrap_or_else(|panic| Err(panicked(world.millis, &*panic)));
    let (agreed_after_ms, violation) = match ran {
        Ok(then) => (Some(then - total), None),
        Err(violation) => (None, Some(violation)),
    };
    let summary = Summary::new(&world, agreed_after_ms, violation);
    Ok(Ended { summary, world })
}

/// What a panic at this time violates.
fn panicked(millis: u64, panic: &(dyn Any + Send)) -> Violation {
    let told = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let (got, expected) = (told.unwrap_or("a panic").to_owned(), "no panic".to_owned());
    Violation { millis, node: None, demand: Demand::Panic, got, expected }
}
