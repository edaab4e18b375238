//! The Mote node: store, peers, wallet, miner, HTTP API and command line.

pub mod block;
pub mod store;
pub mod wallet;
