//! What makes a world harder than it must be, one by one, so that it can be left out.

use std::str::FromStr;

use serde::Serialize;

use super::knobs::Knobs;

/// Something that makes a world harder, and that can be left out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Partitions of the network.
    Partitions,
    /// Nodes of which nothing is heard for a while.
    Silences,
    /// Power that fails while a node or device runs.
    PowerCuts,
    /// Power that fails while a node or device starts.
    StartCuts,
    /// Disks that are full, or do not sync or write.
    DiskFaults,
    /// Bits that flip on disks.
    FlippedBits,
    /// Clocks that are wrong, and that jump.
    Clocks,
    /// Miners that get faster or slower.
    Rates,
    /// Messages that are lost and repeated.
    Losses,
    /// Slow connections.
    SlowLinks,
    /// Connections that one side gives up.
    Resets,
    /// Nodes that leave, and those that join in their place.
    Leaves,
    /// Nodes that join late.
    LateStarts,
    /// Nodes that lie.
    Liars,
    /// Payments.
    Payments,
    /// Attackers who forge blocks and payments, lie and flood.
    Attacks,
    /// Somebody who surrounds a node.
    Eclipse,
    /// A miner who withholds blocks.
    Selfish,
}

/// A text that is the name of no [`Trouble`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {names}, got {0:?}", names = Trouble::ALL.map(Trouble::name).join(", "))]
pub struct ParseTroubleError(String);

impl FromStr for Trouble {
    type Err = ParseTroubleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|trouble| trouble.name() == text);
        named.ok_or_else(|| ParseTroubleError(text.to_owned()))
    }
}

impl Trouble {
    /// All of them, in the order in which they are worth leaving out: what stirs most comes first.
    pub const ALL: [Self; 18] = [
        Self::Attacks,
        Self::Eclipse,
        Self::Selfish,
        Self::Liars,
        Self::FlippedBits,
        Self::DiskFaults,
        Self::Leaves,
        Self::Partitions,
        Self::Silences,
        Self::Resets,
        Self::Clocks,
        Self::Rates,
        Self::LateStarts,
        Self::SlowLinks,
        Self::Losses,
        Self::StartCuts,
        Self::PowerCuts,
        Self::Payments,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            Self::Silences => "silences",
            Self::PowerCuts => "power-cuts",
            Self::StartCuts => "start-cuts",
            Self::DiskFaults => "disk-faults",
            Self::FlippedBits => "flipped-bits",
            Self::Clocks => "clocks",
            Self::Rates => "rates",
            Self::Losses => "losses",
            Self::SlowLinks => "slow-links",
            Self::Resets => "resets",
            Self::Leaves => "leaves",
            Self::LateStarts => "late-starts",
            Self::Liars => "liars",
            Self::Payments => "payments",
            Self::Attacks => "attacks",
            Self::Eclipse => "eclipse",
            Self::Selfish => "selfish",
        }
    }

    /// Leaves it out of a world.
    pub fn leave_out(self, knobs: &mut Knobs) {
        match self {
            Self::Partitions => knobs.partition_interval_ms = 0,
            Self::Silences => knobs.silence_interval_ms = 0,
            Self::PowerCuts => knobs.crash_interval_ms = 0,
            Self::StartCuts => knobs.start_cut_per_mille = 0,
            Self::DiskFaults => knobs.disk_fault_interval_ms = 0,
            Self::FlippedBits => knobs.bit_rot_interval_ms = 0,
            Self::Clocks => (knobs.clock_skew_max_seconds, knobs.clock_jump_interval_ms) = (0, 0),
            Self::Rates => knobs.rate_interval_ms = 0,
            Self::Losses => knobs.loss_per_mille = 0,
            Self::SlowLinks => knobs.slow_per_mille = 0,
            Self::Resets => knobs.reset_interval_ms = 0,
            Self::Leaves => knobs.leave_interval_ms = 0,
            Self::LateStarts => knobs.late_per_mille = 0,
            Self::Liars => knobs.byzantine_per_mille = 0,
            Self::Payments => knobs.payment_interval_ms = 0,
            Self::Attacks => knobs.attack_interval_ms = 0,
            Self::Eclipse => knobs.eclipse_after_ms = 0,
            Self::Selfish => knobs.selfish_per_mille = 0,
        }
    }

    /// Whether a world has it.
    pub fn is_in(self, knobs: &Knobs) -> bool {
        let mut without = knobs.clone();
        self.leave_out(&mut without);
        without != *knobs
    }
}

impl Knobs {
    /// The same world without some of what makes it hard.
    pub fn without(mut self, left_out: &[Trouble]) -> Self {
        left_out.iter().for_each(|trouble| trouble.leave_out(&mut self));
        self
    }

    /// The command that runs this world: what its preset has and it has not is left out there.
    pub fn command(&self) -> String {
        let preset = Self::new(self.preset, self.seed, self.nodes, self.minutes);
        let is_left_out = |trouble: &Trouble| trouble.is_in(&preset) && !trouble.is_in(self);
        let left_out: Vec<&str> = Trouble::ALL.into_iter().filter(is_left_out).map(Trouble::name).collect();
        let mut command = format!(
            "mote simulate --preset {} --seed {} --nodes {} --minutes {}",
            self.preset.name(),
            self.seed,
            self.nodes,
            self.minutes
        );
        if self.devices > 0 {
            command.push_str(&format!(" --devices {}", self.devices));
        }
        if !left_out.is_empty() {
            command.push_str(&format!(" --without {}", left_out.join(",")));
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Preset;

    #[test]
    fn a_preset_has_every_trouble_and_can_do_without_each() {
        let storm = Knobs::new(Preset::Storm, 7, 8, 3);
        for trouble in Trouble::ALL {
            let preset = match trouble {
                Trouble::Attacks => Preset::Hostile,
                Trouble::Eclipse => Preset::Eclipse,
                Trouble::Selfish => Preset::Selfish,
                _ => Preset::Storm,
            };
            let knobs = Knobs::new(preset, 7, 8, 3);
            assert!(trouble.is_in(&knobs), "{trouble:?}");
            let without = knobs.clone().without(&[trouble]);
            assert!(!trouble.is_in(&without));
            let others = Trouble::ALL.into_iter().filter(|other| *other != trouble);
            assert!(others.into_iter().all(|other| other.is_in(&without) == other.is_in(&knobs)));
            assert_eq!(trouble.name().parse(), Ok(trouble));
            assert!(without.command().ends_with(&format!(" --without {}", trouble.name())));
        }
        assert_eq!(storm.command(), "mote simulate --preset storm --seed 7 --nodes 8 --minutes 3");
        assert!("storms".parse::<Trouble>().is_err());
    }
}
