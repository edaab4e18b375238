//! Accounts that were looked for, in the order of their keys.

use mote_core::keys::AccountKey;
use mote_core::state::Account;

use super::search::{beginning, compare};

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
        // There are never 2^32 keys in memory.
        let mut uses: Vec<(u64, u32)> = keys.iter().map(beginning).zip(0..).collect();
        let key = |number: u32| keys.get(number as usize);
        uses.sort_unstable_by(|left, right| {
            left.0.cmp(&right.0).then_with(|| key(left.1).cmp(&key(right.1)))
        });
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
