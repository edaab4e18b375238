//! Following a branch that a peer shows, header by header, in constant memory.

use super::limits::BRANCH_SLACK_BLOCKS;
use crate::block::Header;
use crate::chain::Tip;
use crate::params::Params;
use crate::pow::Work;
use crate::rules::{CheckedHeader, Clock, RuleError, check_header};

/// The work that a branch must show before its headers are worth memory: the tip's, less one day's at
/// the tip's difficulty. Below that, headers are cheap enough to be made up.
pub fn work_worth_keeping(tip: &Tip) -> Work {
    let block = tip.target().expand().map_or(Work::ZERO, |target| target.work());
    tip.work().saturating_sub(block.saturating_mul(BRANCH_SLACK_BLOCKS))
}

/// A branch of which only the last header and what its child is judged by is kept.
#[derive(Clone, Debug)]
pub struct Branch {
    tip: Tip,
}

impl Branch {
    /// The branch that ends in `tip`.
    pub fn new(tip: Tip) -> Self {
        Self { tip }
    }

    /// Its last header.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Checks the next header by every rule that needs no transactions, and moves on to it.
    pub fn follow(
        &mut self,
        params: &Params,
        header: &Header,
        clock: Clock,
    ) -> Result<CheckedHeader, RuleError> {
        let checked = check_header(params, &self.tip, header, clock)?;
        self.tip.extend(&checked);
        Ok(checked)
    }

    /// Whether the branch has shown enough work for its headers to be kept by a node whose tip is
    /// `ours`.
    pub fn is_worth_keeping(&self, ours: &Tip) -> bool {
        self.tip.work() > work_worth_keeping(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash32;
    use crate::keys::PublicKey;
    use crate::merkle::Frontier;
    use crate::miner::{Job, template};
    use crate::params::Network;
    use crate::rules::Executed;

    /// A tip of `regtest`, where a block counts as two attempts, after this much work.
    fn tip_after(work: u64) -> Tip {
        let params = Params::new(Network::Regtest);
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&work.to_be_bytes());
        let header = params.genesis();
        Tip::restore(header, Work::from_be_bytes(&bytes), &[header.time], Frontier::new())
    }

    #[test]
    fn a_branch_may_lack_a_day_of_work() {
        let day = 2 * 8_640;
        assert_eq!(work_worth_keeping(&tip_after(100_000)).saturating_u64(), 100_000 - day);
        // Less than a day after genesis, every branch is worth keeping.
        assert_eq!(work_worth_keeping(&tip_after(day)), Work::ZERO);
        assert_eq!(work_worth_keeping(&tip_after(1)), Work::ZERO);
        let ours = tip_after(100_000);
        assert!(Branch::new(tip_after(100_000 - day + 1)).is_worth_keeping(&ours));
        assert!(!Branch::new(tip_after(100_000 - day)).is_worth_keeping(&ours));
    }

    #[test]
    fn a_branch_follows_what_the_rules_allow() {
        let params = Params::new(Network::Regtest);
        let mut branch = Branch::new(Tip::genesis(&params));
        let executed =
            Executed { transaction_count: 0, transactions_root: Hash32::ZERO, state_root: Hash32::ZERO };
        let time = branch.tip().time().plus(10);
        let miner = PublicKey::from_bytes([2; 32]);
        let mut header = template(&params, branch.tip(), miner, time, &executed);
        header.nonce = Job::new(&header).and_then(|job| job.search(0..1_000)).unwrap();
        let before = branch.tip().work();
        assert!(branch.follow(&params, &header, Clock::Now(time)).is_ok());
        assert_eq!(branch.tip().id(), header.id());
        assert_eq!(branch.tip().work().saturating_sub(before).saturating_u64(), 2);
        // The same header is no child of itself, and leaves the branch where it was.
        assert!(branch.follow(&params, &header, Clock::Now(time)).is_err());
        assert_eq!(branch.tip().id(), header.id());
    }
}
