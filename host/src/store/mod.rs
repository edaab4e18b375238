//! What a node keeps on its disk. The log is the truth, everything else is a cache of it.

pub mod error;
pub mod index;
pub mod rows;
pub mod tree;
