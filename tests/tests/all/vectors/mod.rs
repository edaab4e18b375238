//! The project against the world: published figures typed in, and whole published sets where they
//! are at hand.

mod asert;
mod bech32m;
mod ed25519;
mod rfc6962;
mod sha256;
