//! What protects a wallet file: a passphrase, and a growing wait after wrong ones.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// A passphrase as typed: not empty, wiped when dropped, never shown.
///
/// The bytes are taken as they are; no Unicode form is forced on them.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what was typed.
    pub fn new(text: Zeroizing<String>) -> Result<Self, EmptyPassphrase> {
        if text.is_empty() { Err(EmptyPassphrase) } else { Ok(Self(text)) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// An empty passphrase protects nothing; a wallet without one says so by having none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase is empty, expected at least one character")]
pub struct EmptyPassphrase;

/// When the next attempt to unlock may be made.
///
/// It slows a guesser who reaches the node's API; one who has the file is slowed by Argon2id alone.
/// Time is a [`Duration`] since any fixed point of a clock that never goes back; nothing here
/// sleeps or reads a clock.
#[derive(Clone, Debug, Default)]
pub struct UnlockThrottle {
    failures: u32,
    earliest: Duration,
}

impl UnlockThrottle {
    /// Wrong passphrases that cost no wait, since people mistype.
    pub const FREE_FAILURES: u32 = 3;

    /// The longest wait: 1,440 guesses a day find no decent passphrase, and whoever remembers the
    /// right one after a bad evening waits a minute.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

    /// No failures so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins an attempt at `now`; the error says how long to wait.
    ///
    /// It counts as failed until [`UnlockThrottle::succeeded`] says otherwise, so that attempts made
    /// at the same time cannot all pass before the first of them is known to be wrong.
    pub fn attempt(&mut self, now: Duration) -> Result<(), TooSoon> {
        match self.earliest.checked_sub(now) {
            None | Some(Duration::ZERO) => {}
            Some(wait) => return Err(TooSoon { wait }),
        }
        self.failures = self.failures.saturating_add(1);
        self.earliest = now.saturating_add(Self::wait_after(self.failures));
        Ok(())
    }

    /// A wrong passphrase was tried, which took until `now`: what it took is no part of the wait.
    pub fn failed(&mut self, now: Duration) {
        self.earliest = now.saturating_add(Self::wait_after(self.failures));
    }

    /// The right passphrase was tried: the next wrong one is the first again.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The wait that follows the given number of failures in a row: 1 s after the first that is not
    /// free, then twice the wait before, up to the longest.
    pub fn wait_after(failures: u32) -> Duration {
        match failures.checked_sub(Self::FREE_FAILURES + 1) {
            None => Duration::ZERO,
            Some(doublings) => 1u64
                .checked_shl(doublings)
                .map_or(Self::LONGEST_WAIT, Duration::from_secs)
                .min(Self::LONGEST_WAIT),
        }
    }
}

/// An attempt to unlock came before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong passphrases: try again in {} s", wait.as_secs_f64().ceil())]
pub struct TooSoon {
    /// How long to wait.
    pub wait: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_not_empty_and_not_shown() {
        assert_eq!(Passphrase::new(Zeroizing::default()).unwrap_err(), EmptyPassphrase);
        let passphrase = Passphrase::new(String::from("correct horse").into()).unwrap();
        assert_eq!(format!("{passphrase:?}"), "Passphrase(redacted)");
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u64> =
            (0..12).map(|failures| UnlockThrottle::wait_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        for failures in [63, 64, 68, 69, 1_000, u32::MAX] {
            assert_eq!(UnlockThrottle::wait_after(failures), UnlockThrottle::LONGEST_WAIT);
        }
    }

    #[test]
    fn an_attempt_before_its_time_is_refused_and_success_forgives() {
        let mut throttle = UnlockThrottle::new();
        let now = Duration::from_secs(1_000);
        for _ in 0..4 {
            assert_eq!(throttle.attempt(now), Ok(()));
        }
        let early = throttle.attempt(now + Duration::from_millis(400)).unwrap_err();
        assert_eq!(early.wait, Duration::from_millis(600));
        assert_eq!(early.to_string(), "too many wrong passphrases: try again in 1 s");

        // An attempt that was refused makes nobody wait longer.
        let now = now + Duration::from_secs(1);
        assert_eq!(throttle.attempt(now), Ok(()));
        assert_eq!(throttle.attempt(now), Err(TooSoon { wait: Duration::from_secs(2) }));
        throttle.succeeded();
        assert_eq!(throttle.attempt(now), Ok(()));
        assert_eq!(throttle.attempt(now), Ok(()));
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        let mut throttle = UnlockThrottle::new();
        for _ in 0..10 {
            assert_eq!(throttle.attempt(Duration::MAX), Ok(()));
        }
    }
}
