//! Crashes, damage, and when the index is committed.

use super::*;

#[test]
fn a_crash_costs_nothing_that_was_synced() {
    for seed in 0..48 {
        let disk = MemoryDisk::new();
        let (mut ledger, _) = open(&disk);
        let mut draw = Draw(seed);
        let mut ends = [ledger.tip().id(); 2];
        let (mut synced, mut committed, mut known) = (Vec::new(), 0, Vec::new());
        for _ in 0..10 + draw.below(20) {
            let side = draw.below(2) as usize;
            let (block, added) = grow(&mut ledger, &ends[side], &mut draw);
            ends[side] = block.header.id();
            // Both branches may begin with the same block.
            if added != Added::Known {
                known.push(block);
            }
            match draw.below(8) {
                0..3 => {
                    ledger.sync().unwrap();
                    synced.clone_from(&known);
                }
                3 => {
                    ledger.commit().unwrap();
                    synced.clone_from(&known);
                    committed = known.len();
                }
                _ => {}
            }
        }
        let cut = match seed % 4 {
            0 => PowerCut::LosesAll,
            1 => PowerCut::Keeps(draw.below(20_000)),
            _ => PowerCut::Tears(seed),
        };
        if seed % 8 == 3 {
            // The power fails in the middle of a commit.
            disk.set_fault(Fault::SyncFails);
            assert!(known.len() == committed || ledger.commit().is_err());
            disk.set_fault(Fault::None);
        }
        // Whoever loses power puts nothing in order.
        std::mem::forget(ledger);
        disk.crash(cut);
        let (ledger, opened) = open(&disk);
        assert_eq!(opened.index, IndexState::Kept, "seed {seed}");
        let kept = known.iter().filter(|block| ledger.contains(&block.header.id()).unwrap()).count();
        assert!(kept >= synced.len(), "seed {seed}: {kept} of {} blocks", synced.len());
        assert_eq!(opened.reapplied_blocks, (kept - committed) as u64, "seed {seed}");
        let (mut fresh, _) = open(&MemoryDisk::new());
        for block in &known[..kept] {
            fresh.add(block, Clock::AcceptedBefore).unwrap();
        }
        assert_eq!(fresh.tip(), ledger.tip(), "seed {seed}");
        assert_eq!(main_rows(&fresh), main_rows(&ledger), "seed {seed}");
    }
}

#[test]
fn a_start_after_a_clean_end_applies_nothing_again() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let mut draw = Draw(6);
    for _ in 0..20 {
        let tip = ledger.tip().id();
        grow(&mut ledger, &tip, &mut draw);
    }
    let (tip, rows, statistics) = (ledger.tip().clone(), main_rows(&ledger), ledger.statistics());
    ledger.close().unwrap();
    let (ledger, opened) = open(&disk);
    assert_eq!((opened.index, opened.reapplied_blocks), (IndexState::Kept, 0));
    assert_eq!((ledger.tip(), &main_rows(&ledger)), (&tip, &rows));
    assert_eq!(ledger.statistics().blocks, statistics.blocks);
}

#[test]
fn an_index_that_cannot_be_used_is_rebuilt() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let mut draw = Draw(7);
    let mut ends = [ledger.tip().id(); 2];
    for round in 0..30 {
        let side = usize::from(round % 3 == 0);
        let (block, _) = grow(&mut ledger, &ends[side], &mut draw);
        ends[side] = block.header.id();
    }
    let (tip, rows, blocks) = (ledger.tip().clone(), main_rows(&ledger), ledger.statistics().blocks);
    ledger.close().unwrap();
    for damage in 0..5 {
        match damage {
            0 => disk.remove(INDEX_FILE).unwrap(),
            1 => (0..4096).for_each(|offset| disk.flip(INDEX_FILE, offset, 0x5a)),
            2 => disk.remove(NODES_FILE).unwrap(),
            3 => disk.open(NODES_FILE).and_then(|file| file.set_len(file.len()? - 1)).unwrap(),
            _ => disk.open(INDEX_FILE).and_then(|file| file.set_len(5_000)).unwrap(),
        }
        let mut last = None;
        let (ledger, opened) =
            Ledger::open(disk.clone(), params(), 7, |progress| last = Some(progress)).unwrap();
        assert_eq!(matches!(opened.index, IndexState::Rebuilt { .. }), damage != 0, "{opened:?}");
        assert_eq!(opened.reapplied_blocks + 1, blocks);
        assert_eq!(last.map(|progress| progress.done), last.map(|progress| progress.total));
        assert_eq!((ledger.tip(), &main_rows(&ledger)), (&tip, &rows));
        ledger.close().unwrap();
    }
    let other = Arc::new(Params::new(Network::Local));
    let refused = Ledger::open(disk, other, 7, |_| {});
    assert!(matches!(refused.err(), Some(StoreError::Genesis { .. })));
}

