//! What every node stays within after every step.

use mote_core::units::Moment;

use super::checker::{Demand, Violation};
use super::network::UNDER_WAY_MAX_BYTES;
use super::place::{JOURNAL, MEMPOOL_TRANSACTIONS};
use super::world::World;
use crate::node::report::Held;
use crate::store::journal;

/// Bytes that a store takes before it holds anything: the least index, and files of the log.
const STORE_MIN_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes that a store may take for each block of a world, whose blocks are small: its record in the log, and
/// what changes in the index, whose pages are half full at worst and are copied before they are changed.
const STORE_BLOCK_BYTES: u64 = 64 * 1024;

/// How long the answer to a request may take, in milliseconds.
const ANSWER_MAX_MS: u64 = 15_000;

/// How many ticks late a node may notice that an answer did not come in time.
const TICKS_LATE: u64 = 2;

/// Files of open payments that may be begun until there is next a tidying.
const FILES_BETWEEN_TIDYINGS: usize = 2;

impl World {
    /// Checks that a node holds no more than it may.
    pub(super) fn check_bounds(&mut self, number: usize) -> Result<(), Violation> {
        let millis = self.millis;
        let Some(place) = self.places.get(number) else { return Ok(()) };
        let Some(node) = &place.node else { return Ok(()) };
        let violation = |got: String, expected: String| {
            Err(Violation { millis, node: Some(number), demand: Demand::Bounds, got, expected })
        };
        let held = node.held();
        let limit = Held::limit(held.connections, MEMPOOL_TRANSACTIONS);
        if !held.is_within(&limit) {
            return violation(format!("{held:?}"), format!("at most {limit:?}"));
        }
        let now = Moment::from_millis(millis);
        let is_in_time = |deadline: &Moment| {
            deadline.since(now) <= ANSWER_MAX_MS && now.since(*deadline) <= TICKS_LATE * self.knobs.tick_ms
        };
        if let Some(deadline) = node.deadlines().find(|deadline| !is_in_time(deadline)) {
            let expected =
                format!("within {ANSWER_MAX_MS} ms, looked at {TICKS_LATE} ticks later at the latest");
            return violation(
                format!("at {millis} ms, an answer is waited for until {deadline:?}"),
                expected,
            );
        }
        let stored = place.disk.bytes();
        let most = STORE_MIN_BYTES + STORE_BLOCK_BYTES * node.ledger().statistics().blocks;
        if stored > most {
            return violation(format!("{stored} bytes on the disk"), format!("at most {most}"));
        }
        let (files, most) = (place.disk.files(journal::PREFIX), JOURNAL.segments + FILES_BETWEEN_TIDYINGS);
        if files > most {
            return violation(format!("{files} files of open payments"), format!("at most {most}"));
        }
        let under_way = self.network.under_way_from(number);
        if under_way > UNDER_WAY_MAX_BYTES {
            let expected = format!("at most {UNDER_WAY_MAX_BYTES}");
            return violation(format!("{under_way} bytes under way on a connection"), expected);
        }
        self.tally.most(held, stored);
        Ok(())
    }
}
