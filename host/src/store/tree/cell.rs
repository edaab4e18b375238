//! What becomes known of a branch while others read it. All who set it set the same, so it takes no lock: two
//! [`std::sync::OnceLock`]s in every branch would take more time and more memory.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mote_core::hash::Hash32;

/// A hash, once somebody has worked it out.
#[derive(Debug, Default)]
pub struct HashCell {
    words: [AtomicU64; 4],
    is_known: AtomicBool,
}

impl HashCell {
    /// The hash, if it is known.
    pub fn get(&self) -> Option<Hash32> {
        self.is_known.load(Ordering::Acquire).then(|| {
            let mut bytes = [0; 32];
            for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(&self.words) {
                *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
            }
            Hash32::from_bytes(bytes)
        })
    }

    /// Takes note of the hash.
    pub fn set(&self, hash: &Hash32) {
        for (word, bytes) in self.words.iter().zip(hash.as_bytes().as_chunks().0) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        self.is_known.store(true, Ordering::Release);
    }
}

impl From<Hash32> for HashCell {
    fn from(hash: Hash32) -> Self {
        let cell = Self::default();
        cell.set(&hash);
        cell
    }
}

impl Clone for HashCell {
    fn clone(&self) -> Self {
        self.get().map_or_else(Self::default, Self::from)
    }
}

/// A number other than 0, once there is one.
#[derive(Debug, Default)]
pub struct SerialCell(AtomicU64);

impl SerialCell {
    /// The number, if there is one.
    pub fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|serial| *serial != 0)
    }

    /// Takes note of the number.
    pub fn set(&self, serial: u64) {
        self.0.store(serial, Ordering::Relaxed);
    }
}

impl Clone for SerialCell {
    fn clone(&self) -> Self {
        Self(self.0.load(Ordering::Relaxed).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::hash::sha256;
    use std::thread;

    #[test]
    fn a_cell_has_nothing_and_then_what_was_set_whoever_sets_it() {
        let (hash, cell) = (sha256(b"hash"), HashCell::default());
        assert_eq!((cell.get(), cell.clone().get()), (None, None));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    assert!(cell.get().is_none_or(|got| got == hash));
                    cell.set(&hash);
                    assert_eq!((cell.get(), cell.clone().get()), (Some(hash), Some(hash)));
                });
            }
        });
        assert_eq!(HashCell::from(hash).get(), Some(hash));
        let serial = SerialCell::default();
        assert_eq!(serial.get(), None);
        serial.set(7);
        assert_eq!((serial.get(), serial.clone().get()), (Some(7), Some(7)));
    }
}
