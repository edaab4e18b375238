//! The index: what the log says, in a form that is quick to look up. It is a cache of the log, behind
//! which it is committed in batches; losing it costs time and nothing else.
//!
//! It is one [redb](https://docs.rs/redb) database, `index.redb`. Keys and values are bytes; integers
//! are big-endian and of fixed width, so that the order of keys is that of numbers.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `blocks` | id 32 | log position 8 (all ones: genesis), work of its chain 32, root node's serial 8, header (wire form) |
//! | `main` | height 8 | id 32 |
//! | `transactions` | transaction id 32 | height 8, index 4 |
//! | `history` | account key 32, height 8, index 4 (all ones: the miner's credit) | role 1, transaction or block id 32 |
//! | `subtrees` | level 1, index 8 | root 32 of a perfect subtree of the log of all blocks |
//! | `aside` | height 8, id 32 | nothing; for every block that is not on the main chain |
//! | `ends` | height 8, id 32 | nothing; for those of them on which no other block stands |
//! | `nodes` | serial 8 | leaf: 0, key 32, balance 8, nonce 8; branch: 1, bit index 1, twice (serial 8, hash 32) |
//! | `meta` | name | `schema` 8, `genesis` 32, `tip` 32, `trusted` 8 (log position), `journal` 8 (position up to which the journal is durable), `serial` 8 (of the next node), `blocks` 8 (count) |
//!
//! `main`, `transactions`, `history` and `subtrees` speak of the main chain only.
//!
//! What has changed since the last commit lies in memory, over the database.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, StorageBackend, TableDefinition};

use super::error::StoreError;
use super::rows::{decode_node, encode_node};
use super::tree::{Node, NodeRef, Nodes};

/// The form of the tables. Another one is not read but rebuilt.
pub const SCHEMA: u64 = 2;

/// Nodes of the account tree that are kept in memory: about 8 MB, the upper levels of a large tree
/// and what the last blocks have touched.
const CACHED_NODES: usize = 1 << 16;

/// Memory that the database may use for its pages, in bytes.
const PAGE_CACHE_BYTES: usize = 64 << 20;

/// One table of the index; see the table of tables above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the module's table says what they are")]
pub enum Table {
    Blocks,
    Main,
    Transactions,
    History,
    Subtrees,
    Aside,
    Ends,
    Meta,
}

impl Table {
    const ALL: [Self; 8] = [
        Self::Blocks,
        Self::Main,
        Self::Transactions,
        Self::History,
        Self::Subtrees,
        Self::Aside,
        Self::Ends,
        Self::Meta,
    ];

    /// The table's name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Main => "main",
            Self::Transactions => "transactions",
            Self::History => "history",
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

const NODES: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("nodes");

/// Key and value.
pub type Row = (Vec<u8>, Vec<u8>);

type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A set of changes that takes effect as a whole. A row without a value is removed.
#[derive(Debug, Default)]
pub struct Changes {
    rows: [Rows; Table::ALL.len()],
    nodes: HashMap<u64, Node>,
}

impl Changes {
    /// Sets the row at `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.rows[table as usize].insert(key.to_vec(), Some(value.to_vec()));
    }

    /// Removes the row at `key`.
    pub fn remove(&mut self, table: Table, key: &[u8]) {
        self.rows[table as usize].insert(key.to_vec(), None);
    }

    /// Adds a node of the account tree, which nothing ever changes.
    pub fn add_node(&mut self, serial: u64, node: Node) {
        self.nodes.insert(serial, node);
    }

    /// How many rows and nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.rows.iter().map(Rows::len).sum::<usize>()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, table: Table, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.rows[table as usize].get(key)
    }

    /// Lets `later` take effect over these changes.
    fn absorb(&mut self, later: Self) {
        for (rows, later) in self.rows.iter_mut().zip(later.rows) {
            rows.extend(later);
        }
        self.nodes.extend(later.nodes);
    }
}

/// The index with what is not committed yet.
pub struct Index {
    /// There until it is closed.
    database: Option<Database>,
    committed: Snapshot,
    pending: Changes,
    /// A node at the slot that its serial number falls on.
    cache: Mutex<Vec<Option<(u64, Node)>>>,
}

/// The tables as of the last commit, opened once instead of for every look-up.
struct Snapshot {
    tables: Vec<ReadOnlyTable<&'static [u8], &'static [u8]>>,
    nodes: ReadOnlyTable<u64, &'static [u8]>,
}

