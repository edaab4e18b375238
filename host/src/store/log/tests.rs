//! What must hold whatever happens to the disk.

use super::*;
use crate::store::disk::{DiskFile, FileDisk};
use crate::store::memory::{Fault, MemoryDisk, PowerCut};
use mote_core::hash::sha256;

const FILE: &str = "log-00000000.seg";
const OPTIONS: Options = Options { segment_bytes: 1024, coverage: Coverage::Whole, salt: 0x5eed };

fn identity() -> Identity {
    Identity { network: "regtest".to_owned(), genesis: sha256(b"genesis") }
}

fn open<D: Disk + Clone>(disk: &D, trusted: Position) -> Result<(Log<D>, Opened), LogError> {
    Log::open(disk.clone(), "log", &identity(), OPTIONS, trusted)
}

fn payload(number: usize) -> Vec<u8> {
    (0..number % 300).map(|index| (index * 7 + number) as u8).collect()
}

/// Appends the payloads of `numbers` in groups of three until all are durable or the disk fails, and
/// returns how many of them are acknowledged, and where the log ended then.
fn fill<D: Disk>(log: &mut Log<D>, numbers: std::ops::Range<usize>) -> (usize, Position) {
    let mut acknowledged = (numbers.start, log.synced_end());
    for number in numbers.clone() {
        if log.append(KIND_BLOCK, &payload(number)).is_err() {
            return acknowledged;
        }
        if number % 3 == 2 || number + 1 == numbers.end {
            if log.sync().is_err() {
                return acknowledged;
            }
            acknowledged = (number + 1, log.synced_end());
        }
    }
    acknowledged
}

fn payloads<D: Disk>(log: &Log<D>) -> Vec<Vec<u8>> {
    log.scan(Position::START).map(|entry| entry.unwrap().1.payload).collect()
}

fn expected(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(payload).collect()
}

/// The whole content of a file.
fn bytes(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    let file = disk.open(name).unwrap();
    let mut bytes = vec![0; DiskFile::len(&file).unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn records_come_back_from_a_real_folder() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FileDisk::new(folder.path().join("data")).unwrap();
    std::fs::write(disk.path("log-1.seg"), "not ours").unwrap();
    std::fs::write(disk.path("log-00000001.seg.old"), "not ours").unwrap();
    let (mut log, opened) = open(&disk, Position::START).unwrap();
    assert_eq!(opened, Opened::default());
    let (_, durable) = fill(&mut log, 0..198);
    for number in 198..200 {
        log.append(KIND_BLOCK, &payload(number)).unwrap();
    }
    assert!(log.end().segment() > 3);
    assert_eq!(log.synced_end(), durable);
    assert_eq!(payloads(&log), expected(0..200));
    let positions: Vec<Position> = log.scan(Position::START).map(|entry| entry.unwrap().0).collect();
    log.sync().unwrap();
    let end = log.end();
    drop(log);

    let (log, opened) = open(&disk, end).unwrap();
    assert_eq!((log.end(), log.synced_end(), opened), (end, end, Opened::default()));
    assert_eq!(payloads(&log), expected(0..200));
    for (number, position) in positions.into_iter().enumerate() {
        let record = Record { kind: KIND_BLOCK, payload: payload(number) };
        assert_eq!(log.read(position).unwrap(), record);
        assert_eq!(Position::from(u64::from(position)), position);
        let (first, _) = log.scan(position).next().unwrap().unwrap();
        assert_eq!(first, position);
    }
    assert!(matches!(log.read(end), Err(LogError::NoRecord { .. })));
    assert!(matches!(log.read(Position::new(99, 0)), Err(LogError::NoRecord { .. })));
}

#[test]
fn the_byte_map_is_as_documented() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    log.append(KIND_BLOCK, b"one").unwrap();
    log.append(KIND_TRANSACTION, b"two").unwrap();
    log.sync().unwrap();
    let bytes = bytes(&disk, FILE);
    let crc = |salt: &[u8], covered: &[u8]| mote_core::frame::crc32c(&[salt, covered].concat());
    let header = &bytes[9..9 + 62];
    assert_eq!(bytes[..5], [62, 0, 0, 0, 0xff]);
    assert_eq!(bytes[5..9], crc(&[0; 4], &[&bytes[..5], header].concat()).to_le_bytes());
    assert_eq!(header[..22], *b"mote log\x02\0\0\0\0\0\xed\x5e\0\0\0\0\0\0");
    assert_eq!(header[22..54], *sha256(b"genesis").as_bytes());
    assert_eq!(header[54..], *b"\x07regtest");
    let salt = [0xed, 0x5e, 0, 0];
    assert_eq!(bytes[71..76], [3, 0, 0, 0, 0x81]);
    assert_eq!(bytes[76..80], crc(&salt, b"\x03\0\0\0\x81one").to_le_bytes());
    assert_eq!(bytes[83..88], [3, 0, 0, 0, 2]);
    assert_eq!(bytes[88..92], crc(&salt, b"\x03\0\0\0\x02two").to_le_bytes());
    assert_eq!(bytes[92..], *b"two");
}

