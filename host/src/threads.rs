//! Things that are done at the same time by threads which end with them, so that they may borrow what they work on. To
//! begin one takes far longer than to wake one of the [workers](crate::workers).

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What becomes of each part of `items`, all of which have this size but the last, on as many cores as there are parts
/// for.
pub fn map_parts<'i, I: Sync, T: Send + Sync>(
    cores: NonZero<usize>,
    items: &'i [I],
    size: NonZero<usize>,
    work: impl Fn(&'i [I]) -> T + Sync,
) -> Vec<T> {
    let parts: Vec<(&[I], OnceLock<T>)> =
        items.chunks(size.get()).map(|part| (part, OnceLock::new())).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((part, done)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.get_or_init(|| work(part));
        }
    };
    thread::scope(|scope| {
        for _ in 1..cores.get().min(parts.len()) {
            // Without it the others do it all.
            let _ = thread::Builder::new().name("part".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    parts.into_iter().filter_map(|(_, done)| done.into_inner()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;
    use std::sync::Barrier;

    fn cores(count: usize) -> NonZero<usize> {
        NonZero::new(count).unwrap()
    }

    #[test]
    fn parts_come_back_in_their_order() {
        for count in 1..5 {
            for length in [0, 1, 7, 8, 9, 100] {
                let items: Vec<usize> = (0..length).collect();
                let parts = map_parts(cores(count), &items, cores(8), <[usize]>::to_vec);
                assert_eq!(parts, items.chunks(8).map(<[_]>::to_vec).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn parts_are_worked_on_at_the_same_time() {
        let meeting = Barrier::new(3);
        let leaders = map_parts(cores(3), &[(); 3], cores(1), |_| meeting.wait().is_leader());
        assert_eq!(leaders.iter().filter(|is_leader| **is_leader).count(), 1);
    }

    #[test]
    fn a_panic_comes_to_the_one_who_asked() {
        assert!(catch_unwind(|| map_parts(cores(2), &[1, 2], cores(1), |_| panic!("planted"))).is_err());
    }
}
