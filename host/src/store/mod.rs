//! What a node keeps on its disk. The log is the truth, everything else is a cache of it.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`disk`] | the file operations that the store uses, and the real folder behind them |
//! | [`memory`] | a disk in memory, with power cuts and faults |
//! | [`segment`] | one file of a log: its name, its header, its records |
//! | [`log_error`] | why a log cannot be opened, read or written |
//! | [`log`] | the append-only log and the byte map of its files |
//! | [`journal`] | acknowledged open transactions |
//! | [`lock`] | one process per data folder |

pub mod disk;
pub mod journal;
pub mod lock;
pub mod log;
pub mod log_error;
pub mod memory;
pub mod segment;
