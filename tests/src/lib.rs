//! What the tests of the Mote ledger share.

pub mod vectors;
pub mod world;
