//! Proof of work: targets, the work that they stand for, and how difficulty follows the hash rate.

mod difficulty;
mod target;
mod u256;

pub use difficulty::{asert, next_target};
pub use target::{CompactTarget, Target, Work};
