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
        self.tip.work() >= work_worth_keeping(ours)
    }
}
