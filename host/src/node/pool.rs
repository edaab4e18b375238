//! The open transactions of a node and their journal: what was acknowledged outlives a crash.

use std::collections::BTreeSet;
use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::mempool::{Entry, Inserted, Mempool, MempoolError, Positions, Slot};
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, KeptTransaction, check_transaction, debit};
use mote_core::state::Account;
use mote_core::transaction::Transaction;

use super::request::SubmitError;
use crate::encoding::encoded;
use crate::signatures::Known;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::journal::Journal;
use crate::store::ledger::Ledger;
use crate::store::log::Position;

/// The core's mempool over vectors.
pub type HostMempool = Mempool<Vec<Slot>, Vec<Positions>>;

impl Known for HostMempool {
    fn get(&self, id: &Hash32) -> Option<CheckedTransaction<'_>> {
        self.get(id).map(Entry::checked)
    }
}

/// Open transactions, each in the journal as long as it is open.
pub struct Pool<D: Disk> {
    params: Arc<Params>,
    mempool: HostMempool,
    journal: Journal<D>,
    /// Counts changes, so that others notice.
    version: u64,
}

/// Why a transaction did not come into the pool.
#[derive(Debug)]
pub enum PoolError {
    /// It was judged.
    Refused(SubmitError),
    /// The accounts could not be read, or the journal not be written.
    Store(StoreError),
}

impl<D: Disk> Pool<D> {
    /// A pool for `capacity` transactions that begins with what the journal holds. What has been mined
    /// or become impossible meanwhile is left out.
    pub fn open(
        params: Arc<Params>,
        capacity: usize,
        mut journal: Journal<D>,
        mut recorded: Vec<Transaction>,
        ledger: &Ledger<D>,
    ) -> Result<Self, StoreError> {
        let mut mempool = Mempool::new(vec![None; capacity], vec![Positions::default(); capacity]);
        // A replacement stands behind what came after the replaced one.
        recorded.sort_by_key(|transaction| (transaction.sender, transaction.nonce));
        for transaction in recorded {
            let id = transaction.id();
            let account = ledger.account(&transaction.sender.account_key())?;
            let checked = check_transaction(&params, &transaction).ok();
            match checked.and_then(|checked| mempool.insert(&checked, account).ok()) {
                Some(Inserted::Added) => {}
                Some(Inserted::Replaced { id } | Inserted::Evicted { id }) => journal.retire(&id),
                None => journal.retire(&id),
            }
        }
        Ok(Self { params, mempool, journal, version: 0 })
    }

    /// The open transactions.
    pub fn mempool(&self) -> &HostMempool {
        &self.mempool
    }

    /// A number that grows with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes a transaction in. What is cheap to see is looked at before the signature.
    pub fn insert(&mut self, transaction: &Transaction, ledger: &Ledger<D>) -> Result<Hash32, PoolError> {
        let id = transaction.id();
        if self.mempool.get(&id).is_some() {
            return Err(PoolError::Refused(MempoolError::Known { id }.into()));
        }
        let account = ledger.account(&transaction.sender.account_key()).map_err(PoolError::Store)?;
        // An account that could not pay costs the asker a signature and this node none.
        let as_if_next = Transaction { nonce: account.nonce, ..transaction.clone() };
        if transaction.nonce >= account.nonce {
            debit(&as_if_next, account).map_err(|error| PoolError::Refused(error.into()))?;
        }
        let params = self.params.clone();
        let checked =
            check_transaction(&params, transaction).map_err(|error| PoolError::Refused(error.into()))?;
        self.put_in(&checked, account)
    }

    /// The same for a transaction whose signature was checked before.
    pub fn insert_checked(
        &mut self,
        checked: &CheckedTransaction<'_>,
        ledger: &Ledger<D>,
    ) -> Result<Hash32, PoolError> {
        let sender = checked.transaction().sender.account_key();
        self.put_in(checked, ledger.account(&sender).map_err(PoolError::Store)?)
    }

    fn put_in(&mut self, checked: &CheckedTransaction<'_>, account: Account) -> Result<Hash32, PoolError> {
        let inserted =
            self.mempool.insert(checked, account).map_err(|error| PoolError::Refused(error.into()))?;
        self.version += 1;
        let bytes = encoded(checked.transaction());
        self.journal.append(&bytes, checked.id()).map_err(|error| PoolError::Store(error.into()))?;
        if let Inserted::Replaced { id } | Inserted::Evicted { id } = inserted {
            self.journal.retire(&id);
        }
        Ok(checked.id())
    }

    /// Up to where the journal is durable.
    pub fn journal_end(&self) -> Position {
        self.journal.synced_end()
    }

    /// Drops what the chain has made impossible for these senders, or mined, and returns it, each
    /// sender's by nonce.
    pub fn refresh(
        &mut self,
        senders: BTreeSet<PublicKey>,
        ledger: &Ledger<D>,
    ) -> Result<Vec<KeptTransaction>, StoreError> {
        let mut all_dropped = Vec::new();
        for sender in senders {
            // Most senders of a block have nothing else open, and looking for an account takes a while.
            if self.mempool.of_sender(&sender).next().is_none() {
                continue;
            }
            let account = ledger.account(&sender.account_key())?;
            let mut dropped = Vec::new();
            self.mempool.refresh(&sender, account, |entry| dropped.push(entry.checked().keep()));
            self.version += dropped.len() as u64;
            for transaction in &dropped {
                self.journal.retire(&transaction.checked().id());
            }
            all_dropped.append(&mut dropped);
        }
        Ok(all_dropped)
    }

    /// Everybody who has an open transaction.
    pub fn senders(&self) -> BTreeSet<PublicKey> {
        self.mempool.by_priority().map(|entry| entry.transaction().sender).collect()
    }

    /// The best `limit` open transactions in the order in which they can be mined.
    pub fn best(&self, limit: usize) -> impl Iterator<Item = &Entry> {
        self.mempool.by_priority().take(limit)
    }

    /// Makes what was taken in durable.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        Ok(self.journal.sync()?)
    }

    /// Gives up the space of what has been mined or dropped. The chain that did so must be durable.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        Ok(self.journal.tidy()?)
    }
}
