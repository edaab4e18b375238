//! One connection to another node, as a state machine without a socket or a clock: frames and moments
//! go in, what to do comes out.
//!
//! A session checks what can be said of a message without a chain: that the greeting comes first and
//! once, that answers were asked for, that nothing is larger than it may be. What a peer can never do
//! honestly is an [`Offence`] and ends the connection; being slow is none.

pub mod branch;
pub mod limits;
mod session;

pub use session::{Asked, Due, Greeting, Offence, Session, Verdict};
