//! Tests of the ledger as a whole: branches, crashes, damage, witnesses, cost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mote_core::block::{Header, history_leaf};
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey, SecretKey};
use mote_core::merkle::{leaf_hash, verify_inclusion};
use mote_core::params::{HEADER_VERSION, Network, Params};
use mote_core::rules::{CheckedTransaction, Clock, Execution, Rule, RuleError, check_transaction};
use mote_core::state::{Account, Proof, WitnessAccounts};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Moment, Timestamp};

use super::disk::{Disk, DiskFile};
use super::error::StoreError;
use super::index::Table;
use super::ledger::{AddError, Added, COMMIT_IDLE_MS, Ledger};
use super::lookup::Branch;
use super::memory::{Fault, MemoryDisk, PowerCut};
use super::opening::{INDEX_FILE, IndexState, Opened};
use super::rows::{MINER_INDEX, Role};
use super::witness::WitnessPart;
use crate::block::Block;

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn params() -> Arc<Params> {
    Arc::new(Params::new(Network::Regtest))
}

fn open(disk: &MemoryDisk) -> (Ledger<MemoryDisk>, Opened) {
    Ledger::open(disk.clone(), params(), |_| {}).unwrap()
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn account(number: u8) -> AccountKey {
    key(number).public_key().account_key()
}

fn pay(from: u8, to: u8, amount: u64, fee: u64, nonce: u64) -> Transaction {
    let (amount, fee) = (Amount::from_grains(amount), Amount::from_grains(fee));
    let recipient = key(to).public_key();
    Payment { recipient, amount, fee, nonce, memo: Memo::new() }.sign(&params(), &key(from))
}

fn check(transactions: &[Transaction]) -> Vec<CheckedTransaction<'_>> {
    transactions.iter().map(|transaction| check_transaction(&params(), transaction).unwrap()).collect()
}

fn seal(mut header: Header) -> Header {
    while !header.target.expand().unwrap().is_met_by(&header.id()) {
        header.nonce += 1;
    }
    header
}

/// A block on top of `parent` that obeys every rule.
fn make<D: Disk>(
    ledger: &Ledger<D>,
    parent: &Tip,
    miner: PublicKey,
    transactions: Vec<Transaction>,
) -> Block {
    let executed = ledger.execute(parent, &check(&transactions), miner).unwrap();
    let header = Header {
        version: HEADER_VERSION,
        height: parent.height().next(),
        previous: parent.id(),
        history_root: parent.history_root(),
        transactions_root: executed.transactions_root,
        transaction_count: executed.transaction_count,
        state_root: executed.state_root,
        miner,
        time: parent.median_time().plus(7),
        target: parent.next_target(&params()),
        nonce: 0,
    };
    Block { header: seal(header), transactions }
}

/// Payments between accounts 0 to 7 that the accounts after `parent` can make.
fn payments<D: Disk>(ledger: &Ledger<D>, parent: &Hash32, draw: &mut Draw) -> Vec<Transaction> {
    let mut nonces: HashMap<u8, (u64, u64)> = HashMap::new();
    let mut transactions = Vec::new();
    for _ in 0..draw.below(5) {
        let (from, to) = (draw.below(8) as u8, draw.below(8) as u8);
        let (balance, nonce) = nonces.entry(from).or_insert_with(|| {
            let Account { balance, nonce } = ledger.account_at(parent, &account(from)).unwrap().unwrap();
            (balance.grains(), nonce)
        });
        if *balance < 10_000 {
            continue;
        }
        let amount = 1 + draw.below(*balance / 2);
        transactions.push(pay(from, to, amount, 1_000, *nonce));
        *balance -= amount + 1_000;
        *nonce += 1;
    }
    transactions
}

/// Adds a block on top of `parent` and returns its id.
fn grow<D: Disk>(ledger: &mut Ledger<D>, parent: &Hash32, draw: &mut Draw) -> (Block, Added) {
    let tip = ledger.tip_of(parent).unwrap().unwrap();
    let transactions = payments(ledger, parent, draw);
    let block = make(ledger, &tip, key(draw.below(8) as u8).public_key(), transactions);
    let added = ledger.add(&block, Clock::AcceptedBefore).unwrap();
    (block, added)
}

