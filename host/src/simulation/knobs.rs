//! What a simulated world is like.

use std::str::FromStr;

use mote_core::params::{BLOCK_TRANSACTIONS_MAX, Retarget};
use serde::{Serialize, Serializer};

/// The most nodes of one world: each keeps a whole store in memory.
pub const NODES_MAX: usize = 500;

/// The most devices of one world.
pub const DEVICES_MAX: usize = 100;

/// What a simulated world is like. All that happens in it follows from this. A mean interval of 0 means never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Knobs {
    /// What all numbers below were before any was changed.
    pub preset: Preset,
    /// All chance comes from it.
    pub seed: u64,
    /// How many nodes there are, 1 to [`NODES_MAX`].
    pub nodes: usize,
    /// How many devices there are besides, which run the firmware's node over a card.
    pub devices: usize,
    /// How long faults go on, in minutes of the world; then it is healed and has to agree.
    pub minutes: u64,
    /// How often each node is given time, in milliseconds.
    pub tick_ms: u64,
    /// How many peers each node is told of at the start, beside the next in a ring.
    pub acquaintances: usize,
    /// Time between two blocks of all miners together, in milliseconds on average, at the start.
    pub block_interval_ms: u64,
    /// Time between two payments, in milliseconds on average.
    pub payment_interval_ms: u64,
    /// The least time that a message takes, in milliseconds.
    pub latency_least_ms: u64,
    /// How much longer it takes on average, in milliseconds, exponentially distributed.
    pub latency_more_ms: u64,
    /// How many of a thousand messages are lost on their way. The transport repeats them, so that they
    /// and what follows on their connection come late.
    pub loss_per_mille: u32,
    /// How many of a thousand nodes have a slow connection to everybody.
    pub slow_per_mille: u32,
    /// How many bytes a second pass a slow connection.
    pub slow_bytes_per_second: u64,
    /// Time between two connections that one side gives up while the other still takes what is under way, in
    /// milliseconds on average.
    pub reset_interval_ms: u64,
    /// Time between two nodes that leave for good, in milliseconds on average. In the place of half of them a new
    /// one joins later.
    pub leave_interval_ms: u64,
    /// How many of a thousand starts the power fails in.
    pub start_cut_per_mille: u32,
    /// Time between two partitions of the network, in milliseconds on average.
    pub partition_interval_ms: u64,
    /// How long a partition lasts, in milliseconds on average.
    pub partition_ms: u64,
    /// Time after which all that one node sends is held up for as long as a partition, in milliseconds on
    /// average: a silent peer.
    pub silence_interval_ms: u64,
    /// Time between two power cuts, each at some operation of some node's disk, in milliseconds on average.
    pub crash_interval_ms: u64,
    /// How long a node stays off, in milliseconds on average.
    pub off_ms: u64,
    /// Time between two disks that fill up, refuse to sync or to write, in milliseconds on average.
    pub disk_fault_interval_ms: u64,
    /// Time between two bits that flip on some disk, in milliseconds on average.
    pub bit_rot_interval_ms: u64,
    /// How far clocks are off at the most, in seconds. Beyond 120 nodes refuse each other's blocks.
    pub clock_skew_max_seconds: u64,
    /// Time between two jumps of some clock, in milliseconds on average.
    pub clock_jump_interval_ms: u64,
    /// Time between two changes of a miner's hash rate, up to eightfold, in milliseconds on average.
    pub rate_interval_ms: u64,
    /// How many of a thousand nodes join late, at any time of the first half.
    pub late_per_mille: u32,
    /// How many of a thousand nodes are byzantine.
    pub byzantine_per_mille: u32,
    /// How many of a thousand messages a byzantine node changes, repeats or keeps.
    pub lie_per_mille: u32,
    /// Time between two attacks from outside, in milliseconds on average.
    pub attack_interval_ms: u64,
    /// When somebody with many addresses begins to surround the last honest node, in milliseconds; 0 for never.
    pub eclipse_after_ms: u64,
    /// How many of a thousand attempts are those of a miner who withholds blocks.
    pub selfish_per_mille: u32,
    /// Whether targets follow the hash rate.
    #[serde(serialize_with = "follows")]
    pub retarget: Retarget,
    /// The most transactions in a block.
    pub block_transactions: usize,
    /// Within this time after the last fault all nodes must have the same tip, in milliseconds.
    pub agreement_ms: u64,
    /// A mistake that is planted to see whether it is found.
    pub planted: Option<Planted>,
}

/// How rough a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Nothing fails; messages take their time.
    Calm,
    /// What the internet and real computers do.
    Rough,
    /// More at once than anybody will see.
    Storm,
    /// What the internet does, and attackers who do not rest, on a network whose targets follow the hash rate.
    Hostile,
    /// Nothing fails but one node, whose slots and addresses somebody fills.
    Eclipse,
    /// Nothing fails, but a miner with a third of the hash rate withholds blocks.
    Selfish,
}

impl Preset {
    /// What the presets are called.
    pub const NAMES: [&str; 6] = ["calm", "rough", "storm", "hostile", "eclipse", "selfish"];

