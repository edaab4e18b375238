//! What a node keeps on its disk. The log is the truth, everything else is a cache of it.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`disk`] | the file operations that the store uses, and the real folder behind them |
//! | [`segment`] | one file of a log: its name, its header, its records |
//! | [`log_error`] | why a log cannot be opened, read or written |
//! | [`log`] | the append-only log and the byte map of its files |

pub mod disk;
pub mod log;
pub mod log_error;
pub mod segment;
