//! Acknowledged open transactions: a log of its own whose files are removed again.
//!
//! Whoever got an answer "accepted" for a transaction must find it again after a power cut, though
//! no block has it yet. So it is appended here and synced before the answer. When it is mined or
//! dropped it is retired, in memory only: what was retired in a file that still exists comes back at
//! the next start, where the rules drop it (its nonce is used).
//!
//! Files are small and go from the oldest on, when the journal is tidied and all their transactions are
//! retired. One transaction that stays open for long would hold all files behind it, so when there are too
//! many, what is open in the oldest is written again at the end. The size on the disk is bounded by that.
//! Tidying comes after the blocks that retired the transactions are durable: a power cut that takes a block
//! back must not take its payments along.

use std::collections::{BTreeMap, HashMap};

use mote_core::codec::{self, DecodeError};
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;

use super::disk::Disk;
use super::log::{Coverage, Identity, KIND_TRANSACTION, Log, LogError, Opened, Options, Position, TornTail};

/// The prefix of the file names.
pub const PREFIX: &str = "open";

/// How large the journal gets.
#[derive(Clone, Copy, Debug)]
pub struct JournalLimits {
    /// Length of one file.
    pub segment_bytes: u32,
    /// The most files that are left by tidying; when there are more, the oldest are written again.
    pub segments: usize,
    /// The most open transactions. Their records must fit half of the files, so that writing the
    /// oldest again gains room.
    pub transactions: usize,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { segment_bytes: 1024 * 1024, segments: 64, transactions: 131_072 }
    }
}

/// Why an operation on the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The log below failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There are too many open transactions. The journal is as before.
    #[error("the journal has {limit} open transactions, which is its limit")]
    Full {
        /// The most that it takes.
        limit: usize,
    },
    /// A record is intact but no transaction, so another program wrote it.
    #[error("the record at {position} of the journal is no transaction: {source}")]
    NotATransaction {
        /// Where it stands.
        position: Position,
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// What opening a journal found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenTransactions {
    /// The transactions in the order in which they were accepted, some of them retired by now.
    pub transactions: Vec<Transaction>,
    /// The unfinished write that was cut off, where there was one.
    pub cut: Option<TornTail>,
    /// Whether there had been a journal, and all its files are gone.
    pub is_missing: bool,
}

/// The journal of open transactions.
#[derive(Debug)]
pub struct Journal<D: Disk> {
    log: Log<D>,
    limits: JournalLimits,
    /// Where each open transaction stands.
    open: HashMap<Hash32, Position>,
    /// How many open transactions each file has; files without any are absent.
    counts: BTreeMap<u32, usize>,
}

impl<D: Disk> Journal<D> {
    /// Opens the journal, or begins it. It was once durable up to `reaches`: what ends before that was cut off
    /// since. `salt` is a random number that nobody else knows.
    pub fn open(
        disk: D,
        identity: &Identity,
        limits: JournalLimits,
        salt: u32,
        reaches: Position,
    ) -> Result<(Self, OpenTransactions), JournalError> {
        let options = Options { segment_bytes: limits.segment_bytes, coverage: Coverage::Recent, salt };
        let (log, Opened { cut, is_missing }) = Log::open(disk, PREFIX, identity, options, reaches)?;
        let mut found = OpenTransactions { transactions: Vec::new(), cut, is_missing };
        let (mut open, mut counts) = (HashMap::new(), BTreeMap::new());
        for entry in log.scan(Position::START) {
            let (position, record) = entry?;
            let transaction: Transaction = codec::decode(&record.payload)
                .map_err(|source| JournalError::NotATransaction { position, source })?;
            match open.insert(transaction.id(), position) {
                // One that was written again may still stand in its old place too.
                Some(old) => forget(&mut counts, old),
                None => found.transactions.push(transaction),
            }
            *counts.entry(position.segment()).or_default() += 1;
        }
        Ok((Self { log, limits, open, counts }, found))
    }

