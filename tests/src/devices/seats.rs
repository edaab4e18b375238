//! Each emulated board keeps a processor busy, so only a few run at a time.

use std::sync::{Condvar, Mutex, MutexGuard};

/// How many boards run at a time: as many as the smallest computer that runs the tests has processors.
const SEATS: usize = 2;

static FREE: Mutex<usize> = Mutex::new(SEATS);
static FREED: Condvar = Condvar::new();

/// The right to run one board as long as this value lives. A test that waits for a second one while it
/// holds one may wait for ever.
#[derive(Debug)]
pub struct Seat(());

impl Seat {
    /// Waits until a board may run.
    pub fn take() -> Self {
        let mut free = FREED.wait_while(free(), |free| *free == 0).unwrap_or_else(|held| held.into_inner());
        *free -= 1;
        Self(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *free() += 1;
        FREED.notify_one();
    }
}

fn free() -> MutexGuard<'static, usize> {
    FREE.lock().unwrap_or_else(|held| held.into_inner())
}
