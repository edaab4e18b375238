//! Trees of hashes, and the short paths that prove what is in them.

use std::convert::Infallible;

use mote_core::block::{history_leaf, transactions_root};
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::merkle::{self, leaf_hash, node_hash, verify_inclusion};
use mote_core::pow::Work;
use mote_core::state::{Account, Accounts, ProofOf, STEP_BYTES};
use mote_core::units::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Unfit;
use super::ground::{Trees, params, pay};
use super::people::Person;
use crate::store::error::StoreError;
use crate::store::tree::{TreeVersion, TreeView};

/// The most leaves of a tree: the payments of a full block.
pub const LEAVES_MAX: usize = 128;

/// A tree, one of its leaves, and a hash to spoil.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryProofsRequest)]
#[serde(deny_unknown_fields)]
pub struct ProofsRequest {
    /// Which tree.
    pub tree: Tree,
    /// How many leaves it has, 1 to 128.
    #[schema(minimum = 1, maximum = 128)]
    pub leaves: usize,
    /// Which leaf is to be proved, from 0; in the tree of accounts, one that is not there proves absence.
    pub index: usize,
    /// What is spoiled in the proof: 0 is the leaf, 1 the lowest hash of the path, and so on; nothing where it is
    /// not given.
    pub spoil: Option<usize>,
}

/// A kind of tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = LaboratoryTree)]
#[serde(rename_all = "lowercase")]
pub enum Tree {
    /// The payments of a block, under its `transactions_root`.
    Payments,
    /// All blocks, under the `history_root` of the next.
    History,
    /// All accounts, under a `state_root`.
    Accounts,
}

/// A tree and a proof from it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryProofs)]
pub struct ProofsAnswer {
    /// The root that a header commits to.
    pub root: String,
    /// The hashes of the tree, level by level, the leaves first; empty for the tree of accounts, which is not
    /// built in levels.
    pub levels: Vec<Vec<String>>,
    /// What the leaf stands for.
    pub subject: String,
    /// The leaf's hash, as the proof gives it.
    pub leaf: String,
    /// The path from the leaf up, as the proof gives it.
    pub path: Vec<PathStep>,
    /// How many bytes leaf and path have together.
    pub bytes: usize,
    /// What the proof shows; null where it shows nothing.
    pub shows: Option<String>,
    /// Why it shows nothing; null where it shows something.
    pub error: Option<String>,
}

/// A hash on the way up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryPathStep)]
pub struct PathStep {
    /// The hash beside the way.
    pub hash: String,
    /// The bit of the key at which the tree parts; null where trees are built in levels.
    pub bit: Option<u8>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofsError {
    /// The request is not one of the laboratory's.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Memory failed, as it should not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Builds the tree, proves the leaf, spoils the proof where that is asked for, and verifies it.
pub fn proofs(request: &ProofsRequest) -> Result<ProofsAnswer, ProofsError> {
    let ProofsRequest { tree, leaves, index, .. } = *request;
    if !(1..=LEAVES_MAX).contains(&leaves) {
        return Err(Unfit::new("leaves", format_args!("expected 1 to {LEAVES_MAX}, got {leaves}")).into());
    }
    let most = if tree == Tree::Accounts { LEAVES_MAX } else { leaves - 1 };
    if index > most {
        return Err(Unfit::new("index", format_args!("expected 0 to {most}, got {index}")).into());
    }
    match tree {
        Tree::Payments => Ok(payments(request)?),
        Tree::History => Ok(history(request)?),
        Tree::Accounts => accounts(request),
    }
}

fn payments(request: &ProofsRequest) -> Result<ProofsAnswer, Unfit> {
    let transactions: Vec<_> = (0..request.leaves)
        .map(|number| pay(Person::Ada, Person::Ben, 1_000_000 + number as u64, number as u64, ""))
        .collect();
    let leaves = transactions.iter().map(|transaction| transaction.id()).collect();
    let subject = format!("payment {}: Ada pays Ben", request.index);
    log(request, leaves, transactions_root(&transactions), subject)
}

fn history(request: &ProofsRequest) -> Result<ProofsAnswer, Unfit> {
    // Blocks whose ids are only numbers: their work is not what this tree is about.
    let mut work = Work::ZERO;
    let step = params().floor.expand().map_or(Work::ZERO, |target| target.work());
    let mut data = Vec::with_capacity(request.leaves);
    for height in 0..request.leaves as u64 {
        work = work.saturating_add(step);
        let id = mote_core::hash::sha256(&height.to_le_bytes());
        data.push(history_leaf(&id, &work));
    }
    let root = merkle::root(&data);
    let subject = format!("the block at height {} and the work up to it", request.index);
    log(request, data.iter().map(|data| leaf_hash(data)).collect(), root, subject)
}

/// Proves a leaf of a tree as RFC 6962 has it.
fn log(
    request: &ProofsRequest,
    leaves: Vec<Hash32>,
    root: Hash32,
    subject: String,
) -> Result<ProofsAnswer, Unfit> {
    let (index, size) = (request.index as u64, leaves.len() as u64);
    let levels = levels(leaves);
    let look_up = |level: u32, index: u64| -> Result<Option<Hash32>, Infallible> {
        Ok(levels.get(level as usize).and_then(|level| level.get(index as usize)).copied())
    };
    let path = match merkle::path(index, size, look_up) {
        Ok(path) => path.unwrap_or_default(),
        Err(never) => match never {},
    };
    let mut hashes: Vec<Hash32> = levels
        .first()
        .and_then(|leaves| leaves.get(request.index))
        .into_iter()
        .chain(&path)
        .copied()
        .collect();
    spoil(request, hashes.len(), |place| {
        if let Some(hash) = hashes.get_mut(place) {
            *hash = flipped(hash);
        }
    })?;
    let (leaf, path) =
        hashes.split_first().map_or((Hash32::ZERO, [].as_slice()), |(leaf, path)| (*leaf, path));
    let verified = verify_inclusion(&leaf, index, size, path, &root);
    let step = |hash: &Hash32| PathStep { hash: hash.to_string(), bit: None };
    Ok(ProofsAnswer {
        root: root.to_string(),
        levels: levels.iter().map(|level| level.iter().map(Hash32::to_string).collect()).collect(),
        leaf: leaf.to_string(),
        path: path.iter().map(step).collect(),
        bytes: 32 * hashes.len(),
        shows: verified.is_ok().then(|| format!("{subject} is leaf {index} of {size}")),
        error: verified.err().map(|error| error.to_string()),
        subject,
    })
}

/// The hashes of a tree, the leaves first; what has no neighbour on the right rises as it is.
fn levels(leaves: Vec<Hash32>) -> Vec<Vec<Hash32>> {
    let (mut levels, mut level) = (Vec::new(), leaves);
    while level.len() > 1 {
        let above = level
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                [alone] => Some(*alone),
                _ => None,
            })
            .collect();
        levels.push(std::mem::replace(&mut level, above));
    }
    levels.push(level);
    levels
}

