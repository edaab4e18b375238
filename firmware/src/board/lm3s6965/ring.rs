//! A queue of bytes from an interrupt, which alone writes, to the loop, which alone reads.

use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// At most `N` bytes that wait.
pub struct Ring<const N: usize> {
    bytes: [AtomicU8; N],
    written: AtomicUsize,
    read: AtomicUsize,
}

impl<const N: usize> Ring<N> {
    /// An empty queue.
    pub const fn new() -> Self {
        // The counters wrap.
        const { assert!(N.is_power_of_two()) };
        let bytes = [const { AtomicU8::new(0) }; N];
        Self { bytes, written: AtomicUsize::new(0), read: AtomicUsize::new(0) }
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        let (written, read) = (self.written.load(Ordering::Relaxed), self.read.load(Ordering::Acquire));
        written.wrapping_sub(read) >= N
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.written.load(Ordering::Acquire) == self.read.load(Ordering::Relaxed)
    }

    /// Appends a byte; one for which there is no room is lost.
    pub fn push(&self, byte: u8) {
        if self.is_full() {
            return;
        }
        let written = self.written.load(Ordering::Relaxed);
        if let Some(place) = self.bytes.get(written % N) {
            place.store(byte, Ordering::Relaxed);
        }
        self.written.store(written.wrapping_add(1), Ordering::Release);
    }

    /// Takes the oldest.
    pub fn pop(&self) -> Option<u8> {
        if self.is_empty() {
            return None;
        }
        let read = self.read.load(Ordering::Relaxed);
        let byte = self.bytes.get(read % N)?.load(Ordering::Relaxed);
        self.read.store(read.wrapping_add(1), Ordering::Release);
        Some(byte)
    }
}
