//! Changing many accounts of a version: each is looked for once and put in its place once, however often it changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::rules::RuleError;
use mote_core::state::{Account, Accounts, Leaf, Side, UpdateError, side};

use super::ahead::{Ahead, NodesAhead};
use super::changes::Changes;
use super::search::{Search, account_at, load, put_in_order};
use super::{Node, Nodes, StoreError, TreeVersion, hash_all};
use crate::workers::Workers;

/// Where so many accounts change it is worth waking a thread for half of them.
const SHARED_MIN: usize = 32;

/// A version that is being changed: what a block is executed over.
pub struct TreeUpdate<'a, N> {
    nodes: NodesAhead<N>,
    workers: &'a Workers,
    version: TreeVersion,
    ahead: Option<&'a mut Ahead>,
    /// Accounts that were looked for.
    found: HashMap<AccountKey, Found>,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    account: Account,
    /// Whether the account is another one than in the version.
    is_changed: bool,
    /// Whether the version has no leaf for it.
    is_new: bool,
}

impl Found {
    fn of(account: Option<Account>) -> Self {
        Self { account: account.unwrap_or_default(), is_changed: false, is_new: account.is_none() }
    }
}

impl<'a, N: Nodes> TreeUpdate<'a, N> {
    /// Changes `version`, whose stored nodes are `nodes`. One half of it may be changed and hashed by `workers`.
    pub fn new(nodes: Arc<N>, workers: &'a Workers, version: TreeVersion) -> Self {
        let nodes = Ahead::default().over(nodes);
        Self { nodes, workers, version, ahead: None, found: HashMap::new() }
    }

    /// The same, knowing and taking what was read ahead in `nodes`.
    pub fn with_ahead(
        nodes: Arc<N>,
        workers: &'a Workers,
        version: TreeVersion,
        ahead: &'a mut Ahead,
    ) -> Self {
        ahead.finish(&version.hash());
        Self { nodes: ahead.over(nodes), workers, version, ahead: Some(ahead), found: HashMap::new() }
    }

    /// Looks for accounts that will be changed, all at once, which takes a fraction of what it takes one by one.
    pub fn look_for(&mut self, mut keys: Vec<AccountKey>) -> Result<(), StoreError> {
        let Self { nodes, version, ahead, found, .. } = self;
        found.reserve(keys.len());
        keys.retain(|key| match ahead.as_ref().and_then(|ahead| ahead.account(key)) {
            Some(known) => {
                found.entry(*key).or_insert_with(|| Found::of(known));
                false
            }
            None => true,
        });
        put_in_order(&mut keys);
        load(nodes, vec![Search { node: &mut version.root, keys: &mut keys }], |key, leaf| {
            found.entry(key).or_insert_with(|| Found::of(account_at(&key, leaf)));
        })
    }

    /// The version as it was last settled.
    pub fn into_version(self) -> TreeVersion {
        self.version
    }

    /// Puts changes into the version, those of each side of its root.
    fn put_in_place(&mut self, lower: Changes, upper: Changes) -> Result<(), StoreError> {
        let root = &mut self.version.root;
        if let Node::Branch(root) = root
            && root.index == 0
            && lower.len() + upper.len() >= SHARED_MIN
        {
            let (left, right) = root.change();
            let (nodes, mut taken) = (self.nodes.clone(), std::mem::replace(right, Node::Empty));
            let other = self.workers.run(move || {
                let done = upper.put_in_place(&mut taken, &nodes);
                hash_all(std::slice::from_ref(&taken));
                (taken, done)
            });
            let done = lower.put_in_place(left, &self.nodes);
            hash_all(std::slice::from_ref(left));
            let (taken, other_done) = other.wait();
            *right = taken;
            return done.and(other_done);
        }
        lower.put_in_place(root, &self.nodes)?;
        upper.put_in_place(root, &self.nodes)
    }
}

impl<N: Nodes> Accounts for TreeUpdate<'_, N> {
    type Error = StoreError;

    fn update(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(Account) -> Result<Account, RuleError>,
    ) -> Result<(), UpdateError<StoreError>> {
        if !self.found.contains_key(key) {
            self.look_for(vec![*key]).map_err(UpdateError::Accounts)?;
        }
        if let Entry::Occupied(mut found) = self.found.entry(*key) {
            let found = found.get_mut();
            (found.account, found.is_changed) = (change(found.account)?, true);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<Hash32, StoreError> {
        let (mut lower, mut upper) = (Changes::default(), Changes::default());
        let mut changed = Vec::with_capacity(self.found.len());
        for (key, found) in self.found.drain().filter(|(_, found)| found.is_changed) {
            let changes = if side(&key, 0) == Side::Left { &mut lower } else { &mut upper };
            let leaves = if found.is_new { &mut changes.new } else { &mut changes.old };
            leaves.push(Leaf { key, account: found.account });
            changed.push((key, found.account));
        }
        self.put_in_place(lower, upper)?;
        let root = self.version.hash();
        if let Some(ahead) = &mut self.ahead {
            ahead.change(changed.into_iter(), root);
        }
        Ok(root)
    }
}
