//! Execution over proofs: whoever holds only the root can check a block, one account at a time.

use super::proof::expect_root;
use super::{Account, Accounts, Evidence, ProofError, UpdateError};
use crate::hash::Hash32;
use crate::keys::AccountKey;
use crate::rules::RuleError;

/// Accounts of which only the root is known, and the proofs of those that come next, in the order
/// in which execution asks for them.
pub struct WitnessAccounts<I> {
    root: Hash32,
    proofs: I,
}

/// Why a witness does not show what a block does. It says nothing about the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// Execution needs another proof, and there is none.
    #[error("the witness ends before the proof of account {key}")]
    Missing {
        /// The account whose proof is missing.
        key: AccountKey,
    },
    /// A proof proves nothing.
    #[error("the witness for account {key} is forged: {error}")]
    Forged {
        /// The account that the proof was for.
        key: AccountKey,
        /// What is wrong with it.
        error: ProofError,
    },
}

impl<I> WitnessAccounts<I> {
    /// Accounts with this root; `proofs` are used up one an update.
    pub fn new(root: Hash32, proofs: I) -> Self {
        Self { root, proofs }
    }

    /// The root as it stands now.
    pub fn root(&self) -> Hash32 {
        self.root
    }
}

impl<E: Evidence, I: Iterator<Item = E>> Accounts for WitnessAccounts<I> {
    type Error = WitnessError;

    fn update(
        &mut self,
        key: &AccountKey,
        change: impl FnOnce(Account) -> Result<Account, RuleError>,
    ) -> Result<(), UpdateError<WitnessError>> {
        let missing = UpdateError::Accounts(WitnessError::Missing { key: *key });
        let proof = self.proofs.next().ok_or(missing)?;
        let found = proof.leaf().filter(|leaf| leaf.key == *key).map(|leaf| leaf.account);
        let changed = change(found.unwrap_or_default());
        // A rule is only broken if the account that broke it is genuine, so the fold comes first.
        let forged = |error| UpdateError::Accounts(WitnessError::Forged { key: *key, error });
        let roots = proof.roots(key, changed.ok()).map_err(forged)?;
        expect_root(roots.old, &self.root).map_err(forged)?;
        changed?;
        self.root = roots.new;
        Ok(())
    }

    fn settle(&mut self) -> Result<Hash32, WitnessError> {
        Ok(self.root)
    }
}
