//! Attacks that once worked on a simpler ledger, made on a running node through the door that an
//! attacker would take. Each must be refused by name, and nothing may be lost or changed.

mod access;
mod browser;
mod consensus;
mod denial;
mod doors;
mod guesses;
pub mod http;
mod minting;
mod node;
mod peer;
mod poison;
mod relay;
mod rows;
mod secrets;
