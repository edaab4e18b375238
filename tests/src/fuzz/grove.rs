//! A tree of blocks that the targets about nodes draw from: made once, by the fixtures.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::rules::{Clock, Rule, check_header};
use mote_core::transaction::Transaction;

use crate::fixtures::{Chain, VecBlock, account, pay, regtest};

/// Which branch is heaviest of those whose blocks obey every rule.
pub const BEST: usize = 1;

/// Which branch has a block that breaks a rule, under headers that break none. It seems heavier than all others.
pub const FLAWED: usize = 3;

/// Branches of one tree, each from the child of genesis on.
pub struct Grove {
    /// The parameters of `regtest`.
    pub params: Params,
    /// The blocks of each branch.
    pub branches: Vec<Vec<VecBlock>>,
    /// The chains after genesis and after each valid block.
    pub chains: BTreeMap<Hash32, Arc<Chain>>,
    /// Payments in no block, most of which fit some of the branches.
    pub payments: Vec<Transaction>,
    /// All payments that can be open for a while: these, and those of blocks.
    pub open: Vec<Transaction>,
}

impl Grove {
    /// The one grove there is.
    pub fn get() -> &'static Self {
        static GROVE: OnceLock<Grove> = OnceLock::new();
        GROVE.get_or_init(Self::grow)
    }

    fn grow() -> Self {
        let genesis = Chain::new(regtest());
        let mut grove = Self {
            params: regtest(),
            branches: Vec::new(),
            chains: BTreeMap::from([(genesis.tip.id(), Arc::new(genesis))]),
            payments: Vec::new(),
            open: Vec::new(),
        };
        let pay = |from, to, nonce| pay(&regtest(), from, account(to), 70_000 + to, 2_000, nonce);
        grove.branch(0, 0, 1, 10, |height| match height {
            4 => vec![pay(1, 2, 0), pay(1, 3, 1)],
            6 => vec![pay(1, 2, 2), pay(2, 4, 0)],
            _ => Vec::new(),
        });
        // The same payment in both, and others that only one of them has.
        grove.branch(0, 3, 5, 9, |height| match height {
            5 => vec![pay(1, 2, 0)],
            8 => vec![pay(5, 1, 0), pay(5, 6, 1), pay(1, 9, 1)],
            _ => Vec::new(),
        });
        grove.branch(0, 7, 2, 2, |_| Vec::new());
        grove.flawed(5, 12);
        grove.payments = vec![
            pay(1, 7, 0),
            pay(1, 8, 1),
            pay(1, 7, 2),
            pay(1, 2, 3),
            pay(5, 7, 0),
            pay(5, 2, 2),
            pay(2, 1, 0),
        ];
        let mined = grove.branches[..=BEST].iter().flatten().flat_map(|block| &block.transactions);
        grove.open = grove.payments.iter().chain(mined).cloned().collect();
        grove
    }

    /// Adds a branch of so many blocks above the first ones of another.
    fn branch(
        &mut self,
        of: usize,
        shared: usize,
        miner: u64,
        count: u64,
        mut paid: impl FnMut(u64) -> Vec<Transaction>,
    ) {
        let mut blocks = self.branches.get(of).map(|blocks| blocks[..shared].to_vec()).unwrap_or_default();
        let tip = blocks.last().map_or(self.params.genesis_id(), |block| block.header.id());
        let mut chain = Chain::clone(&self.chains[&tip]);
        for _ in 0..count {
            let height = chain.tip.height().next().get();
            let block = chain.block(account(miner), paid(height));
            chain.accept(&block).expect("the grove's payments can be made");
            self.chains.insert(chain.tip.id(), Arc::new(chain.clone()));
            blocks.push(block);
        }
        self.branches.push(blocks);
    }

    fn flawed(&mut self, shared: usize, count: usize) {
        let mut blocks = self.branches[0][..shared].to_vec();
        let mut chain = Chain::clone(&self.chains[&blocks[shared - 1].header.id()]);
        for number in 0..count {
            let mut block = chain.block(account(3), Vec::new());
            if number == 2 {
                block = chain.broken(&block, Rule::BlockStateRoot);
            }
            let checked = check_header(&chain.params, &chain.tip, &block.header, Clock::AcceptedBefore);
            chain.tip.extend(&checked.expect("the header breaks no rule that needs no body"));
            blocks.push(block);
        }
        self.branches.push(blocks);
    }
}
