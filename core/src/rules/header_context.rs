//! Rules that look at a header in its chain.

use super::{RuleError, isolation::inspect_header};
use crate::block::Header;
use crate::chain::Tip;
use crate::hash::Hash32;
use crate::params::{FUTURE_MAX_SECONDS, Params};
use crate::pow::Work;
use crate::units::Timestamp;

/// A header that obeys every rule that can be judged without its transactions, as a child of the tip
/// that it was checked against.
#[derive(Clone, Debug)]
pub struct CheckedHeader {
    header: Header,
    id: Hash32,
    work: Work,
}

impl CheckedHeader {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its id.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    /// The work of this header alone.
    pub fn work(&self) -> Work {
        self.work
    }
}

/// What C6 is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time now.
    Now(Timestamp),
    /// The header was acceptable when it came; its time was judged then. For one's own store.
    AcceptedBefore,
}

/// Checks H1 to H4, B1 and C1 to C6 for a child of `tip`.
///
/// C6 comes last: a header that breaks it breaks no other, so it may be set aside and tried again.
pub fn check_header(
    params: &Params,
    tip: &Tip,
    header: &Header,
    clock: Clock,
) -> Result<CheckedHeader, RuleError> {
    if header.previous != tip.id() {
        return Err(RuleError::HeaderPrevious { got: header.previous, expected: tip.id() });
    }
    if header.height != tip.height().next() {
        return Err(RuleError::HeaderHeight { got: header.height, expected: tip.height().next() });
    }
    let expected = tip.next_target(params);
    if header.target != expected {
        return Err(RuleError::HeaderTarget { got: header.target, expected });
    }
    let sound = inspect_header(params, header)?;
    let history_root = tip.history_root();
    if header.history_root != history_root {
        return Err(RuleError::HeaderHistoryRoot { got: header.history_root, expected: history_root });
    }
    let median = tip.median_time();
    if header.time <= median {
        return Err(RuleError::HeaderTimeMedian { got: header.time, median });
    }
    if let Clock::Now(now) = clock {
        let limit = now.plus(FUTURE_MAX_SECONDS);
        if header.time > limit {
            return Err(RuleError::HeaderTimeFuture { got: header.time, limit });
        }
    }
    Ok(CheckedHeader { header: header.clone(), id: sound.id(), work: sound.work() })
}
