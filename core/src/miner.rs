//! Making blocks: a template that only lacks its nonce, and the search for one in bounded slices.

use core::ops::Range;

use crate::block::Header;
use crate::chain::Tip;
use crate::hash::{Attempts, Hash32, attempt};
use crate::keys::PublicKey;
use crate::params::{FUTURE_MAX_SECONDS, HEADER_VERSION, Params};
use crate::pow::{CompactTarget, Target};
use crate::rules::Executed;
use crate::units::Timestamp;

/// The time that a miner stamps on a child of `tip`: its clock, or the median plus 1 where that is
/// later. `None` while that is further ahead of the clock than others would accept.
pub fn stamp(tip: &Tip, now: Timestamp) -> Option<Timestamp> {
    let time = now.max(tip.median_time().plus(1));
    (time <= now.plus(FUTURE_MAX_SECONDS)).then_some(time)
}

/// The header of a child of `tip` with what was executed on it, all but the nonce.
pub fn template(
    params: &Params,
    tip: &Tip,
    miner: PublicKey,
    time: Timestamp,
    executed: &Executed,
) -> Header {
    Header {
        version: HEADER_VERSION,
        height: tip.height().next(),
        previous: tip.id(),
        history_root: tip.history_root(),
        transactions_root: executed.transactions_root,
        transaction_count: executed.transaction_count,
        state_root: executed.state_root,
        miner,
        time,
        target: tip.next_target(params),
        nonce: 0,
    }
}

/// What a miner needs to know: 32 bytes and a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    commitment: Hash32,
    target: Target,
}

impl Job {
    /// The job of finding a nonce for `header`; `None` where its target is none.
    pub fn new(header: &Header) -> Option<Self> {
        Self::from_parts(header.commitment(), header.target)
    }

    /// The job of finding a nonce for a header with this commitment and target.
    pub fn from_parts(commitment: Hash32, target: CompactTarget) -> Option<Self> {
        target.expand().map(|target| Self { commitment, target })
    }

    /// What attempts are made upon: an attempt is the hash of this and a nonce.
    pub fn commitment(&self) -> &Hash32 {
        &self.commitment
    }

    /// The first 32 bits of the target: an attempt that begins with a greater number fails.
    pub fn leading(&self) -> u32 {
        self.target.leading()
    }

    /// Whether this nonce works.
    pub fn is_met_by(&self, nonce: u64) -> bool {
        self.target.is_met_by(&attempt(&self.commitment, nonce))
    }

    /// Tries the nonces of a range, one SHA-256 compression each, and returns the first that works.
    pub fn search(&self, mut nonces: Range<u64>) -> Option<u64> {
        let (mut attempts, limit) = (Attempts::new(&self.commitment), self.target.leading());
        // Few attempts pass the first 32 bits; those are hashed again and compared in full.
        nonces.find(|nonce| attempts.leading(*nonce) <= limit && self.is_met_by(*nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::Frontier;
    use crate::params::Network;
    use crate::pow::Work;

    #[test]
    fn stamps_are_the_clock_or_just_after_the_median() {
        let params = Params::new(Network::Regtest);
        let seconds = Timestamp::from_seconds;
        let times = [seconds(1_000), seconds(1_010), seconds(1_020)];
        let tip = Tip::restore(params.genesis(), Work::ZERO, &times, Frontier::new());
        assert_eq!(tip.median_time(), seconds(1_010));
        // The tip may be ahead of the clock; only the median must be passed.
        for (now, stamped) in [(2_000, 2_000), (1_015, 1_015), (1_011, 1_011), (1_010, 1_011), (891, 1_011)] {
            assert_eq!(stamp(&tip, seconds(now)), Some(seconds(stamped)), "at {now}");
        }
        assert_eq!(stamp(&tip, seconds(890)), None, "others would not take it yet");
    }

    #[test]
    fn the_search_finds_the_first_nonce_of_its_range() {
        let params = Params::new(Network::Regtest);
        let job = Job::new(params.genesis()).unwrap();
        let mut header = params.genesis().clone();
        let meets = |header: &Header| header.target.expand().unwrap().is_met_by(&header.id());
        for start in 0..20 {
            let found = job.search(start..start + 64).unwrap();
            for nonce in start..=found {
                header.nonce = nonce;
                assert_eq!(meets(&header), nonce == found);
            }
            assert_eq!(job.search(start..found), None);
        }
        assert_eq!(Job::from_parts(Hash32::ZERO, CompactTarget::from_bits(0)), None);
    }
}
