//! Tests of versions against the definition of the root.

use super::row::{Rows, decode_node, encode_node};
use super::*;
use crate::workers::Workers;
use mote_core::hash::sha256;
use mote_core::units::Amount;
use std::collections::BTreeMap;
use std::num::NonZero;

/// Rows as the file has them.
#[derive(Clone, Default)]
struct Memory(Vec<u8>);

impl Memory {
    fn add(&mut self, node: &Node) -> u64 {
        // No node has the number 0.
        self.0.resize(self.0.len().max(1), 0);
        let serial = self.0.len() as u64;
        encode_node(&mut self.0, node);
        serial
    }

    fn row(&self, serial: u64) -> Result<&[u8], StoreError> {
        self.0.get(serial as usize..).ok_or(StoreError::Node { serial, problem: "missing" })
    }
}

impl Nodes for Memory {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        let node = decode_node(named.serial, self.row(named.serial)?)?;
        assert_eq!(node.hash(), named.hash);
        Ok(node)
    }

    fn load(&self, searches: &mut [Search<'_, '_>]) -> Result<(), StoreError> {
        for Search { node, keys } in searches {
            let Node::Stored(named) = **node else { continue };
            let rows = Rows::decode(&[(named.serial, self.row(named.serial)?)])?;
            **node = rows.heads().next().unwrap().on_the_way_to(keys);
            assert_eq!(node.hash(), named.hash);
        }
        Ok(())
    }
}

/// The definition of the root, without a tree.
fn oracle(leaves: &[Leaf]) -> Hash32 {
    match leaves {
        [] => Hash32::ZERO,
        [leaf] => leaf.hash(),
        [first, .., last] => {
            let index = first_difference(&first.key, &last.key).unwrap();
            let split = leaves.partition_point(|leaf| side(&leaf.key, index) == Side::Left);
            branch_hash(index, &oracle(&leaves[..split]), &oracle(&leaves[split..]))
        }
    }
}

fn sorted(accounts: &BTreeMap<AccountKey, Account>) -> Vec<Leaf> {
    accounts.iter().map(|(key, account)| Leaf { key: *key, account: *account }).collect()
}

/// Keys that share long prefixes as well as keys that differ at once.
fn key(seed: u64) -> AccountKey {
    if seed.is_multiple_of(3) {
        let mut bytes = [0; 32];
        bytes[31] = seed as u8;
        bytes[15] = (seed >> 8) as u8;
        return AccountKey::from_bytes(bytes);
    }
    sha256(&(seed % 97).to_le_bytes())
}

#[test]
fn every_version_agrees_with_the_definition_and_stays_readable() {
    let mut memory = Memory::default();
    let mut accounts = BTreeMap::new();
    let mut versions = vec![(TreeVersion::default(), accounts.clone())];
    let mut seed = 7_u64;
    for round in 0..60 {
        let base = versions[if round % 7 == 6 { versions.len() / 2 } else { versions.len() - 1 }].clone();
        accounts = base.1.clone();
        let (start, mut changes) = (base.0.clone(), Vec::new());
        let mut view = TreeView::new(&memory, base.0);
        for _ in 0..round % 9 + 1 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = key(seed >> 40);
            let before = view.root();
            let proof = view.proof(&key).unwrap();
            let account = Account { balance: Amount::from_grains(seed >> 20), nonce: round };
            assert_eq!(proof.get(&before, &key), Ok(accounts.get(&key).copied()));
            assert_eq!(view.get(&key).unwrap(), accounts.get(&key).copied());
            view.update(&key, |_| Ok(account)).unwrap();
            accounts.insert(key, account);
            changes.push((key, account));
            assert_eq!(view.root(), oracle(&sorted(&accounts)));
            assert_eq!(proof.set(&before, &key, account), Ok(view.root()));
        }
        // All at once they come to the same.
        let mut update = TreeUpdate::new(Arc::new(memory.clone()), start);
        let keys = changes.iter().map(|(key, _)| *key);
        // Some were not looked for before they change, some do not change, and some are looked for twice.
        let looked_for = keys.skip(round as usize % 2).chain([key(round), key(round + 1)]);
        update.look_for(&looked_for.collect::<Vec<_>>()).unwrap();
        for (at, (key, account)) in changes.iter().enumerate() {
            let earlier = changes[..at].iter().rfind(|(earlier, _)| earlier == key);
            let before = earlier.map(|(_, account)| *account).or_else(|| base.1.get(key).copied());
            let check = |got: Account| {
                assert_eq!(got, before.unwrap_or_default());
                Ok(*account)
            };
            update.update(key, check).unwrap();
        }
        assert_eq!(update.settle().unwrap(), view.root());
        let mut version = if round % 2 == 0 { view.into_version() } else { update.into_version() };
        // Now and then a version is stored, and what is read often stays in memory.
        if round % 3 == 0 {
            let root = version.store(&mut |node| memory.add(node));
            assert_eq!(root.hash, version.hash());
            let again = version.store(&mut |node| {
                assert!(matches!(node, Node::Leaf(_)));
                memory.add(node)
            });
            assert_eq!(root.hash, again.hash);
            version.keep_levels(round as u32 % 5);
            assert_eq!(root.hash, version.hash());
            versions.push((TreeVersion::stored(root), accounts.clone()));
        }
        versions.push((version, accounts.clone()));
    }
    for (version, accounts) in versions {
        let root = version.hash();
        let leaves: Vec<Leaf> = Leaves::new(&memory, version).collect::<Result<_, _>>().unwrap();
        assert_eq!(leaves, sorted(&accounts));
        assert_eq!(root, oracle(&leaves));
    }
}

