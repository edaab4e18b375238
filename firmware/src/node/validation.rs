//! One block being checked by its witness, piece by piece, in constant memory.

use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey};
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, Executed, Execution, RuleError, credit, debit};
use mote_core::state::{Account, Fold, Folded, Leaf, ProofError, UpdateError, WitnessAccounts, WitnessError};
use mote_core::transaction::Transaction;
use mote_core::units::Height;
use mote_core::wire::stream::Piece;

/// What a piece led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// More pieces must come.
    More,
    /// A transaction and the paths of its accounts are here: it can be judged.
    Transaction,
    /// The miner's account is here, or needs not be: the block is over.
    End,
}

/// Why a block, or what is said of it, is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The block breaks a rule.
    Rule(RuleError),
    /// The witness does not show what the block does.
    Witness(WitnessError),
    /// Pieces came in another order than they can.
    Order,
}

impl From<UpdateError<WitnessError>> for Failure {
    fn from(error: UpdateError<WitnessError>) -> Self {
        match error {
            UpdateError::Rule(error) => Self::Rule(error),
            UpdateError::Accounts(error) => Self::Witness(error),
        }
    }
}

/// A block being checked.
pub struct Validation {
    execution: Execution,
    miner: PublicKey,
    /// The root of the accounts as far as the block was executed.
    root: Hash32,
    transaction: Option<Transaction>,
    fold: Option<Fold>,
    /// The paths that were folded and wait for the transaction to be judged, or for the end.
    sender: Option<Folded>,
    last: Option<Folded>,
}

impl Validation {
    /// Starts at the accounts with `root`, for the block at `height` whose income goes to `miner`.
    pub fn new(params: &Params, root: Hash32, height: Height, miner: PublicKey) -> Self {
        let execution = Execution::new(params, height, miner);
        Self { execution, miner, root, transaction: None, fold: None, sender: None, last: None }
    }

    /// Takes the next piece in.
    pub fn take(&mut self, piece: &Piece) -> Result<Taken, Failure> {
        match piece {
            Piece::Transaction(transaction) => self.transaction = Some(transaction.clone()),
            Piece::Leaf { leaf, length } => self.begin_path(*leaf, *length)?,
            Piece::Step(step) => {
                let fold = self.fold.as_mut().ok_or(Failure::Order)?;
                fold.climb(*step).map_err(|error| forged(fold.key(), error))?;
            }
            Piece::PathEnd => {
                let folded = self.fold.take().ok_or(Failure::Order)?.into_folded();
                if self.transaction.is_some() && self.sender.is_none() {
                    self.sender = Some(folded);
                } else {
                    self.last = Some(folded);
                }
            }
            Piece::NoProof => {}
            Piece::End if self.transaction.is_some() => return Ok(Taken::Transaction),
            Piece::End => return Ok(Taken::End),
        }
        Ok(Taken::More)
    }

    /// The transaction that can be judged.
    pub fn take_transaction(&mut self) -> Option<Transaction> {
        self.transaction.take()
    }

    /// Applies the transaction whose paths were folded.
    pub fn apply(&mut self, checked: &CheckedTransaction<'_>) -> Result<(), Failure> {
        let paths = [self.sender.take(), self.last.take()];
        let mut accounts = WitnessAccounts::new(self.root, paths.into_iter().flatten());
        self.execution.apply(&mut accounts, checked)?;
        self.root = accounts.root();
        Ok(())
    }

    /// Credits the miner and says what the header must say.
    pub fn finish(self) -> Result<Executed, Failure> {
        let mut accounts = WitnessAccounts::new(self.root, self.last.into_iter());
        Ok(self.execution.finish(&mut accounts)?)
    }

    /// Foresees how the next account will change, so that its path can be folded as it comes; execution
    /// makes the change itself and does not take the roots of another one.
    fn begin_path(&mut self, leaf: Option<Leaf>, length: usize) -> Result<(), Failure> {
        let key = self.present_key();
        let account = leaf.filter(|leaf| leaf.key == key).map_or(Account::default(), |leaf| leaf.account);
        let changed = match (&self.transaction, &self.sender) {
            (Some(transaction), None) => debit(transaction, account),
            (Some(transaction), Some(_)) => credit(transaction.amount, account),
            (None, _) => self.execution.income().and_then(|income| credit(income, account)),
        };
        let fold = Fold::new(&key, leaf, length, changed.ok()).map_err(|error| forged(key, error))?;
        self.fold = Some(fold);
        Ok(())
    }

    /// The account whose path comes next.
    fn present_key(&self) -> AccountKey {
        match (&self.transaction, &self.sender) {
            (Some(transaction), None) => transaction.sender.account_key(),
            (Some(transaction), Some(_)) => transaction.recipient.account_key(),
            (None, _) => self.miner.account_key(),
        }
    }
}

fn forged(key: AccountKey, error: ProofError) -> Failure {
    Failure::Witness(WitnessError::Forged { key, error })
}
