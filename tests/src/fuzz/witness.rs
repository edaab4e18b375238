//! Forged witnesses: proofs that are changed, swapped, left out, of other accounts or of another moment convince
//! nobody of anything but the truth.

use mote_core::codec::decode;
use mote_core::hash::Hash32;

use mote_core::state::{ProofRef, UpdateError, WitnessError};

use super::{Choices, blocks};
use crate::fixtures::{Chain, VecBlock, account, judge, wire};

/// Reads a chain, a block on it, and what is done to the block's proofs.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let chain = Chain::funded();
    let block = blocks::block(&chain, &mut choices);
    let genuine = chain.witness(&block);
    let mut proofs = genuine.clone();
    for _ in 0..=choices.below(4) {
        forge(&chain, &mut proofs, &mut choices);
    }
    let right = chain.judge(&block).map(|(_, accounts)| accounts.root());
    match judge_by(&chain, &block, &proofs) {
        None | Some(Err(UpdateError::Accounts(_))) => {
            assert!(proofs != genuine, "genuine proofs are not believed");
        }
        Some(Err(UpdateError::Rule(error))) => assert_eq!(Err(error), right),
        Some(Ok(root)) => {
            assert_eq!(Ok(root), right);
            assert_eq!(proofs[..genuine.len()], genuine, "one account has two proofs");
        }
    }
}

/// Some blocks, from a few decisions each.
pub fn seeds() -> Vec<Vec<u8>> {
    super::rules::seeds()
}

fn forge(chain: &Chain, proofs: &mut Vec<Vec<u8>>, choices: &mut Choices<'_>) {
    if proofs.is_empty() {
        return;
    }
    let at = choices.below(proofs.len());
    match choices.byte() % 8 {
        0..=2 => choices.mutate(&mut proofs[at]),
        3 => {
            let other = choices.below(proofs.len());
            proofs.swap(at, other);
        }
        4 => drop(proofs.remove(at)),
        5 => {
            let again = proofs[at].clone();
            proofs.insert(at, again);
        }
        6 => {
            // Of the state before the block, of whatever account.
            let number = u64::from(choices.byte() % 32);
            proofs[at] = wire(&chain.accounts.prove(&account(number).account_key()));
        }
        _ => {
            // A step more or less, and a step twice.
            let path = proofs[at].len() % 33;
            let from = path.min(proofs[at].len());
            let step: Vec<u8> = proofs[at][from..].iter().take(33).copied().collect();
            proofs[at].extend(step);
        }
    }
}

/// The verdict over proofs in their wire form; `None` where one has no such form.
fn judge_by(
    chain: &Chain,
    block: &VecBlock,
    proofs: &[Vec<u8>],
) -> Option<Result<Hash32, UpdateError<WitnessError>>> {
    let proofs: Result<Vec<ProofRef>, _> = proofs.iter().map(|bytes| decode(bytes)).collect();
    let mut accounts = chain.witnessed(proofs.ok()?);
    let verdict = judge(&chain.params, &chain.tip, chain.clock(), block, &mut accounts);
    Some(verdict.map(|_| accounts.root()))
}