#[test]
fn many_changes_at_once_agree_with_the_definition() {
    let (mut memory, workers) = (Memory::default(), Workers::new(NonZero::new(2).unwrap()));
    let mut accounts: BTreeMap<AccountKey, Account> = BTreeMap::new();
    let (mut version, mut ahead) = (TreeVersion::default(), Ahead::default());
    let mut seed = 11_u64;
    for round in 0..40 {
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        };
        // Among them are old and new ones, and some that are there twice.
        let keys: Vec<AccountKey> = (0..70).map(|_| sha256(&(draw() % 600).to_le_bytes())).collect();
        // What is read ahead for this version or an earlier one, all that is looked for or a part of it, changes nothing.
        if round % 4 < 3 {
            let part = keys[..draw() as usize % 70].to_vec();
            ahead = Ahead::begin(&Arc::new(memory.clone()), &workers, &version, part);
        }
        let mut update = TreeUpdate::with_ahead(Arc::new(memory.clone()), version.clone(), &mut ahead);
        update.look_for(&keys).unwrap();
        for key in &keys {
            let before = accounts.get(key).copied().unwrap_or_default();
            let after = Account { balance: Amount::from_grains(draw()), nonce: before.nonce + 1 };
            let check = |got: Account| {
                assert_eq!(got, before, "{round}");
                Ok(after)
            };
            update.update(key, check).unwrap();
            accounts.insert(*key, after);
        }
        assert_eq!(update.settle().unwrap(), oracle(&sorted(&accounts)), "{round}");
        version = update.into_version();
        if round % 3 == 2 {
            let root = version.store(&mut |node| memory.add(node));
            version.keep_levels(round as u32 % 4);
            version = if round % 2 == 0 { TreeVersion::stored(root) } else { version };
        }
        let leaves: Vec<Leaf> = Leaves::new(&memory, version.clone()).collect::<Result<_, _>>().unwrap();
        assert_eq!(leaves, sorted(&accounts));
    }
}

#[test]
fn what_was_read_ahead_is_not_read_again() {
    let (mut memory, workers) = (Memory::default(), Workers::new(NonZero::new(2).unwrap()));
    let keys: Vec<AccountKey> = (0..500_u64).map(|number| sha256(&number.to_le_bytes())).collect();
    let mut view = TreeView::new(&memory, TreeVersion::default());
    for key in &keys[..400] {
        view.update(key, |_| Ok(Account { balance: Amount::from_grains(1), nonce: 1 })).unwrap();
    }
    let root = view.into_version().store(&mut |node| memory.add(node));
    let (stored, nothing) = (TreeVersion::stored(root), Memory::default());
    // Old ones and new ones.
    let keys = keys[350..450].to_vec();
    let nonces_of = |nodes: &Memory, ahead: &mut Ahead| -> Result<Vec<u64>, StoreError> {
        let mut update = TreeUpdate::with_ahead(Arc::new(nodes.clone()), stored.clone(), ahead);
        update.look_for(&keys)?;
        let mut nonces = Vec::new();
        for key in &keys {
            let note = |account: Account| {
                nonces.push(account.nonce);
                Ok(account)
            };
            update.update(key, note).unwrap();
        }
        update.settle()?;
        Ok(nonces)
    };
    let expected = [vec![1; 50], vec![0; 50]].concat();
    let begin = |nodes: &Memory| Ahead::begin(&Arc::new(nodes.clone()), &workers, &stored, keys.clone());
    assert_eq!(nonces_of(&nothing, &mut begin(&memory)).unwrap(), expected);
    // Where that comes to nothing, all is read when it is needed, and only then it is an error.
    assert_eq!(nonces_of(&memory, &mut begin(&nothing)).unwrap(), expected);
    assert!(nonces_of(&nothing, &mut begin(&nothing)).is_err());
}