/// Writes until the power fails in the given sync, cuts it, and checks what is there afterwards.
fn survive(syncs: u64, cut: PowerCut) {
    let disk = MemoryDisk::new();
    disk.set_fault(Fault::PowerFails(syncs));
    let (acknowledged, trusted) = match open(&disk, Position::START) {
        Ok((mut log, _)) => fill(&mut log, 0..60),
        Err(_) => (0, Position::START),
    };
    disk.crash(cut);
    let (mut log, _) = open(&disk, trusted).unwrap_or_else(|error| panic!("{syncs} {cut:?}: {error}"));
    let survivors = payloads(&log).len();
    assert!((acknowledged..=60).contains(&survivors), "{syncs} {cut:?}");
    assert_eq!(payloads(&log), expected(0..survivors), "{syncs} {cut:?}");
    // The log goes on from there, and a second cut takes nothing of what it has.
    fill(&mut log, survivors..survivors + 4);
    disk.crash(PowerCut::LosesAll);
    let (log, opened) = open(&disk, trusted).unwrap();
    assert_eq!(opened.cut, None);
    assert_eq!(payloads(&log), expected(0..survivors + 4));
}

#[test]
fn power_cuts_at_every_sync_cost_nothing_acknowledged() {
    for syncs in 0..40 {
        survive(syncs, PowerCut::LosesAll);
        survive(syncs, PowerCut::Keeps(u64::MAX));
        for seed in 0..50 {
            survive(syncs, PowerCut::Tears(seed));
        }
    }
}

#[test]
fn a_group_torn_at_any_byte_costs_nothing_acknowledged() {
    // The first two syncs make the first file; among the later ones some make the next file.
    for syncs in 0..20 {
        for kept in 0..400 {
            survive(syncs, PowerCut::Keeps(kept));
        }
    }
}

#[test]
fn a_flipped_bit_is_torn_at_the_end_and_damage_elsewhere() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    fill(&mut log, 0..59);
    let last_group = fill(&mut log, 59..60).1;
    let positions: Vec<Position> = log.scan(Position::START).map(|entry| entry.unwrap().0).collect();
    let last = log.last;
    assert!(last >= 1 && last_group == log.end());
    drop(log);
    for number in 0..=last {
        let name = segment::name("log", number);
        for at in 0..bytes(&disk, &name).len() {
            disk.flip(&name, at, 1 << (at % 8));
            let hit = Position::new(number, at as u32);
            let record = positions.iter().rev().find(|position| **position <= hit);
            let offset =
                record.filter(|record| record.segment() == number).map_or(0, |record| record.offset());
            let result = open(&disk, Position::START).and_then(|(log, opened)| {
                log.scan(Position::START).try_for_each(|entry| entry.map(drop)).map(|()| opened)
            });
            match result {
                Err(error @ (LogError::Damaged { .. } | LogError::DamagedWithin { .. })) => {
                    let text = error.to_string();
                    assert!(text.contains(&name) && text.contains(&format!("offset {offset}:")), "{text}");
                    assert!(text.contains("move the log-*.seg files and index.redb away"), "{text}");
                }
                Ok(Opened { cut: Some(cut), .. }) => {
                    assert_eq!(cut.position, positions[59]);
                    assert!(cut.to_string().contains(&name));
                    return assert!(at as u32 >= cut.position.offset());
                }
                other => panic!("{name} {at}: {other:?}"),
            }
            disk.flip(&name, at, 1 << (at % 8));
        }
    }
    panic!("no flip was taken for a torn tail");
}

