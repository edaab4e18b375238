//! SHA-256 (FIPS 180-4) of many messages side by side, with the widest instructions that the processor has.
//!
//! Each round of a hash waits for the one before it, so one message after another leaves most of a processor idle. Here
//! the rounds of several go at a time:
//!
//! | module | side by side | instructions |
//! | --- | --- | --- |
//! | [`avx512`] | 16 | AVX-512F |
//! | [`avx2`] | 8 | AVX2 |
//! | [`sha`] | 2 | the SHA extensions |
//!
//! [`many`] hashes messages with them, and the miner makes its attempts. The hash of the core is what both are held
//! equal to.

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod constants;
pub mod many;
pub mod rounds;
#[cfg(target_arch = "x86_64")]
pub mod sha;
