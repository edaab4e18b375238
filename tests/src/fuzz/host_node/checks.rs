//! What must be so of the node at any time.

use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::rules::Clock;

use super::{Grove, Stage};
use crate::fixtures::{Chain, account, judge};

impl Stage {
    /// Whether a payment, or another in its place, is open or mined.
    pub(super) fn is_kept(&self, sender: &PublicKey, nonce: u64) -> bool {
        let is_open = self.node().mempool().of_sender(sender).any(|entry| entry.transaction().nonce == nonce);
        is_open || self.node().account(sender).expect("the disk is whole").nonce > nonce
    }

    /// What must be so at any time.
    pub(super) fn look(&mut self) {
        let tip = self.node().ledger().tip();
        if tip.id() != self.tip {
            let chain = self.judged(&tip.id());
            let before = self.judged(&self.tip.clone());
            assert!(chain.tip.work() >= before.tip.work(), "the chain lost work");
            assert_eq!(self.node().ledger().tip().state_root(), chain.tip.state_root());
            for number in 1..10 {
                let held = self.node().account(&account(number)).expect("the disk is whole");
                assert_eq!(held, chain.accounts.account(&account(number)), "account {number}");
            }
            self.tip = chain.tip.id();
            // Another branch may have made impossible what was acknowledged.
            let kept = self.acknowledged.iter().filter(|(_, (sender, nonce))| self.is_kept(sender, *nonce));
            self.acknowledged = kept.map(|(id, payment)| (*id, *payment)).collect();
        }
        for entry in self.node().mempool().by_priority() {
            let transaction = entry.transaction();
            let account = self.node().account(&transaction.sender).expect("the disk is whole");
            let earlier = self.node().mempool().of_sender(&transaction.sender);
            let earlier =
                earlier.filter(|other| other.transaction().nonce < transaction.nonce).count() as u64;
            assert_eq!(transaction.nonce, account.nonce + earlier, "a payment that cannot be mined");
        }
        let lost = self.acknowledged.iter().find(|(_, (sender, nonce))| !self.is_kept(sender, *nonce));
        assert!(lost.is_none(), "lost {lost:?}");
    }

    /// The chain up to a block of the node, judged by the fixtures.
    pub(super) fn judged(&mut self, id: &Hash32) -> Arc<Chain> {
        let grove = Grove::get();
        let (mut missing, mut at) = (Vec::new(), *id);
        let mut chain = loop {
            if let Some(chain) = grove.chains.get(&at).or(self.chains.get(&at)) {
                break chain.clone();
            }
            let block = self
                .node()
                .ledger()
                .block(&at)
                .expect("the disk is whole")
                .expect("the chain reaches genesis");
            at = block.header.previous;
            missing.push(block);
        };
        for block in missing.into_iter().rev() {
            let mut next = Chain::clone(&chain);
            // The clock of the fixtures' chains stands still.
            let judged =
                judge(&next.params, &next.tip, Clock::Now(self.now.time), &block, &mut next.accounts);
            next.tip.extend(&judged.expect("the node takes valid blocks only"));
            chain = Arc::new(next);
            self.chains.insert(chain.tip.id(), chain.clone());
        }
        chain
    }
}
