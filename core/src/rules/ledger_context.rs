//! Rules that look at the accounts, and execution: the one function that applies a block, over a full
//! tree and over a witness alike.

use super::{CheckedTransaction, PlacedTransaction, RuleError};
use crate::block::Header;
use crate::hash::Hash32;
use crate::keys::PublicKey;
use crate::merkle::FrontierOf;
use crate::params::{BLOCK_PATH_MAX_HASHES, Params, reward};
use crate::state::{Account, Accounts, UpdateError};
use crate::transaction::Transaction;
use crate::units::{Amount, Height};

/// The execution of one block, a transaction at a time, in constant memory.
#[derive(Clone, Debug)]
pub struct Execution {
    height: Height,
    miner: PublicKey,
    limit: u64,
    fees: Amount,
    transactions: Transactions,
}

/// What is known of the transactions' root.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one execution at a time")]
enum Transactions {
    /// It is that of the transactions so far.
    Folded(FrontierOf<BLOCK_PATH_MAX_HASHES>),
    /// It was compared before; so many of its transactions were applied.
    Compared { root: Hash32, count: u64 },
}

impl Transactions {
    fn count(&self) -> u64 {
        match self {
            Self::Folded(log) => log.size(),
            Self::Compared { count, .. } => *count,
        }
    }

    fn append(&mut self, id: Hash32) {
        match self {
            Self::Folded(log) => log.append(id),
            Self::Compared { count, .. } => *count += 1,
        }
    }

    fn root(&self) -> Hash32 {
        match self {
            Self::Folded(log) => log.root(),
            Self::Compared { root, .. } => *root,
        }
    }
}

/// What a header must say of the transactions that were executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// How many there were.
    pub transaction_count: u32,
    /// Their RFC 6962 root.
    pub transactions_root: Hash32,
    /// The root of the accounts after them and the miner's credit.
    pub state_root: Hash32,
}

impl Execution {
    /// Starts the block at `height`, whose reward and fees go to `miner`.
    pub fn new(params: &Params, height: Height, miner: PublicKey) -> Self {
        Self::over(params, height, miner, Transactions::Folded(FrontierOf::new()))
    }

    /// Starts the block of `header`, whose transactions were compared with it (B3): those that are applied are they,
    /// and their root is not worked out again.
    pub fn of_compared(params: &Params, header: &Header) -> Self {
        let transactions = Transactions::Compared { root: header.transactions_root, count: 0 };
        Self::over(params, header.height, header.miner, transactions)
    }

    fn over(params: &Params, height: Height, miner: PublicKey, transactions: Transactions) -> Self {
        let limit = params.block_transactions_max as u64;
        Self { height, miner, limit, fees: Amount::ZERO, transactions }
    }

    /// Applies the next transaction: the sender's debit, then the recipient's credit, read after it, so
    /// that paying oneself works. On an error the accounts may hold the debit alone and are of no
    /// further use for this block.
    pub fn apply<A: Accounts>(
        &mut self,
        accounts: &mut A,
        checked: &CheckedTransaction<'_>,
    ) -> Result<(), UpdateError<A::Error>> {
        self.apply_placed(accounts, &PlacedTransaction::from(*checked))
    }

    /// The same for one whose accounts' places are known.
    pub fn apply_placed<A: Accounts>(
        &mut self,
        accounts: &mut A,
        placed: &PlacedTransaction<'_>,
    ) -> Result<(), UpdateError<A::Error>> {
        let got = self.transactions.count() + 1;
        if got > self.limit {
            return Err(RuleError::BlockCapacity { got, limit: self.limit }.into());
        }
        let transaction = placed.checked().transaction();
        let fees = checked_sum(self.fees, transaction.fee)?;
        accounts.update(&placed.sender(), |account| debit(transaction, account))?;
        accounts.update(&placed.recipient(), |account| credit(transaction.amount, account))?;
        self.fees = fees;
        self.transactions.append(placed.checked().id());
        Ok(())
    }

    /// What the miner gets so far: the reward and the fees.
    pub fn income(&self) -> Result<Amount, RuleError> {
        checked_sum(reward(self.height), self.fees)
    }

    /// Credits the miner with the reward and the fees. A credit of 0 changes nothing and asks for no
    /// account.
    pub fn finish<A: Accounts>(self, accounts: &mut A) -> Result<Executed, UpdateError<A::Error>> {
        let due = self.income()?;
        if due != Amount::ZERO {
            accounts.update(&self.miner.account_key(), |account| credit(due, account))?;
        }
        Ok(Executed {
            // The limit of transactions is far below 2^32.
            transaction_count: self.transactions.count() as u32,
            transactions_root: self.transactions.root(),
            state_root: accounts.settle().map_err(UpdateError::Accounts)?,
        })
    }
}

impl Executed {
    /// Checks B2, B3 and B4: that `header` says what execution came to.
    pub fn check(&self, header: &Header) -> Result<(), RuleError> {
        if self.transaction_count != header.transaction_count {
            let (got, expected) = (u64::from(self.transaction_count), u64::from(header.transaction_count));
            return Err(RuleError::BlockTransactionCount { got, expected });
        }
        if self.transactions_root != header.transactions_root {
            let (got, expected) = (self.transactions_root, header.transactions_root);
            return Err(RuleError::BlockTransactionsRoot { got, expected });
        }
        if self.state_root != header.state_root {
            return Err(RuleError::BlockStateRoot { got: self.state_root, expected: header.state_root });
        }
        Ok(())
    }
}

/// What is left of the sender's account after `transaction` (L1, L2).
pub fn debit(transaction: &Transaction, account: Account) -> Result<Account, RuleError> {
    let Account { balance, nonce } = account;
    if transaction.nonce != nonce {
        return Err(RuleError::LedgerNonce { got: transaction.nonce, expected: nonce });
    }
    let needed = transaction.amount.checked_add(transaction.fee);
    let rest = needed.and_then(|needed| balance.checked_sub(needed));
    let needed = needed.unwrap_or(Amount::from_grains(u64::MAX));
    let balance = rest.ok_or(RuleError::LedgerBalance { needed, balance })?;
    let nonce = nonce.checked_add(1).ok_or(RuleError::LedgerOverflow { left: nonce, right: 1 })?;
    Ok(Account { balance, nonce })
}

/// The account with `amount` more (L3).
pub fn credit(amount: Amount, account: Account) -> Result<Account, RuleError> {
    Ok(Account { balance: checked_sum(account.balance, amount)?, ..account })
}

fn checked_sum(left: Amount, right: Amount) -> Result<Amount, RuleError> {
    let overflow = RuleError::LedgerOverflow { left: left.grains(), right: right.grains() };
    left.checked_add(right).ok_or(overflow)
}
