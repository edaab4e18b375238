//! The Mote node: store, peers, wallet, miner, HTTP API and command line.

pub mod api;
pub mod block;
pub mod node;
pub mod store;
pub mod wallet;