    /// How many transactions are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no transaction is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Adds the wire form of a transaction, which may be acknowledged after the next
    /// [`Journal::sync`]. One that is there already is not added again.
    pub fn append(&mut self, wire: &[u8], id: Hash32) -> Result<(), JournalError> {
        if self.open.contains_key(&id) {
            return Ok(());
        }
        if self.open.len() >= self.limits.transactions {
            return Err(JournalError::Full { limit: self.limits.transactions });
        }
        let position = self.log.append(KIND_TRANSACTION, wire)?;
        self.note(id, position);
        Ok(())
    }

    /// Makes durable what was added.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        Ok(self.log.sync()?)
    }

    /// Up to where it is durable.
    pub fn synced_end(&self) -> Position {
        self.log.synced_end()
    }

    /// Takes note that a transaction was mined or dropped.
    pub fn retire(&mut self, id: &Hash32) {
        if let Some(position) = self.open.remove(id) {
            forget(&mut self.counts, position);
        }
    }

    /// Gives up the oldest files as far as nothing in them is open, and writes what is open in them again
    /// where there are too many. Whatever retired a transaction must be durable by now.
    pub fn tidy(&mut self) -> Result<(), JournalError> {
        self.remove_retired()?;
        while self.files() > self.limits.segments {
            self.move_oldest()?;
            self.remove_retired()?;
        }
        Ok(())
    }

    fn note(&mut self, id: Hash32, position: Position) {
        self.open.insert(id, position);
        *self.counts.entry(position.segment()).or_default() += 1;
    }

    /// Removes the oldest files as far as nothing in them is open.
    fn remove_retired(&mut self) -> Result<(), JournalError> {
        let oldest = self.counts.first_key_value().map(|(segment, _)| *segment);
        let keep = oldest.unwrap_or(self.log.end().segment());
        Ok(self.log.remove_before(Position::new(keep, 0))?)
    }

    fn files(&self) -> usize {
        (self.log.end().segment() - self.log.start().segment()) as usize + 1
    }

    /// Writes what is open in the oldest file again at the end, durably, so that the file may go.
    fn move_oldest(&mut self) -> Result<(), JournalError> {
        let oldest = self.log.start().segment();
        let in_oldest = self.open.iter().filter(|(_, position)| position.segment() == oldest);
        let mut moved: Vec<(Position, Hash32)> = in_oldest.map(|(id, at)| (*at, *id)).collect();
        moved.sort_unstable();
        for (position, id) in moved {
            let record = self.log.read(position)?;
            let copy = self.log.append(KIND_TRANSACTION, &record.payload)?;
            forget(&mut self.counts, position);
            self.note(id, copy);
        }
        Ok(self.log.sync()?)
    }
}

