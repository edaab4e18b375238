//! The laboratory: small worlds in which people try out what a ledger does, on the code that runs the real one.
//!
//! Nothing here reads a file, a socket or a clock. A request carries the whole experiment, so that a link can
//! carry it too; the same request gets the same answer, and the work for it is bounded. Requests and answers
//! are forms of the API, and nothing else in the program uses them.
//!
//! | file | purpose |
//! | --- | --- |
//! | `people` | the accounts of all experiments, by name |
//! | `anatomy` | the bytes of a block, field by field |
//! | `ground` | the laboratory's own short chain, and the chain that somebody made of it |
//! | `judge` | every rule that a block breaks |
//! | `search` | looking for a nonce in a bounded number of attempts |
//! | `hash`, `block`, `chain` | the first three experiments |
//! | `scenario`, `moments` | what happens to nodes, and what came of it |
//! | `world`, `peers` | real nodes side by side |
//! | `proofs` | trees of hashes and the paths in them |
//! | `difficulty` | how the target follows a hash rate |

pub mod anatomy;
pub mod block;
pub mod chain;
pub mod difficulty;
mod ground;
pub mod hash;
pub mod judge;
pub mod moments;
pub mod peers;
mod people;
pub mod proofs;
pub mod scenario;
mod search;
#[cfg(test)]
mod tests;
mod world;

pub use people::Person;

/// Why an experiment is not carried out: a part of the request is outside what the laboratory offers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct Unfit {
    /// The part of the request.
    pub part: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Unfit {
    fn new(part: &'static str, reason: impl ToString) -> Self {
        Self { part, reason: reason.to_string() }
    }
}
