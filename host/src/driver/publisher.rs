//! When watchers are told how the node stands: after what they may have been waiting for at once, after
//! everything else soon, and now and then in any case.

use std::sync::Arc;

use mote_core::units::Moment;
use tokio::sync::watch;

use crate::node::status::Status;

/// Changes are shown at most this often, in milliseconds.
const CHANGE_MIN_MS: u64 = 50;

/// What only time changes is shown this often, in milliseconds.
const REFRESH_MS: u64 = 1_000;

/// The sender's side of the published status.
pub(super) struct Publisher {
    sender: watch::Sender<Arc<Status>>,
    last: Moment,
    has_changed: bool,
}

impl Publisher {
    /// Publishes a first status.
    pub fn new(status: Status, now: Moment) -> Self {
        let (sender, _) = watch::channel(Arc::new(status));
        Self { sender, last: now, has_changed: false }
    }

    /// A watcher's side.
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.sender.subscribe()
    }

    /// Notes that what is published is old.
    pub fn change(&mut self) {
        self.has_changed = true;
    }

    /// In how many milliseconds the next status is due.
    pub fn due_in(&self, now: Moment) -> u64 {
        let wait = if self.has_changed { CHANGE_MIN_MS } else { REFRESH_MS };
        wait.saturating_sub(now.since(self.last))
    }

    /// Publishes.
    pub fn publish(&mut self, status: Status, now: Moment) {
        self.sender.send_replace(Arc::new(status));
        (self.last, self.has_changed) = (now, false);
    }
}
