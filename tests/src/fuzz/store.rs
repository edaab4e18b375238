//! The files of a node after anything happened to them: the ledger and the journal open to what was in them, or to the
//! beginning of it, or refuse. They never invent anything.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use mote::store::disk::{Disk, DiskFile};
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::Ledger;
use mote::store::memory::MemoryDisk;
use mote::store::nodes::NODES_FILE;
use mote::store::opening::INDEX_FILE;
use mote::store::segment::{Identity, Position};
use mote_core::hash::Hash32;
use mote_core::rules::Clock;

use super::Choices;
use super::grove::Grove;
use crate::fixtures::{account, wire};

/// The journal's files are this short, so that there are some.
const LIMITS: JournalLimits = JournalLimits { segment_bytes: 1_024, segments: 64, transactions: 1_000 };

/// The files of a node that took in three branches and some payments.
fn files() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let (disk, grove) = (MemoryDisk::new(), Grove::get());
        let (mut ledger, _) =
            Ledger::open(disk.clone(), Arc::new(grove.params.clone()), 7, |_| {}).expect("it opens");
        for block in grove.branches[..3].iter().flatten() {
            ledger.add(block, Clock::AcceptedBefore).expect("the block is valid");
        }
        ledger.close().expect("the disk is whole");
        let (mut journal, _) =
            Journal::open(disk.clone(), &identity(), LIMITS, 7, Position::START).expect("it opens");
        for payment in &grove.payments {
            journal.append(&wire(payment), payment.id()).expect("there is room");
        }
        journal.sync().expect("the disk is whole");
        drop(journal);
        let read = |name: String| {
            let bytes =
                disk.read_small(&name, u64::MAX).expect("the disk is whole").expect("the file is there");
            (name, bytes)
        };
        let mut files: Vec<(String, Vec<u8>)> =
            disk.list().expect("the disk is whole").into_iter().map(read).collect();
        files.sort();
        files
    })
}

fn identity() -> Identity {
    let params = &Grove::get().params;
    Identity { network: params.network().to_string(), genesis: params.genesis_id() }
}

/// Reads which files are there and what was done to them.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let disk = MemoryDisk::new();
    // Without the index everything is read from the log.
    let has_index = choices.once_in(4);
    let mut is_whole = true;
    let mut names = Vec::new();
    for (name, bytes) in files() {
        let is_cache = [INDEX_FILE, NODES_FILE].contains(&name.as_str());
        if (name == INDEX_FILE && !has_index) || choices.once_in(16) {
            is_whole &= is_cache;
            continue;
        }
        let mut bytes = bytes.clone();
        // The index is the work of a library, and a cache: what is wrong with it is found by use.
        if !is_cache {
            for _ in 0..choices.below(4) {
                damage(&mut bytes, &mut choices);
                is_whole = false;
            }
        }
        put(&disk, name, &bytes);
        names.push(name);
    }
    if choices.once_in(8) {
        let name = *choices.of(&["log-00000001.seg", "log-00000002.seg", "open-00000009.seg"]);
        let bytes = choices.bytes(300);
        if disk.open(name).is_err() {
            put(&disk, name, bytes);
            is_whole = false;
        }
    }
    let ledger = open_ledger(&disk, has_index);
    let journal = open_journal(&disk);
    if is_whole {
        assert!(ledger && journal, "whole files are refused");
    }
    // A second start comes to what the first one did.
    if ledger {
        assert!(open_ledger(&disk, true), "what was opened is refused");
    }
    if journal {
        assert!(open_journal(&disk), "what was opened is refused");
    }
}

/// Some damage to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    (0..12_u8)
        .map(|seed| (0..60_u8).map(|index| index.wrapping_mul(2 * seed + 3) >> (seed % 3)).collect())
        .collect()
}

fn put(disk: &MemoryDisk, name: &str, bytes: &[u8]) {
    let file = disk.create(name).expect("the name is new");
    file.write_at(0, bytes)
        .and_then(|()| file.sync())
        .and_then(|()| disk.sync_folder())
        .expect("the disk is whole");
}

fn damage(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    let at = choices.below(bytes.len().max(1));
    match choices.byte() % 8 {
        // What a torn write leaves.
        0 => bytes.truncate(at),
        1 => bytes[at..].fill(0),
        2 => bytes.extend(std::iter::repeat_n(0, choices.below(600))),
        3 => {
            let part: Vec<u8> = bytes[at..].iter().take(choices.below(600)).copied().collect();
            bytes.extend(part);
        }
        4 => drop(bytes.drain(at..bytes.len().min(at + choices.below(600)))),
        _ => choices.mutate(bytes),
    }
}

/// Whether the ledger opens; to a chain of blocks that were in it, if it does. What an index that is kept vouches for
/// is not read at the start, so damage to it shows once it is asked for.
fn open_ledger(disk: &MemoryDisk, has_index: bool) -> bool {
    let grove = Grove::get();
    let Ok((ledger, _)) = Ledger::open(disk.clone(), Arc::new(grove.params.clone()), 7, |_| {}) else {
        return false;
    };
    let tip = ledger.tip().clone();
    let chain = grove.chains.get(&tip.id()).expect("the tip is a block that was written");
    assert_eq!(tip, chain.tip);
    for number in 1..10 {
        let held = ledger.account(&account(number).account_key()).expect("the ledger can be read");
        assert_eq!(held, chain.accounts.account(&account(number)), "account {number}");
    }
    let mut id = tip.id();
    while id != grove.params.genesis_id() {
        let block = match ledger.block(&id) {
            Err(_) if has_index => break,
            found => found.expect("the ledger can be read").expect("the chain reaches genesis"),
        };
        assert_eq!(block.header.id(), id);
        id = block.header.previous;
    }
    ledger.close().is_ok()
}

/// Whether the journal opens; to payments that were in it, if it does.
fn open_journal(disk: &MemoryDisk) -> bool {
    let Ok((_, open)) = Journal::open(disk.clone(), &identity(), LIMITS, 7, Position::START) else {
        return false;
    };
    let known: BTreeSet<Hash32> = Grove::get().payments.iter().map(|payment| payment.id()).collect();
    let found: Vec<Hash32> = open.transactions.iter().map(|payment| payment.id()).collect();
    assert!(found.iter().all(|id| known.contains(id)), "a payment that was never written");
    let different: BTreeSet<&Hash32> = found.iter().collect();
    assert_eq!(different.len(), found.len(), "a payment twice");
    true
}