#[test]
fn an_index_of_an_earlier_form_is_rebuilt() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let (mut draw, genesis) = (Draw(8), ledger.tip().id());
    for _ in 0..3 {
        grow(&mut ledger, &genesis, &mut draw);
    }
    let ends = ledger.branch_ends(usize::MAX).unwrap();
    assert_eq!(ends.len(), 2);
    // The form before this one did not say what stands beside the main chain.
    let mut changes = Changes::default();
    changes.put(Table::Meta, b"schema", &(SCHEMA - 1).to_be_bytes());
    for table in [Table::Aside, Table::Ends] {
        let rows = ledger.index.last(table, &[], &[0xff; 64], usize::MAX).unwrap();
        rows.iter().for_each(|(key, _)| changes.remove(table, key));
    }
    ledger.index.apply(changes, ledger.verifier.workers());
    ledger.close().unwrap();
    let (ledger, opened) = open(&disk);
    assert!(matches!(opened.index, IndexState::Rebuilt { .. }), "{opened:?}");
    assert_eq!(ledger.branch_ends(usize::MAX).unwrap(), ends);
}

/// The folder as it is now, for trying things out on it.
fn copy(from: &MemoryDisk) -> MemoryDisk {
    let to = MemoryDisk::new();
    for name in from.list().unwrap() {
        let (from, to) = (from.open(&name).unwrap(), to.create(&name).unwrap());
        let mut bytes = vec![0; from.len().unwrap() as usize];
        from.read_at(0, &mut bytes).unwrap();
        to.write_at(0, &bytes).unwrap();
    }
    to
}

#[test]
fn damage_of_the_index_is_an_error_or_costs_nothing() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let mut draw = Draw(7);
    for _ in 0..20 {
        let tip = ledger.tip().id();
        grow(&mut ledger, &tip, &mut draw);
    }
    let tip = ledger.tip().clone();
    let blocks = main_blocks(&ledger);
    ledger.close().unwrap();
    let length = disk.open(INDEX_FILE).unwrap().len().unwrap();
    for seed in 0..60 {
        let (disk, mut draw) = (copy(&disk), Draw(seed));
        // Every other time it is the database's own header and first pages that suffer.
        let region = if seed % 2 == 0 { 4_096 } else { length };
        for _ in 0..=seed % 20 {
            disk.flip(INDEX_FILE, draw.below(region) as usize, 1 << draw.below(8));
        }
        let (ledger, _) = open(&disk);
        assert_eq!(*ledger.tip(), tip, "seed {seed}");
        for block in &blocks {
            if let Ok(Some(got)) = ledger.block(&block.header.id()) {
                assert_eq!(got, *block, "seed {seed}");
            }
        }
    }
}

#[test]
fn damage_of_the_accounts_is_never_an_answer() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let mut draw = Draw(9);
    for _ in 0..20 {
        let tip = ledger.tip().id();
        grow(&mut ledger, &tip, &mut draw);
    }
    let tip = ledger.tip().clone();
    let leaves = |ledger: &Ledger<MemoryDisk>| {
        let leaves = ledger.accounts(&tip.id()).unwrap().unwrap();
        leaves.collect::<Result<Vec<_>, _>>()
    };
    let expected = leaves(&ledger).unwrap();
    ledger.close().unwrap();
    let length = disk.open(NODES_FILE).unwrap().len().unwrap();
    let (mut refused, mut read) = (0, 0);
    for offset in 0..length {
        let disk = copy(&disk);
        disk.flip(NODES_FILE, offset as usize, 1 << draw.below(8));
        let (ledger, _) = open(&disk);
        assert_eq!(*ledger.tip(), tip);
        match leaves(&ledger) {
            Ok(leaves) => {
                assert_eq!(leaves, expected, "byte {offset}");
                read += 1;
            }
            Err(error) => {
                assert!(error.is_index_damage() || matches!(error, StoreError::File { .. }), "{error}");
                refused += 1;
            }
        }
    }
    // What versions before the last one alone consist of is not asked for.
    assert!(refused > 0 && read > 0, "{refused} of {length}");
}