    /// What this one is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rough => "rough",
            Self::Storm => "storm",
            Self::Hostile => "hostile",
            Self::Eclipse => "eclipse",
            Self::Selfish => "selfish",
        }
    }
}

/// A text that is none of [`Preset::NAMES`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected calm, rough, storm, hostile, eclipse or selfish, got {0:?}")]
pub struct ParsePresetError(String);

impl FromStr for Preset {
    type Err = ParsePresetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "calm" => Ok(Self::Calm),
            "rough" => Ok(Self::Rough),
            "storm" => Ok(Self::Storm),
            "hostile" => Ok(Self::Hostile),
            "eclipse" => Ok(Self::Eclipse),
            "selfish" => Ok(Self::Selfish),
            other => Err(ParsePresetError(other.to_owned())),
        }
    }
}

/// A mistake that is made on purpose, outside the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planted {
    /// Disks say that they have synced a file and have not.
    FilesNotSynced,
    /// Disks say that they have synced the names of files and have not.
    NamesNotSynced,
    /// One node's clock is an hour fast, so that the rule on times ahead passes whatever it mines.
    FastClock,
    /// One node believes in an easier target.
    EasyTarget,
    /// One node is cut off for good.
    NeverHealed,
    /// Miners rest once the world is healed.
    NoMiner,
}

impl Knobs {
    /// A world of this kind.
    pub fn new(preset: Preset, seed: u64, nodes: usize, minutes: u64) -> Self {
        let calm = Self {
            preset,
            seed,
            nodes,
            devices: 0,
            minutes,
            tick_ms: 250,
            acquaintances: 2,
            block_interval_ms: 10_000,
            payment_interval_ms: 5_000,
            latency_least_ms: 10,
            latency_more_ms: 40,
            loss_per_mille: 0,
            slow_per_mille: 0,
            slow_bytes_per_second: 0,
            reset_interval_ms: 0,
            leave_interval_ms: 0,
            start_cut_per_mille: 0,
            partition_interval_ms: 0,
            partition_ms: 0,
            silence_interval_ms: 0,
            crash_interval_ms: 0,
            off_ms: 0,
            disk_fault_interval_ms: 0,
            bit_rot_interval_ms: 0,
            clock_skew_max_seconds: 0,
            clock_jump_interval_ms: 0,
            rate_interval_ms: 0,
            late_per_mille: 0,
            byzantine_per_mille: 0,
            lie_per_mille: 0,
            attack_interval_ms: 0,
            eclipse_after_ms: 0,
            selfish_per_mille: 0,
            retarget: Retarget::Never,
            block_transactions: BLOCK_TRANSACTIONS_MAX,
            agreement_ms: 600_000,
            planted: None,
        };
        let rough = Self {
            latency_least_ms: 20,
            latency_more_ms: 100,
            loss_per_mille: 10,
            slow_per_mille: 200,
            slow_bytes_per_second: 4_000,
            reset_interval_ms: 60_000,
            leave_interval_ms: 300_000,
            start_cut_per_mille: 50,
            partition_interval_ms: 300_000,
            partition_ms: 60_000,
            silence_interval_ms: 300_000,
            crash_interval_ms: 120_000,
            off_ms: 30_000,
            disk_fault_interval_ms: 600_000,
            clock_skew_max_seconds: 5,
            clock_jump_interval_ms: 600_000,
            rate_interval_ms: 300_000,
            late_per_mille: 100,
            ..calm.clone()
        };
        match preset {
            Preset::Calm => calm,
            Preset::Rough => rough,
            Preset::Eclipse => Self { eclipse_after_ms: 60_000, off_ms: 10_000, ..calm },
            Preset::Selfish => Self { selfish_per_mille: 350, ..calm },
            Preset::Hostile => Self {
                payment_interval_ms: 2_000,
                crash_interval_ms: 30_000,
                off_ms: 10_000,
                bit_rot_interval_ms: 60_000,
                attack_interval_ms: 1_500,
                retarget: Retarget::EveryBlock,
                block_transactions: 32,
                ..rough
            },
            Preset::Storm => Self {
                latency_least_ms: 20,
                latency_more_ms: 400,
                loss_per_mille: 50,
                slow_per_mille: 400,
                slow_bytes_per_second: 1_500,
                reset_interval_ms: 15_000,
                leave_interval_ms: 120_000,
                start_cut_per_mille: 200,
                partition_interval_ms: 60_000,
                partition_ms: 60_000,
                silence_interval_ms: 60_000,
                crash_interval_ms: 20_000,
                off_ms: 20_000,
                disk_fault_interval_ms: 60_000,
                bit_rot_interval_ms: 120_000,
                clock_skew_max_seconds: 60,
                clock_jump_interval_ms: 60_000,
                rate_interval_ms: 60_000,
                late_per_mille: 250,
                byzantine_per_mille: 150,
                lie_per_mille: 100,
                ..calm
            },
        }
    }

    /// How long faults go on, in milliseconds.
    pub fn faults_ms(&self) -> u64 {
        self.minutes.saturating_mul(60_000)
    }
}

/// Whether targets follow the hash rate, as a truth value.
fn follows<S: Serializer>(retarget: &Retarget, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(*retarget == Retarget::EveryBlock)
}
