//! Every block of the world judged by plain code of its own, from the text of the rules: the checker believes
//! nothing that the code under test computes. Each block is judged once, whoever has it.

use std::collections::{BTreeMap, BTreeSet};

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::{Network, Params, Retarget};
use mote_core::pow::CompactTarget;
use mote_core::rules::Rule;
use mote_core::transaction::Transaction;
use mote_core::units::{Amount, Height, Timestamp};

use super::oracle::{Oracle, hash, header_id, log_root, transaction_leaf};
use super::wide::Wide;
use crate::block::Block;

/// The easiest target of the world's network, which is that of `regtest`.
const FLOOR: u32 = 0x207f_ffff;

/// The times among which the median, and the latest, are looked for.
const TIMES: usize = 11;

/// The y coordinates of the points of small order, little-endian, with the sign bit 0.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

/// What distinguishes the network of a world from others.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Whether targets follow the hash rate.
    pub retarget: Retarget,
    /// The most transactions in a block.
    pub capacity: usize,
}

impl Facts {
    /// The same for the nodes.
    pub fn params(self) -> Params {
        let mut params = Params::new(Network::Regtest);
        (params.retarget, params.block_transactions_max) = (self.retarget, self.capacity);
        params
    }
}

/// A rule that a block breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What there was.
    pub got: String,
    /// What there should have been.
    pub expected: String,
}

/// A block that obeys every rule, and what follows from it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The block's id.
    pub id: Hash32,
    /// The block.
    pub block: Block,
    /// The work of its chain, genesis included.
    pub work: Wide,
    /// All accounts after it.
    pub accounts: Oracle,
    /// The rewards of its chain, in grains.
    pub minted: u128,
    /// Its time and those of up to eleven blocks before it, its own first, in Unix seconds.
    times: Vec<u64>,
    /// The roots of the perfect trees over all blocks up to and including it, with their sizes.
    peaks: Vec<(u64, Hash32)>,
}

impl Replayed {
    /// The genesis block.
    fn genesis() -> Self {
        let header = genesis();
        let (id, work, times) = (header_id(&header), work_of(FLOOR), vec![header.time.seconds()]);
        let block = Block { header, transactions: Vec::new() };
        Self { id, block, work, accounts: Oracle::default(), minted: 0, times, peaks: Vec::new() }
            .with_peaks()
    }

    /// What follows from a child of this block that leaves these accounts, whether it obeys the rules or not.
    pub fn child(&self, id: Hash32, block: Block, accounts: Oracle) -> Self {
        let header = &block.header;
        let (mut times, work) = (vec![header.time.seconds()], self.work.add(work_of(header.target.bits())));
        times.extend(self.times.iter().take(TIMES));
        let minted = self.minted + u128::from(reward(header.height.get()));
        Self { id, work, minted, times, peaks: self.peaks.clone(), block, accounts }.with_peaks()
    }

    fn with_peaks(mut self) -> Self {
        let mut grown = (1, hash(&[&[0x00], self.id.as_bytes(), &self.work.to_be_bytes()]));
        while let Some((_, root)) = self.peaks.pop_if(|(size, _)| *size == grown.0) {
            grown = (2 * grown.0, hash(&[&[0x01], root.as_bytes(), grown.1.as_bytes()]));
        }
        self.peaks.push(grown);
        self
    }

    /// How high the block is.
    pub fn height(&self) -> u64 {
        self.block.header.height.get()
    }

    /// The history root that a child must have.
    pub fn history_root(&self) -> Hash32 {
        let roots = self.peaks.iter().rev().map(|(_, root)| *root);
        roots.reduce(|right, left| hash(&[&[0x01], left.as_bytes(), right.as_bytes()])).unwrap_or(hash(&[]))
    }

    /// What a child's time must be greater than, in Unix seconds.
    pub fn median(&self) -> u64 {
        let mut times: Vec<u64> = self.times.iter().take(TIMES).copied().collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// The target that a child must have, in compact form.
    pub fn next_target(&self, facts: Facts) -> u32 {
        let (latest, before) = (self.times.iter().take(TIMES).max(), self.times.iter().skip(1).max());
        let (Retarget::EveryBlock, Some(latest), Some(before)) = (facts.retarget, latest, before) else {
            return FLOOR;
        };
        let passed = (*latest as i64 - *before as i64).clamp(-120, 1_800);
        let half_life = if self.height() < 1_000 { 60 } else { 600 };
        let exponent = (passed - 10) * 65_536 / half_life;
        let (shift, part) = (exponent.div_euclid(65_536) - 16, exponent.rem_euclid(65_536) as u128);
        let cubic = 195_766_423_245_049 * part + 971_821_376 * part.pow(2) + 5_127 * part.pow(3) + (1 << 47);
        let factor = 65_536 + (cubic >> 48) as u64;
        let target = Wide::of_compact(self.block.header.target.bits()).unwrap_or_default().times(factor);
        let by = shift.unsigned_abs() as u32;
        let target = if shift < 0 { target.shr(by) } else { target.shl(by) };
        target.clamp(Wide::new(1), Wide::of_compact(FLOOR).unwrap_or_default()).compact()
    }
}

/// Every block that obeys every rule.
#[derive(Debug)]
pub struct Replay {
    facts: Facts,
    genesis: Hash32,
    /// Ids of the payments that the world's wallets have signed.
    signed: BTreeSet<Hash32>,
    blocks: BTreeMap<Hash32, Replayed>,
}

impl Replay {
    /// The genesis block alone.
    pub fn new(facts: Facts) -> Self {
        let genesis = Replayed::genesis();
        let id = genesis.id;
        Self { facts, genesis: id, signed: BTreeSet::new(), blocks: BTreeMap::from([(id, genesis)]) }
    }

