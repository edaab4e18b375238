//! Attackers: they know every honest node's chain at once, have as many addresses as they like, and do real
//! work for what they forge.
//!
//! An attack is a raid: connections to some victims, each of which is told a story of its own, until the victims
//! hang up or the attackers retreat.

mod eclipse;
mod forge;
mod selfish;
mod story;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use mote_core::codec;
use mote_core::keys::SecretKey;
use mote_core::params::{FUTURE_MAX_SECONDS, Retarget};
use mote_core::rules::Rule;
use mote_core::transaction::Transaction;
use mote_core::wire::{List, Message};

pub use self::eclipse::ECLIPSE_NODES_MIN;
use self::eclipse::Eclipse;
pub(super) use self::eclipse::{ECLIPSE, is_attackers};
use self::forge::Forge;
pub(super) use self::selfish::POOL;
use self::selfish::Pool;
pub use self::selfish::Revenue;
use self::story::{Bodies, News, Story};
use super::checker::Violation;
use super::network::{End, listed};
use super::place::{START_SECONDS, key};
use super::random::Random;
use super::replay::{Replayed, transaction_id};
use super::world::{Happening, World};
use crate::encoding::encoded;
use crate::node::request::{PeerAddress, Request};
use crate::node::status::Direction;
use crate::node::{HostMempool, Input, Node};

/// The number of the first raid: beyond those of all nodes.
const FIRST_RAID: usize = 1 << 16;

/// How long a raid lasts at the most, in milliseconds.
const RAID_MS: u64 = 40_000;

/// The most blocks of a forged branch.
const BRANCH_MAX: usize = 16;

/// How far below the tip a branch forks off that is shorter than the chain, in blocks.
const HURRIED_BELOW: usize = 10;

/// Payments in a flood: more than a pool holds.
const FLOOD: u64 = 320;

/// The most open payments that an attacker puts into a block.
const OPEN_MAX: usize = 8;

/// What attackers do.
#[derive(Clone, Copy, Debug)]
enum Attack {
    /// A block that breaks a rule, on the victim's tip or in a branch that is heavier than its chain.
    BrokenBlock(Rule),
    /// Payments that break a rule.
    BadPayments,
    /// Two blocks of one height, each told to half of the nodes.
    Equivocation,
    /// A heavier branch without its bodies, or with others.
    Bodies(Bodies),
    /// The ids of a block's payments in another order, to somebody who has all of them open; and the truth to
    /// everybody else.
    Shuffled,
    /// The ids of a block with a payment that nobody has, which is given, or not, or another one.
    Ids(Bodies),
    /// A greeting that claims more work than there is, and nothing behind it.
    Claim,
    /// A message that nobody asked for.
    Unasked,
    /// More payments than a pool holds.
    Flood,
    /// A valid block that is stamped as late as every node must take it, so that times fall back behind it.
    Ahead,
    /// A valid branch with more work in fewer blocks: stamped as early as may be, each is harder than the last.
    Hurried,
}

impl Attack {
    fn drawn(random: &mut Random) -> Self {
        match random.below(20) {
            0..8 => Self::BrokenBlock(Rule::ALL[random.index(Rule::ALL.len())]),
            8 | 9 => Self::BadPayments,
            10 => Self::Equivocation,
            11 => Self::Bodies(Bodies::Withheld),
            12 => Self::Bodies([Bodies::Denied, Bodies::Swapped][random.index(2)]),
            13 => Self::Claim,
            14 => Self::Unasked,
            15 => Self::Flood,
            16 => Self::Ahead,
            17 => Self::Shuffled,
            18 => {
                let bodies = [Bodies::Given, Bodies::Withheld, Bodies::Denied, Bodies::Swapped];
                Self::Ids(bodies[random.index(bodies.len())])
            }
            _ => Self::Hurried,
        }
    }

    /// Whether its attackers stay until they are thrown out: those who promise and never give.
    fn lasts(self) -> bool {
        matches!(self, Self::Claim | Self::Bodies(Bodies::Withheld) | Self::Ids(Bodies::Withheld))
    }

