//! Looking for a nonce in a bounded number of attempts.

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::miner::Job;
use mote_core::pow::CompactTarget;

/// The most attempts of one request: a block of the laboratory takes 2^16 on average, and this many fail once
/// in e^64 times. A laptop makes them in about a second.
pub(super) const ATTEMPTS_MAX: u64 = 1 << 22;

/// The first nonce from `from` on that meets the target, within [`ATTEMPTS_MAX`].
pub(super) fn nonce(commitment: Hash32, target: CompactTarget, from: u64) -> Option<u64> {
    let job = Job::from_parts(commitment, target)?;
    job.search(from..from.saturating_add(ATTEMPTS_MAX))
}

/// Gives the header the first nonce that meets its target; says whether there is one within reach.
pub(super) fn mine(header: &mut Header) -> bool {
    let found = nonce(header.commitment(), header.target, 0);
    if let Some(nonce) = found {
        header.nonce = nonce;
    }
    found.is_some()
}
