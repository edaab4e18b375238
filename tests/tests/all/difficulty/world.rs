//! A network of miners in simulated time.

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::merkle::Frontier;
use mote_core::miner::stamp;
use mote_core::params::{FUTURE_MAX_SECONDS, Params, TIMES_REMEMBERED};
use mote_core::pow::{CompactTarget, Work};
use mote_core::units::{Height, Timestamp};
use mote_tests::fixtures::network;
use mote_tests::random::Random;

/// Attempts a second that find a block of the floor in ten seconds.
pub const FLOOR_RATE: f64 = 6_553.7;

/// A height from which the network is not young any more.
pub const MATURE: u64 = 1_000;

/// What a miner writes into its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// Its clock, or the median plus 1 where that is later: what the core's miner does.
    Honest,
    /// The earliest time that is valid.
    Earliest,
    /// The latest time that others take.
    Latest,
    /// One or the other, as chance will have it.
    Either,
}

/// A chain that grows in simulated time.
pub struct World {
    pub params: Params,
    pub tip: Tip,
    /// Seconds since 1970.
    pub now: f64,
    times: Vec<Timestamp>,
    random: Random,
    /// The share of the hash rate that does not stamp honestly, and what it does.
    share: f64,
    stamps: Stamps,
}

impl World {
    /// A chain of `local` that has only its genesis block, a month after that block's time.
    pub fn new(seed: u64) -> Self {
        let params = network("local");
        let tip = Tip::genesis(&params);
        let times = vec![params.genesis().time];
        let now = params.genesis().time.plus(2_592_000).seconds() as f64;
        Self { params, tip, now, times, random: Random::new(seed), share: 0.0, stamps: Stamps::Honest }
    }

    /// A chain that has long been at the level of `rate` attempts a second.
    pub fn at_level(seed: u64, rate: f64) -> Self {
        let mut world = Self::new(seed);
        let now = world.now as u64;
        world.times =
            (1..=TIMES_REMEMBERED as u64).rev().map(|age| Timestamp::from_seconds(now - 10 * age)).collect();
        world.append(Height::new(MATURE), target_of(10.0 * rate), Timestamp::from_seconds(now));
        world
    }

    /// Lets `share` of the hash rate stamp its blocks in another way.
    pub fn with_stamps(self, share: f64, stamps: Stamps) -> Self {
        Self { share, stamps, ..self }
    }

    /// The expected attempts of the next block.
    pub fn attempts(&self) -> f64 {
        let target = self.tip.next_target(&self.params).expand().expect("the retarget gives a target");
        target.work().as_f64()
    }

    /// Waits for the next block at `rate` attempts a second, which everybody then has.
    pub fn mine(&mut self, rate: f64) {
        self.mine_until(rate, f64::INFINITY);
    }

    /// Mines for the next block, but not after `end`; whether it was found.
    pub fn mine_until(&mut self, rate: f64, end: f64) -> bool {
        // Whatever was tried before does not count: the search has no memory.
        let target = self.tip.next_target(&self.params);
        let mut wait = self.random.exponential() * self.attempts() / rate;
        loop {
            if self.now + wait > end {
                self.now = end;
                return false;
            }
            self.now += wait;
            if let Some(time) = self.stamp() {
                self.append(self.tip.height().next(), target, time);
                return true;
            }
            // The miner had to wait for the median: its attempts were for nothing.
            wait = self.random.exponential() * self.attempts() / rate;
        }
    }

    /// Mines at `rate` until `end`; how many blocks were found.
    pub fn mine_for(&mut self, rate: f64, seconds: f64) -> usize {
        let end = self.now + seconds;
        let mut count = 0;
        while self.mine_until(rate, end) {
            count += 1;
        }
        count
    }

    /// Mines `count` blocks at `rate`; the mean interval in seconds.
    pub fn mean_interval(&mut self, rate: f64, count: u32) -> f64 {
        let start = self.now;
        (0..count).for_each(|_| self.mine(rate));
        (self.now - start) / f64::from(count)
    }

    /// The time that the finder of a block writes into it; none where it cannot write a valid one.
    fn stamp(&mut self) -> Option<Timestamp> {
        let now = Timestamp::from_seconds(self.now as u64);
        let earliest = self.tip.median_time().plus(1);
        let latest = now.plus(FUTURE_MAX_SECONDS);
        let is_honest = self.random.unit() >= self.share;
        let stamps = match self.stamps {
            _ if is_honest => Stamps::Honest,
            Stamps::Either if self.random.unit() < 0.5 => Stamps::Earliest,
            Stamps::Either => Stamps::Latest,
            stamps => stamps,
        };
        match stamps {
            Stamps::Honest => stamp(&self.tip, now),
            Stamps::Earliest => Some(earliest).filter(|time| *time <= latest),
            _ => Some(latest).filter(|time| *time >= earliest),
        }
    }

    /// Proof of work is what takes the time, and what a simulation must leave out: the tip is rebuilt
    /// from its header.
    fn append(&mut self, height: Height, target: CompactTarget, time: Timestamp) {
        if self.times.len() == TIMES_REMEMBERED {
            self.times.remove(0);
        }
        self.times.push(time);
        let header = Header { height, target, time, ..self.params.genesis().clone() };
        self.tip = Tip::restore(&header, Work::ZERO, &self.times, Frontier::new());
    }
}

/// The target whose blocks take this many attempts.
pub fn target_of(attempts: f64) -> CompactTarget {
    // A mantissa of 23 bits below a power of 256 that brings it into range.
    let mut length = 32_u32;
    let mut mantissa = 256_f64.powi(3) / attempts;
    while mantissa < f64::from(0x8000) {
        mantissa *= 256.0;
        length -= 1;
    }
    assert!(mantissa < f64::from(0x80_0000), "the target has no compact form");
    CompactTarget::from_bits(length << 24 | mantissa as u32)
}

#[test]
fn targets_stand_for_their_attempts() {
    for attempts in [70_000.0, 1e6, 1e9, 1e15] {
        let work = target_of(attempts).expand().map(|target| target.work().as_f64());
        let ratio = work.map(|work| work / attempts);
        assert!(ratio.is_some_and(|ratio| (ratio - 1.0).abs() < 1e-4), "{attempts}: {ratio:?}");
    }
}