fn accounts(request: &ProofsRequest) -> Result<ProofsAnswer, ProofsError> {
    let trees = Trees::default();
    let mut view = TreeView::new(&trees, TreeVersion::default());
    let holds =
        |number: usize| Account { balance: Amount::from_grains(1_000_000 * (number as u64 + 1)), nonce: 0 };
    for number in 0..request.leaves {
        let set = view.update(&owner(number).account_key(), |_| Ok(holds(number)));
        set.map_err(|error| match error {
            mote_core::state::UpdateError::Rule(error) => Unfit::new("leaves", error).into(),
            mote_core::state::UpdateError::Accounts(error) => ProofsError::Store(error),
        })?;
    }
    let (key, root) = (owner(request.index).account_key(), view.root());
    let proof = view.proof(&key)?;
    let (mut leaf, mut path) = (proof.leaf, proof.path.as_ref().to_vec());
    spoil(request, 1 + path.len() / STEP_BYTES, |place| match place.checked_sub(1) {
        None => {
            if let Some(leaf) = &mut leaf {
                leaf.account.balance = Amount::from_grains(leaf.account.balance.grains() ^ 1);
            }
        }
        Some(step) => {
            if let Some(byte) = path.get_mut(step * STEP_BYTES + STEP_BYTES - 1) {
                *byte ^= 1;
            }
        }
    })?;
    let proof = ProofOf { leaf, path: path.as_slice() };
    let subject = format!("account {}", request.index);
    let (shows, error) = match proof.get(&root, &key) {
        Ok(Some(Account { balance, nonce })) => {
            (Some(format!("{subject} holds {balance} motes and has made {nonce} payments")), None)
        }
        Ok(None) => (Some(format!("{subject} is not there: the search for it ends at another leaf")), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(ProofsAnswer {
        root: root.to_string(),
        levels: Vec::new(),
        leaf: leaf.map_or(Hash32::ZERO, |leaf| leaf.hash()).to_string(),
        path: proof
            .steps()
            .map(|step| PathStep { hash: step.sibling.to_string(), bit: Some(step.index) })
            .collect(),
        bytes: mote_core::codec::encoded_len(&leaf) + path.len(),
        subject,
        shows,
        error,
    })
}

/// The owner of account `number`: any 32 bytes name an account.
fn owner(number: usize) -> PublicKey {
    PublicKey::from_bytes(*mote_core::hash::sha256(&(number as u64).to_le_bytes()).as_bytes())
}

fn spoil(request: &ProofsRequest, places: usize, change: impl FnOnce(usize)) -> Result<(), Unfit> {
    match request.spoil {
        Some(place) if place >= places => {
            Err(Unfit::new("spoil", format_args!("the proof has {places} hashes, there is none at {place}")))
        }
        Some(place) => {
            change(place);
            Ok(())
        }
        None => Ok(()),
    }
}

fn flipped(hash: &Hash32) -> Hash32 {
    let mut bytes = *hash.as_bytes();
    bytes[31] ^= 1;
    Hash32::from_bytes(bytes)
}
