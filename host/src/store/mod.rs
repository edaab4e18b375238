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
//! | [`tree`] | the account tree, versioned by path copying |
//! | [`nodes`] | the file of its stored versions |
//! | [`index`] | the look-up tables behind the log, in one embedded database |
//! | `pending`, `runs` | what of it is not committed yet, in the order of keys |
//! | [`rows`] | what the rows of the tables mean |
//! | [`ledger`] | every block and the main chain among them: adding, syncing, committing |
//! | [`opening`], `catch_up` | opening a ledger and catching its index up with the log |
//! | `body`, [`together`] | checking the transactions of a block, and of several at once, without the accounts |
//! | `execution` | executing them over the accounts |
//! | `states` | the accounts after any block |
//! | [`lookup`], [`history`] | reading a ledger |
//! | [`pins`] | what the main chain must have because the operator says so |
//! | `branches` | what stands beside the main chain |
//! | [`witness`] | what a device checks a block with |
//! | [`error`] | why the store cannot do what it was asked to |

mod body;
mod branches;
mod catch_up;
pub mod disk;
pub mod error;
mod execution;
pub mod history;
pub mod index;
pub mod journal;
pub mod ledger;
#[cfg(test)]
mod ledger_tests;
pub mod lock;
pub mod log;
pub mod log_error;
pub mod lookup;
mod main_chain;
pub mod memory;
pub mod nodes;
pub mod opening;
mod pending;
pub mod pins;
pub mod rows;
mod runs;
pub mod segment;
mod states;
mod tips;
pub mod together;
pub mod tree;
pub mod witness;
