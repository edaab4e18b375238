//! Keys that join or leave a table of places, before they are committed: runs in the order of keys, each at least
//! twice as long as the next. Adding a batch merges the runs that are too short by then, so that keys which are spread
//! over everything are moved in a row instead of each being looked for (O'Neil, Cheng, Gawlick, O'Neil: "The
//! log-structured merge-tree", 1996).

use std::iter::Peekable;
use std::mem::take;
use std::ops::RangeInclusive;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is put in.
    Put,
    /// It is taken out.
    Removed,
}

/// A key, and what becomes of it.
pub type Changed = (u128, Change);

/// The runs, the oldest first. Of several changes of a key the newest counts.
#[derive(Debug, Default)]
pub struct Runs(Vec<Vec<Changed>>);

impl Runs {
    /// Adds changes, the newest last.
    pub fn absorb(&mut self, mut batch: Vec<Changed>) {
        // Of equal keys the newest is the last, and comes to be the first here, which is kept.
        batch.reverse();
        batch.sort_by_key(|(key, _)| *key);
        batch.dedup_by_key(|(key, _)| *key);
        while let Some(older) = self.0.pop_if(|older| older.len() < 2 * batch.len()) {
            batch = merge(older, batch);
        }
        if !batch.is_empty() {
            self.0.push(batch);
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All changes in the order of keys, a key once.
    pub fn sorted(&mut self) -> &[Changed] {
        while self.0.len() > 1 {
            let newest = self.0.pop().unwrap_or_default();
            if let Some(older) = self.0.last_mut() {
                *older = merge(take(older), newest);
            }
        }
        self.0.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The changes in a range of keys, the last key first, a key once.
    pub fn last(&self, keys: RangeInclusive<u128>) -> impl Iterator<Item = Changed> {
        let mut ahead: Vec<&[Changed]> = self.0.iter().map(|run| within(run, &keys)).collect();
        std::iter::from_fn(move || {
            let last = ahead.iter().filter_map(|run| run.last()).map(|(key, _)| *key).max()?;
            let mut newest = None;
            for run in &mut ahead {
                if let Some((changed, rest)) = run.split_last().filter(|((key, _), _)| *key == last) {
                    (newest, *run) = (Some(*changed), rest);
                }
            }
            newest
        })
    }
}

/// The part of a run with these keys.
fn within<'a>(run: &'a [Changed], keys: &RangeInclusive<u128>) -> &'a [Changed] {
    let begin = run.partition_point(|(key, _)| key < keys.start());
    let end = run.partition_point(|(key, _)| key <= keys.end());
    run.get(begin..end).unwrap_or_default()
}

fn merge(older: Vec<Changed>, newer: Vec<Changed>) -> Vec<Changed> {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let (mut older, mut newer) = (older.into_iter().peekable(), newer.into_iter().peekable());
    let key = |run: &mut Peekable<std::vec::IntoIter<Changed>>| run.peek().map(|(key, _)| *key);
    while let (Some(old), Some(new)) = (key(&mut older), key(&mut newer)) {
        if old < new {
            merged.extend(older.next());
        } else {
            if old == new {
                older.next();
            }
            merged.extend(newer.next());
        }
    }
    merged.extend(older);
    merged.extend(newer);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// SplitMix64.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ mixed >> 31) % limit
        }
    }

    #[test]
    fn runs_agree_with_a_map() {
        for seed in 0..200 {
            let mut draw = Draw(seed);
            let (mut runs, mut map) = (Runs::default(), BTreeMap::new());
            for _ in 0..draw.below(20) {
                let mut change = || {
                    let change = if draw.below(3) == 0 { Change::Removed } else { Change::Put };
                    (u128::from(draw.below(40)), change)
                };
                let count = seed as usize % 20;
                let batch: Vec<Changed> = (0..count).map(|_| change()).collect();
                map.extend(batch.clone());
                runs.absorb(batch);
                assert!(runs.0.windows(2).all(|pair| pair[0].len() >= 2 * pair[1].len()));
                let keys = u128::from(draw.below(20))..=u128::from(draw.below(40));
                let last: Vec<_> = runs.last(keys.clone()).collect();
                let expected = map.iter().rev().filter(|(key, _)| keys.contains(key));
                assert_eq!(last, expected.map(|(key, change)| (*key, *change)).collect::<Vec<_>>());
            }
            assert_eq!(runs.is_empty(), map.is_empty());
            assert_eq!(runs.sorted(), map.into_iter().collect::<Vec<_>>());
        }
    }
}