    /// Its name in a summary.
    fn name(self) -> &'static str {
        match self {
            Self::BrokenBlock(rule) => rule.id(),
            Self::BadPayments => "bad_payments",
            Self::Equivocation => "equivocations",
            Self::Bodies(Bodies::Withheld) => "withheld_bodies",
            Self::Bodies(_) => "wrong_bodies",
            Self::Shuffled => "shuffled_ids",
            Self::Ids(Bodies::Given) => "pushed_blocks",
            Self::Ids(Bodies::Withheld) => "withheld_payments",
            Self::Ids(_) => "wrong_payments",
            Self::Claim => "false_claims",
            Self::Unasked => "unasked_answers",
            Self::Flood => "floods",
            Self::Ahead => "late_stamps",
            Self::Hurried => "short_branches",
        }
    }
}

/// All attackers.
pub(super) struct Attackers {
    random: Random,
    wallets: Vec<SecretKey>,
    /// What is told on which connection.
    stories: BTreeMap<End, Story>,
    raids: usize,
    eclipse: Eclipse,
    pool: Pool,
}

impl Attackers {
    /// Attackers who use the wallets of so many nodes. Their chance is their own, so that a world without them
    /// is the same as ever.
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        let random = Random::new(seed ^ 0xadad_adad);
        Self {
            random,
            wallets: (0..nodes).map(key).collect(),
            stories: BTreeMap::new(),
            raids: 0,
            eclipse: Eclipse::default(),
            pool: Pool::new(),
        }
    }
}

/// The address from which a raid comes: each is in a network group of its own.
fn raid_address(raid: usize) -> IpAddr {
    let [.., high, low] = (raid as u32).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(100 + high % 100, low, 0, 1))
}

impl World {
    /// Plans the next attack.
    pub(super) fn plan_attack(&mut self) {
        if self.knobs.attack_interval_ms > 0 {
            let then = self.millis + self.attackers.random.exponential(self.knobs.attack_interval_ms);
            if then < self.healed_at {
                self.queue.add(then, Happening::Attack);
            }
        }
    }

    /// Attacks somebody.
    pub(super) fn attack(&mut self) -> Result<(), Violation> {
        self.plan_attack();
        let attack = Attack::drawn(&mut self.attackers.random);
        let running = self.honest().filter(|place| place.node.is_some());
        let victims: Vec<usize> = running.map(|place| place.number).collect();
        if victims.is_empty() {
            return Ok(());
        }
        let victim = victims[self.attackers.random.index(victims.len())];
        let Some(stories) = self.stories(attack, victim, &victims) else { return Ok(()) };
        *self.tally.faults.entry(attack.name()).or_default() += 1;
        let raid = FIRST_RAID + self.attackers.raids;
        self.attackers.raids += 1;
        for (victim, story) in stories {
            if matches!(attack, Attack::Flood) {
                for payment in &story.payments {
                    self.request(victim, Request::Submit(payment.clone()))?;
                }
                continue;
            }
            let address = PeerAddress::from_ip(raid_address(raid), 40_000);
            self.call(raid, victim, address, story)?;
        }
        if !attack.lasts() {
            self.queue.add(self.millis + RAID_MS, Happening::Retreat(raid));
        }
        Ok(())
    }

