//! The laboratory's own short chain, the same each time, and the places of blocks on a chain that somebody
//! made of it: blocks may break rules there, and those behind them are still judged.

use std::sync::LazyLock;

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::miner::template;
use mote_core::params::{BLOCK_SPACING_SECONDS, GENESIS_SECONDS, Network, Params};
use mote_core::pow::Work;
use mote_core::rules::{CheckedTransaction, Clock, Executed, Execution, RuleError, check_transaction};
use mote_core::state::UpdateError;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Timestamp};

use super::people::Person;
use super::search;
use crate::block::Block;
use crate::store::error::StoreError;
use crate::store::tree::{Node, NodeRef, Nodes, TreeVersion, TreeView};

/// How many blocks the laboratory's chain has behind the genesis block.
pub(super) const BLOCKS: usize = 5;

/// The parameters of the laboratory's own network, which no node ever runs.
pub(super) fn params() -> &'static Params {
    static PARAMS: LazyLock<Params> = LazyLock::new(|| {
        // The name is well formed; a regtest would only make experiments cheaper.
        Params::new("local:laboratory".parse().unwrap_or(Network::Regtest))
    });
    &PARAMS
}

/// Account trees in memory, each version named by its root.
#[derive(Debug, Default)]
pub(super) struct Trees(Vec<Node>);

impl Nodes for Trees {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        let place = usize::try_from(named.serial).ok().and_then(|serial| serial.checked_sub(1));
        let missing = || StoreError::Missing { table: "laboratory", what: format!("node {}", named.serial) };
        place.and_then(|place| self.0.get(place)).cloned().ok_or_else(missing)
    }
}

/// Where the next block goes: what is known of the chain below.
pub(super) struct Place {
    /// The last header, checked or not.
    pub tip: Tip,
    times: Vec<Timestamp>,
    /// The accounts after the last block; none where it could not be executed.
    pub accounts: Option<NodeRef>,
}

impl Place {
    /// On the genesis block.
    pub fn first() -> Self {
        let tip = Tip::genesis(params());
        Self { times: vec![tip.time()], tip, accounts: Some(NodeRef::EMPTY) }
    }

    /// On a block at this place, whether it obeys the rules or not: so the next one is judged as a child of what
    /// is there.
    pub fn behind(&self, header: &Header, accounts: Option<NodeRef>) -> Self {
        let mut times = self.times.clone();
        times.push(header.time);
        let work = header.target.expand().map_or(Work::ZERO, |target| target.work());
        let work = self.tip.work().saturating_add(work);
        let tip = Tip::restore(header, work, &times, self.tip.history().clone());
        Self { tip, times, accounts }
    }

    /// The time at which the next block is due; the laboratory's clock shows it.
    pub fn due(&self) -> Timestamp {
        Timestamp::from_seconds(GENESIS_SECONDS).plus(self.times.len() as u64 * BLOCK_SPACING_SECONDS as u64)
    }

    /// The clock that the next block is judged by.
    pub fn clock(&self) -> Clock {
        Clock::Now(self.due())
    }
}

/// Why transactions cannot be executed.
pub(super) struct Stuck {
    /// The rule that is broken.
    pub error: RuleError,
    /// The transaction that breaks it; none where the block does.
    pub transaction: Option<usize>,
}

impl Trees {
    /// Executes a block's transactions over the accounts at `root`; what its header must say, and the accounts
    /// after it.
    pub fn execute(
        &mut self,
        root: NodeRef,
        header: &Header,
        transactions: &[CheckedTransaction<'_>],
    ) -> Result<(Executed, NodeRef), Option<Stuck>> {
        let mut view = TreeView::new(&*self, TreeVersion::stored(root));
        let mut execution = Execution::new(params(), header.height, header.miner);
        for (index, transaction) in transactions.iter().enumerate() {
            execution.apply(&mut view, transaction).map_err(|error| stuck(error, Some(index)))?;
        }
        let executed = execution.finish(&mut view).map_err(|error| stuck(error, None))?;
        let root = view.into_version().store(&mut |node| {
            self.0.push(node.clone());
            self.0.len() as u64
        });
        Ok((executed, root))
    }
}

/// The rule that stopped an execution; none where the accounts could not be read.
fn stuck(error: UpdateError<StoreError>, transaction: Option<usize>) -> Option<Stuck> {
    match error {
        UpdateError::Rule(error) => Some(Stuck { error, transaction }),
        UpdateError::Accounts(_) => None,
    }
}

/// Makes the block that follows from the place: everything but time, miner and payments is what the rules ask
/// for, as far as it can be. Says whether a nonce was found.
pub(super) fn rebuild(trees: &mut Trees, place: &Place, block: &mut Block) -> bool {
    let Block { header, transactions } = block;
    let nothing = Executed {
        transaction_count: transactions.len() as u32,
        transactions_root: mote_core::block::transactions_root(transactions),
        state_root: header.state_root,
    };
    let (miner, time) = (header.miner, header.time);
    *header = template(params(), &place.tip, miner, time, &nothing);
    let checked: Result<Vec<_>, _> =
        transactions.iter().map(|transaction| check_transaction(params(), transaction)).collect();
    if let (Ok(checked), Some(root)) = (checked, place.accounts)
        && let Ok((executed, _)) = trees.execute(root, header, &checked)
    {
        header.state_root = executed.state_root;
    }
    search::mine(header)
}

/// A payment that its sender signed.
pub(super) fn pay(from: Person, to: Person, grains: u64, nonce: u64, memo: &str) -> Transaction {
    let (amount, fee) = (Amount::from_grains(grains), Amount::from_grains(1_000));
    // The laboratory's own memos are short.
    let memo = Memo::from_slice(memo.as_bytes()).unwrap_or_default();
    Payment { recipient: to.account(), amount, fee, nonce, memo }.sign(params(), &from.secret())
}

/// The blocks behind the genesis block of the laboratory's chain.
pub(super) fn blocks() -> &'static [Block] {
    static CHAIN: LazyLock<Vec<Block>> = LazyLock::new(make);
    &CHAIN
}

fn make() -> Vec<Block> {
    use Person::{Ada, Ben, Cleo, Dora};
    let bodies = [
        (Ada, vec![]),
        (Ada, vec![pay(Ada, Ben, 2_500_000, 0, "rent")]),
        (Ben, vec![pay(Ada, Cleo, 1_250_000, 1, "two cups of tea"), pay(Ben, Cleo, 500_000, 0, "cake")]),
        (Ada, vec![pay(Cleo, Dora, 1_000_000, 0, "invoice 17")]),
        (Cleo, vec![pay(Ben, Ada, 750_000, 1, "change"), pay(Dora, Ben, 250_000, 0, "")]),
    ];
    let (mut trees, mut place) = (Trees::default(), Place::first());
    let mut chain = Vec::with_capacity(bodies.len());
    for (miner, transactions) in bodies {
        let header = Header { miner: miner.account(), time: place.due(), ..params().genesis().clone() };
        let mut block = Block { header, transactions };
        rebuild(&mut trees, &place, &mut block);
        let checked: Vec<_> = block
            .transactions
            .iter()
            .filter_map(|transaction| check_transaction(params(), transaction).ok())
            .collect();
        let accounts = place.accounts.and_then(|root| trees.execute(root, &block.header, &checked).ok());
        place = place.behind(&block.header, accounts.map(|(_, root)| root));
        chain.push(block);
    }
    chain
}