#[test]
fn damage_on_one_side_of_the_tree_is_an_error_whoever_comes_upon_it() {
    let (mut memory, workers) = (Memory::default(), Workers::new(NonZero::new(2).unwrap()));
    let keys: Vec<AccountKey> = (0..500_u64).map(|number| sha256(&number.to_le_bytes())).collect();
    let mut view = TreeView::new(&memory, TreeVersion::default());
    for key in &keys {
        view.update(key, |_| Ok(Account::default())).unwrap();
    }
    let root = view.into_version().store(&mut |node| memory.add(node));
    let (good, bad) = (Arc::new(memory), Arc::new(Memory::default()));
    let stored = TreeVersion::stored(root);
    for damaged in [Side::Left, Side::Right] {
        let mut ahead = Ahead::begin(&good, &workers, &stored, keys.clone());
        // The root and one side are taken by a block that then breaks a rule.
        let mut refused = TreeUpdate::with_ahead(good.clone(), stored.clone(), &mut ahead);
        let new = |number: u64| sha256(&(1_000 + number).to_le_bytes());
        let taken = (0..500).map(new).filter(|key| side(key, 0) == damaged).collect::<Vec<_>>();
        refused.look_for(&taken).unwrap();
        drop(refused);
        // The next one knows the accounts, and reads them again to put changes in their place.
        for (nodes, is_good) in [(&bad, false), (&good, true)] {
            let mut update = TreeUpdate::with_ahead(nodes.clone(), stored.clone(), &mut ahead);
            update.look_for(&keys).unwrap();
            for key in &keys {
                update.update(key, |account| Ok(Account { nonce: account.nonce + 1, ..account })).unwrap();
            }
            assert_eq!(update.settle().is_ok(), is_good);
        }
    }
}

#[test]
fn a_refused_change_changes_nothing() {
    let memory = Memory::default();
    let mut view = TreeView::new(&memory, TreeVersion::default());
    let refusal = RuleError::LedgerOverflow { left: 1, right: 2 };
    let refused = view.update(&key(1), |_| Err(refusal));
    assert!(matches!(refused, Err(UpdateError::Rule(error)) if error == refusal));
    assert_eq!(view.root(), Hash32::ZERO);
    let mut update = TreeUpdate::new(Arc::new(memory.clone()), TreeVersion::default());
    let refused = update.update(&key(1), |_| Err(refusal));
    assert!(matches!(refused, Err(UpdateError::Rule(error)) if error == refusal));
    assert_eq!(update.settle().unwrap(), Hash32::ZERO);
    let missing = TreeVersion::stored(NodeRef { serial: 9, hash: key(1) });
    assert!(matches!(Leaves::new(&memory, missing).next(), Some(Err(_))));
}

#[test]
fn new_accounts_find_their_places_whatever_their_keys_have_in_common() {
    let memory = Memory::default();
    // Many have long beginnings in common, and their order is not that in which they come.
    let clustered = |number: u64| {
        let mut bytes = [0; 32];
        let at = [0, 1, 9, 30, 31][number as usize % 5];
        bytes[at] = (number / 5 % 256) as u8;
        bytes[31] ^= (number % 7) as u8;
        AccountKey::from_bytes(bytes)
    };
    for seed in 0..40 {
        let (mut version, mut accounts) = (TreeVersion::default(), BTreeMap::new());
        for round in 0..4 {
            let keys = (0..seed * 3 + round).map(|number| clustered(number * 31 + seed * 1_009 + round * 17));
            let mut update = TreeUpdate::new(Arc::new(memory.clone()), version);
            for key in keys {
                let account = Account { balance: Amount::from_grains(seed), nonce: round };
                update.update(&key, |_| Ok(account)).unwrap();
                accounts.insert(key, account);
            }
            assert_eq!(update.settle().unwrap(), oracle(&sorted(&accounts)), "{seed} {round}");
            version = update.into_version();
        }
    }
}

#[test]
fn what_a_refused_change_came_to_is_not_known_of_the_version_before() {
    let (mut memory, workers) = (Memory::default(), Workers::new(NonZero::new(2).unwrap()));
    let keys: Vec<AccountKey> = (0..100_u64).map(|number| sha256(&number.to_le_bytes())).collect();
    let account = |nonce| Account { balance: Amount::from_grains(1), nonce };
    let mut accounts: BTreeMap<_, _> = keys[..80].iter().map(|key| (*key, account(1))).collect();
    let mut view = TreeView::new(&memory, TreeVersion::default());
    for key in accounts.keys() {
        view.update(key, |_| Ok(account(1))).unwrap();
    }
    let root = view.into_version().store(&mut |node| memory.add(node));
    let (nodes, before) = (Arc::new(memory), TreeVersion::stored(root));
    let mut ahead = Ahead::begin(&nodes, &workers, &before, keys.clone());
    let change = |version: TreeVersion, ahead: &mut Ahead, nonce: u64| {
        let mut update = TreeUpdate::with_ahead(nodes.clone(), version, ahead);
        let mut found = Vec::new();
        for key in &keys {
            let note = |before: Account| {
                found.push(before.nonce);
                Ok(account(nonce))
            };
            update.update(key, note).unwrap();
        }
        (update.settle().unwrap(), update.into_version(), found)
    };
    let old = [vec![1; 80], vec![0; 20]].concat();
    assert_eq!(change(before.clone(), &mut ahead, 7).2, old);
    let (root, version, found) = change(before, &mut ahead, 2);
    accounts.extend(keys.iter().map(|key| (*key, account(2))));
    assert_eq!((root, found), (oracle(&sorted(&accounts)), old));
    let (root, _, found) = change(version, &mut ahead, 3);
    accounts.values_mut().for_each(|changed| *changed = account(3));
    assert_eq!((root, found), (oracle(&sorted(&accounts)), vec![2; 100]));
}