#[test]
fn zeros_and_noise_behind_the_end_are_cut() {
    for tail in [vec![0; 1], vec![0; 600], vec![0xff; 5], (0..=255).collect()] {
        let disk = MemoryDisk::new();
        let (mut log, _) = open(&disk, Position::START).unwrap();
        let (_, end) = fill(&mut log, 0..5);
        disk.open(FILE).unwrap().write_at(end.offset().into(), &tail).unwrap();
        let (log, opened) = open(&disk, end).unwrap();
        let cut = opened.cut.unwrap();
        assert_eq!((cut.position, cut.bytes as usize), (end, tail.len()));
        assert_eq!(payloads(&log), expected(0..5));
        assert_eq!(bytes(&disk, FILE).len(), end.offset() as usize);
    }
}

#[test]
fn nobody_can_plant_a_record_inside_a_record() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    let (_, end) = fill(&mut log, 0..3);
    // Whoever chooses the payload does not know the salt, and can only try one.
    let planted = [vec![7; 20], frame(0, KIND_BLOCK | WRITE_START), vec![7; 20]].concat();
    log.append(KIND_BLOCK, &planted).unwrap();
    log.sync().unwrap();
    disk.flip(FILE, end.offset() as usize + 12, 1);
    assert_eq!(open(&disk, end).unwrap().1.cut.unwrap().position, end);
}

fn frame(salt: u32, kind: u8) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    mote_core::frame::write(&mut bytes.as_mut_slice(), salt, kind, b"abc").unwrap();
    bytes
}

#[test]
fn a_full_disk_leaves_what_was_acknowledged() {
    for capacity in (0..2300).step_by(7) {
        let disk = MemoryDisk::new();
        disk.set_fault(Fault::Full(capacity));
        let mut acknowledged = (0, Position::START);
        if let Ok((mut log, _)) = open(&disk, Position::START) {
            acknowledged = fill(&mut log, 0..60);
            assert!(acknowledged.0 < 60);
            assert!(matches!(log.append(KIND_BLOCK, b""), Err(LogError::Poisoned { .. })));
            assert!(matches!(log.sync(), Err(LogError::Poisoned { .. })));
            assert_eq!(payloads(&log)[..acknowledged.0], expected(0..acknowledged.0));
        }
        disk.set_fault(Fault::None);
        let (mut log, _) = open(&disk, acknowledged.1).unwrap();
        let survivors = payloads(&log).len();
        assert!(survivors >= acknowledged.0);
        fill(&mut log, survivors..survivors + 2);
        assert_eq!(payloads(&log), expected(0..survivors + 2));
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_until_reopened() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    let (_, end) = fill(&mut log, 0..3);
    log.append(KIND_BLOCK, &payload(3)).unwrap();
    disk.set_fault(Fault::SyncFails);
    let error = log.sync().unwrap_err().to_string();
    assert!(error.contains(FILE) && error.contains("input/output error"), "{error}");
    disk.set_fault(Fault::None);
    assert!(matches!(log.sync(), Err(LogError::Poisoned { .. })));
    assert!(matches!(log.append(KIND_BLOCK, b""), Err(LogError::Poisoned { .. })));
    assert_eq!(log.synced_end(), end);
    // The record can still be read from the file, so it must be written again before it counts.
    let (log, _) = open(&disk, end).unwrap();
    assert_eq!(payloads(&log), expected(0..4));
    drop(log);
    disk.crash(PowerCut::LosesAll);
    assert_eq!(payloads(&open(&disk, end).unwrap().0), expected(0..4));
}

#[test]
fn a_disk_that_takes_no_writes_is_noticed_at_the_start() {
    let disk = MemoryDisk::new();
    disk.set_fault(Fault::ReadOnly);
    assert!(matches!(open(&disk, Position::START), Err(LogError::Io { action: "create", .. })));
}

#[test]
fn one_sync_makes_a_group_durable() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    let before = disk.syncs();
    for number in 0..10 {
        log.append(KIND_BLOCK, &payload(number)).unwrap();
    }
    log.sync().unwrap();
    log.sync().unwrap();
    assert_eq!(disk.syncs() - before, 1);
}

