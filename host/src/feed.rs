//! Numbered news for any number of watchers, the recent ones kept, so that a watcher who was away for
//! a moment can be told what it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

/// One numbered piece of news.
pub type Numbered<T> = (u64, T);

/// A feed; clones are the same one.
pub struct Feed<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    recent: Mutex<Recent<T>>,
    sender: broadcast::Sender<Numbered<T>>,
    kept_max: usize,
}

struct Recent<T> {
    next: u64,
    kept: VecDeque<Numbered<T>>,
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: Clone> Feed<T> {
    /// An empty feed that numbers its news from `first` and keeps the last `kept_max`. Whoever starts
    /// a later feed at a higher number spares its watchers to tell the two apart.
    pub fn new(first: u64, kept_max: usize) -> Self {
        let recent = Mutex::new(Recent { next: first, kept: VecDeque::new() });
        let (sender, _) = broadcast::channel(kept_max.max(1));
        Self { shared: Arc::new(Shared { recent, sender, kept_max }) }
    }

    /// Tells everybody.
    pub fn publish(&self, news: T) {
        let mut recent = self.recent();
        let numbered = (recent.next, news);
        recent.next += 1;
        recent.kept.push_back(numbered.clone());
        if recent.kept.len() > self.shared.kept_max {
            recent.kept.pop_front();
        }
        // The lock is still held, so nobody can subscribe between what is kept and what is sent. That
        // nobody listens is no error.
        let _ = self.shared.sender.send(numbered);
    }

    /// Everything from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Numbered<T>> {
        self.shared.sender.subscribe()
    }

    /// What is kept of all after `last`, and everything from then on, without a gap between the two.
    /// A number that is not the feed's own yet comes from another feed: then all that is kept is new.
    pub fn since(&self, last: u64) -> (Vec<Numbered<T>>, broadcast::Receiver<Numbered<T>>) {
        let recent = self.recent();
        let is_missed = |number: u64| number > last || last >= recent.next;
        let missed = recent.kept.iter().filter(|(number, _)| is_missed(*number)).cloned().collect();
        (missed, self.shared.sender.subscribe())
    }

    fn recent(&self) -> MutexGuard<'_, Recent<T>> {
        // Nothing under the lock can stop half-way, so the content is whole even after a panic.
        self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(news: &[Numbered<char>]) -> Vec<u64> {
        news.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn a_watcher_resumes_without_a_gap() {
        let feed = Feed::new(100, 3);
        for news in "abcde".chars() {
            feed.publish(news);
        }
        let (missed, mut receiver) = feed.since(102);
        assert_eq!(missed, [(103, 'd'), (104, 'e')]);
        feed.publish('f');
        assert_eq!(receiver.try_recv(), Ok((105, 'f')));
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn only_the_recent_are_kept() {
        let feed = Feed::new(1, 3);
        for news in "abcde".chars() {
            feed.publish(news);
        }
        assert_eq!(numbers(&feed.since(0).0), [3, 4, 5]);
        assert!(feed.since(5).0.is_empty());
    }

    #[test]
    fn a_number_of_another_feed_misses_all() {
        let feed = Feed::new(100, 3);
        feed.publish('a');
        assert_eq!(numbers(&feed.since(7).0), [100]);
        assert_eq!(numbers(&feed.since(101).0), [100]);
    }
}
