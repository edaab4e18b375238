//! The index: what the log says, in a form that is quick to look up. It is a cache of the log, behind
//! which it is committed in batches; losing it costs time and nothing else.
//!
//! It is one [redb](https://docs.rs/redb) database, `index.redb`. Keys and values are bytes; integers
//! are big-endian and of fixed width, so that the order of keys is that of numbers.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `blocks` | id 32 | log position 8 (all ones: genesis), work of its chain 32, offset 8 of the root of its accounts in [their file](super::nodes) (0: not stored), header (wire form) |
//! | `main` | height 8 | id 32 |
//! | `transactions` | first 8 bytes of the transaction's id, place 8 | nothing |
//! | `history` | first 8 bytes of the account's key, place 8 | nothing |
//! | `subtrees` | level 1, index 8 | root 32 of a perfect subtree of the log of all blocks |
//! | `aside` | height 8, id 32 | nothing; for every block that is not on the main chain |
//! | `ends` | height 8, id 32 | nothing; for those of them on which no other block stands |
//! | `meta` | name | `schema` 8, `genesis` 32, `tip` 32, `applied` 8 (log position up to which blocks are in the index), `trusted` 8 (log position up to which the log is durable), `journal` 8 (position up to which the journal is durable), `nodes` 8 (offset up to which the file of the account tree counts), `blocks` 8 (count) |
//!
//! `main`, `transactions`, `history` and `subtrees` speak of the main chain only. A *place* is a height in the upper
//! 40 bits and an index in the block in the lower 24, all ones for the miner's credit. What stands at a place is in
//! the block itself, so the tables of places hold no more than what leads there; of several things whose ids begin
//! alike, the blocks tell which is meant.
//!
//! What has changed since the last commit lies in memory, over the database.

use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::{Bound, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{
    AccessGuard, Database, Durability, ReadOnlyTable, ReadableDatabase, StorageBackend, StorageError,
    TableDefinition,
};

use super::error::StoreError;
use super::pending::{Changes, Pending};
use super::runs::Change;
use crate::workers::Workers;

/// The form of the tables. Another one is not read but rebuilt.
pub const SCHEMA: u64 = 4;

/// Memory that the database may use for its pages, in bytes.
const PAGE_CACHE_BYTES: usize = 32 << 20;

/// One table of the index; see the table of tables above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the module's table says what they are")]
pub enum Table {
    Blocks,
    Main,
    Subtrees,
    Aside,
    Ends,
    Meta,
}

impl Table {
    pub(super) const ALL: [Self; 6] =
        [Self::Blocks, Self::Main, Self::Subtrees, Self::Aside, Self::Ends, Self::Meta];

    /// The table's name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Main => "main",
            Self::Subtrees => "subtrees",
            Self::Aside => "aside",
            Self::Ends => "ends",
            Self::Meta => "meta",
        }
    }

    const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name())
    }
}

/// One table of places; see the table of tables above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the module's table says what they are")]
pub enum Places {
    Transactions,
    History,
}

impl Places {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Transactions, Self::History];

    /// The table's name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::History => "history",
        }
    }

    const fn definition(self) -> TableDefinition<'static, u128, ()> {
        TableDefinition::new(self.name())
    }
}

/// Key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The index with what is not committed yet.
pub struct Index {
    /// There until it is closed.
    database: Option<Database>,
    committed: Snapshot,
    pending: Pending,
}

/// The tables as of the last commit, opened once instead of for every look-up.
struct Snapshot {
    tables: Vec<ReadOnlyTable<&'static [u8], &'static [u8]>>,
    places: Vec<ReadOnlyTable<u128, ()>>,
}

impl Snapshot {
    fn of(database: &Database) -> Result<Self, StoreError> {
        let read = database.begin_read()?;
        let tables: Result<_, _> =
            Table::ALL.iter().map(|table| read.open_table(table.definition())).collect();
        let places: Result<_, _> =
            Places::ALL.iter().map(|places| read.open_table(places.definition())).collect();
        Ok(Self { tables: tables?, places: places? })
    }

    fn table(&self, table: Table) -> &ReadOnlyTable<&'static [u8], &'static [u8]> {
        &self.tables[table as usize]
    }
}

impl Index {
    /// Opens the database in `backend`, or makes a new one where that is empty.
    pub fn open(backend: impl StorageBackend) -> Result<Self, StoreError> {
        let (database, committed) = shielded(|| {
            let database =
                Database::builder().set_cache_size(PAGE_CACHE_BYTES).create_with_backend(backend)?;
            let committed = match Snapshot::of(&database) {
                Err(StoreError::Index(error)) if matches!(*error, redb::Error::TableDoesNotExist(_)) => {
                    write(&database, &Pending::default())?;
                    Snapshot::of(&database)?
                }
                committed => committed?,
            };
            Ok((database, committed))
        })?;
        Ok(Self { database: Some(database), committed, pending: Pending::default() })
    }

