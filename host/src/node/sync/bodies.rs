//! Bodies of wanted blocks: putting each to its header, and them into the ledger once their parents are there.

use std::collections::BTreeSet;

use mote_core::hash::Hash32;
use mote_core::peer::Offence;
use mote_core::rules::{Clock, RuleError};

use crate::block::{self, Block};
use crate::node::peers::PeerId;
use crate::node::wanted::Wanted;
use crate::node::{Node, Now};
use crate::store::disk::Disk;
use crate::store::ledger::AddError;

/// How many blocks go into the ledger at one go, so that peers and people are answered in between.
const CONNECT_MAX: usize = 16;

impl<D: Disk> Node<D> {
    /// Takes in a block that a peer was asked for.
    pub(in crate::node) fn receive_block(
        &mut self,
        now: Now,
        id: Hash32,
        bytes: &[u8],
    ) -> Result<(), Offence> {
        self.take_body(now, id, block::decode(bytes).map_err(Offence::Malformed)?)
    }

    /// Takes in a body that somebody else put together.
    pub(in crate::node) fn take_body(&mut self, now: Now, id: Hash32, body: Block) -> Result<(), Offence> {
        // A body that is not the header's is the sender's fault, not the block's.
        let (got, expected) = (block::transactions_root(&body), body.header.transactions_root);
        if got != expected {
            return Err(Offence::Rule(RuleError::BlockTransactionsRoot { got, expected }));
        }
        let (got, expected) = (body.transactions.len() as u64, u64::from(body.header.transaction_count));
        if got != expected {
            return Err(Offence::Rule(RuleError::BlockTransactionCount { got, expected }));
        }
        self.fill(now, &id, body);
        Ok(())
    }

    /// Whether a block is wanted whose body is not here.
    pub(in crate::node) fn waits_for_body(&self, id: &Hash32) -> bool {
        self.sync.wanted.get(id).is_some_and(|wanted| wanted.body.is_none())
    }

    /// Puts a body to its header where that is wanted. Bodies that come one right after another go into the ledger
    /// together.
    pub(in crate::node) fn fill(&mut self, now: Now, id: &Hash32, body: Block) {
        self.sync.wanted.fill(id, body);
        self.sync.bodies += 1;
        if self.sync.bodies >= CONNECT_MAX {
            self.connect_bodies(now);
        }
    }

    /// Puts those bodies into the ledger that came since that was last done. Whatever is no body finds them there.
    pub(in crate::node) fn connect_bodies(&mut self, now: Now) {
        if self.sync.bodies > 0 {
            self.connect(now);
            self.schedule(now);
        }
    }

    /// Puts bodies into the ledger whose parents are there, a bounded number at a time, whose signatures are judged
    /// together.
    pub(in crate::node) fn connect(&mut self, now: Now) {
        let ready = self.sync.wanted.to_connect(CONNECT_MAX);
        self.sync.bodies = usize::from(ready.len() == CONNECT_MAX);
        if self.read_only.is_some() {
            return;
        }
        let together: Vec<&Block> = ready.iter().map(|(_, block)| &**block).collect();
        // One alone is checked as it is added. So are all where one of them breaks a rule, which tells whom to blame.
        let checked = match together.len() {
            0 | 1 => None,
            _ => self.ledger.check_together(&together, self.pool.mempool()),
        };
        let mut checked = checked.unwrap_or_default().into_iter();
        for (id, block) in &ready {
            let checked = checked.next();
            // It is wanted no more where one below it broke a rule.
            let Some(wanted) = self.sync.wanted.take(id) else { continue };
            // The clock judged the header when it came, and may have been set back since.
            let accepted = match &checked {
                Some(checked) => self.accept_checked(checked, Clock::AcceptedBefore),
                None => self.accept(block, Clock::AcceptedBefore),
            };
            match accepted {
                Ok(()) => self.sync.progress.count(now.moment),
                Err(AddError::Store(error)) => return self.fail(error),
                Err(AddError::Rule { error, .. }) => self.refuse(now, id, wanted, error),
                // It obeys every rule, so nobody is punished, but the operator follows another chain.
                Err(AddError::Pinned(conflict)) => {
                    let shown_by = self.drop_descendants(id, wanted).0;
                    self.refuse_branch(shown_by, conflict);
                }
                // What it stands on was given up; whoever showed it is followed anew.
                Err(AddError::Orphan { .. }) => drop(self.sync.wanted.take_with_descendants(id)),
            }
        }
    }

    /// Takes note that a block breaks a rule, and with it all on top of it, and blames whoever showed them.
    fn refuse(&mut self, now: Now, id: &Hash32, wanted: Wanted, error: RuleError) {
        tracing::warn!(block = %id, %error, "a block breaks a rule");
        let (shown_by, descendants) = self.drop_descendants(id, wanted);
        for invalid in descendants.into_iter().chain([*id]) {
            self.sync.invalid.insert(invalid);
        }
        for peer in shown_by {
            self.punish(now, peer, &Offence::Rule(error));
        }
    }

    /// Wants nothing more that stands on this block; who has shown it or them, and which they are.
    fn drop_descendants(&mut self, id: &Hash32, wanted: Wanted) -> (BTreeSet<PeerId>, Vec<Hash32>) {
        let mut shown_by = wanted.shown_by;
        let mut descendants = Vec::new();
        for (descendant, wanted) in self.sync.wanted.take_with_descendants(id) {
            descendants.push(descendant);
            shown_by.extend(wanted.shown_by);
        }
        (shown_by, descendants)
    }
}
