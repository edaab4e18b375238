//! What can be said to `mote simulate`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::cli::output::Form;
use crate::simulation::{DEVICES_MAX, NODES_MAX, Preset, Seeds, Trouble};

/// What is done about a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnViolation {
    /// Look for the least world that shows it, and print the command that runs that.
    Minimise,
    /// Tell it.
    Tell,
}

/// Which world.
#[derive(Args, Debug)]
pub struct SimulateArguments {
    /// How many nodes there are
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=NODES_MAX as i64))]
    pub nodes: u16,
    /// How many devices there are besides, which check blocks by their witnesses
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=DEVICES_MAX as i64))]
    pub devices: u16,
    /// What decides everything: the same seed shows the same again
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Run a world for each of many seeds on all processors and sum them up: how many, or FROM..TO
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["seed", "report"])]
    pub seeds: Option<Seeds>,
    /// How long faults go on, in minutes of the world
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub minutes: u32,
    /// How rough the world is
    #[arg(
        long,
        default_value = "rough",
        value_parser = PossibleValuesParser::new(Preset::NAMES).try_map(|name| name.parse::<Preset>())
    )]
    pub preset: Preset,
    /// What to leave out of that, such as power-cuts,liars
    #[arg(
        long,
        value_name = "TROUBLES",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Trouble::ALL.map(Trouble::name))
            .try_map(|name| name.parse::<Trouble>())
    )]
    pub without: Vec<Trouble>,
    /// What to do about a violation: look for the least world that shows it, or only tell it
    #[arg(long, value_enum, default_value_t = OnViolation::Minimise)]
    pub on_violation: OnViolation,
    /// Write a page that shows who knew what when
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}
