//! host

pub mod wallet;
