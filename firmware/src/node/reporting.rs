//! What the node shows of itself.

use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::state::Account;
use mote_core::units::{Height, Moment, Timestamp};

use super::Node;
use super::sync::Phase;
use crate::report::{
    Fault, MiningReport, OWN_PAYMENTS, PaymentReport, PaymentState, PeerReport, PeerState, Prepared, Stage,
    TipReport,
};

/// A device that was at the tip and lacks so many blocks falls behind.
const BEHIND_BLOCKS: u64 = 6;

impl Node<'_> {
    /// The network and its limits.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The last validated block.
    pub fn tip(&self) -> TipReport {
        let tip = self.chain.tip();
        TipReport {
            id: tip.id(),
            height: tip.height(),
            time: tip.time(),
            state_root: tip.state_root(),
            work: tip.work(),
            next_target: tip.next_target(&self.params),
        }
    }

    /// The time, once it is known.
    pub fn time(&self, now: Moment) -> Option<Timestamp> {
        self.clock.time(now)
    }

    /// What the node is doing.
    pub fn stage(&self) -> Stage {
        match self.sync.phase {
            Phase::Judging { peer, .. } => {
                let claimed = self.claim_of(peer).map_or(Height::GENESIS, |claim| claim.height);
                Stage::Judging { height: self.branch.tip().height(), claimed }
            }
            Phase::Validating { height: goal, .. } => {
                let reached = self.sync.fork().map_or(self.chain.tip(), |_| self.branch.tip()).height();
                Stage::Validating { height: reached, goal }
            }
            Phase::Idle => {
                let mut greeted = self.peers.iter().flatten().filter(|peer| peer.is_greeted()).peekable();
                if greeted.peek().is_none() {
                    return Stage::NoPeer;
                }
                // One whose newest headers must wait has nothing to show for now.
                let more = greeted.find(|peer| peer.retry.is_none() && self.claims_more(peer));
                let height = self.chain.tip().height();
                more.and_then(|peer| peer.claim)
                    .map_or(Stage::AtTip, |claim| Stage::Judging { height, claimed: claim.height })
            }
        }
    }

    /// What a peer said of itself; where and how it is connected before it has is for others to say.
    pub fn peer_report(&self, peer: usize) -> PeerReport {
        let Some(state) = self.peer(peer) else { return PeerReport::default() };
        let is_greeted = state.is_greeted();
        PeerReport {
            address: Some(state.address),
            state: if is_greeted { PeerState::Connected } else { PeerState::Greeting },
            height: state.claim.map(|claim| claim.height).or(is_greeted.then(|| self.chain.tip().height())),
            latency_ms: state.session.latency_ms(),
        }
    }

    /// The miner.
    pub fn mining(&self) -> MiningReport {
        MiningReport {
            switch: self.miner.switch,
            hash_rate: self.miner.hash_rate(),
            attempts: self.miner.attempts(),
            found: self.miner.count,
            last: self.miner.last,
        }
    }

    /// The device's account.
    pub fn key(&self) -> Option<PublicKey> {
        self.key.as_ref().map(|key| key.public_key())
    }

    /// What the account holds, where that is proven at the tip.
    pub fn account(&self) -> Option<Account> {
        self.account.filter(|(at, _)| *at == self.chain.tip().id()).map(|(_, account)| account)
    }

    /// The payment that waits for confirmation.
    pub fn prepared(&self) -> Option<Prepared> {
        self.payments.prepared().map(|payment| Prepared {
            recipient: payment.recipient,
            amount: payment.amount,
            fee: payment.fee,
            memo_bytes: payment.memo.len(),
        })
    }

    /// Own payments, newest first.
    pub fn payments(&self) -> heapless::Vec<PaymentReport, OWN_PAYMENTS> {
        let tip = self.chain.tip();
        let mut newest_first = heapless::Vec::<&super::payments::Own, OWN_PAYMENTS>::new();
        for own in self.payments.own() {
            let nonce = own.transaction().nonce;
            let older = newest_first.iter().position(|other| other.transaction().nonce < nonce);
            let _ = newest_first.insert(older.unwrap_or(newest_first.len()), own);
        }
        let report = |own: &super::payments::Own| PaymentReport {
            id: own.id(),
            recipient: own.transaction().recipient,
            amount: own.transaction().amount,
            state: match own.mined() {
                None => PaymentState::Open,
                Some(mined) => PaymentState::Mined {
                    height: mined.height,
                    confirmations_tenths: self.peak.tenths(mined.before, tip.work(), tip.time()),
                },
            },
        };
        newest_first.into_iter().map(report).collect()
    }

    /// What is wrong with the chain or with the clock.
    pub fn fault(&self) -> Option<Fault> {
        let tip = self.chain.tip();
        if self.peak.has_fallen(tip.time(), tip.next_target(&self.params)) {
            return Some(Fault::DifficultyFell);
        }
        if self.clock.disagrees() {
            return Some(Fault::ClockDisagrees);
        }
        match self.stage() {
            Stage::Validating { height, goal } if self.was_at_tip => {
                let blocks = goal.above(height);
                (blocks >= BEHIND_BLOCKS).then_some(Fault::FallingBehind { blocks })
            }
            _ => None,
        }
    }
}
