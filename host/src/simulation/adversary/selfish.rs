//! Selfish mining: a miner who withholds what it finds, and publishes only as much of it as makes the others' work
//! worthless (Eyal, Sirer: "Majority Is Not Enough: Bitcoin Mining Is Vulnerable", 2014).

use std::net::{IpAddr, Ipv4Addr};

use mote_core::hash::Hash32;
use mote_core::keys::SecretKey;
use mote_core::params::FUTURE_MAX_SECONDS;
use serde::Serialize;

use super::eclipse::ECLIPSE;
use super::forge::Forge;
use super::story::Story;
use crate::node::request::PeerAddress;
use crate::simulation::checker::Violation;
use crate::simulation::network::End;
use crate::simulation::place::START_SECONDS;
use crate::simulation::world::{Happening, World};

/// The number by which the network knows the pool.
pub(in crate::simulation) const POOL: usize = ECLIPSE - 1;

/// How often the pool looks at the others' chain, in milliseconds.
const PACE_MS: u64 = 100;

/// The address from which the pool calls.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(149, 0, 0, 1));

/// A miner who withholds blocks.
pub(in crate::simulation) struct Pool {
    key: [SecretKey; 1],
    /// Its blocks above the fork.
    private: Vec<Hash32>,
    /// How many of them the others know.
    published: usize,
    /// How high the others' chain was when it last looked.
    public_height: u64,
}

impl Pool {
    /// A pool that has found nothing yet.
    pub(super) fn new() -> Self {
        let key = [SecretKey::from_seed(&[0x73; 32])];
        Self { key, private: Vec::new(), published: 0, public_height: 0 }
    }
}

/// What came of selfish mining.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revenue {
    /// How many of a thousand attempts were the pool's.
    pub share_per_mille: u32,
    /// How many of a thousand blocks of the chain are the pool's.
    pub revenue_per_mille: u64,
    /// What Eyal and Sirer expect where the pool loses every race of two equal chains.
    pub expected_least_per_mille: u64,
    /// What they expect where all others work on the pool's block in a race.
    pub expected_most_per_mille: u64,
}

/// The relative revenue that Eyal and Sirer (2014, equation 8) give for a share, where the others work on the
/// pool's block in either no race or all of them.
fn expected(share_per_mille: u32, wins_races: bool) -> u64 {
    let (share, all) = (i128::from(share_per_mille), 1_000_i128);
    let races = if wins_races { all - 2 * share } else { 0 };
    let got = share * (all - share).pow(2) * (4 * share + races) - share.pow(3) * all;
    let of = all.pow(3) - share * all.pow(2) - 2 * share.pow(2) * all + share.pow(3);
    (got / of.max(1)).max(0) as u64
}

impl World {
    /// Plans what the pool does first.
    pub(in crate::simulation) fn plan_pool(&mut self) {
        if self.knobs.selfish_per_mille > 0 {
            self.queue.add(0, Happening::PoolLooks);
            self.plan_pool_block();
        }
    }

    fn plan_pool_block(&mut self) {
        let share = u64::from(self.knobs.selfish_per_mille.min(999));
        let mean = self.knobs.block_interval_ms.saturating_mul(1_000 - share) / share.max(1);
        let then = self.millis + self.attackers.random.exponential(mean.max(1));
        if then < self.healed_at {
            self.queue.add(then, Happening::PoolFinds);
        }
    }

    /// The best tip of the others, and its height.
    fn public_tip(&self) -> (Hash32, u64) {
        let replay = self.checker.replay();
        let tips = self.honest().map(|place| self.checker.tip(place.number));
        let best = tips.max_by_key(|tip| replay.work(tip)).unwrap_or(replay.genesis());
        (best, replay.get(&best).map_or(0, |block| block.height()))
    }

