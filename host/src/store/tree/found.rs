//! Accounts that were looked for, in the order of their keys.

use mote_core::keys::AccountKey;
use mote_core::state::Account;

use super::search::{beginning, compare};

/// In how many parts keys are put in order.
const PARTS: usize = 256;

/// An account that was looked for.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Where it stands.
    pub key: AccountKey,
    /// What it holds now.
    pub account: Account,
    /// Whether that is something else than in the version.
    pub is_changed: bool,
    /// Whether the version has no leaf for it.
    pub is_new: bool,
}

impl Found {
    /// What the version has at `key`.
    pub fn of(key: AccountKey, account: Option<Account>) -> Self {
        Self { key, account: account.unwrap_or_default(), is_changed: false, is_new: account.is_none() }
    }
}

/// The accounts that were looked for. Those who look for many ask for them in the same order afterwards, so where each
/// is to be found is worked out for all together.
#[derive(Debug, Default)]
pub struct FoundAccounts {
    /// In the order of their keys.
    accounts: Vec<Found>,
    /// The places of the accounts in the order in which they are expected to be asked for. Where somebody does not keep
    /// to it, each is found by itself.
    expected: Vec<u32>,
    /// How many of them were.
    asked: usize,
}

impl FoundAccounts {
    /// The place of the account at `key`, until others are added.
    pub fn place_of(&mut self, key: &AccountKey) -> Option<usize> {
        let expected = self.expected.get(self.asked).map(|place| *place as usize);
        if expected.and_then(|place| self.accounts.get(place)).is_some_and(|found| found.key == *key) {
            self.asked += 1;
            return expected;
        }
        self.accounts.binary_search_by(|found| compare(&found.key, key)).ok()
    }

    /// The account at this place.
    pub fn at(&mut self, place: usize) -> Option<&mut Found> {
        self.accounts.get_mut(place)
    }

    /// Which of these keys stand for accounts that are not here, in the order of keys and each once.
    pub fn missing(&self, keys: &InOrder) -> Vec<AccountKey> {
        let is_here =
            |key: &AccountKey| self.accounts.binary_search_by(|found| compare(&found.key, key)).is_ok();
        let missing = keys.distinct.iter().filter(|key| !is_here(key));
        missing.copied().collect()
    }

    /// Adds accounts that are not here. Where they are the first, they are expected to be asked for in the order of
    /// `keys`; later ones end that, and each is then found by itself.
    pub fn add(&mut self, found: impl Iterator<Item = Found>, keys: InOrder) {
        self.expected = if self.accounts.is_empty() { keys.places } else { Vec::new() };
        self.accounts.extend(found);
        // Mostly they come in few runs that are in order.
        self.accounts.sort_by(|left, right| compare(&left.key, &right.key));
        self.asked = 0;
    }

    /// Takes those out that have changed, in the order of their keys, and forgets the others.
    pub fn take_changed(&mut self) -> impl Iterator<Item = Found> + use<> {
        std::mem::take(self).accounts.into_iter().filter(|found| found.is_changed)
    }
}

/// Keys in the order in which they are asked for, and in their own.
pub struct InOrder {
    /// In their own, each once.
    distinct: Vec<AccountKey>,
    /// For each that is asked for, its place among them.
    places: Vec<u32>,
}

impl InOrder {
    /// Puts keys in their order.
    pub fn of(keys: &[AccountKey]) -> Self {
        let uses = in_order(keys);
        let key = |number: u32| keys.get(number as usize);
        let (mut distinct, mut places) = (Vec::with_capacity(keys.len()), vec![0; keys.len()]);
        for (_, number) in uses {
            let Some(key) = key(number) else { continue };
            if distinct.last() != Some(key) {
                distinct.push(*key);
            }
            if let Some(place) = places.get_mut(number as usize) {
                *place = distinct.len() as u32 - 1;
            }
        }
        Self { distinct, places }
    }
}

/// The beginnings of keys and their numbers, in the order of the keys. They are hashes, so that their first bits put
/// them into parts of about the same size, each of which is in order soon.
fn in_order(keys: &[AccountKey]) -> Vec<(u64, u32)> {
    let part_of = |beginning: u64| (beginning >> (u64::BITS - PARTS.ilog2())) as usize;
    let mut ends = [0_usize; PARTS];
    for key in keys {
        ends[part_of(beginning(key))] += 1;
    }
    let mut end = 0;
    for count in &mut ends {
        end += *count;
        *count = end - *count;
    }
    let mut uses = vec![(0, 0); keys.len()];
    // There are never 2^32 keys in memory.
    for (key, number) in keys.iter().zip(0_u32..) {
        let beginning = beginning(key);
        let next = &mut ends[part_of(beginning)];
        uses[*next] = (beginning, number);
        *next += 1;
    }
    let mut begin = 0;
    for end in ends {
        uses[begin..end].sort_unstable_by(|(left, first), (right, second)| {
            left.cmp(right).then_with(|| keys[*first as usize].cmp(&keys[*second as usize]))
        });
        begin = end;
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_put_in_their_order_however_alike_they_begin() {
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        for count in [0, 1, 2, 3, 300, 3_000] {
            // All alike up to some byte, and many the same.
            for alike in [0, 1, 7, 8, 31] {
                let mut key = || {
                    let mut bytes = [0xff; 32];
                    bytes[alike] = draw();
                    bytes[31] ^= draw() & 1;
                    AccountKey::from_bytes(bytes)
                };
                let keys: Vec<AccountKey> = (0..count).map(|_| key()).collect();
                let InOrder { distinct, places } = InOrder::of(&keys);
                let mut expected = keys.clone();
                expected.sort();
                expected.dedup();
                assert_eq!(distinct, expected);
                assert_eq!(places.len(), keys.len());
                for (key, place) in keys.iter().zip(places) {
                    assert_eq!(distinct[place as usize], *key);
                }
            }
        }
    }
}
