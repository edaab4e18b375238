//! Numbers that others should not guess, from entropy that was provisioned: the board has no source of
//! its own.

use mote_core::hash::{Hash32, sha256};

/// A stream of numbers that nobody can continue who does not know the seed.
pub struct Random {
    seed: Hash32,
    drawn: u64,
}

impl Random {
    /// A stream from bytes that no other start of any device has.
    pub fn new(parts: &[&[u8]]) -> Self {
        let seed = parts.iter().fold(Hash32::ZERO, |seed, part| {
            let mut bytes = [0; 64];
            let (head, tail) = bytes.split_at_mut(32);
            head.copy_from_slice(seed.as_bytes());
            tail.copy_from_slice(sha256(part).as_bytes());
            sha256(&bytes)
        });
        Self { seed, drawn: 0 }
    }

    /// The next 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 40];
        let (head, tail) = bytes.split_at_mut(32);
        head.copy_from_slice(self.seed.as_bytes());
        tail.copy_from_slice(&self.drawn.to_le_bytes());
        self.drawn = self.drawn.wrapping_add(1);
        *sha256(&bytes).as_bytes()
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}
