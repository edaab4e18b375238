//! What may happen to a node's process and its disk. Whatever was acknowledged is there afterwards, and
//! what cannot be kept is never acknowledged.

mod damage;
mod disk;
mod folder;
mod kills;
mod points;
mod station;
mod verify;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mote_tests::disks::Files;

/// Does something for each of these, on all cores.
fn each<T: Copy + Sync>(places: impl Iterator<Item = T>, check: impl Fn(T) + Sync) {
    let places: Vec<T> = places.collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(*place);
                }
            });
        }
    });
}

/// Changes a file that there is.
fn change(files: &mut Files, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    change(files.get_mut(name).expect("there is such a file"));
}
