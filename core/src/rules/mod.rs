//! Every rule of consensus, staged by what it may look at: an object alone (`isolation`), a header
//! in its chain (`header_context`), a transaction among the accounts (`ledger_context`).
//!
//! Only this module can make the checked types, so a value of such a type is proof that its rules
//! were run. [`Rule`] lists them all.

mod error;
mod header_context;
mod isolation;
mod ledger_context;
mod placed;

pub use error::{Rule, RuleError};
pub use header_context::{CheckedHeader, Clock, check_header};
pub use isolation::{
    CheckedTransaction, IdentifiedTransaction, InspectedTransaction, KeptTransaction, Signatures,
    SoundHeader, check_transaction, inspect_header, judge_all, judge_together,
};
pub use ledger_context::{Executed, Execution, credit, debit};
pub use placed::PlacedTransaction;