    /// The row at `key`.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(pending) = self.pending.rows(table).get(key) {
            return Ok(pending.clone());
        }
        shielded(|| Ok(self.committed.table(table).get(key)?.map(|row| row.value().to_vec())))
    }

    /// Up to `limit` rows with `from <= key < to`, the last first.
    pub fn last(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        let pending = self.pending.rows(table).range::<[u8], _>(bounds).rev();
        let pending = pending.map(|(key, value)| (key.clone(), value.clone()));
        type Stored<'a> = (AccessGuard<'a, &'static [u8]>, AccessGuard<'a, &'static [u8]>);
        let bytes = |row: Result<Stored<'_>, StorageError>| {
            row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))
        };
        shielded(|| {
            let committed = self.committed.table(table).range::<&[u8]>(bounds)?.rev();
            merge_last(pending, committed.map(bytes), limit)
        })
    }

    /// Up to `limit` places in a range of keys, the last first.
    pub fn last_places(
        &self,
        places: Places,
        keys: RangeInclusive<u128>,
        limit: usize,
    ) -> Result<Vec<u128>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut pending = self.pending.places();
        let pending = pending.in_order()[places as usize].last(keys.clone());
        let pending = pending.map(|(key, change)| (key, (change == Change::Put).then_some(())));
        let rows = shielded(|| {
            let committed = self.committed.places[places as usize].range(keys)?.rev();
            merge_last(pending, committed.map(|row| row.map(|(key, _)| (key.value(), ()))), limit)
        })?;
        Ok(rows.into_iter().map(|(key, ())| key).collect())
    }

    /// Lets `changes` take effect, in memory. Where they are many, `workers` put them in order.
    pub fn apply(&mut self, changes: Changes, workers: &Workers) {
        self.pending.absorb(changes, workers);
    }

    /// Whether there is something that is not committed yet.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Brings everything to the disk. The log must be there already.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let Some(database) = &self.database else { return Ok(()) };
        // Outside of the shield, which is against panics of the database alone.
        self.pending.settle();
        self.committed = shielded(|| {
            write(database, &self.pending)?;
            Snapshot::of(database)
        })?;
        self.pending = Pending::default();
        Ok(())
    }

    /// Brings numbers of `meta` to the disk that do not depend on what is not committed.
    pub fn note(&mut self, numbers: &[(&str, u64)]) -> Result<(), StoreError> {
        let Some(database) = &self.database else { return Ok(()) };
        let mut noted = Pending::default();
        for (name, number) in numbers {
            noted.put(Table::Meta, name.as_bytes(), &number.to_be_bytes());
        }
        self.committed = shielded(|| {
            write(database, &noted)?;
            Snapshot::of(database)
        })?;
        Ok(())
    }
}

/// Up to `limit` rows of two lists that are ordered from the last key to the first. Where both have a key, what
/// is newer counts, and may say that there is no such row.
fn merge_last<K: Ord, V>(
    newer: impl Iterator<Item = (K, Option<V>)>,
    mut older: impl Iterator<Item = Result<(K, V), StorageError>>,
    limit: usize,
) -> Result<Vec<(K, V)>, StoreError> {
    let mut newer = newer.peekable();
    let mut ahead = older.next().transpose()?;
    let mut rows = Vec::new();
    while rows.len() < limit {
        let order = match (newer.peek(), &ahead) {
            (None, None) => break,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some((newer, _)), Some((older, _))) => newer.cmp(older),
        };
        let stored = if order == Ordering::Greater {
            None
        } else {
            std::mem::replace(&mut ahead, older.next().transpose()?)
        };
        match if order == Ordering::Less { None } else { newer.next() } {
            Some((key, value)) => rows.extend(value.map(|value| (key, value))),
            None => rows.extend(stored),
        }
    }
    Ok(rows)
}

impl Drop for Index {
    /// Closes the database: one that has come upon damage panics again when it is closed.
    fn drop(&mut self) {
        let database = self.database.take();
        if let Err(error) = shielded(|| {
            drop(database);
            Ok(())
        }) {
            tracing::warn!(%error, "the index is not closed cleanly; the next start looks at all of it");
        }
    }
}

/// Writes what is pending in one transaction, which also makes the tables that do not exist yet.
fn write(database: &Database, pending: &Pending) -> Result<(), StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // Without this, opening after a crash reads the whole database.
    transaction.set_quick_repair(true);
    for table in Table::ALL {
        let rows = pending.rows(table);
        let mut table = transaction.open_table(table.definition())?;
        for (key, value) in rows {
            match value {
                Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                None => table.remove(key.as_slice())?,
            };
        }
    }
    for (places, runs) in Places::ALL.iter().zip(pending.places().in_order()) {
        let mut table = transaction.open_table(places.definition())?;
        for (key, change) in runs.sorted() {
            match change {
                Change::Put => table.insert(key, ())?,
                Change::Removed => table.remove(key)?,
            };
        }
    }
    transaction.commit()?;
    Ok(())
}

thread_local! {
    /// Whether this thread is in the database.
    static IS_SHIELDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would become an error of the store, so that nobody need be told of the panic.
pub fn is_shielded() -> bool {
    IS_SHIELDED.get()
}

/// On some damage the database panics where it could return an error. The bytes of a file are input,
/// so for the ledger it is an error.
fn shielded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    IS_SHIELDED.set(true);
    // What the closure leaves behind after a panic is not used again: the index is rebuilt.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_SHIELDED.set(false);
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(StoreError::IndexPanic { message: text.to_owned() })
    })
}
