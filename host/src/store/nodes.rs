//! The file of the account tree: the nodes of its stored versions, one behind the other in the order in which they
//! were stored, and none ever changed. A node is named by where its bytes begin, so reading one takes a single
//! read; and by what it hashes to, so bytes that are not its own are found.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `motetree` |
//! | each at most 406 | a node: 0, key 32, balance 8, nonce 8 (an account); 1, offset 8, hash 32 (a node of this file); 2, bit index 1, node, node (a branch) |
//!
//! Integers are big-endian. The index says up to where the file counts: what lies behind is left over from before a
//! crash, and written over.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{Disk, DiskFile};
use super::error::StoreError;
use super::rows::{NODE_BYTES_MAX, decode_node, encode_node};
use super::tree::{Node, NodeRef, Nodes, hash_all};

/// Name of the file.
pub const NODES_FILE: &str = "accounts.tree";

/// Where the first node of the file begins.
pub const NODES_BEGIN: u64 = MAGIC.len() as u64;

/// What the file begins with.
const MAGIC: &[u8; 8] = b"motetree";

/// Nodes are written once they take this many bytes.
const WRITTEN_AT_ONCE: usize = 1 << 20;

/// Nodes that are kept in memory because they were read.
const CACHED_NODES: usize = 1 << 13;

/// The file, with what is not written yet.
pub struct NodeFile {
    reader: Arc<NodeReader>,
    /// Why nothing can be written any more: after a failed write or sync nobody knows what the disk has.
    failure: Option<io::Error>,
    /// A node at the slot that its offset falls on.
    cache: Mutex<Vec<Option<(u64, Node)>>>,
}

/// Reads the nodes that there were when it was handed out, on whatever thread.
#[derive(Clone)]
pub struct NodeReader {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// Up to where the file is written.
    written: u64,
    /// The nodes from there on.
    tail: Vec<u8>,
}

impl NodeFile {
    /// Opens the file in the folder `disk`, or makes it where there is none. It counts up to `end`; `None` where
    /// nothing in it counts.
    pub fn open<D: Disk>(disk: &D, end: Option<u64>) -> Result<Self, StoreError> {
        let path = disk.path(NODES_FILE);
        let file = open_file(disk, end).map_err(|source| StoreError::File { path: path.clone(), source })?;
        let written = end.unwrap_or(NODES_BEGIN);
        let reader = NodeReader { file: Arc::new(file), path, written, tail: Vec::new() };
        let got = reader.file.len().map_err(|source| reader.error(source))?;
        if got < written {
            return Err(StoreError::NodeFile { got, expected: written });
        }
        Ok(Self { reader: Arc::new(reader), failure: None, cache: Mutex::new(vec![None; CACHED_NODES]) })
    }

    /// Adds a node and returns where it begins.
    pub fn add(&mut self, node: &Node) -> u64 {
        let begin = self.end();
        let reader = Arc::make_mut(&mut self.reader);
        encode_node(&mut reader.tail, node);
        if reader.tail.len() >= WRITTEN_AT_ONCE && self.failure.is_none() {
            // Whoever syncs is told.
            self.failure = reader.write().err();
        }
        begin
    }

    /// Where the next node will begin.
    pub fn end(&self) -> u64 {
        self.reader.end()
    }

    /// What reads the nodes that there are now.
    pub fn reader(&self) -> Arc<NodeReader> {
        self.reader.clone()
    }

    /// Returns once all nodes are on the disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        if self.failure.is_none() {
            let reader = Arc::make_mut(&mut self.reader);
            self.failure = reader.write().and_then(|()| reader.file.sync()).err();
        }
        match &self.failure {
            Some(failure) => Err(self.reader.error(io::Error::new(failure.kind(), failure.to_string()))),
            None => Ok(()),
        }
    }
}

impl NodeReader {
    fn end(&self) -> u64 {
        self.written + self.tail.len() as u64
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_at(self.written, &self.tail)?;
        self.written = self.end();
        self.tail.clear();
        Ok(())
    }

    /// The node at this offset, whatever it hashes to.
    fn read(&self, serial: u64) -> Result<Node, StoreError> {
        match serial.checked_sub(self.written) {
            Some(behind) => {
                let behind = usize::try_from(behind).unwrap_or(usize::MAX);
                decode_node(serial, self.tail.get(behind..).unwrap_or_default())
            }
            None => {
                let mut bytes = [0; NODE_BYTES_MAX];
                let length = usize::try_from(self.written - serial).unwrap_or(usize::MAX);
                let bytes = &mut bytes[..length.min(NODE_BYTES_MAX)];
                self.file.read_at(serial, bytes).map_err(|source| self.error(source))?;
                decode_node(serial, bytes)
            }
        }
    }

    fn error(&self, source: io::Error) -> StoreError {
        StoreError::File { path: self.path.clone(), source }
    }
}

impl Nodes for NodeFile {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut cache[slot(named.serial)];
        if let Some((_, node)) = slot.as_ref().filter(|(cached, _)| *cached == named.serial) {
            return Ok(node.clone());
        }
        let node = self.reader.node(named)?;
        *slot = Some((named.serial, node.clone()));
        Ok(node)
    }

    fn nodes_to_change(&self, named: &[NodeRef]) -> Result<Vec<Node>, StoreError> {
        self.reader.nodes_to_change(named)
    }
}

impl Nodes for NodeReader {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        checked(self.read(named.serial)?, named)
    }

    fn nodes_to_change(&self, named: &[NodeRef]) -> Result<Vec<Node>, StoreError> {
        let nodes: Vec<Node> = named.iter().map(|named| self.read(named.serial)).collect::<Result<_, _>>()?;
        hash_all(&nodes);
        nodes.into_iter().zip(named).map(|(node, named)| checked(node, *named)).collect()
    }
}

/// The node, where it is the one that was named.
fn checked(node: Node, named: NodeRef) -> Result<Node, StoreError> {
    if node.hash() != named.hash {
        return Err(StoreError::Node { serial: named.serial, problem: "not the one that was named" });
    }
    Ok(node)
}

/// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): offsets are not evenly spread.
fn slot(serial: u64) -> usize {
    (serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - CACHED_NODES.ilog2())) as usize
}

fn open_file<D: Disk>(disk: &D, end: Option<u64>) -> io::Result<D::File> {
    let is_there = disk.list()?.iter().any(|name| name == NODES_FILE);
    let file = if is_there { disk.open(NODES_FILE)? } else { disk.create(NODES_FILE)? };
    if !is_there || end.is_none() {
        file.set_len(0)?;
        file.write_at(0, MAGIC)?;
        file.sync()?;
        disk.sync_folder()?;
    }
    Ok(file)
}
