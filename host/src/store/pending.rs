//! What has changed in the index since it was last committed, over which it lies.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::index::{Places, Table};
use super::runs::{Change, Changed, Runs};
use crate::workers::{Answer, Workers};

/// Where so many places change, whoever changes them does not wait until they are in order: a reorganisation, or a block
/// of far more transactions than the networks of devices allow.
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

    /// Waits until all of it is in order.
    pub fn settle(&mut self) {
        self.places.get_mut().unwrap_or_else(PoisonError::into_inner).in_order();
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
    fn places_agree_with_a_map_whoever_puts_them_in_order() {
        for cores in [1, 3] {
            let workers = Workers::new(NonZero::new(cores).unwrap());
            let (mut pending, mut map) = (Pending::default(), BTreeMap::new());
            let rounds = [2_000, SHARED_MIN, 10, 900, 3_000, 1_000, 1];
            for (round, count) in rounds.into_iter().enumerate() {
                let mut changes = Changes::default();
                for number in 0..count as u128 {
                    let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) % 5_000;
                    // One round takes out what others have put in.
                    let (places, change) = match (round, number % 3) {
                        (5, 0) => (Places::History, Change::Removed),
                        (_, 1) => (Places::Transactions, Change::Put),
                        _ => (Places::History, Change::Put),
                    };
                    match change {
                        Change::Put => changes.put_place(places, key),
                        Change::Removed => changes.remove_place(places, key),
                    }
                    map.insert((places as usize, key), change);
                }
                pending.absorb(changes, &workers);
                // Some come while those before them are still being put in order.
                if [0, 1, 4].contains(&round) {
                    continue;
                }
                assert!(!pending.is_empty());
                for places in Places::ALL.map(|places| places as usize) {
                    let found: Vec<Changed> =
                        pending.places().in_order()[places].last(0..=u128::MAX).collect();
                    let expected = map.range((places, 0)..=(places, u128::MAX)).rev();
                    assert_eq!(found, expected.map(|((_, key), change)| (*key, *change)).collect::<Vec<_>>());
                }
            }
        }
    }
}
