//! What the tests of the Mote ledger share.

pub mod abuse;
pub mod browser;
pub mod devices;
pub mod disks;
pub mod fixtures;
pub mod fuzz;
pub mod growth;
pub mod mempool_model;
pub mod processes;
pub mod random;
pub mod vectors;
pub mod world;
