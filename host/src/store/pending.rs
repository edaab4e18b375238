//! What has changed in the index since it was last committed, over which it lies.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::index::{Places, Table};
use super::runs::{Change, Changed, Runs};
use crate::workers::{Answer, Workers};

/// Where so many places change, whoever changes them does not wait until they are in order.
const SHARED_MIN: usize = 512;

/// Rows by their keys; one without a value is removed.
type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A set of changes that takes effect as a whole.
#[derive(Debug, Default)]
pub struct Changes {
    rows: [Rows; Table::ALL.len()],
    /// In the order in which they were made.
    places: [Vec<Changed>; Places::ALL.len()],
}

impl Changes {
    /// Sets the row at `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.rows[table as usize].insert(key.to_vec(), Some(value.to_vec()));
    }

    /// Removes the row at `key`.
    pub fn remove(&mut self, table: Table, key: &[u8]) {
        self.rows[table as usize].insert(key.to_vec(), None);
    }

    /// Adds a place.
    pub fn put_place(&mut self, places: Places, key: u128) {
        self.places[places as usize].push((key, Change::Put));
    }

    /// Removes a place.
    pub fn remove_place(&mut self, places: Places, key: u128) {
        self.places[places as usize].push((key, Change::Removed));
    }
}

/// All changes since the last commit.
#[derive(Default)]
pub struct Pending {
    rows: [Rows; Table::ALL.len()],
    places: Mutex<PendingPlaces>,
}

impl Pending {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(Rows::is_empty) && self.places().in_order().iter().all(Runs::is_empty)
    }

    /// Sets the row at `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.rows[table as usize].insert(key.to_vec(), Some(value.to_vec()));
    }

    /// Lets `later` take effect over these changes.
    pub fn absorb(&mut self, later: Changes, workers: &Workers) {
        for (rows, later) in self.rows.iter_mut().zip(later.rows) {
            rows.extend(later);
        }
        self.places.get_mut().unwrap_or_else(PoisonError::into_inner).absorb(later.places, workers);
    }

    /// What becomes of the rows of a table.
    pub fn rows(&self, table: Table) -> &Rows {
        &self.rows[table as usize]
    }

    /// What becomes of the tables of places.
    pub fn places(&self) -> MutexGuard<'_, PendingPlaces> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of each table of places.
type EachPlaces = [Runs; Places::ALL.len()];

/// What becomes of the tables of places.
#[derive(Default)]
pub struct PendingPlaces {
    /// As far as it is in order.
    places: EachPlaces,
    /// There while somebody is at it, in the place of what is above.
    settling: Option<Answer<EachPlaces>>,
}

impl PendingPlaces {
    /// All of it, as soon as it is in order.
    pub fn in_order(&mut self) -> &mut EachPlaces {
        if let Some(settling) = self.settling.take() {
            self.places = settling.wait();
        }
        &mut self.places
    }

    fn absorb(&mut self, later: [Vec<Changed>; Places::ALL.len()], workers: &Workers) {
        let count: usize = later.iter().map(Vec::len).sum();
        let mut places = take(self.in_order());
        let absorb = move || {
            for (places, later) in places.iter_mut().zip(later) {
                places.absorb(later);
            }
            places
        };
        if count < SHARED_MIN {
            self.places = absorb();
        } else {
            self.settling = Some(workers.run(absorb));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZero;

    #[test]
    fn what_is_put_in_order_by_somebody_else_is_the_same() {
        let alone = Workers::new(NonZero::<usize>::MIN);
        let several = Workers::new(NonZero::new(3).unwrap());
        let (mut one, mut other) = (Pending::default(), Pending::default());
        // Some are so few that they are put in order at once, some are not, and some are taken out again.
        for (round, count) in [(0, 2_000), (1, 10), (2, SHARED_MIN), (3, 0), (4, 3_000), (5, 1)] {
            for (pending, workers) in [(&mut one, &alone), (&mut other, &several)] {
                let mut changes = Changes::default();
                for number in 0..count as u128 {
                    let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) % 5_000;
                    match (round, number % 3) {
                        (4, 0) => changes.remove_place(Places::History, key),
                        (_, 1) => changes.put_place(Places::Transactions, key),
                        _ => changes.put_place(Places::History, key),
                    }
                }
                pending.absorb(changes, workers);
                assert!(!pending.is_empty());
            }
            if round % 2 == 0 {
                continue;
            }
            for places in Places::ALL {
                let all = |pending: &Pending| -> Vec<Changed> {
                    pending.places().in_order()[places as usize].last(0..=u128::MAX).collect()
                };
                assert_eq!(all(&one), all(&other));
            }
        }
    }
}
