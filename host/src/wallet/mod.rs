//! The wallet: keys that all come from 24 words, kept in one file.

mod hex;
mod keychain;
pub mod passphrase;
pub mod seal;
pub mod seed;
pub mod slip10;
