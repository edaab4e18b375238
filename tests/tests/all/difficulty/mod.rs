//! Whether difficulty keeps its promises: the core's own retarget over months of simulated mining.
//!
//! Blocks come as a Poisson process at a given hash rate, from a seeded generator, so every run is the
//! same. The exponents of successive retargets add up to how far the chain is off its schedule, so a
//! long run's mean is pinned far better than independent intervals would be: at a steady rate the
//! schedule error has a standard deviation of about 66 s (half-life 600 s), which over 50,000 blocks
//! leaves 0.02 % of uncertainty in a mean interval of 10 s.
//!
//! What remains is systematic: the cubic that stands for a power of two is 0.34 % too steep just above
//! an exponent of 0 and 0.26 % too flat just below. At intervals that scatter as those of a Poisson
//! process do, this makes blocks 0.2 % too frequent, and more where lies about the time add to the
//! scatter.

mod idle;
mod level;
mod stamps;
mod steps;
mod world;

/// What a mean interval must be: ten seconds, give or take 2 %.
const NOMINAL: std::ops::Range<f64> = 9.8..10.2;
