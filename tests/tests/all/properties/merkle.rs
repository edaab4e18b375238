//! Proofs of inclusion and of accounts: each verifies, and none does after any bit of it changes.

use mote::simulation::oracle::{Oracle, log_root};
use mote_core::block::history_leaf;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::merkle::{Frontier, leaf_hash, path, root, verify_inclusion};
use mote_core::pow::Work;
use mote_core::state::{Account, Accounts, Proof, ProofRef};
use mote_core::units::Amount;
use mote_tests::fixtures::{account, wire};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The path of a leaf, from roots of subtrees by their recursive definition.
fn path_of(leaves: &[Vec<u8>], index: usize) -> Vec<Hash32> {
    let subtree = |level: u32, index: u64| {
        let range = (index as usize) << level..(index as usize + 1) << level;
        Ok::<_, ()>(leaves.get(range).map(log_root))
    };
    let path = path(index as u64, leaves.len() as u64, subtree);
    path.unwrap().expect("the leaf is in the log").to_vec()
}

fn flip(hash: &mut Hash32, bit: usize) {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    *hash = Hash32::from_bytes(bytes);
}

fn accounts(holdings: &[(u64, u64, u64)]) -> Oracle {
    Oracle::with(holdings.iter().map(|(number, balance, nonce)| {
        (account(*number), Account { balance: Amount::from_grains(*balance), nonce: *nonce })
    }))
}

fn holdings() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    vec((0_u64..64, any::<u64>(), any::<u64>()), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn inclusion_is_proved_and_nothing_else(
        leaves in vec(vec(any::<u8>(), 0..8), 1..80), index in any::<Index>(), bit in any::<usize>(), other in any::<u64>(),
    ) {
        let (index, size) = (index.index(leaves.len()), leaves.len() as u64);
        let leaf = leaf_hash(&leaves[index]);
        let (path, root) = (path_of(&leaves, index), root(&leaves));
        prop_assert_eq!(root, log_root(&leaves));
        let verify = |leaf: &Hash32, index: u64, path: &[Hash32], root: &Hash32| {
            verify_inclusion(leaf, index, size, path, root)
        };
        prop_assert_eq!(verify(&leaf, index as u64, &path, &root), Ok(()));

        let mut changed = leaf;
        flip(&mut changed, bit);
        prop_assert!(verify(&changed, index as u64, &path, &root).is_err());
        let mut changed = root;
        flip(&mut changed, bit);
        prop_assert!(verify(&leaf, index as u64, &path, &changed).is_err());
        for sibling in 0..path.len() {
            let mut changed = path.clone();
            flip(&mut changed[sibling], bit);
            prop_assert!(verify(&leaf, index as u64, &changed, &root).is_err());
        }
        let other = if other % 2 == 0 { other } else { other % size };
        if leaves.get(other as usize) != Some(&leaves[index]) {
            prop_assert!(verify(&leaf, other, &path, &root).is_err());
        }
        let longer = [&path[..], &[root]].concat();
        prop_assert!(verify(&leaf, index as u64, &longer, &root).is_err());
        if let Some((_, shorter)) = path.split_last() {
            prop_assert!(verify(&leaf, index as u64, shorter, &root).is_err());
        }
    }

    #[test]
    fn the_history_of_a_chain_is_a_log(ids in vec(any::<[u8; 32]>(), 1..40), works in any::<u64>()) {
        let mut frontier = Frontier::new();
        let mut leaves: Vec<Vec<u8>> = Vec::new();
        for (count, id) in ids.iter().enumerate() {
            let work = Work::from_be_bytes(&{
                let mut bytes = [0; 32];
                bytes[24..].copy_from_slice(&works.wrapping_add(count as u64).to_be_bytes());
                bytes
            });
            let leaf = [&id[..], &work.to_be_bytes()].concat();
            prop_assert_eq!(&history_leaf(&Hash32::from_bytes(*id), &work)[..], &leaf[..]);
            frontier.append(leaf_hash(&leaf));
            leaves.push(leaf);
            prop_assert_eq!(frontier.root(), log_root(&leaves));
            prop_assert!(frontier.peaks().len() <= 6);
        }
    }

    #[test]
    fn accounts_are_proved_present_or_absent(holdings in holdings(), number in 0_u64..80) {
        let accounts = accounts(&holdings);
        let (root, key) = (accounts.root(), account(number).account_key());
        let bytes = wire(&accounts.prove(&key));
        let proof: ProofRef = decode(&bytes).unwrap();
        let is_present = holdings.iter().any(|(holder, _, _)| *holder == number);
        let expected = is_present.then(|| accounts.account(&account(number)));
        prop_assert_eq!(proof.get(&root, &key), Ok(expected));
        let owned: Proof = decode(&bytes).unwrap();
        prop_assert_eq!(owned.get(&root, &key), Ok(expected));
    }

    #[test]
    fn a_proof_tells_the_root_after_a_change(holdings in holdings(), number in 0_u64..80, balance: u64, nonce: u64) {
        let mut accounts = accounts(&holdings);
        let (root, key) = (accounts.root(), account(number).account_key());
        let changed = Account { balance: Amount::from_grains(balance), nonce };
        let proof = accounts.prove(&key);
        let new_root = proof.set(&root, &key, changed);
        prop_assert!(accounts.update(&key, |_| Ok(changed)).is_ok());
        prop_assert_eq!(new_root, Ok(accounts.root()));
        // What was a proof of the old tree is none of the new one, unless nothing changed.
        if accounts.root() != root {
            prop_assert!(proof.get(&accounts.root(), &key).is_err());
        }
    }

    #[test]
    fn a_changed_proof_proves_nothing(holdings in holdings(), number in 0_u64..80, at in any::<Index>(), bit in 0_u8..8) {
        let accounts = accounts(&holdings);
        let (root, key) = (accounts.root(), account(number).account_key());
        let mut bytes = wire(&accounts.prove(&key));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(proof) = decode::<ProofRef>(&bytes) {
            prop_assert!(proof.get(&root, &key).is_err());
        }
    }

    /// A proof of one key is a proof of another one only where it is that one's proof as well.
    #[test]
    fn a_proof_is_for_its_key(holdings in holdings(), a in 0_u64..80, b in 0_u64..80) {
        let accounts = accounts(&holdings);
        let [a, b] = [a, b].map(|number| account(number).account_key());
        let (of_a, of_b) = (accounts.prove(&a), accounts.prove(&b));
        prop_assert_eq!(of_a.get(&accounts.root(), &b).is_ok(), of_a == of_b);
    }
}

#[test]
fn no_bit_of_a_proof_can_change() {
    let held: Vec<(u64, u64, u64)> = (0..20).map(|number| (number, 5_000 + number, number)).collect();
    let accounts = accounts(&held);
    let root = accounts.root();
    for number in [0, 7, 19, 20, 33, 47] {
        let key = account(number).account_key();
        let bytes = wire(&accounts.prove(&key));
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let proved = decode::<ProofRef>(&changed).is_ok_and(|proof| proof.get(&root, &key).is_ok());
            assert!(!proved, "bit {bit} of the proof of account {number}");
        }
        for bit in 0..256 {
            let mut changed = root;
            flip(&mut changed, bit);
            assert!(accounts.prove(&key).get(&changed, &key).is_err());
        }
    }
}
