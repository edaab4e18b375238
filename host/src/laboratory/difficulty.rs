//! How the target follows a hash rate that changes at once: a chain without hashes, its blocks found when
//! chance and the rate say so.

use mote_core::chain::{Kept, Tip};
use mote_core::hash::sha256;
use mote_core::merkle::Frontier;
use mote_core::miner::stamp;
use mote_core::params::{BLOCK_SPACING_SECONDS, Network, Params, YOUNG_BELOW_BLOCKS};
use mote_core::pow::{CompactTarget, Work};
use mote_core::units::{Height, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Unfit;

/// The most blocks of one chain.
pub const BLOCKS_MAX: u64 = 2_000;

/// The highest hash rate, in attempts a second.
pub const RATE_MAX: f64 = 1e12;

/// A hash rate that changes at once.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryDifficultyRequest)]
#[serde(deny_unknown_fields)]
pub struct DifficultyRequest {
    /// The network whose rules hold.
    #[serde(default)]
    pub network: Rules,
    /// Where the chain starts.
    #[serde(default)]
    pub start: Start,
    /// Attempts a second before the step, 1 to 10^12.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub before: f64,
    /// Attempts a second after it, 1 to 10^12.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub after: f64,
    /// After how many blocks the rate changes.
    pub step: u64,
    /// How many blocks there are, 1 to 2,000.
    #[schema(minimum = 1, maximum = 2000)]
    pub blocks: u64,
    /// What chance is drawn from.
    #[serde(default)]
    pub seed: u32,
}

/// The networks whose difficulty follows the hash rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = LaboratoryRules)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// At least 2^16 attempts a block.
    #[default]
    Local,
    /// At least 2^20 attempts a block.
    Main,
}

/// Where a chain starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = LaboratoryStart)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the genesis block, at the floor; the target follows quickly up to height 1,000.
    #[default]
    Young,
    /// Far behind height 1,000, with a target that suits the rate before the step.
    Settled,
}

/// A chain as it came about, block by block.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryDifficulty)]
pub struct DifficultyAnswer {
    /// The interval that the rules aim at, in seconds.
    pub spacing: u64,
    /// The height of the first block.
    pub first_height: u64,
    /// When each block was found, in seconds since the start.
    pub times: Vec<f64>,
    /// How long each took, in seconds.
    pub intervals: Vec<f64>,
    /// How many attempts each takes on average by its target.
    pub difficulties: Vec<f64>,
}

/// Follows the chain.
pub fn difficulty(request: &DifficultyRequest) -> Result<DifficultyAnswer, Unfit> {
    let DifficultyRequest { network, start, before, after, step, blocks, seed } = *request;
    for (part, rate) in [("before", before), ("after", after)] {
        if !(1.0..=RATE_MAX).contains(&rate) {
            return Err(Unfit::new(part, format_args!("expected a rate from 1 to 10^12, got {rate}")));
        }
    }
    if !(1..=BLOCKS_MAX).contains(&blocks) {
        return Err(Unfit::new("blocks", format_args!("expected 1 to {BLOCKS_MAX}, got {blocks}")));
    }
    let params = Params::new(match network {
        Rules::Local => Network::Local,
        Rules::Main => Network::Main,
    });
    let mut tip = match start {
        Start::Young => Tip::genesis(&params),
        Start::Settled => settled(&params, before),
    };
    let mut chance = Chance(u64::from(seed));
    let (began, first_height, mut clock) = (tip.time(), tip.height().get() + 1, 0.0);
    let mut answer = DifficultyAnswer {
        spacing: BLOCK_SPACING_SECONDS as u64,
        first_height,
        times: Vec::new(),
        intervals: Vec::new(),
        difficulties: Vec::new(),
    };
    for block in 0..blocks {
        let target = tip.next_target(&params);
        let attempts = target.expand().map_or(0.0, |target| target.work().as_f64());
        let rate = if block < step { before } else { after };
        let interval = chance.exponential() * attempts / rate;
        clock += interval;
        let now = began.plus(clock as u64);
        // The median is never so far ahead of the clock that a miner would have to wait: clocks are right here.
        let time = stamp(&tip, now).unwrap_or(now);
        let id = sha256(&(first_height + block).to_le_bytes());
        tip.extend_kept(&Kept { id, state_root: tip.state_root(), time, target });
        answer.times.push(rounded(clock));
        answer.intervals.push(rounded(interval));
        answer.difficulties.push(attempts.round());
    }
    Ok(answer)
}

/// A chain beyond its youth, whose target suits the rate.
fn settled(params: &Params, rate: f64) -> Tip {
    let attempts = rate * BLOCK_SPACING_SECONDS as f64;
    let target =
        target_of(attempts).filter(|target| is_harder(*target, params.floor)).unwrap_or(params.floor);
    let height = Height::new(YOUNG_BELOW_BLOCKS);
    let times: Vec<Timestamp> =
        (0..12).map(|block| params.genesis().time.plus(10_000 + 10 * block)).collect();
    let time = times.last().copied().unwrap_or_default();
    let header = mote_core::block::Header { height, target, time, ..params.genesis().clone() };
    Tip::restore(&header, Work::ZERO, &times, Frontier::new())
}

/// The compact target that takes about so many attempts.
fn target_of(attempts: f64) -> Option<CompactTarget> {
    // 2^256 / attempts as three bytes and a length in bytes.
    let exponent = 256.0 - attempts.max(2.0).log2();
    let length = (exponent / 8.0).floor() + 1.0;
    let mantissa = (exponent - 8.0 * (length - 3.0)).exp2() as u32;
    let (mantissa, length) = if mantissa & 0xff80_0000 == 0 {
        (mantissa, length as u32)
    } else {
        (mantissa >> 8, length as u32 + 1)
    };
    let target = CompactTarget::from_bits(length << 24 | mantissa);
    target.expand().map(|_| target)
}

fn is_harder(target: CompactTarget, floor: CompactTarget) -> bool {
    target.expand() < floor.expand()
}

/// Milliseconds are more than anybody sees.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

/// SplitMix64: what blocks are found by here needs no better randomness, only the same one for the same seed.
struct Chance(u64);

impl Chance {
    /// How many times the average something takes that may happen at any moment.
    fn exponential(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 53) as f64;
        -(1.0 - uniform).ln()
    }
}
