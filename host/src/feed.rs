//! Numbered news for any number of watchers, the recent ones kept, so that a watcher who was away for
//! a moment can be told what it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::body::Bytes;
use tokio::sync::broadcast;

/// One numbered piece of news. All watchers share it.
#[derive(Debug)]
pub struct News<T> {
    /// Larger than the numbers of all before it.
    pub number: u64,
    /// What is new.
    pub what: T,
    written: OnceLock<Bytes>,
}

/// Where a watcher hears of everything that happens from then on.
pub type Watcher<T> = broadcast::Receiver<Arc<News<T>>>;

impl<T> News<T> {
    /// The news as they are sent: `write` is called once for all watchers.
    pub fn written(&self, write: impl FnOnce(&Self) -> String) -> Bytes {
        self.written.get_or_init(|| Bytes::from(write(self))).clone()
    }
}

/// A feed; clones are the same one.
pub struct Feed<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    recent: Mutex<Recent<T>>,
    sender: broadcast::Sender<Arc<News<T>>>,
    kept_max: usize,
}

struct Recent<T> {
    next: u64,
    kept: VecDeque<Arc<News<T>>>,
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Feed<T> {
    /// An empty feed that numbers its news from `first` and keeps the last `kept_max`. Whoever starts
    /// a later feed at a higher number spares its watchers to tell the two apart.
    pub fn new(first: u64, kept_max: usize) -> Self {
        let recent = Mutex::new(Recent { next: first, kept: VecDeque::new() });
        let (sender, _) = broadcast::channel(kept_max.max(1));
        Self { shared: Arc::new(Shared { recent, sender, kept_max }) }
    }

    /// Tells everybody.
    pub fn publish(&self, what: T) {
        let mut recent = self.recent();
        let news = Arc::new(News { number: recent.next, what, written: OnceLock::new() });
        recent.next += 1;
        recent.kept.push_back(news.clone());
        if recent.kept.len() > self.shared.kept_max {
            recent.kept.pop_front();
        }
        // The lock is still held, so nobody can subscribe between what is kept and what is sent. That
        // nobody listens is no error.
        let _ = self.shared.sender.send(news);
    }

    /// Everything from now on.
    pub fn subscribe(&self) -> Watcher<T> {
        self.shared.sender.subscribe()
    }

    /// What is kept of all after `last`, and everything from then on, without a gap between the two.
    /// A number that is not the feed's own yet comes from another feed: then all that is kept is new.
    pub fn since(&self, last: u64) -> (Vec<Arc<News<T>>>, Watcher<T>) {
        let recent = self.recent();
        let is_missed = |number: u64| number > last || last >= recent.next;
        let missed = recent.kept.iter().filter(|news| is_missed(news.number)).cloned().collect();
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

    fn numbers(news: &[Arc<News<char>>]) -> Vec<u64> {
        news.iter().map(|news| news.number).collect()
    }

    #[test]
    fn a_watcher_resumes_without_a_gap() {
        let feed = Feed::new(100, 3);
        for news in "abcde".chars() {
            feed.publish(news);
        }
        let (missed, mut receiver) = feed.since(102);
        assert_eq!(numbers(&missed), [103, 104]);
        assert_eq!((missed[0].what, missed[1].what), ('d', 'e'));
        feed.publish('f');
        let next = receiver.try_recv().unwrap();
        assert_eq!((next.number, next.what), (105, 'f'));
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

    #[test]
    fn news_are_written_once_for_all() {
        let feed = Feed::new(1, 3);
        let (mut first, mut second) = (feed.subscribe(), feed.subscribe());
        feed.publish('a');
        let write = |news: &News<char>| format!("{} {}", news.number, news.what);
        assert_eq!(first.try_recv().unwrap().written(write), "1 a");
        assert_eq!(second.try_recv().unwrap().written(|_| panic!("it was written before")), "1 a");
    }
}
