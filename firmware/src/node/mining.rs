//! Mining in slices: a template whose state root was learnt by executing its witness, then attempts.

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::miner::{Job, stamp, template};
use mote_core::params::Params;
use mote_core::rules::Executed;
use mote_core::units::{Moment, Timestamp};

use super::payments::Selection;
use crate::command::Mining;

/// Attempts in one slice: some 25 milliseconds of a 50 MHz processor.
const SLICE_ATTEMPTS: u64 = 512;

/// A template's time is stamped anew after so many seconds.
const STAMP_SECONDS: u64 = 5;

/// How long a template may lack transactions that came since, in milliseconds.
const REFRESH_MS: u64 = 2_000;

/// The time over which attempts a second are counted, in milliseconds.
const RATE_MS: u64 = 2_000;

/// The miner.
pub struct Miner {
    /// Whether it is switched on.
    pub switch: Mining,
    /// The block that this device found last, as long as it can be served.
    pub found: Option<Found>,
    /// How many blocks it found.
    pub count: u32,
    /// The height of the last one.
    pub last: Option<mote_core::units::Height>,
    template: Option<Template>,
    /// What the template that is asked for has.
    asked: Option<(Hash32, Selection)>,
    /// The tip on which a template with payments came to nothing.
    without_payments: Hash32,
    attempts: u64,
    rate: Rate,
}

/// A block that this device found.
pub struct Found {
    /// Its header.
    pub header: Header,
    /// Its id.
    pub id: Hash32,
    /// Its transactions.
    pub transactions: Selection,
}

struct Template {
    tip: Hash32,
    executed: Executed,
    transactions: Selection,
    made: Moment,
    job: Option<(Header, Job, u64)>,
}

#[derive(Default)]
struct Rate {
    since: Moment,
    attempts: u64,
    last: u32,
}

impl Miner {
    /// A miner that has nothing to do yet.
    pub fn new(switch: Mining) -> Self {
        let rate = Rate::default();
        Self {
            switch,
            found: None,
            count: 0,
            last: None,
            template: None,
            asked: None,
            without_payments: Hash32::ZERO,
            attempts: 0,
            rate,
        }
    }

    /// Whether a template of these transactions is to be asked for.
    pub fn wants(&self, tip: &Hash32, open: Selection, now: Moment) -> bool {
        let is_asked = self.asked.as_ref().is_some_and(|(asked, _)| asked == tip);
        let is_outdated = match &self.template {
            Some(template) if template.tip == *tip => {
                template.transactions != open && now.since(template.made) >= REFRESH_MS
            }
            _ => true,
        };
        self.switch == Mining::On && !is_asked && is_outdated
    }

    /// A template is being asked for.
    pub fn ask(&mut self, tip: Hash32, transactions: Selection) {
        self.asked = Some((tip, transactions));
    }

    /// The transactions of the template that was asked for.
    pub fn asked(&self, tip: &Hash32) -> Option<Selection> {
        self.asked.filter(|(asked, _)| asked == tip).map(|(_, transactions)| transactions)
    }

    /// The template that was asked for was executed.
    pub fn learn(&mut self, tip: Hash32, executed: Executed, now: Moment) {
        if let Some(transactions) = self.asked(&tip) {
            self.template = Some(Template { tip, executed, transactions, made: now, job: None });
        }
        self.asked = None;
    }

    /// A template on this tip that was asked for does not come; what it has.
    pub fn give_up(&mut self, tip: &Hash32) -> Option<Selection> {
        self.asked.take_if(|(asked, _)| asked == tip).map(|(_, transactions)| transactions)
    }

    /// The next template on this tip is one of no payments. Some are gone, and with them a template that has
    /// one of them.
    pub fn do_without_payments(&mut self, tip: &Hash32, gone: Selection) {
        self.without_payments = *tip;
        self.template.take_if(|template| template.transactions.meets(gone));
    }

    /// Whether a template on this tip is to have payments.
    pub fn takes_payments(&self, tip: &Hash32) -> bool {
        self.without_payments != *tip
    }

    /// Makes a slice of attempts on `tip` and returns the header and transactions of the block that was
    /// found, if any.
    pub fn slice(
        &mut self,
        params: &Params,
        tip: &Tip,
        miner: PublicKey,
        time: Timestamp,
    ) -> Option<(Header, Executed, Selection)> {
        if self.switch == Mining::Off {
            self.template = None;
            return None;
        }
        let template_of = self.template.as_mut().filter(|template| template.tip == tip.id())?;
        let stamped = stamp(tip, time)?;
        let is_stale = |header: &Header| stamped.since(header.time) >= STAMP_SECONDS;
        if template_of.job.as_ref().is_none_or(|(header, ..)| is_stale(header)) {
            let header = template(params, tip, miner, stamped, &template_of.executed);
            template_of.job = Job::new(&header).map(|job| (header, job, 0));
        }
        let (header, job, next) = template_of.job.as_mut()?;
        let end = next.saturating_add(SLICE_ATTEMPTS);
        let found = job.search(*next..end);
        self.attempts += found.map_or(end, |nonce| nonce + 1) - *next;
        *next = end;
        header.nonce = found?;
        let found = (header.clone(), template_of.executed, template_of.transactions);
        self.template = None;
        Some(found)
    }

    /// Whether there is something to make attempts on.
    pub fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// Attempts since power-on.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Attempts a second as of late.
    pub fn hash_rate(&self) -> u32 {
        self.rate.last
    }

    /// Counts the rate; to be called now and then.
    pub fn measure(&mut self, now: Moment) {
        let elapsed = now.since(self.rate.since);
        if elapsed >= RATE_MS {
            let rate = (self.attempts - self.rate.attempts).saturating_mul(1_000) / elapsed;
            let last = u32::try_from(rate).unwrap_or(u32::MAX);
            self.rate = Rate { since: now, attempts: self.attempts, last };
        }
    }
}
