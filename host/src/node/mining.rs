//! What the miner threads work on: a template on the tip, for whoever asked or for the settings.

use std::collections::VecDeque;

use mote_core::block::Header;
use mote_core::keys::PublicKey;
use mote_core::miner::{self, Job, stamp};
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, Clock};
use mote_core::transaction::Transaction;
use mote_core::units::Moment;

use super::request::{MineError, MiningSettings, RateLimit, Reply, Switch};
use super::{Node, Now, Output, Ticket};
use crate::block::Block;
use crate::store::disk::Disk;
use crate::store::ledger::AddError;

/// How many requests to mine a block may wait.
const QUEUE_MAX: usize = 256;

/// A template is renewed after so many milliseconds where new transactions came or its time is old.
const TEMPLATE_MAX_AGE_MS: u64 = 1_000;

/// Names a job, so that a nonce which comes too late is not taken for another one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What miner threads are told.
#[derive(Clone, Debug)]
pub struct MiningOrder {
    /// Names the job.
    pub id: JobId,
    /// What to search.
    pub job: Job,
    /// With how many threads.
    pub threads: usize,
    /// How fast.
    pub limit: RateLimit,
}

/// A block that lacks its nonce.
struct Template {
    id: JobId,
    header: Header,
    transactions: Vec<Transaction>,
    made: Moment,
    pool_version: u64,
}

/// The miner's side of the node.
pub struct Mining {
    settings: MiningSettings,
    queue: VecDeque<(Ticket, PublicKey)>,
    template: Option<Template>,
    next_job: u64,
}

impl Mining {
    /// A miner with these settings.
    pub fn new(settings: MiningSettings) -> Self {
        Self { settings, queue: VecDeque::new(), template: None, next_job: 0 }
    }

    /// The settings.
    pub fn settings(&self) -> &MiningSettings {
        &self.settings
    }

    /// For whom a block is to be mined now, and how fast: first those who asked for one.
    fn purpose(&self) -> Option<(PublicKey, RateLimit)> {
        if let Some((_, miner)) = self.queue.front() {
            return Some((*miner, RateLimit::Unlimited));
        }
        let miner = self.settings.miner.filter(|_| self.settings.switch == Switch::On)?;
        Some((miner, self.settings.limit))
    }
}

impl<D: Disk> Node<D> {
    pub(super) fn set_mining(&mut self, now: Now, settings: MiningSettings) -> MiningSettings {
        self.mining.settings = MiningSettings { threads: settings.threads.max(1), ..settings };
        self.renew_job(now);
        self.mining.settings.clone()
    }

    /// Queues a request to mine one block.
    pub(super) fn mine_block(&mut self, now: Now, ticket: Ticket, miner: PublicKey) {
        if self.mining.queue.len() >= QUEUE_MAX {
            return self.reply(ticket, Reply::Mined(Err(MineError::Busy { limit: QUEUE_MAX })));
        }
        self.mining.queue.push_back((ticket, miner));
        if self.mining.queue.len() == 1 {
            self.renew_job(now);
        }
    }

    /// Turns a nonce into a block.
    pub(super) fn found(&mut self, now: Now, job: JobId, nonce: u64) {
        if self.read_only.is_some() {
            return self.renew_job(now);
        }
        let Some(mut template) = self.mining.template.take_if(|template| template.id == job) else { return };
        template.header.nonce = nonce;
        let block = Block { header: template.header, transactions: template.transactions };
        match self.accept(&block, Clock::Now(now.time)) {
            Ok(()) => {
                let is_asked_for =
                    self.mining.queue.front().is_some_and(|(_, miner)| *miner == block.header.miner);
                if is_asked_for && let Some((ticket, _)) = self.mining.queue.pop_front() {
                    self.reply(ticket, Reply::Mined(Ok((block.header.id(), block.header))));
                }
            }
            Err(AddError::Store(error)) => self.fail(error),
            Err(error) => tracing::warn!(%error, "a block mined here was refused"),
        }
        self.renew_job(now);
    }

    /// Renews a template that is old, where that could gain something.
    pub(super) fn renew_old_job(&mut self, now: Now) {
        let is_due = match &self.mining.template {
            None => self.mining.purpose().is_some(),
            Some(template) => {
                let age = now.moment.since(template.made);
                let has_news = template.pool_version != self.pool.version();
                age >= TEMPLATE_MAX_AGE_MS && (has_news || age >= 10 * TEMPLATE_MAX_AGE_MS)
            }
        };
        if is_due {
            self.renew_job(now);
        }
    }

    /// Gives the miner threads a block on the present tip, or rest.
    pub(super) fn renew_job(&mut self, now: Now) {
        self.mining.template = None;
        let order = match self.read_only.clone() {
            Some(reason) => self.refuse_mining(|| MineError::ReadOnly(reason.clone())),
            None => {
                let purpose = self.mining.purpose();
                purpose.and_then(|(miner, limit)| self.make_order(now, miner, limit))
            }
        };
        self.outputs.push_back(Output::Mine(order));
    }

    /// Tells all who wait for a block why there will be none; the miner rests.
    fn refuse_mining(&mut self, why: impl Fn() -> MineError) -> Option<MiningOrder> {
        for (ticket, _) in std::mem::take(&mut self.mining.queue) {
            self.reply(ticket, Reply::Mined(Err(why())));
        }
        None
    }

    fn make_order(&mut self, now: Now, miner: PublicKey, limit: RateLimit) -> Option<MiningOrder> {
        let tip = self.ledger.tip();
        let height = tip.height().next();
        if self.ledger.is_pinned(height) {
            return self.refuse_mining(|| MineError::Checkpoint { height });
        }
        let Some(time) = stamp(tip, now.time) else { return self.refuse_mining(|| MineError::ClockBehind) };
        let best: Vec<CheckedTransaction<'_>> =
            self.pool.best(self.params.block_transactions_max).map(|entry| entry.checked()).collect();
        // The pool only holds what can be mined; should a rule still refuse something, a block without
        // transactions keeps the chain going.
        let (executed, best) = match self.ledger.execute(tip, &best, miner) {
            Ok(executed) => (executed, best),
            Err(error) => {
                tracing::error!(%error, "open transactions could not be executed");
                (self.ledger.execute(tip, &[], miner).ok()?, Vec::new())
            }
        };
        let header = miner::template(&self.params, tip, miner, time, &executed);
        let job = Job::new(&header)?;
        let id = JobId(self.mining.next_job);
        let transactions = best.iter().map(|checked| checked.transaction().clone()).collect();
        let pool_version = self.pool.version();
        self.mining.next_job += 1;
        self.mining.template = Some(Template { id, header, transactions, made: now.moment, pool_version });
        Some(MiningOrder { id, job, threads: self.mining.settings.threads, limit })
    }
}

/// The rate at which a miner of this network is limited unless its operator says otherwise: on local
/// networks a laptop should stay cool and leave a device its share of the blocks.
pub fn default_limit(params: &Params) -> RateLimit {
    match params.network() {
        mote_core::params::Network::Local | mote_core::params::Network::Group(_) => {
            RateLimit::PerSecond(200_000)
        }
        _ => RateLimit::Unlimited,
    }
}