    /// What each victim of an attack is told; none where there is no attack.
    fn stories(&mut self, attack: Attack, victim: usize, all: &[usize]) -> Option<Vec<(usize, Story)>> {
        let replay = self.checker.replay();
        let tip = replay.get(&self.checker.tip(victim))?;
        let seconds = START_SECONDS + self.millis / 1_000;
        let pool = self.places.get(victim).and_then(|place| place.node.as_ref()).map(Node::mempool);
        let open = pool.into_iter().flat_map(HostMempool::by_priority).take(OPEN_MAX);
        let open: Vec<Transaction> = open.map(|entry| entry.transaction().clone()).collect();
        let Attackers { random, wallets, .. } = &mut self.attackers;
        let honest = Story::honest(tip, random.next());
        let mut forge = Forge {
            params: &self.params,
            facts: replay.facts(),
            wallets,
            now: seconds,
            latest: seconds + FUTURE_MAX_SECONDS + self.knobs.clock_skew_max_seconds,
            random,
            signed: Vec::new(),
        };
        let stories = match attack {
            Attack::BrokenBlock(rule) => {
                let mut branch = fork(&mut forge, replay.chain(&tip.id).map(|(_, replayed)| replayed), tip)?;
                let parent = branch.last()?.clone();
                branch.push(forge.broken(&parent, replay, rule)?);
                while branch.len() < BRANCH_MAX && branch.last().is_some_and(|last| last.work <= tip.work)
                    || forge.random.chance(300)
                {
                    let last = branch.last()?.clone();
                    branch.push(forge.block(&last, Vec::new()));
                }
                vec![(victim, honest.with_blocks(&branch[1..]))]
            }
            Attack::BadPayments => {
                let payments = forge.bad_payments(tip, replay)?;
                vec![(victim, Story { payments, ..honest })]
            }
            Attack::Equivocation => {
                let one = forge.payments(tip, 1);
                let blocks = [forge.block(tip, one), forge.block(tip, Vec::new())];
                let told = |(index, node): (usize, &usize)| {
                    let nonce = honest.nonce + index as u64;
                    let story = Story { nonce, is_true: true, ..honest.clone() };
                    (*node, story.with_blocks(&blocks[index % 2..][..1]))
                };
                all.iter().enumerate().map(told).collect()
            }
            Attack::Ahead => {
                forge.now =
                    (seconds + FUTURE_MAX_SECONDS).saturating_sub(2 * self.knobs.clock_skew_max_seconds);
                let block = forge.block(tip, Vec::new());
                truth_for(all, &honest.with_blocks(&[block]))
            }
            Attack::Hurried => {
                let branch = hurried(&mut forge, replay.chain(&tip.id).map(|(_, replayed)| replayed), tip)?;
                let hears_of_it = if forge.random.chance(250) { all } else { &[victim] };
                truth_for(hears_of_it, &honest.with_blocks(&branch))
            }
            Attack::Bodies(bodies) => {
                let payments = forge.payments(tip, 2);
                let first = forge.block(tip, payments.clone());
                let second = forge.block(&first, Vec::new());
                let told = Story { bodies, payments, ..honest }.with_blocks(&[first, second]);
                vec![(victim, told)]
            }
            Attack::Shuffled => {
                if open.len() < 2 {
                    return None;
                }
                let told = honest.with_blocks(&[forge.block(tip, open)]);
                let others: Vec<usize> = all.iter().copied().filter(|node| *node != victim).collect();
                let mut stories = truth_for(&others, &Story { news: News::Ids, ..told.clone() });
                let nonce = told.nonce + stories.len() as u64;
                stories.push((victim, Story { news: News::Shuffled, nonce, ..told }));
                stories
            }
            Attack::Ids(bodies) => {
                let own = forge.payments(tip, 1);
                // Beside payments of its own sender it could not be mined.
                let is_other = |open: &Transaction| own.iter().all(|own| own.sender != open.sender);
                let payments: Vec<Transaction> =
                    open.into_iter().filter(is_other).chain(own.clone()).collect();
                let block = forge.block(tip, payments);
                let is_true = bodies == Bodies::Given;
                let told = Story { news: News::Ids, bodies, is_true, ..honest }.with_blocks(&[block]);
                vec![(victim, told)]
            }
            Attack::Claim => {
                let (claim, bodies) = (tip.work.times(1_000_000), Bodies::Withheld);
                let told = Story { claim, bodies, height: tip.height() + 1_000, ..honest };
                let each = |node: &usize| (*node, Story { nonce: told.nonce + *node as u64, ..told.clone() });
                all.iter().map(each).collect()
            }
            Attack::Unasked => vec![(victim, Story { unasked: vec![unasked(forge.random, tip)], ..honest })],
            Attack::Flood => {
                let payments = forge.payments(tip, FLOOD);
                if payments.is_empty() {
                    return None;
                }
                vec![(victim, Story { payments, ..honest })]
            }
        };
        let signed = forge.signed;
        signed
            .iter()
            .for_each(|transaction| self.checker.replay_mut().note_signed(transaction_id(transaction)));
        Some(stories)
    }

    /// Connects an attacker with a victim.
    pub(super) fn call(
        &mut self,
        raid: usize,
        victim: usize,
        address: PeerAddress,
        story: Story,
    ) -> Result<(), Violation> {
        if self.places.get(victim).is_none_or(|place| place.node.is_none()) {
            return Ok(());
        }
        let (near, far) = self.network.connect(raid, victim);
        self.input(victim, Input::Opened { peer: far.peer, direction: Direction::Inbound, address })?;
        let greeting = story.greeting(self.checker.replay(), START_SECONDS + self.millis / 1_000);
        self.attackers.stories.insert(near, story);
        self.send(near, greeting);
        Ok(())
    }