type Dump = Vec<Vec<(Vec<u8>, Vec<u8>)>>;

/// All that the index says of the main chain.
fn main_rows<D: Disk>(ledger: &Ledger<D>) -> Dump {
    let tables = [Table::Main, Table::Transactions, Table::History, Table::Subtrees];
    tables.map(|table| ledger.index.last(table, &[], &[0xff; 64], usize::MAX).unwrap()).to_vec()
}

/// The main chain from the child of the genesis block up.
fn main_blocks<D: Disk>(ledger: &Ledger<D>) -> Vec<Block> {
    let heights = 1..=ledger.tip().height().get();
    heights.map(|height| ledger.block(&ledger.id_at(height).unwrap().unwrap()).unwrap().unwrap()).collect()
}

/// A ledger that has seen nothing but the main chain of another one must say the same of it.
fn assert_as_if_replayed<D: Disk>(ledger: &Ledger<D>) {
    let (mut fresh, _) = open(&MemoryDisk::new());
    for block in main_blocks(ledger) {
        assert_eq!(fresh.add(&block, Clock::AcceptedBefore).unwrap(), Added::Extended);
    }
    assert_eq!(fresh.tip(), ledger.tip());
    assert_eq!(main_rows(&fresh), main_rows(ledger));
    for number in 0..8 {
        let key = account(number);
        assert_eq!(fresh.account(&key).unwrap(), ledger.account(&key).unwrap());
    }
}

#[test]
fn branches_go_back_and_forth() {
    let (mut ledger, opened) = open(&MemoryDisk::new());
    assert_eq!(opened.index, IndexState::Created);
    let mut draw = Draw(1);
    let genesis = ledger.tip().id();
    let mut ends = [genesis, genesis];
    let mut work: HashMap<Hash32, Tip> = HashMap::new();
    let mut moves = 0;
    for round in 0..120 {
        // Now and then one branch gets far ahead, and at times a third one begins.
        let side = (draw.below(10) < 3 + 4 * (round / 20 % 2)) as usize;
        if draw.below(25) == 0 {
            ends[1 - side] = ledger.id_at(draw.below(ledger.tip().height().get() + 1)).unwrap().unwrap();
        }
        let before: Vec<Hash32> =
            (0..=ledger.tip().height().get()).map(|height| ledger.id_at(height).unwrap().unwrap()).collect();
        let old = ledger.tip().clone();
        let (block, added) = grow(&mut ledger, &ends[side], &mut draw);
        let id = block.header.id();
        ends[side] = id;
        let new = ledger.tip_of(&id).unwrap().unwrap();
        work.insert(id, new.clone());
        match added {
            Added::Known => panic!("a new block is not known"),
            Added::Side => {
                assert!(new.work() <= old.work());
                assert_eq!(*ledger.tip(), old);
                assert_eq!(ledger.header(&id).unwrap().unwrap().branch, Branch::Side);
            }
            Added::Extended => assert_eq!((block.header.previous, ledger.tip().id()), (old.id(), id)),
            Added::Reorganised { disconnected, connected } => {
                moves += 1;
                assert!(new.work() > old.work());
                let fork = before.len() - disconnected.len();
                assert!(disconnected.iter().eq(before[fork..].iter().rev()));
                let after: Vec<Hash32> = (fork as u64..=ledger.tip().height().get())
                    .map(|height| ledger.id_at(height).unwrap().unwrap())
                    .collect();
                assert_eq!(connected, after);
                assert_eq!(ledger.fork_point(&old.id(), &id).unwrap().unwrap().id, before[fork - 1]);
            }
        }
        assert_eq!(ledger.add(&block, Clock::AcceptedBefore).unwrap(), Added::Known);
        if round % 10 == 9 {
            assert_as_if_replayed(&ledger);
        }
        if round % 17 == 16 {
            ledger.commit().unwrap();
        }
    }
    assert!(moves >= 3, "{moves} moves are too few to show anything");
    // What is put together from the index is what following the chain gave.
    ledger.recent = Default::default();
    for (id, tip) in work {
        assert_eq!(ledger.tip_of(&id).unwrap().unwrap(), tip);
    }
}