#[test]
fn a_deep_branch_takes_over_and_gives_way() {
    fn assert_can_be_sent<T: Send>(_: &T) {}
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    assert_can_be_sent(&ledger);
    let mut draw = Draw(11);
    let genesis = ledger.tip().id();
    let mut ends = [genesis; 2];
    for (side, length, depth) in [(0, 150, 0), (1, 151, 150), (0, 2, 151), (1, 2, 152)] {
        for count in 1..=length {
            let (block, added) = grow(&mut ledger, &ends[side], &mut draw);
            ends[side] = block.header.id();
            if let Added::Reorganised { disconnected, .. } = added {
                assert_eq!((disconnected.len(), count), (depth, length));
            }
        }
        assert_eq!(ledger.tip().id(), ends[side]);
        assert_as_if_replayed(&ledger);
    }
}

#[test]
fn the_index_is_committed_when_blocks_pile_up() {
    let (mut ledger, _) = open(&MemoryDisk::new());
    let mut draw = Draw(8);
    for count in 1..=COMMIT_BLOCKS {
        let tip = ledger.tip().id();
        let parent = ledger.tip_of(&tip).unwrap().unwrap();
        let block = make(&ledger, &parent, key(draw.below(8) as u8).public_key(), Vec::new());
        ledger.add(&block, Clock::AcceptedBefore).unwrap();
        assert_eq!(ledger.statistics().uncommitted_blocks, count);
        ledger.maintain(Moment::from_millis(NOTE_IDLE_MS * count)).unwrap();
    }
    assert_eq!(ledger.statistics().uncommitted_blocks, 0);
}

#[test]
fn once_blocks_pause_a_flipped_bit_is_damage_and_no_unfinished_write() {
    for pauses in [false, true] {
        let disk = MemoryDisk::new();
        let (mut ledger, _) = open(&disk);
        let (mut draw, genesis) = (Draw(8), ledger.tip().id());
        grow(&mut ledger, &genesis, &mut draw);
        ledger.sync().unwrap();
        ledger.maintain(Moment::from_millis(5)).unwrap();
        let pause = if pauses { NOTE_IDLE_MS } else { NOTE_IDLE_MS - 1 };
        ledger.maintain(Moment::from_millis(5 + pause)).unwrap();
        std::mem::forget(ledger);
        let log = disk.list().unwrap().into_iter().find(|name| name.starts_with("log-")).unwrap();
        let last = disk.open(&log).unwrap().len().unwrap() as usize - 1;
        disk.flip(&log, last, 1);
        let opened = Ledger::open(disk, params(), 7, |_| {});
        assert_eq!(opened.is_err(), pauses, "{:?}", opened.map(|(_, opened)| opened));
    }
}

#[test]
fn the_accounts_after_any_block_are_there_though_few_versions_are_stored() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let mut draw = Draw(12);
    // A branch that loses, and what makes several stored versions.
    let genesis = ledger.tip().id();
    let mut side = genesis;
    for _ in 0..5 {
        side = grow(&mut ledger, &side, &mut draw).0.header.id();
    }
    let side_accounts: Vec<_> = (0..8).map(|n| ledger.account_at(&side, &account(n)).unwrap()).collect();
    let mut tip = genesis;
    for _ in 0..2 * KEPT_EVERY / 8 + 50 {
        tip = grow(&mut ledger, &tip, &mut draw).0.header.id();
    }
    ledger.close().unwrap();
    let (mut ledger, opened) = open(&disk);
    assert_eq!((ledger.tip().id(), opened.reapplied_blocks), (tip, 0));
    let kept = main_blocks(&ledger);
    let kept = kept.iter().filter(|block| ledger.index.row(&block.header.id()).unwrap().accounts().is_some());
    assert!((2..=4).contains(&kept.count()));
    for height in (1..=ledger.tip().height().get()).step_by(97) {
        let id = ledger.id_at(height).unwrap().unwrap();
        let root = ledger.header(&id).unwrap().unwrap().header.state_root;
        let accounts: Vec<_> = ledger.accounts(&id).unwrap().unwrap().map(Result::unwrap).collect();
        let supply: u64 = accounts.iter().map(|leaf| leaf.account.balance.grains()).sum();
        assert_eq!(supply, height * 10_000_000);
        for number in 0..8 {
            let proof = ledger.account_proof(&id, &account(number)).unwrap().unwrap();
            let held = ledger.account_at(&id, &account(number)).unwrap().unwrap();
            assert_eq!(proof.get(&root, &account(number)).unwrap().unwrap_or_default(), held);
        }
    }
    let again: Vec<_> = (0..8).map(|n| ledger.account_at(&side, &account(n)).unwrap()).collect();
    assert_eq!(again, side_accounts);
    assert_eq!(grow(&mut ledger, &side, &mut draw).1, Added::Side);
}

