//! Every way in which the hosts of these tests lie, each with the words by which a checker names it.

mod peers;
mod rules;
mod sockets;
mod witnesses;

use mote_core::params::Params;
use mote_core::units::Timestamp;

use super::branch::Branch;
use super::script::Script;

/// A lie, and what a checker says when it finds out.
pub struct Lie {
    /// What the lie is.
    pub name: String,
    /// Words of which the checker's reason contains one. None where the checker has nothing to say, since
    /// what it saw is also what happens to honest nodes.
    pub reasons: &'static [&'static str],
    /// What the host shows.
    pub branch: Branch,
    /// What the host says otherwise than an honest one.
    pub script: Script,
    /// What an honest node shows after that, which whoever checks must come to.
    pub truth: Branch,
}

/// What all lies start from: a chain that honest nodes have, and the same with one more block of two
/// payments.
pub struct Ground {
    /// The chain.
    pub base: Branch,
    /// The chain with one more block.
    pub longer: Branch,
}

impl Ground {
    /// A chain of a few blocks with payments.
    pub fn new(params: Params) -> Self {
        let mut base = Branch::new(params);
        base.grow(1, 3);
        base.grow_with_payments(1, 5, 2);
        let mut longer = base.clone();
        longer.grow_with_payments(1, 1, 2);
        Self { base, longer }
    }

    /// A block for each rule, that breaks it and no other. A time ahead of the clock is none: it heals.
    pub fn broken_rules(&self, now: Timestamp) -> Vec<Lie> {
        rules::all(self, now)
    }

    /// Witnesses that prove nothing, or come in another order than they must.
    pub fn forged_witnesses(&self) -> Vec<Lie> {
        witnesses::all(self)
    }

    /// What no honest peer says.
    pub fn broken_protocol(&self) -> Vec<Lie> {
        peers::all(self)
    }

    /// What is no WebSocket.
    pub fn broken_sockets(&self) -> Vec<Lie> {
        sockets::all(self)
    }

    /// Hosts that end, or say nothing any more, as honest ones may.
    pub fn broken_off(&self) -> Vec<Lie> {
        sockets::broken_off(self)
    }

    /// A lie about the last block of the longer chain.
    fn lie(&self, name: &str, reasons: &'static [&'static str], script: Script) -> Lie {
        let (branch, truth) = (self.longer.clone(), self.longer.clone());
        Lie { name: name.to_owned(), reasons, branch, script, truth }
    }
}