#[test]
fn look_ups_agree_with_the_blocks() {
    let (mut ledger, _) = open(&MemoryDisk::new());
    let mut draw = Draw(2);
    for round in 0..40 {
        let tip = ledger.tip().id();
        grow(&mut ledger, &tip, &mut draw);
        if round == 25 {
            ledger.commit().unwrap();
        }
    }
    let blocks = main_blocks(&ledger);
    let mut histories: BTreeMap<AccountKey, Vec<(u64, u32, Role, Hash32)>> = BTreeMap::new();
    for block in &blocks {
        let (id, height) = (block.header.id(), block.header.height.get());
        for (index, transaction) in (0..).zip(&block.transactions) {
            let entry = ledger.transaction(&transaction.id()).unwrap().unwrap();
            assert_eq!((entry.block, entry.height, entry.index), (id, height, index));
            assert_eq!(entry.transaction, *transaction);
            let path = ledger.transaction_path(&transaction.id()).unwrap().unwrap();
            let root = &block.header.transactions_root;
            let (index, count) = (u64::from(path.index), u64::from(path.count));
            assert_eq!(verify_inclusion(&transaction.id(), index, count, &path.path, root), Ok(()));
            let is_own = transaction.sender == transaction.recipient;
            let roles = if is_own { vec![Role::Both] } else { vec![Role::Sender, Role::Recipient] };
            for (role, owner) in roles.into_iter().zip([transaction.sender, transaction.recipient]) {
                let history = histories.entry(owner.account_key()).or_default();
                history.push((height, entry.index, role, transaction.id()));
            }
        }
        histories.entry(block.header.miner.account_key()).or_default().push((
            height,
            MINER_INDEX,
            Role::Miner,
            id,
        ));
        for (key, account) in (0..8).map(account).map(|key| (key, ledger.account_at(&id, &key).unwrap())) {
            let proof = ledger.account_proof(&id, &key).unwrap().unwrap();
            let proved = proof.get(&block.header.state_root, &key).unwrap();
            assert_eq!(proved.unwrap_or_default(), account.unwrap());
        }
        let accounts: Vec<_> = ledger.accounts(&id).unwrap().unwrap().map(Result::unwrap).collect();
        let supply: u64 = accounts.iter().map(|leaf| leaf.account.balance.grains()).sum();
        assert_eq!(supply, height * 10_000_000);
    }
    for (key, mut expected) in histories {
        expected.reverse();
        let (mut got, mut before) = (Vec::new(), None);
        loop {
            let page = ledger.history(&key, before, 7).unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.height, last.index));
            got.extend(page.iter().map(|entry| (entry.height, entry.index, entry.role, entry.id)));
        }
        assert_eq!(got, expected);
    }
    let size = ledger.tip().height().get();
    let root = blocks.last().unwrap().header.history_root;
    for height in 0..size {
        let entry = ledger.header(&ledger.id_at(height).unwrap().unwrap()).unwrap().unwrap();
        let leaf = leaf_hash(&history_leaf(&entry.id, &entry.work));
        let path = ledger.history_path(height, size).unwrap().unwrap();
        assert_eq!(verify_inclusion(&leaf, height, size, &path, &root), Ok(()));
    }
    let locator = ledger.locator().unwrap();
    assert_eq!((locator[0], *locator.last().unwrap()), (ledger.tip().id(), params().genesis_id()));
    let headers = ledger.headers_after(&locator[3..], 5).unwrap();
    let from = (size - 7) as usize;
    assert!(headers.iter().eq(blocks[from..from + 5].iter().map(|block| &block.header)));
    assert_eq!(ledger.headers_after(&[], 3).unwrap().len(), 3);
    let nothing = Hash32::ZERO;
    assert!(ledger.block(&nothing).unwrap().is_none() && ledger.transaction(&nothing).unwrap().is_none());
    assert!(ledger.tip_of(&nothing).unwrap().is_none() && ledger.witness(&nothing).unwrap().is_none());
    assert!(ledger.block(&params().genesis_id()).unwrap().unwrap().transactions.is_empty());
}

