//! The device as users have it: the linked image on an emulated board, against real nodes and against
//! hosts that lie.

mod budgets;
mod cards;
mod client;
mod clocks;
mod display;
mod forks;
mod hosts;
mod instructions;
mod joins;
pub mod lies;
mod mining;
mod page;
mod power;
