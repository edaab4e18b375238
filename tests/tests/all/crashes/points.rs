//! Power cuts behind every single operation on the disk, while a node works and while it recovers.

use std::sync::atomic::{AtomicUsize, Ordering};

use mote::store::disk::FileDisk;
use mote::store::memory::{MemoryDisk, PowerCut};
use mote_tests::disks::{Files, Operation, RecordingDisk, left_after};

use super::each;
use super::station::{Acknowledged, Station};

/// What was done to a folder, and how many operations there were when something was acknowledged.
struct Work {
    before: Files,
    operations: Vec<Operation>,
    acknowledged: Vec<(usize, Acknowledged)>,
}

impl Work {
    /// Payments, blocks, a branch that gives way to a heavier one, commits of the index, a peer, and the end.
    fn record() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let disk = RecordingDisk::new(folder.path()).expect("a folder");
        let mut station = Station::open(disk.clone(), 1).expect("an empty folder opens");
        let mut rival = Station::open(MemoryDisk::new(), 2).expect("an empty disk opens");
        let mut acknowledged = Vec::new();
        let mut note = |station: &mut Station<RecordingDisk>| {
            let count = disk.count();
            acknowledged.extend(std::mem::take(&mut station.acknowledged).into_iter().map(|it| (count, it)));
        };
        station.mine(4);
        note(&mut station);
        station.meet(&mut rival);
        station.add_peer(2);
        note(&mut station);
        for round in 0..3 {
            for nonce in 3 * round..3 * round + 3 {
                station.pay(nonce..nonce + 1);
                note(&mut station);
            }
            station.mine(1);
            note(&mut station);
        }
        station.pay(9..11);
        note(&mut station);
        // All payments come back, and are mined again.
        rival.mine(5);
        let tip = rival.node.ledger().tip().id();
        station.meet(&mut rival);
        assert_eq!(station.node.ledger().tip().id(), tip, "the rival's branch has more work");
        assert!(!station.node.mempool().is_empty(), "payments came back");
        station.mine(2);
        note(&mut station);
        station.pay(11..13);
        station.add_peer(3);
        note(&mut station);
        for _ in 0..12 {
            station.pass();
        }
        station.mine(1);
        note(&mut station);
        station.node.close().expect("the folder can be written");
        Self { before: Files::default(), operations: disk.operations(), acknowledged }
    }

    /// What a node says of the folder when the power failed behind so many operations.
    fn cut_at(&self, point: usize, cut: PowerCut) -> Files {
        left_after(&self.before, &self.operations[..point], cut).expect("what a disk did can be done again")
    }

    fn acknowledged_by(&self, point: usize) -> impl Iterator<Item = &Acknowledged> {
        self.acknowledged.iter().filter(move |(count, _)| *count <= point).map(|(_, it)| it)
    }
}

/// What may be left of what was not synced: nothing, all of it (as when the process is killed), a part from the
/// front, and any sectors and names whatever the order.
fn cuts(point: usize) -> [PowerCut; 5] {
    let seed = point as u64;
    [
        PowerCut::LosesAll,
        PowerCut::Keeps(u64::MAX),
        PowerCut::Keeps(1 + 37 * seed % 1_500),
        PowerCut::Tears(seed),
        PowerCut::Tears(seed | 1 << 32),
    ]
}

/// Opens what is left on a real folder: all that was acknowledged is there, and the node goes on. Returns what
/// recovery did to the folder.
fn check(work: &Work, point: usize, left: &Files, what: &str) -> Vec<Operation> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    left.write(folder.path()).expect("the folder can be written");
    let disk = RecordingDisk::new(folder.path()).expect("a folder");
    let mut station = Station::open(disk.clone(), 1).unwrap_or_else(|error| panic!("{what}: {error}"));
    let recovery = disk.operations();
    for acknowledged in work.acknowledged_by(point) {
        let lacks = station.lacks(acknowledged).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(lacks, None, "{what}");
    }
    station.mine(1);
    let height = station.node.ledger().tip().height();
    station.node.close().unwrap_or_else(|error| panic!("{what}: {error}"));
    let again = Station::open(FileDisk::new(folder.path()).expect("a folder"), 1)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(again.node.ledger().tip().height(), height, "{what}");
    recovery
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_fails() {
    let work = Work::record();
    let tried = AtomicUsize::new(0);
    each(0..work.operations.len() + 1, |point| {
        for cut in cuts(point) {
            let what = format!("{cut:?} behind operation {point} of {}", work.operations.len());
            check(&work, point, &work.cut_at(point, cut), &what);
            tried.fetch_add(1, Ordering::Relaxed);
        }
    });
    println!("{} operations, {} power cuts", work.operations.len(), tried.into_inner());
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails_again_while_a_node_recovers() {
    let work = Work::record();
    let tried = AtomicUsize::new(0);
    each((0..work.operations.len() + 1).step_by(29), |point| {
        let first = PowerCut::Tears(point as u64);
        let before = work.cut_at(point, first);
        let recovery = check(&work, point, &before, &format!("{first:?} behind operation {point}"));
        for again in 0..recovery.len() + 1 {
            let second = cuts(again)[again % 5];
            let left =
                left_after(&before, &recovery[..again], second).expect("what a disk did can be done again");
            let what =
                format!("{second:?} behind operation {again} of recovery from {first:?} behind {point}");
            check(&work, point, &left, &what);
            tried.fetch_add(1, Ordering::Relaxed);
        }
    });
    println!("{} power cuts while recovering", tried.into_inner());
}