    /// Id of the genesis block.
    pub fn genesis(&self) -> Hash32 {
        self.genesis
    }

    /// What distinguishes the network.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// A block that obeys every rule.
    pub fn get(&self, id: &Hash32) -> Option<&Replayed> {
        self.blocks.get(id)
    }

    /// The work of the chain that ends in a block; none where that is not known.
    pub fn work(&self, id: &Hash32) -> Wide {
        self.blocks.get(id).map(|replayed| replayed.work).unwrap_or_default()
    }

    /// The work of a child of a block, in attempts; 0 where that is not known.
    pub fn child_work(&self, parent: &Hash32) -> u64 {
        self.blocks.get(parent).map_or(0, |parent| work_of(parent.next_target(self.facts)).low())
    }

    /// Takes note of the id of a payment that the owner of the sending account wants.
    pub fn note_signed(&mut self, id: Hash32) {
        self.signed.insert(id);
    }

    /// Whether the owner of the sending account wants a payment.
    pub fn is_signed(&self, transaction: &Transaction) -> bool {
        self.signed.contains(&transaction_id(transaction))
    }

    /// The chain from a block down to genesis, the block first.
    pub fn chain(&self, tip: &Hash32) -> impl Iterator<Item = (Hash32, &Replayed)> {
        let mut next = Some(*tip);
        std::iter::from_fn(move || {
            let id = next?;
            let replayed = self.blocks.get(&id)?;
            next = (id != self.genesis).then_some(replayed.block.header.previous);
            Some((id, replayed))
        })
    }

    /// Judges a block that a node has under this id and that may not be later than `latest`, in Unix seconds.
    pub fn judge(&mut self, id: &Hash32, block: &Block, latest: u64) -> Result<(), Broken> {
        let broken = |rule, got: String, expected: String| Broken { rule, got, expected };
        let header = &block.header;
        let Some(parent) = self.blocks.get(&header.previous) else {
            let got = header.previous.to_string();
            return Err(broken(Rule::HeaderPrevious, got, "a parent that obeys every rule".to_owned()));
        };
        self.judge_header(id, header, parent, latest)?;
        for transaction in &block.transactions {
            self.judge_transaction(transaction)?;
        }
        let (got, expected) = (block.transactions.len(), header.transaction_count as usize);
        if got != expected {
            return Err(broken(Rule::BlockTransactionCount, got.to_string(), expected.to_string()));
        }
        let leaves: Vec<Vec<u8>> = block.transactions.iter().map(transaction_leaf).collect();
        let (got, expected) = (log_root(&leaves), header.transactions_root);
        if got != expected {
            return Err(broken(Rule::BlockTransactionsRoot, got.to_string(), expected.to_string()));
        }
        let (mut accounts, due) = (parent.accounts.clone(), reward(header.height.get()));
        accounts.execute(Amount::from_grains(due), &header.miner, &block.transactions).map_err(|rule| {
            broken(rule, "transactions that break it".to_owned(), rule.sentence().to_owned())
        })?;
        let (got, expected) = (accounts.root(), header.state_root);
        if got != expected {
            return Err(broken(Rule::BlockStateRoot, got.to_string(), expected.to_string()));
        }
        let replayed = parent.child(*id, block.clone(), accounts);
        self.blocks.insert(*id, replayed);
        Ok(())
    }