impl Snapshot {
    fn of(database: &Database) -> Result<Self, StoreError> {
        let read = database.begin_read()?;
        let tables: Result<_, _> =
            Table::ALL.iter().map(|table| read.open_table(table.definition())).collect();
        Ok(Self { tables: tables?, nodes: read.open_table(NODES)? })
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
                    write(&database, &Changes::default())?;
                    Snapshot::of(&database)?
                }
                committed => committed?,
            };
            Ok((database, committed))
        })?;
        let cache = Mutex::new(vec![None; CACHED_NODES]);
        Ok(Self { database: Some(database), committed, pending: Changes::default(), cache })
    }

    /// The row at `key`.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(pending) = self.pending.get(table, key) {
            return Ok(pending.clone());
        }
        shielded(|| Ok(self.committed.table(table).get(key)?.map(|row| row.value().to_vec())))
    }

    /// Up to `limit` rows with `from <= key < to`, the last first.
    pub fn last(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        shielded(|| self.merge_last(table, from, to, limit))
    }

    fn merge_last(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        if from >= to {
            return Ok(Vec::new());
        }
        let mut pending = self.pending.rows[table as usize].range::<[u8], _>(bounds).rev().peekable();
        let mut committed = self.committed.table(table).range::<&[u8]>(bounds)?.rev();
        let mut ahead = committed.next().transpose()?;
        let mut rows = Vec::new();
        while rows.len() < limit {
            let stored = ahead.as_ref().map(|(key, _)| key.value());
            let newer = pending.peek().map(|(key, _)| key.as_slice());
            if newer.is_none() && stored.is_none() {
                break;
            }
            let (is_newer, is_stored) = (newer >= stored, stored >= newer);
            // Where both have the key, what is pending counts.
            let row = match pending.peek().filter(|_| is_newer) {
                Some((key, value)) => value.as_ref().map(|value| ((*key).clone(), value.clone())),
                None => ahead.as_ref().map(|(key, value)| (key.value().to_vec(), value.value().to_vec())),
            };
            rows.extend(row);
            if is_stored {
                ahead = committed.next().transpose()?;
            }
            if is_newer {
                pending.next();
            }
        }
        Ok(rows)
    }

    /// Lets `changes` take effect, in memory.
    pub fn apply(&mut self, changes: Changes) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        for (serial, node) in &changes.nodes {
            cache[slot(*serial)] = Some((*serial, *node));
        }
        drop(cache);
        self.pending.absorb(changes);
    }

    /// How much is not committed yet, in rows and nodes.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Brings everything to the disk. The log must be there already.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let Some(database) = &self.database else { return Ok(()) };
        self.committed = shielded(|| {
            write(database, &self.pending)?;
            Snapshot::of(database)
        })?;
        self.pending = Changes::default();
        Ok(())
    }
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

/// Writes `changes` in one transaction, which also makes the tables that do not exist yet.
fn write(database: &Database, changes: &Changes) -> Result<(), StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // Without this, opening after a crash reads the whole database.
    transaction.set_quick_repair(true);
    for (table, rows) in Table::ALL.iter().zip(&changes.rows) {
        let mut table = transaction.open_table(table.definition())?;
        for (key, value) in rows {
            match value {
                Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                None => table.remove(key.as_slice())?,
            };
        }
    }
    let mut nodes = transaction.open_table(NODES)?;
    let mut serials: Vec<u64> = changes.nodes.keys().copied().collect();
    serials.sort_unstable();
    for serial in serials {
        if let Some(node) = changes.nodes.get(&serial) {
            nodes.insert(serial, encode_node(node).as_slice())?;
        }
    }
    drop(nodes);
    transaction.commit()?;
    Ok(())
}

/// On some damage the database panics where it could return an error. The bytes of a file are input,
/// so for the ledger it is an error.
fn shielded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // What the closure leaves behind after a panic is not used again: the index is rebuilt.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(StoreError::IndexPanic { message: text.to_owned() })
    })
}

fn slot(serial: u64) -> usize {
    serial as usize % CACHED_NODES
}

impl Nodes for Index {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        let serial = named.serial;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut cache[slot(serial)];
        if let Some((_, node)) = slot.filter(|(cached, _)| *cached == serial) {
            return Ok(node);
        }
        let node = match self.pending.nodes.get(&serial) {
            Some(node) => *node,
            None => shielded(|| {
                let row = self.committed.nodes.get(serial)?;
                let row = row.ok_or(StoreError::Node { serial, problem: "missing" })?;
                decode_node(serial, row.value())
            })?,
        };
        if node.hash() != named.hash {
            return Err(StoreError::Node { serial, problem: "not the one that was named" });
        }
        *slot = Some((serial, node));
        Ok(node)
    }
}
