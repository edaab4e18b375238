//! What all measurements share: how thorough they are, and the chains that they are made on.

use std::path::PathBuf;
use std::time::Duration;

use mote_tests::growth::Grower;
use tempfile::TempDir;

use crate::chains::Chains;
use crate::picture::Picture;
use crate::row::Row;

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything at its full size.
    Full,
    /// Small chains and few repetitions, to try the program out.
    Quick,
}

/// What came of measuring.
#[derive(Default)]
pub struct Found {
    /// The rows.
    pub rows: Vec<Row>,
    /// The laws by which something grows.
    pub pictures: Vec<Picture>,
}

impl Found {
    /// Rows alone.
    pub fn rows(rows: Vec<Row>) -> Self {
        Self { rows, pictures: Vec::new() }
    }
}

/// What all measurements share.
pub struct Bench {
    depth: Depth,
    /// Who makes blocks.
    pub grower: Grower,
    /// The chains; they are made when they are first asked for.
    pub chains: Chains,
    folder: TempDir,
    folders: usize,
}

impl Bench {
    /// A bench with a folder of its own, which goes with it.
    pub fn new(depth: Depth) -> Self {
        let folder = tempfile::Builder::new().prefix("mote-performance-").tempdir();
        let folder = folder.expect("a temporary folder");
        let chains = Chains::new(folder.path().join("chains"), depth);
        Self { depth, grower: Grower::default(), chains, folder, folders: 0 }
    }

    /// How often to do what is worth doing so many times.
    pub fn times(&self, full: usize) -> usize {
        match self.depth {
            Depth::Full => full,
            Depth::Quick => full.div_ceil(10),
        }
    }

    /// For how long to do what is worth doing for so long.
    pub fn span(&self, full: Duration) -> Duration {
        match self.depth {
            Depth::Full => full,
            Depth::Quick => full / 4,
        }
    }

    /// A name for a new folder.
    pub fn folder(&mut self) -> PathBuf {
        self.folders += 1;
        self.folder.path().join(self.folders.to_string())
    }
}
