//! Branches, look-ups, witnesses and refusals.

use super::*;
use crate::signatures::Verifier;
use crate::signatures::kernel::Kernel;
use std::num::NonZero;

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
        assert_branches(&ledger, &work);
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
    // Somebody has found ids and keys that begin alike: what the tables say of them is not enough.
    let place = Place { height: 20, index: Some(0) };
    let mut alike = Changes::default();
    for id in blocks.iter().flat_map(|block| block.transactions.iter().map(Transaction::id)) {
        alike.put_place(Places::Transactions, place.key(&id));
    }
    for height in 1..=30 {
        let places = [Place { height, index: Some(0) }, Place { height, index: None }];
        let keys = (0..9).flat_map(|number| places.map(|place| place.key(&account(number))));
        keys.for_each(|key| alike.put_place(Places::History, key));
    }
    ledger.index.apply(alike, ledger.verifier.workers());
    type Expected = Vec<(Place, Role, Option<Hash32>, Account)>;
    let mut histories: BTreeMap<AccountKey, Expected> = BTreeMap::new();
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
                let held = ledger.account_at(&id, &owner.account_key()).unwrap().unwrap();
                let place = Place { height, index: Some(entry.index) };
                let history = histories.entry(owner.account_key()).or_default();
                history.push((place, role, Some(transaction.id()), held));
            }
        }
        let miner = block.header.miner.account_key();
        let held = ledger.account_at(&id, &miner).unwrap().unwrap();
        let place = Place { height, index: None };
        histories.entry(miner).or_default().push((place, Role::Miner, None, held));
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
            before = Some(last.place);
            got.extend(page);
        }
        assert_eq!(got.len(), expected.len());
        for (got, (place, role, id, held)) in got.iter().zip(expected) {
            assert_eq!((got.place, got.role, got.balance), (place, role, held.balance));
            assert_eq!(got.transaction.as_ref().map(Transaction::id), id);
            assert_eq!(got.header.height.get(), place.height);
        }
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
fn what_large_blocks_put_into_the_index_is_there_at_once_and_stays() {
    for cores in [1, 3] {
        let disk = MemoryDisk::new();
        let open = || {
            let verifier = Verifier::with(Kernel::fastest(), NonZero::new(cores).unwrap());
            Ledger::open_with(disk.clone(), params(), 7, verifier, |_| {}).unwrap().0
        };
        let mut ledger = open();
        let miner = key(1).public_key();
        let extend = |ledger: &mut Ledger<MemoryDisk>, transactions: Vec<Transaction>| {
            let block = make(ledger, ledger.tip(), miner, transactions);
            assert_eq!(ledger.add(&block, Clock::AcceptedBefore).unwrap(), Added::Extended);
        };
        extend(&mut ledger, Vec::new());
        let fork = ledger.tip().clone();
        // Each block has so many places that they are put in order beside what comes next.
        let payments: Vec<Transaction> = (0..600).map(|nonce| pay(1, 2, 1, 1_000, nonce)).collect();
        let mut large = payments.chunks(200).map(<[_]>::to_vec);
        let has = |ledger: &Ledger<MemoryDisk>, count: usize| {
            let places: Vec<usize> = main_rows(ledger).1.iter().map(Vec::len).collect();
            // Each block has its miner as well.
            assert_eq!(places, [count, 2 * count + ledger.tip().height().get() as usize]);
            for (number, payment) in payments.iter().enumerate().step_by(99) {
                assert_eq!(ledger.transaction(&payment.id()).unwrap().is_some(), number < count);
            }
        };
        // Two right behind each other, one that is asked for, and one that is committed.
        extend(&mut ledger, large.next().unwrap());
        extend(&mut ledger, large.next().unwrap());
        has(&ledger, 400);
        extend(&mut ledger, large.next().unwrap());
        ledger.commit().unwrap();
        has(&ledger, 600);
        ledger.close().unwrap();
        let mut ledger = open();
        has(&ledger, 600);
        // All of them are taken out at once.
        let mut tip = fork;
        while *ledger.tip() != tip {
            let block = make(&ledger, &tip, key(3).public_key(), Vec::new());
            ledger.add(&block, Clock::AcceptedBefore).unwrap();
            tip = ledger.tip_of(&block.header.id()).unwrap().unwrap();
        }
        has(&ledger, 0);
        ledger.close().unwrap();
        has(&open(), 0);
    }
}