/// Folds a witness as a device does.
fn fold(ledger: &Ledger<MemoryDisk>, parent: &Header, block: &Block, id: Option<&Hash32>) {
    let (header, miner) = (&block.header, block.header.miner);
    let mut witness = match id {
        Some(id) => ledger.witness(id).unwrap().unwrap(),
        None => ledger.template_witness(&parent.id(), miner, block.transactions.clone()).unwrap().unwrap(),
    };
    let (mut proofs, mut transactions): (Vec<Proof>, Vec<Transaction>) = Default::default();
    while let Some(part) = witness.next(ledger).unwrap() {
        match part {
            WitnessPart::Transaction { transaction, sender, recipient } => {
                transactions.push(transaction);
                proofs.extend([*sender, *recipient]);
            }
            WitnessPart::End { miner } => proofs.extend(miner.map(|proof| *proof)),
        }
    }
    let params = params();
    let mut accounts = WitnessAccounts::new(parent.state_root, proofs.into_iter());
    let mut execution = Execution::new(&params, header.height, miner);
    for checked in check(&transactions) {
        execution.apply(&mut accounts, &checked).unwrap();
    }
    execution.finish(&mut accounts).unwrap().check(header).unwrap();
}

#[test]
fn a_witness_leads_where_execution_does() {
    let (mut ledger, _) = open(&MemoryDisk::new());
    let mut draw = Draw(3);
    for _ in 0..30 {
        let tip = ledger.tip().id();
        grow(&mut ledger, &tip, &mut draw);
    }
    for block in main_blocks(&ledger) {
        let parent = ledger.header(&block.header.previous).unwrap().unwrap().header;
        fold(&ledger, &parent, &block, Some(&block.header.id()));
        fold(&ledger, &parent, &block, None);
    }
    let unfunded = vec![pay(99, 1, 5, 1_000, 0)];
    let tip = ledger.tip().id();
    let mut witness = ledger.template_witness(&tip, key(1).public_key(), unfunded).unwrap().unwrap();
    let refused = witness.next(&ledger);
    assert!(matches!(refused, Err(AddError::Rule { transaction: Some(0), .. })), "{refused:?}");
    assert!(witness.next(&ledger).unwrap().is_none());
}

