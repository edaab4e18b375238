//! What must hold for every block, message and history, tried on random ones.

mod blocks;
mod codec;
mod kernels;
mod ledger;
mod mempool;

mod merkle;
mod strategies;
mod text;
mod wire_values;
mod witness;