    /// The pool finds a block: it keeps it to itself, unless that decides a race.
    pub(in crate::simulation) fn pool_finds(&mut self) {
        self.plan_pool_block();
        let (public, height) = self.public_tip();
        let replay = self.checker.replay();
        let parent = self.attackers.pool.private.last().copied().unwrap_or(public);
        let Some(parent) = replay.get(&parent).cloned() else { return };
        let now = START_SECONDS + self.millis / 1_000;
        let latest = now + FUTURE_MAX_SECONDS;
        let mut forge = Forge {
            params: &self.params,
            facts: replay.facts(),
            wallets: &self.attackers.pool.key,
            now,
            latest,
            random: &mut self.attackers.random,
            signed: Vec::new(),
        };
        let found = forge.block(&parent, Vec::new());
        if self.checker.replay_mut().judge(&found.id, &found.block, latest).is_err() {
            return;
        }
        let pool = &mut self.attackers.pool;
        let is_race = pool.published > 0 && pool.published == pool.private.len() && parent.height() == height;
        pool.private.push(found.id);
        if is_race {
            self.publish(usize::MAX);
        }
    }

    /// The pool looks how far the others are, and publishes what that asks for.
    pub(in crate::simulation) fn pool_looks(&mut self) -> Result<(), Violation> {
        if self.millis < self.healed_at {
            self.queue.add(self.millis + PACE_MS, Happening::PoolLooks);
        }
        self.call_all()?;
        let (public, height) = self.public_tip();
        let pool = &mut self.attackers.pool;
        let has_grown = std::mem::replace(&mut pool.public_height, height) < height;
        let Some(last) = pool.private.last() else { return Ok(()) };
        let own = self.checker.replay().get(last).map_or(0, |block| block.height());
        if *last == public || own < height {
            // Its blocks have won, or have lost.
            (pool.private, pool.published) = (Vec::new(), 0);
        } else if has_grown {
            let lead = (own - height) as usize;
            let secret = if lead <= 1 { 0 } else { lead };
            let known = pool.private.len() - secret.min(pool.private.len());
            self.publish(known);
        }
        Ok(())
    }

    /// Calls everybody whom the pool is not connected with.
    fn call_all(&mut self) -> Result<(), Violation> {
        let ends = self.network.ends_of(POOL);
        let called: Vec<usize> =
            ends.iter().filter_map(|end| self.network.other(*end)).map(|end| end.place).collect();
        let others: Vec<usize> = self.honest().map(|place| place.number).collect();
        for number in others.into_iter().filter(|number| !called.contains(number)) {
            let Some(tip) = self.checker.replay().get(&self.checker.tip(number)).cloned() else { continue };
            let nonce = self.attackers.random.next();
            let story = Story { is_true: true, ..Story::honest(&tip, nonce) };
            self.call(POOL, number, PeerAddress::from_ip(ADDRESS, 40_000), story)?;
        }
        Ok(())
    }

    /// Tells everybody of the first `known` of the pool's blocks.
    fn publish(&mut self, known: usize) {
        let pool = &mut self.attackers.pool;
        let known = known.min(pool.private.len());
        if known <= pool.published {
            return;
        }
        pool.published = known;
        let Some(tip) = pool.private.get(known - 1).copied() else { return };
        let ends: Vec<End> = self.network.ends_of(POOL);
        for end in ends {
            let Some(story) = self.attackers.stories.get_mut(&end) else { continue };
            story.tip = tip;
            let told = story.opening(self.checker.replay());
            told.into_iter().for_each(|message| self.send(end, message));
        }
    }

    /// What came of selfish mining, where there was any.
    pub(in crate::simulation) fn revenue(&self) -> Option<Revenue> {
        let share = self.knobs.selfish_per_mille;
        let key = self.attackers.pool.key[0].public_key();
        let chain: Vec<bool> = self
            .checker
            .replay()
            .chain(&self.checker.tip(0))
            .filter(|(_, replayed)| replayed.height() > 0)
            .map(|(_, replayed)| replayed.block.header.miner == key)
            .collect();
        let own = chain.iter().filter(|is_own| **is_own).count() as u64;
        (share > 0).then(|| Revenue {
            share_per_mille: share,
            revenue_per_mille: own * 1_000 / (chain.len() as u64).max(1),
            expected_least_per_mille: expected(share, false),
            expected_most_per_mille: expected(share, true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_those_of_the_paper() {
        // Below a third it does not pay where races are lost; with a quarter and all races won it breaks even
        // long before.
        assert_eq!(expected(333, false), 332);
        assert!(expected(250, false) < 250 && expected(250, true) > 250);
        assert!((483..=485).contains(&expected(400, false)), "{}", expected(400, false));
    }
}