    /// H1 to H4, B1 and C2 to C6.
    fn judge_header(
        &self,
        id: &Hash32,
        header: &Header,
        parent: &Replayed,
        latest: u64,
    ) -> Result<(), Broken> {
        let (height, time) = (parent.height() + 1, header.time.seconds());
        let target = Wide::of_compact(header.target.bits()).unwrap_or_default();
        let (wanted, median) = (parent.next_target(self.facts), parent.median());
        let history = parent.history_root();
        let demands = [
            (Rule::HeaderVersion, header.version == 1, header.version.to_string()),
            (Rule::HeaderMiner, !is_small_order(&header.miner), format!("{:?}", header.miner)),
            (Rule::HeaderTimeRange, time < 1 << 40, time.to_string()),
            (
                Rule::HeaderProofOfWork,
                header_id(header) == *id && Wide::of_hash(id) <= target,
                id.to_string(),
            ),
            (
                Rule::BlockCapacity,
                header.transaction_count as usize <= self.facts.capacity,
                header.transaction_count.to_string(),
            ),
            (Rule::HeaderHeight, header.height.get() == height, header.height.get().to_string()),
            (Rule::HeaderHistoryRoot, header.history_root == history, header.history_root.to_string()),
            (
                Rule::HeaderTarget,
                header.target.bits() == wanted,
                format!("{}, not {wanted:08x}", header.target),
            ),
            (Rule::HeaderTimeMedian, time > median, format!("{time}, the median being {median}")),
            (Rule::HeaderTimeFuture, time <= latest, format!("{time}, {latest} being the latest")),
        ];
        match demands.into_iter().find(|(_, is_kept, _)| !is_kept) {
            Some((rule, _, got)) => Err(Broken { rule, got, expected: rule.sentence().to_owned() }),
            None => Ok(()),
        }
    }

    /// T1 to T5. That a wallet of this world signed a payment is the only way in which it can be right.
    fn judge_transaction(&self, transaction: &Transaction) -> Result<(), Broken> {
        let Transaction { sender, recipient, amount, fee, .. } = transaction;
        let demands = [
            (Rule::TransactionAmount, amount.grains() > 0, amount.grains().to_string()),
            (Rule::TransactionFee, fee.grains() >= 1_000, fee.grains().to_string()),
            (Rule::TransactionSender, !is_small_order(sender), format!("{sender:?}")),
            (Rule::TransactionRecipient, !is_small_order(recipient), format!("{recipient:?}")),
            (
                Rule::TransactionSignature,
                self.is_signed(transaction),
                format!("{}, which nobody signed", transaction_id(transaction)),
            ),
        ];
        match demands.into_iter().find(|(_, is_kept, _)| !is_kept) {
            Some((rule, _, got)) => Err(Broken { rule, got, expected: rule.sentence().to_owned() }),
            None => Ok(()),
        }
    }
}

/// The work that a target in compact form stands for.
pub fn work_of(target: u32) -> Wide {
    Wide::of_compact(target).map(Wide::work).unwrap_or_default()
}

/// The reward at a height, in grains.
pub fn reward(height: u64) -> u64 {
    if height == 0 { 0 } else { 10_000_000_u64.checked_shr((height / 12_600_000) as u32).unwrap_or(0) }
}

/// Names a transaction.
pub fn transaction_id(transaction: &Transaction) -> Hash32 {
    hash(&[&[0x00], &transaction_leaf(transaction)])
}

/// Whether a key is one of the 14 encodings of points of small order.
fn is_small_order(key: &PublicKey) -> bool {
    let mut y = *key.as_bytes();
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&Hash32::from_bytes(y).to_string().as_str())
}

fn genesis() -> Header {
    Header {
        version: 1,
        height: Height::GENESIS,
        previous: hash(&[&[0x06], b"regtest"]),
        history_root: hash(&[]),
        transactions_root: hash(&[]),
        transaction_count: 0,
        state_root: Hash32::ZERO,
        miner: PublicKey::from_bytes([0; 32]),
        time: Timestamp::from_seconds(1_767_225_600),
        target: CompactTarget::from_bits(FLOOR),
        nonce: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genesis_is_the_published_one() {
        let replay = Replay::new(Facts { retarget: Retarget::Never, capacity: 1_024 });
        let published = "05e1e4fd86ea0196bee988ffa072e4cc115ef0f74fbe9416fbfec6257a53f78f";
        assert_eq!(replay.genesis().to_string(), published);
        assert_eq!(replay.work(&replay.genesis()), Wide::new(2));
    }

    #[test]
    fn peaks_fold_to_the_root_of_the_whole_log() {
        let mut last = Replayed::genesis();
        let leaf = |of: &Replayed| [of.id.as_bytes().as_slice(), &of.work.to_be_bytes()].concat();
        let mut leaves = vec![leaf(&last)];
        for number in 1..40 {
            assert_eq!(last.history_root(), log_root(&leaves), "{number} leaves");
            last = last.child(hash(&[&[number]]), last.block.clone(), Oracle::default());
            leaves.push(leaf(&last));
        }
    }

    #[test]
    fn points_of_small_order_are_those_of_either_sign() {
        let key = |text: &str, sign: u8| {
            let hash: Hash32 = text.parse().unwrap();
            let mut bytes = *hash.as_bytes();
            bytes[31] |= sign << 7;
            PublicKey::from_bytes(bytes)
        };
        assert!(
            SMALL_ORDER.iter().all(|text| is_small_order(&key(text, 0)) && is_small_order(&key(text, 1)))
        );
        assert!(!is_small_order(&PublicKey::from_bytes([2; 32])));
    }
}