#[test]
fn another_chain_or_format_is_named() {
    let disk = MemoryDisk::new();
    drop(open(&disk, Position::START).unwrap());
    let of = |network: &str, genesis: &[u8]| {
        let identity = Identity { network: network.to_owned(), genesis: sha256(genesis) };
        Log::open(disk.clone(), "log", &identity, OPTIONS, Position::START).unwrap_err().to_string()
    };
    let text = of("main", b"genesis");
    assert!(text.contains("\"regtest\"") && text.contains("\"main\""), "{text}");
    let text = of("regtest", b"other");
    assert!(text.contains(&sha256(b"genesis").to_string()), "{text}");

    let header = |from: usize, to: &[u8]| {
        let mut payload = bytes(&disk, FILE)[9..].to_vec();
        payload[from..from + to.len()].copy_from_slice(to);
        let other = MemoryDisk::new();
        let mut frame = vec![0; record_bytes(payload.len())];
        mote_core::frame::write(&mut frame.as_mut_slice(), 0, KIND_HEADER | WRITE_START, &payload).unwrap();
        other.create(FILE).unwrap().write_at(0, &frame).unwrap();
        open(&other, Position::START).unwrap_err()
    };
    assert!(matches!(header(8, &[3]), LogError::Version { got: 3, expected: 2, .. }));
    assert!(matches!(header(10, &[3]), LogError::Number { got: 3, expected: 0, .. }));
    assert!(matches!(header(0, b"M"), LogError::NotALog { .. }));
}

#[test]
fn missing_files_and_missing_ends_are_damage() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    let (_, end) = fill(&mut log, 0..90);
    drop(log);
    let beyond = Position::new(end.segment(), end.offset() + 1);
    assert!(matches!(open(&disk, beyond), Err(LogError::Shorter { got, .. }) if got == end));
    disk.remove(&segment::name("log", end.segment())).unwrap();
    assert!(matches!(open(&disk, end), Err(LogError::Shorter { .. })));
    disk.remove(FILE).unwrap();
    let error = open(&disk, Position::START).unwrap_err().to_string();
    assert!(error.contains(FILE), "{error}");
    let empty = MemoryDisk::new();
    assert!(matches!(open(&empty, end), Err(LogError::Shorter { .. })));
}

#[test]
fn old_files_go_whole() {
    let disk = MemoryDisk::new();
    let options = Options { coverage: Coverage::Recent, ..OPTIONS };
    let open = || Log::open(disk.clone(), "log", &identity(), options, Position::START).unwrap().0;
    let mut log = open();
    fill(&mut log, 0..90);
    let all = payloads(&log);
    log.remove_before(Position::new(2, 1000)).unwrap();
    assert_eq!(log.start(), Position::new(2, 0));
    assert!(all.ends_with(&payloads(&log)));
    assert!(matches!(log.read(Position::new(1, 67)), Err(LogError::NoRecord { .. })));
    let left = payloads(&log);
    drop(log);
    disk.crash(PowerCut::LosesAll);
    assert_eq!(payloads(&open()), left);
}

#[test]
fn records_that_no_reader_takes_are_not_written() {
    let disk = MemoryDisk::new();
    let (mut log, _) = open(&disk, Position::START).unwrap();
    for (kind, length) in [(0, 1), (KIND_HEADER, 1), (0x81, 1), (KIND_BLOCK, FRAME_PAYLOAD_MAX_BYTES + 1)] {
        assert!(matches!(log.append(kind, &vec![0; length]), Err(LogError::Unwritable { .. })));
    }
    // Larger than a segment, but not than a record may be: it gets a file for itself.
    let large = vec![1; FRAME_PAYLOAD_MAX_BYTES];
    let position = log.append(KIND_BLOCK, &large).unwrap();
    assert_eq!(log.append(KIND_BLOCK, b"next").unwrap().segment(), position.segment() + 1);
    assert_eq!(log.read(position).unwrap().payload, large);
}
