//! The Mote node: store, peers, wallet, miner, HTTP API and command line.

pub mod api;
pub mod block;
pub mod chain_file;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod config;
pub mod device;
pub mod driver;
pub mod encoding;
pub mod feed;
pub mod forms;
pub mod laboratory;
pub mod miner;
pub mod net;
pub mod node;
pub mod receipt;
pub mod sha256;
pub mod signatures;
pub mod simulation;
pub mod store;
pub mod wallet;
pub mod web;
pub mod workers;