#[test]
fn a_broken_rule_costs_a_bounded_replay_whatever_was_asked_before() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let miner = key(1).public_key();
    let next = |ledger: &mut Ledger<MemoryDisk>, is_good: bool| {
        let mut block = make(ledger, &ledger.tip().clone(), miner, Vec::new());
        if !is_good {
            block.header.state_root = Hash32::ZERO;
            block.header = seal(block.header);
        }
        ledger.add(&block, Clock::AcceptedBefore)
    };
    // Too few blocks for their accounts to be stored.
    for _ in 0..KEPT_EVERY / 8 - 50 {
        next(&mut ledger, true).unwrap();
    }
    for height in (1..ledger.tip().height().get()).step_by(10) {
        let id = ledger.id_at(height).unwrap().unwrap();
        ledger.account_at(&id, &account(1)).unwrap().unwrap();
    }
    let before = disk.reads();
    ledger.block(&ledger.tip().id()).unwrap().unwrap();
    let reads_of_a_block = disk.reads() - before;
    assert!(matches!(next(&mut ledger, false), Err(AddError::Rule { .. })));
    let before = disk.reads();
    assert_eq!(next(&mut ledger, true).unwrap(), Added::Extended);
    let blocks = (RETAINED_EVERY / 8 + 10) as u64;
    assert!(disk.reads() - before <= blocks * reads_of_a_block, "{} reads", disk.reads() - before);
}

#[test]
fn a_failed_write_is_an_error_and_not_an_answer() {
    let disk = MemoryDisk::new();
    let (mut ledger, _) = open(&disk);
    let mut draw = Draw(9);
    let genesis = ledger.tip().id();
    grow(&mut ledger, &genesis, &mut draw);
    ledger.sync().unwrap();
    let tip = ledger.tip().id();
    grow(&mut ledger, &tip, &mut draw);
    disk.set_fault(Fault::SyncFails);
    assert!(ledger.sync().is_err());
    disk.set_fault(Fault::None);
    assert!(ledger.sync().is_err() && ledger.commit().is_err());
    drop(ledger);
    disk.crash(PowerCut::LosesAll);
    assert_eq!(open(&disk).0.tip().id(), tip);
}

#[test]
fn a_commit_that_fails_takes_nothing_away() {
    let mut failed = [0; 2];
    for syncs in 0.. {
        let disk = MemoryDisk::new();
        let (mut ledger, _) = open(&disk);
        let mut draw = Draw(21);
        for block in 0..12 {
            let tip = ledger.tip().id();
            grow(&mut ledger, &tip, &mut draw);
            if block == 5 {
                ledger.commit().unwrap();
            }
        }
        ledger.sync().unwrap();
        let (tip, rows, blocks) = (ledger.tip().clone(), main_rows(&ledger), main_blocks(&ledger));
        disk.set_fault(Fault::PowerFails(syncs));
        let committed = ledger.commit();
        disk.set_fault(Fault::None);
        if let Err(error) = &committed {
            failed[usize::from(!error.to_string().contains(NODES_FILE))] += 1;
        }
        // What is known is known as before, and what comes is taken in.
        assert_eq!((ledger.tip(), main_rows(&ledger), main_blocks(&ledger)), (&tip, rows, blocks));
        assert_as_if_replayed(&ledger);
        let (next, added) = grow(&mut ledger, &tip.id(), &mut draw);
        assert_eq!(added, Added::Extended);
        ledger.sync().unwrap();
        // It may be tried again; where that fails too, the log has it all.
        let _ = ledger.commit();
        std::mem::forget(ledger);
        disk.crash(PowerCut::LosesAll);
        let (ledger, _) = open(&disk);
        assert_eq!(ledger.tip().id(), next.header.id(), "{syncs}");
        assert_as_if_replayed(&ledger);
        if committed.is_ok() {
            break;
        }
    }
    // The file of the accounts comes first, then the index.
    assert!(failed.iter().all(|count| *count > 0), "{failed:?}");
}

#[test]
fn rule_errors_read_well() {
    let error = RuleError::LedgerNonce { got: 5, expected: 4 };
    let text = AddError::Rule { error, transaction: Some(3) }.to_string();
    assert!(text.starts_with("transaction 3: L1-nonce"), "{text}");
}
