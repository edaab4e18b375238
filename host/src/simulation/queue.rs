//! What is going to happen, by its time.

use std::collections::BTreeMap;

/// Events in the order of their times; those of one millisecond in the order in which they were added.
#[derive(Debug)]
pub struct Queue<E> {
    events: BTreeMap<(u64, u64), E>,
    added: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { events: BTreeMap::new(), added: 0 }
    }
}

impl<E> Queue<E> {
    /// Has `event` happen at `millis`.
    pub fn add(&mut self, millis: u64, event: E) {
        self.events.insert((millis, self.added), event);
        self.added += 1;
    }

    /// The next event that happens before `end`, and when.
    pub fn next(&mut self, end: u64) -> Option<(u64, E)> {
        let next = self.events.first_entry().filter(|entry| entry.key().0 < end)?;
        let ((millis, _), event) = next.remove_entry();
        Some((millis, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_as_they_were_added() {
        let mut queue = Queue::default();
        for (millis, event) in [(5, 'c'), (3, 'a'), (3, 'b'), (9, 'd')] {
            queue.add(millis, event);
        }
        let events: Vec<_> = std::iter::from_fn(|| queue.next(9)).collect();
        assert_eq!(events, [(3, 'a'), (3, 'b'), (5, 'c')]);
        assert_eq!(queue.next(10), Some((9, 'd')));
    }
}
