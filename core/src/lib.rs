//! The consensus core of Mote, a proof-of-work ledger small enough for a microcontroller.
//!
//! The crate needs no heap, no operating system, no clock and no random source: time and entropy
//! come in as arguments, and what should be sent, stored or timed goes out as values. The same code
//! validates the chain on a laptop, on a Cortex-M3 with 64 KiB of RAM and in a simulator.
//!
//! Data flows one way: bytes -> [`codec`] -> [`peer`] session -> [`rules`] -> [`chain`] -> outputs.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`params`] | every limit and genesis value, with unit and reason; the networks |
//! | [`units`] | amounts, heights and times as types of their own |
//! | [`hash`] | SHA-256 and the tag bytes that keep preimages apart |
//! | [`codec`] | the one owner of the wire form |
//! | [`frame`] | checksummed records over any byte stream |
//! | [`card`] | what stands on the card of a device |
//! | [`keys`], [`address`] | Ed25519 keys, signatures and the text form of an account |
//! | [`pow`] | targets, work, difficulty |
//! | [`merkle`] | RFC 6962 trees: roots, frontiers, inclusion |
//! | [`transaction`], [`block`] | what a chain is made of |
//! | [`state`] | the account tree, its proofs, and execution over it |
//! | [`rules`] | every numbered rule, staged by what it may look at |
//! | [`chain`] | what must be known to check the next header |
//! | [`mempool`] | open transactions, ordered by fee |
//! | [`miner`] | templates and the search for a nonce |
//! | [`wire`] | the messages between peers |
//! | [`peer`] | the state machine of one connection |
#![no_std]

#[cfg(test)]
extern crate std;

pub mod address;
pub mod block;
pub mod card;
pub mod chain;
pub mod codec;
pub mod frame;
pub mod hash;
pub mod keys;
pub mod mempool;
pub mod merkle;
pub mod miner;
pub mod params;
pub mod peer;
pub mod pow;
pub mod rules;
pub mod state;
pub mod transaction;
pub mod units;
pub mod wire;
