//! Searching for a nonce with the widest instructions that the processor has.
//!
//! An attempt is one compression of SHA-256 over a block in which only the nonce changes. What follows from
//! the rest of the block is worked out once, and then many attempts go side by side:
//!
//! | name | side by side | instructions |
//! | --- | --- | --- |
//! | `avx512` | 16 | AVX-512F |
//! | `avx2` | 8 | AVX2 |
//! | `sha` | 2 | the SHA extensions |
//! | `plain` | 1 | whatever the hash library finds |
//!
//! The search of the core is what all of them are held equal to.

mod plain;
mod prepared;
mod search;
#[cfg(target_arch = "x86_64")]
mod sha;

use std::ops::Range;
use std::time::Instant;

use mote_core::hash::Hash32;
use mote_core::miner::Job;
use mote_core::pow::CompactTarget;
use prepared::Prepared;
use search::Search;

#[cfg(target_arch = "x86_64")]
use crate::sha256::{avx2, avx512, sha as extensions};

/// How many attempts [`Kernel::fastest`] makes with each: about a millisecond's.
const TRIAL: u64 = 1 << 14;

/// A target of 1, which nothing meets.
const UNREACHABLE: CompactTarget = CompactTarget::from_bits(0x0300_0001);

/// Every kernel's number of lanes divides this.
const STEP: u64 = 16;

/// The most nonces of one call of a kernel, so that their number fits 32 bits.
const COUNT_MAX: u64 = 1 << 31;

/// A way to search. A value says that the processor can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Way);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Unit),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Unit),
    #[cfg(target_arch = "x86_64")]
    Sha(extensions::Unit),
    Plain,
}

impl Kernel {
    /// All that this processor can do.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self(Way::Plain)];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(extensions::Unit::find().map(|unit| Self(Way::Sha(unit))));
            all.extend(avx2::Unit::find().map(|unit| Self(Way::Avx2(unit))));
            all.extend(avx512::Unit::find().map(|unit| Self(Way::Avx512(unit))));
        }
        all
    }

    /// The one that is the fastest here: each is tried for about a millisecond. Which of two is faster differs
    /// from one processor to the next.
    pub fn fastest() -> Self {
        let job = Job::from_parts(Hash32::ZERO, UNREACHABLE);
        let time = |kernel: &Self| {
            let begun = Instant::now();
            job.map(|job| kernel.search(&job, 0..TRIAL));
            begun.elapsed()
        };
        // The first trial of each is for the caches, and for a processor that slows down for wide vectors.
        let all = Self::all();
        for kernel in &all {
            time(kernel);
        }
        all.into_iter().min_by_key(time).unwrap_or(Self(Way::Plain))
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self.0 {
            Way::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Way::Sha(_) => "sha",
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(_) => "avx512",
        }
    }

    /// Tries the nonces of a range and returns the first that works, as [`Job::search`] does.
    pub fn search(self, job: &Job, mut nonces: Range<u64>) -> Option<u64> {
        loop {
            // Up to here the high half of the nonce stays the same.
            let last = nonces.start | u64::from(u32::MAX);
            let end = nonces.end.min(last.saturating_add(1));
            let found = self.search_run(job, nonces.start..end);
            if found.is_some() || end == nonces.end {
                return found;
            }
            nonces.start = end;
        }
    }

    /// As [`Kernel::search`], where the high half of all nonces is the same.
    fn search_run(self, job: &Job, mut nonces: Range<u64>) -> Option<u64> {
        let high = nonces.start >> 32;
        let prepared = Prepared::new(job.commitment(), high as u32);
        while nonces.end.saturating_sub(nonces.start) >= STEP {
            let count = (nonces.end - nonces.start).min(COUNT_MAX) / STEP * STEP;
            let low = nonces.start as u32;
            let Some(hit) = self.leading(&prepared, low, count as u32, job.leading()) else {
                nonces.start += count;
                continue;
            };
            // Few attempts pass the first 32 bits; those are hashed again and compared in full.
            let hit = high << 32 | u64::from(hit);
            if job.is_met_by(hit) {
                return Some(hit);
            }
            nonces.start = hit + 1;
        }
        job.search(nonces)
    }

    /// The first of `count` nonces, a multiple of [`STEP`], whose hash begins with 32 bits not above `limit`.
    fn leading(self, prepared: &Prepared, first: u32, count: u32, limit: u32) -> Option<u32> {
        match self.0 {
            Way::Plain => plain::search(prepared, first, count, limit),
            #[cfg(target_arch = "x86_64")]
            Way::Sha(unit) => sha::search(unit, prepared, first, count, limit),
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(unit) => unit.run(Search { prepared, first, count, limit }),
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(unit) => unit.run(Search { prepared, first, count, limit }),
        }
    }
}