#[test]
fn what_breaks_a_rule_changes_nothing() {
    let (mut ledger, _) = open(&MemoryDisk::new());
    let mut draw = Draw(4);
    for _ in 0..10 {
        let tip = ledger.tip().id();
        grow(&mut ledger, &tip, &mut draw);
    }
    let (tip, rows, statistics) = (ledger.tip().clone(), main_rows(&ledger), ledger.statistics());
    let miner = key(1).public_key();
    let rich = (0..8).find(|number| ledger.account(&account(*number)).unwrap().balance.grains() > 1 << 20);
    let rich = rich.unwrap();
    let nonce = ledger.account(&account(rich)).unwrap().nonce;
    let good =
        make(&ledger, &tip, miner, vec![pay(rich, 9, 5, 1_000, nonce), pay(rich, 9, 6, 1_000, nonce + 1)]);
    let mut tried = Vec::new();
    let mut refuse = |ledger: &mut Ledger<MemoryDisk>, block: &Block, place: Option<usize>| {
        let error = ledger.add(block, Clock::Now(tip.time())).unwrap_err();
        assert_eq!((ledger.tip(), &main_rows(ledger)), (&tip, &rows));
        assert_eq!(ledger.statistics(), statistics);
        match error {
            AddError::Rule { error, transaction } => {
                assert_eq!(transaction, place, "{error}");
                tried.push(error.rule());
            }
            other => panic!("{other}"),
        }
    };
    let with = |transactions: Vec<Transaction>| {
        let mut header = good.header.clone();
        header.transaction_count = transactions.len() as u32;
        header.transactions_root = mote_core::block::transactions_root(&transactions);
        Block { header: seal(header), transactions }
    };
    refuse(&mut ledger, &Block { header: good.header.clone(), transactions: Vec::new() }, None);
    let mut forged = good.transactions.clone();
    forged[1].amount = Amount::from_grains(7);
    // The body is not the header's, which is no transaction's fault.
    refuse(&mut ledger, &Block { header: good.header.clone(), transactions: forged.clone() }, None);
    refuse(&mut ledger, &with(forged), Some(1));
    refuse(&mut ledger, &with(vec![pay(rich, 9, 5, 1_000, nonce + 3)]), Some(0));
    refuse(&mut ledger, &with(vec![pay(99, 9, 5, 1_000, 0)]), Some(0));
    let wrong = Header { state_root: Hash32::ZERO, ..good.header.clone() };
    refuse(&mut ledger, &Block { header: seal(wrong), ..good.clone() }, None);
    let early = Header { time: Timestamp::from_seconds(5), ..good.header.clone() };
    refuse(&mut ledger, &Block { header: seal(early), ..good.clone() }, None);
    // Many transactions are checked by several threads, and still the first wrong one is named.
    let mut many: Vec<_> = (0..80).map(|index| pay(rich, 9, 5, 1_000, nonce + index)).collect();
    for index in [41, 77] {
        many[index].amount = Amount::from_grains(9);
    }
    refuse(&mut ledger, &with(many), Some(41));
    let expected = [
        Rule::BlockTransactionCount,
        Rule::BlockTransactionsRoot,
        Rule::TransactionSignature,
        Rule::LedgerNonce,
        Rule::LedgerBalance,
        Rule::BlockStateRoot,
        Rule::HeaderTimeMedian,
        Rule::TransactionSignature,
    ];
    assert_eq!(tried, expected);
    let parent = Hash32::ZERO;
    let lost = Block { header: Header { previous: parent, ..good.header.clone() }, ..good.clone() };
    let orphan = ledger.add(&lost, Clock::AcceptedBefore);
    assert!(matches!(orphan, Err(AddError::Orphan { parent: got }) if got == parent));
    assert_eq!(ledger.add(&good, Clock::AcceptedBefore).unwrap(), Added::Extended);
    assert_as_if_replayed(&ledger);
}

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
    for damage in 0..3 {
        match damage {
            0 => disk.remove(INDEX_FILE).unwrap(),
            1 => (0..4096).for_each(|offset| disk.flip(INDEX_FILE, offset, 0x5a)),
            _ => disk.open(INDEX_FILE).and_then(|file| file.set_len(5_000)).unwrap(),
        }
        let mut last = None;
        let (ledger, opened) =
            Ledger::open(disk.clone(), params(), |progress| last = Some(progress)).unwrap();
        assert_eq!(matches!(opened.index, IndexState::Rebuilt { .. }), damage != 0, "{opened:?}");
        assert_eq!(opened.reapplied_blocks + 1, blocks);
        assert_eq!(last.map(|progress| progress.done), last.map(|progress| progress.total));
        assert_eq!((ledger.tip(), &main_rows(&ledger)), (&tip, &rows));
        ledger.close().unwrap();
    }
    let other = Arc::new(Params::new(Network::Local));
    let refused = Ledger::open(disk, other, |_| {});
    assert!(matches!(refused.err(), Some(StoreError::Genesis { .. })));
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
fn the_index_is_committed_when_blocks_pause_or_pile_up() {
    let (mut ledger, _) = open(&MemoryDisk::new());
    let mut draw = Draw(8);
    let genesis = ledger.tip().id();
    grow(&mut ledger, &genesis, &mut draw);
    ledger.maintain(Moment::from_millis(5)).unwrap();
    assert_eq!(ledger.statistics().uncommitted_blocks, 1);
    ledger.maintain(Moment::from_millis(4 + COMMIT_IDLE_MS)).unwrap();
    assert_eq!(ledger.statistics().uncommitted_blocks, 1);
    ledger.maintain(Moment::from_millis(5 + COMMIT_IDLE_MS)).unwrap();
    assert_eq!(ledger.statistics().uncommitted_blocks, 0);
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
fn rule_errors_read_well() {
    let error = RuleError::LedgerNonce { got: 5, expected: 4 };
    let text = AddError::Rule { error, transaction: Some(3) }.to_string();
    assert!(text.starts_with("transaction 3: L1-nonce"), "{text}");
}