/// Counts one open transaction less in the file of `position`.
fn forget(counts: &mut BTreeMap<u32, usize>, position: Position) {
    if let Some(count) = counts.get_mut(&position.segment()) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&position.segment());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::{Fault, MemoryDisk, PowerCut};
    use mote_core::hash::sha256;
    use mote_core::keys::{PublicKey, Signature};
    use mote_core::units::Amount;

    const LIMITS: JournalLimits = JournalLimits { segment_bytes: 1024, segments: 8, transactions: 20 };

    fn open(disk: &MemoryDisk) -> (Journal<MemoryDisk>, Vec<u64>) {
        let identity = Identity { network: "regtest".to_owned(), genesis: sha256(b"genesis") };
        let (journal, found) = Journal::open(disk.clone(), &identity, LIMITS, 7, Position::START).unwrap();
        (journal, found.transactions.iter().map(|transaction| transaction.nonce).collect())
    }

    fn wire(nonce: u64) -> (Vec<u8>, Hash32) {
        let transaction = Transaction {
            sender: PublicKey::from_bytes([1; 32]),
            recipient: PublicKey::from_bytes([2; 32]),
            amount: Amount::from_grains(1),
            fee: Amount::from_grains(1000),
            nonce,
            memo: [4; 30].into_iter().collect(),
            signature: Signature::from_bytes([3; 64]),
        };
        let mut buffer = [0; 256];
        (codec::encode(&transaction, &mut buffer).unwrap().to_vec(), transaction.id())
    }

    fn add(journal: &mut Journal<MemoryDisk>, nonce: u64) {
        let (wire, id) = wire(nonce);
        journal.append(&wire, id).unwrap();
    }

    fn retire(journal: &mut Journal<MemoryDisk>, nonce: u64) {
        journal.retire(&wire(nonce).1);
    }

    fn files(disk: &MemoryDisk) -> usize {
        disk.list().unwrap().len()
    }

    #[test]
    fn what_is_synced_comes_back_once_and_in_order() {
        let disk = MemoryDisk::new();
        let (mut journal, found) = open(&disk);
        assert!(found.is_empty() && journal.is_empty());
        for nonce in [0, 1, 2, 1, 0] {
            add(&mut journal, nonce);
        }
        journal.sync().unwrap();
        add(&mut journal, 3);
        assert_eq!(journal.len(), 4);
        disk.crash(PowerCut::LosesAll);
        assert_eq!(open(&disk).1, [0, 1, 2]);
    }

    #[test]
    fn files_go_when_all_in_them_is_retired() {
        let disk = MemoryDisk::new();
        let (mut journal, _) = open(&disk);
        (0..20).for_each(|nonce| add(&mut journal, nonce));
        journal.sync().unwrap();
        let before = files(&disk);
        assert!(before > 2);
        (1..20).for_each(|nonce| retire(&mut journal, nonce));
        journal.tidy().unwrap();
        assert_eq!(files(&disk), before);
        retire(&mut journal, 0);
        assert_eq!(files(&disk), before, "what retired it may not be durable yet");
        journal.tidy().unwrap();
        assert_eq!(files(&disk), 1);
        // What stood in the file that is left is for the rules to drop.
        assert!(open(&disk).1.iter().all(|nonce| *nonce > 10));
    }

    #[test]
    fn one_transaction_that_stays_open_does_not_hold_the_others() {
        let disk = MemoryDisk::new();
        let (mut journal, _) = open(&disk);
        add(&mut journal, 0);
        for nonce in 1..1000 {
            add(&mut journal, nonce);
            journal.sync().unwrap();
            retire(&mut journal, nonce);
            journal.tidy().unwrap();
            assert!(files(&disk) <= LIMITS.segments);
        }
        drop(journal);
        disk.crash(PowerCut::LosesAll);
        let (mut journal, found) = open(&disk);
        assert_eq!(found.iter().filter(|nonce| **nonce == 0).count(), 1);
        retire(&mut journal, 0);
        assert_eq!(journal.len(), found.len() - 1);
    }

    #[test]
    fn power_cuts_cost_nothing_acknowledged() {
        for syncs in 0..100 {
            let disk = MemoryDisk::new();
            let (mut journal, _) = open(&disk);
            disk.set_fault(Fault::PowerFails(syncs));
            let mut acknowledged = Vec::new();
            let mut run = || -> Result<(), JournalError> {
                for nonce in 0..200 {
                    let (bytes, id) = wire(nonce);
                    journal.append(&bytes, id)?;
                    journal.sync()?;
                    acknowledged.push(nonce);
                    // The first stays open, the others are mined five blocks later.
                    if acknowledged.len() > 6 {
                        journal.retire(&wire(acknowledged.remove(1)).1);
                        journal.tidy()?;
                    }
                }
                Ok(())
            };
            assert!(run().is_err());
            disk.crash(PowerCut::Tears(syncs));
            let found = open(&disk).1;
            assert!(acknowledged.iter().all(|nonce| found.contains(nonce)), "{syncs}: {found:?}");
        }
    }

    #[test]
    fn the_number_of_open_transactions_is_bounded() {
        let (mut journal, _) = open(&MemoryDisk::new());
        (0..20).for_each(|nonce| add(&mut journal, nonce));
        let (bytes, id) = wire(20);
        assert!(matches!(journal.append(&bytes, id), Err(JournalError::Full { limit: 20 })));
        retire(&mut journal, 3);
        journal.append(&bytes, id).unwrap();
    }
}
