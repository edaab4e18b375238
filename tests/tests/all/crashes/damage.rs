//! Files that were cut or changed behind the node's back. Either all that was acknowledged is still there, or
//! the node says what is damaged and where; it never goes on as if nothing had been.

use std::sync::atomic::{AtomicUsize, Ordering};

use mote::store::disk::FileDisk;
use mote::store::nodes::NODES_FILE;
use mote::store::opening::INDEX_FILE;
use mote_tests::disks::Files;

use super::station::{Acknowledged, Station};
use super::{change, each};

/// How a node ended whose files are damaged afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its index knows of everything.
    Closed,
    /// Its index lags behind.
    Killed,
}

/// A folder with some blocks and open payments, and all that its node acknowledged.
fn folder(end: End) -> (Files, Vec<Acknowledged>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = FileDisk::new(folder.path()).expect("a folder");
    let mut station = Station::open(disk, 1).expect("an empty folder opens");
    station.mine(3);
    station.pay(0..4);
    station.mine(2);
    station.pay(4..9);
    station.add_peer(2);
    let acknowledged = std::mem::take(&mut station.acknowledged);
    match end {
        End::Closed => station.node.close().expect("the folder can be written"),
        End::Killed => std::mem::forget(station),
    }
    (Files::read(folder.path()).expect("the folder can be read"), acknowledged)
}

/// What a node says of a folder.
#[derive(Debug)]
enum Said {
    /// All that was acknowledged is there.
    AllThere,
    /// It does not start, or cannot answer for something.
    Error(String),
    /// It cut off the end of a file, or went on without one, and says so, and this many things went with it.
    Cut(usize),
}

fn open(files: &Files, acknowledged: &[Acknowledged], what: &str) -> Said {
    let folder = tempfile::tempdir().expect("a temporary folder");
    files.write(folder.path()).expect("the folder can be written");
    let station = match Station::open(FileDisk::new(folder.path()).expect("a folder"), 1) {
        Ok(station) => station,
        Err(error) => return Said::Error(error.to_string()),
    };
    let mut lost = Vec::new();
    for acknowledged in acknowledged {
        match station.lacks(acknowledged) {
            Ok(lacks) => lost.extend(lacks),
            Err(error) => return Said::Error(error.to_string()),
        }
    }
    if lost.is_empty() {
        return Said::AllThere;
    }
    assert!(!station.cuts.is_empty() || station.gave_up_payments, "{what}: {lost:?}, and nobody was told");
    Said::Cut(lost.len())
}

fn names(files: &Files, is_meant: impl Fn(&str) -> bool) -> Vec<(String, usize)> {
    let meant = files.iter().filter(|(name, _)| is_meant(name));
    let names: Vec<_> = meant.map(|(name, bytes)| (name.to_owned(), bytes.len())).collect();
    assert!(!names.is_empty(), "there is such a file");
    names
}

#[test]
fn a_flipped_bit_is_named_or_harmless() {
    for end in [End::Closed, End::Killed] {
        let (files, acknowledged) = folder(end);
        let [tried, named, cut] = [(); 3].map(|()| AtomicUsize::new(0));
        for (name, length) in names(&files, |name| name.ends_with(".seg")) {
            each((0..length).step_by(5), |offset| {
                let mut files = files.clone();
                change(&mut files, &name, |bytes| bytes[offset] ^= 1 << (offset % 8));
                let what = format!("{end:?}, bit {} of byte {offset} of {name}", offset % 8);
                tried.fetch_add(1, Ordering::Relaxed);
                match open(&files, &acknowledged, &what) {
                    Said::AllThere => {}
                    Said::Error(said) => {
                        assert!(said.contains(&name), "{what}: {said}");
                        named.fetch_add(1, Ordering::Relaxed);
                    }
                    // Only what was written last, of which the index does not know yet, can be taken for a
                    // write that was never finished.
                    Said::Cut(lost) => {
                        assert_eq!((end, lost), (End::Killed, 1), "{what}");
                        cut.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let [tried, named, cut] = [tried, named, cut].map(AtomicUsize::into_inner);
        println!("{end:?}: {tried} flipped bits, {named} named, {cut} taken for an unfinished write");
        assert!(named > 0);
    }
}

#[test]
fn a_log_that_was_cut_short_is_named() {
    let (files, acknowledged) = folder(End::Closed);
    for (name, length) in names(&files, |name| name.ends_with(".seg")) {
        // Between two records too.
        each(0..length, |to| {
            let mut files = files.clone();
            change(&mut files, &name, |bytes| bytes.truncate(to));
            let what = format!("{name} of {to} bytes");
            match open(&files, &acknowledged, &what) {
                Said::Error(said) => assert!(said.contains(&name), "{what}: {said}"),
                other => panic!("{what}: {other:?}"),
            }
        });
    }
}

#[test]
fn a_missing_log_is_named() {
    let (mut files, acknowledged) = folder(End::Closed);
    for (name, _) in names(&files.clone(), |name| name.starts_with("log-")) {
        files.remove(&name);
    }
    match open(&files, &acknowledged, "no log") {
        Said::Error(said) => assert!(said.contains("log-"), "{said}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn open_payments_are_given_up_by_moving_their_files_away() {
    let (mut files, acknowledged) = folder(End::Closed);
    for (name, _) in names(&files.clone(), |name| name.starts_with("open-")) {
        files.remove(&name);
    }
    match open(&files, &acknowledged, "no journal") {
        Said::Cut(lost) => assert_eq!(lost, 5, "those that no block has"),
        other => panic!("{other:?}"),
    }
}

/// What becomes of a file's bytes.
type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

#[test]
fn a_damaged_index_is_built_anew() {
    let (files, acknowledged) = folder(End::Killed);
    let (_, length) = names(&files, |name| name == INDEX_FILE)[0];
    let damages: [Damage<'_>; 5] = [
        &|bytes| bytes.clear(),
        &|bytes| bytes.truncate(length / 2),
        &|bytes| bytes.fill(0xa5),
        &|bytes| bytes[..4_096].fill(0),
        &|bytes| bytes[64..length / 2].reverse(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let mut files = files.clone();
        change(&mut files, INDEX_FILE, damage);
        let said = open(&files, &acknowledged, INDEX_FILE);
        assert!(matches!(said, Said::AllThere), "damage {number}: {said:?}");
    }
    let mut files = files.clone();
    change(&mut files, NODES_FILE, |bytes: &mut Vec<u8>| bytes.clear());
    let said = open(&files, &acknowledged, NODES_FILE);
    assert!(matches!(said, Said::AllThere), "{said:?}");
}
