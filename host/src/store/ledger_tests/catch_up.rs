//! Catching up with a log: the ledger is the same on however many cores, and the first thing that is wrong is named.

use std::num::NonZero;

use mote_core::block::transactions_root;

use super::*;
use crate::block;
use crate::signatures::Verifier;
use crate::signatures::kernel::Kernel;
use crate::store::log::{Coverage, Identity, KIND_BLOCK, KIND_TRANSACTION, Log, LogError, Options, Position};
use crate::store::opening::LOG_PREFIX;

/// Blocks with so many payments each make a log of a few batches.
const BLOCKS: usize = 36;
const PAYMENTS: u64 = 100;

/// A log has several files, of which opening reads but the last.
const SEGMENT_BYTES: u32 = 128 * 1024;

fn open_on(cores: usize, disk: &MemoryDisk) -> Result<(Ledger<MemoryDisk>, Opened), StoreError> {
    let verifier = Verifier::with(Kernel::fastest(), NonZero::new(cores).unwrap());
    Ledger::open_with(disk.clone(), params(), 7, verifier, |_| {})
}

/// A chain in which account 1 mines all and pays account 2.
fn chain() -> Vec<Block> {
    let (mut ledger, _) = open(&MemoryDisk::new());
    for place in 0..BLOCKS as u64 {
        let nonces = PAYMENTS * place.saturating_sub(1)..PAYMENTS * place;
        let payments = nonces.map(|nonce| pay(1, 2, 1, 1_000, nonce)).collect();
        let block = make(&ledger, ledger.tip(), key(1).public_key(), payments);
        ledger.add(&block, Clock::AcceptedBefore).unwrap();
    }
    main_blocks(&ledger)
}

/// A disk with a log of these records, and where each of them stands.
fn log_of(records: &[(u8, Vec<u8>)]) -> (MemoryDisk, Vec<Position>) {
    let (disk, params) = (MemoryDisk::new(), params());
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let options = Options { segment_bytes: SEGMENT_BYTES, coverage: Coverage::Whole, salt: 7 };
    let (mut log, _) = Log::open(disk.clone(), LOG_PREFIX, &identity, options, Position::START).unwrap();
    let positions = records.iter().map(|(kind, payload)| log.append(*kind, payload).unwrap()).collect();
    log.sync().unwrap();
    (disk, positions)
}

fn records_of(blocks: &[Block]) -> Vec<(u8, Vec<u8>)> {
    blocks.iter().map(|block| (KIND_BLOCK, block::encode(block))).collect()
}

/// What can be wrong with a block of a log whose checksums are right, but for the last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    /// A payment has another amount.
    Amount,
    /// The same, and the header is that of the block with the other amount.
    AmountAndHeader,
    /// A payment of nothing.
    Nothing,
    /// The bytes are no block.
    Cut,
    /// A bit of the file has flipped.
    Bit,
}

const FLAWS: [Flaw; 5] = [Flaw::Amount, Flaw::AmountAndHeader, Flaw::Nothing, Flaw::Cut, Flaw::Bit];

impl Flaw {
    fn put(self, block: &mut Block) {
        let payment = &mut block.transactions[7];
        match self {
            Self::Amount | Self::AmountAndHeader => payment.amount = Amount::from_grains(2),
            Self::Nothing => payment.amount = Amount::ZERO,
            Self::Cut | Self::Bit => {}
        }
        if matches!(self, Self::AmountAndHeader | Self::Nothing) {
            block.header.transactions_root = transactions_root(&block.transactions);
            block.header = seal(block.header.clone());
        }
    }

    /// Whether the error tells of it in the block at this position.
    fn is_told(self, error: &StoreError, block: &Block, position: Position) -> bool {
        match (self, error) {
            (
                Self::Amount | Self::AmountAndHeader | Self::Nothing,
                StoreError::Replay { id, position: got, error },
            ) => {
                let rule = match self {
                    Self::Amount => Rule::BlockTransactionsRoot,
                    Self::AmountAndHeader => Rule::TransactionSignature,
                    _ => Rule::TransactionAmount,
                };
                (*id, *got, error.rule()) == (block.header.id(), position, rule)
            }
            (Self::Cut, StoreError::Encoding { what, .. }) => what.ends_with(&format!("at {position}")),
            (Self::Bit, StoreError::Log(LogError::Damaged { offset, .. })) => *offset == position.offset(),
            _ => false,
        }
    }
}

#[test]
fn the_first_flaw_is_told_wherever_it_stands() {
    let chain = chain();
    let intact = records_of(&chain);
    assert!(intact.iter().map(|(_, payload)| payload.len()).sum::<usize>() > 400_000, "several batches");
    // Not in the last file: what is torn there may be an unfinished write.
    for (turn, place) in [1, 9, 17, 18, 25].into_iter().enumerate() {
        for flaw in FLAWS {
            let (mut records, mut flawed) = (intact.clone(), chain[place].clone());
            flaw.put(&mut flawed);
            records[place].1 = block::encode(&flawed);
            if flaw == Flaw::Cut {
                records[place].1.pop();
            }
            // Whatever else is wrong stands behind it.
            let (later, behind) = (FLAWS[turn], (place + 1 + 3 * turn).min(BLOCKS - 1));
            let mut other = chain[behind].clone();
            later.put(&mut other);
            records[behind].1 = block::encode(&other);
            let (disk, positions) = log_of(&records);
            let bits = [(flaw, place), (later, behind)].into_iter().filter(|(flaw, _)| *flaw == Flaw::Bit);
            for (_, place) in bits {
                let at = positions[place];
                disk.flip(&format!("{LOG_PREFIX}-{:08}.seg", at.segment()), at.offset() as usize + 40, 1);
            }
            for cores in [1, 2, 5] {
                let error = open_on(cores, &disk).err().unwrap();
                let is_told = flaw.is_told(&error, &flawed, positions[place]);
                assert!(is_told, "{flaw:?} in block {place}, {cores} cores: {error}");
            }
        }
    }
}

#[test]
fn a_ledger_is_the_same_on_however_many_cores() {
    let (mut ledger, _) = open(&MemoryDisk::new());
    let (mut draw, mut blocks) = (Draw(3), chain());
    blocks.iter().for_each(|block| drop(ledger.add(block, Clock::AcceptedBefore).unwrap()));
    // A branch that loses, and one that wins.
    let mut ends = [ledger.id_at(20).unwrap().unwrap(), ledger.tip().id()];
    for _ in 0..40 {
        let side = draw.below(2) as usize;
        let (block, added) = grow(&mut ledger, &ends[side], &mut draw);
        ends[side] = block.header.id();
        if added != Added::Known {
            blocks.push(block);
        }
    }
    let signatures: usize = blocks.iter().map(|block| block.transactions.len()).sum();
    let mut records = records_of(&blocks);
    // What is no block is passed over.
    records.insert(11, (KIND_TRANSACTION, vec![1, 2, 3]));
    for cores in [1, 2, 5] {
        let (disk, positions) = log_of(&records);
        assert!(positions.last().unwrap().segment() > 2);
        let (again, opened) = open_on(cores, &disk).unwrap();
        assert_eq!(opened.reapplied_blocks, blocks.len() as u64);
        assert_eq!(again.signatures_judged(), signatures as u64);
        assert_eq!((again.tip(), main_rows(&again)), (ledger.tip(), main_rows(&ledger)));
        let ends = [&again, &ledger].map(|ledger| ledger.branch_ends(usize::MAX).unwrap());
        assert_eq!(ends[0], ends[1]);
    }
}