    /// A node has called the attacker, who greets it.
    pub(super) fn called(&mut self, near: End) {
        let Some(story) = self.take_call() else { return };
        let greeting = story.greeting(self.checker.replay(), START_SECONDS + self.millis / 1_000);
        self.attackers.stories.insert(near, story);
        self.send(near, greeting);
    }

    /// An attacker hears from a victim.
    pub(super) fn attacker_hears(&mut self, to: End, bytes: &[u8]) {
        let Some(story) = self.attackers.stories.get(&to) else { return };
        let Ok(message) = codec::decode::<Message>(bytes) else { return };
        let replay = self.checker.replay();
        let answers = match message {
            Message::Hello(_) => story.opening(replay),
            message => story.answer(replay, &message),
        };
        answers.into_iter().for_each(|answer| self.send(to, answer));
    }

    /// Whether what is told at this end of a connection is true: no rule is broken in it.
    pub(super) fn is_truth_told(&self, end: &End) -> bool {
        self.attackers.stories.get(end).is_some_and(|story| story.is_true)
    }

    /// An attacker's connection has ended.
    pub(super) fn attacker_lost(&mut self, end: End) {
        self.attackers.stories.remove(&end);
    }

    /// The attackers of a raid hang up.
    pub(super) fn retreat(&mut self, raid: usize) {
        for end in self.network.ends_of(raid) {
            self.attackers.stories.remove(&end);
            if let Some((other, then)) = self.network.close(self.millis, end) {
                self.queue.add(then, Happening::Closed(other, "closed by the peer".to_owned()));
            }
        }
    }
}

/// A branch that forks off `tip`'s chain up to three blocks below it, the block at the fork first, and goes up to
/// the tip's height.
fn fork<'r>(
    forge: &mut Forge<'_>,
    mut chain: impl Iterator<Item = &'r Replayed>,
    tip: &Replayed,
) -> Option<Vec<Replayed>> {
    let below = if forge.random.chance(500) { 0 } else { 1 + forge.random.index(3) };
    let mut branch = vec![chain.nth(below.min(tip.height() as usize))?.clone()];
    for _ in 0..forge.random.index(below + 1) {
        let last = branch.last()?.clone();
        branch.push(forge.block(&last, Vec::new()));
    }
    Some(branch)
}

/// A branch of fewer and harder blocks that outweighs the chain of `tip`; none where targets do not follow.
fn hurried<'r>(
    forge: &mut Forge<'_>,
    mut chain: impl Iterator<Item = &'r Replayed>,
    tip: &Replayed,
) -> Option<Vec<Replayed>> {
    if forge.facts.retarget == Retarget::Never {
        return None;
    }
    forge.now = 0;
    let mut last = chain.nth(HURRIED_BELOW.min(tip.height() as usize))?.clone();
    let mut branch = Vec::new();
    while last.work <= tip.work && branch.len() < BRANCH_MAX {
        last = forge.block(&last, Vec::new());
        branch.push(last.clone());
    }
    Some(branch)
}

/// A true story as each of these nodes is told it, by somebody else.
fn truth_for(nodes: &[usize], story: &Story) -> Vec<(usize, Story)> {
    let nonces = story.nonce..;
    let told = nodes.iter().zip(nonces);
    told.map(|(node, nonce)| (*node, Story { nonce, is_true: true, ..story.clone() })).collect()
}

/// An answer to nothing, or a message that is none.
fn unasked(random: &mut Random, tip: &Replayed) -> Vec<u8> {
    let header = tip.block.header.clone();
    match random.below(7) {
        0 => encoded(&Message::NotFound(tip.id)),
        1 => encoded(&Message::WitnessStart(header)),
        2 => encoded(&Message::WitnessEnd(None)),
        3 => encoded(&Message::Block(&crate::block::encode(&tip.block))),
        4 => listed(&[header], |list: List<'_, _>| encoded(&Message::Headers(list))),
        5 => encoded(&Message::Pong(u64::MAX)),
        _ => vec![255; 1 + random.index(64)],
    }
}
