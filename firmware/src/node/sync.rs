//! Following peers: their headers show first how much work a branch stands for, then its blocks are
//! checked, and it takes the chain's place only once it is valid and has more work.

use heapless::Deque;
use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::params::{FUTURE_MAX_SECONDS, TIME_LIMIT_SECONDS};
use mote_core::peer::{Asked, Offence as PeerOffence};
use mote_core::pow::Work;
use mote_core::rules::{CheckedHeader, Clock, RuleError, check_header};
use mote_core::units::{Height, Moment, Timestamp};
use mote_core::wire::List;

use super::payments::{Mined, Selection};
use super::peer::{Claim, Peer};
use super::validation::{Failure, Validation};
use super::{Node, Surroundings};
use crate::report::Offence;

/// Headers that are asked for at once: what fits the window in which a message is read.
pub const HEADERS: u16 = 8;

/// After a header whose time must come, a peer is asked again in so many milliseconds.
const RETRY_MS: u64 = 2_000;

/// What a peer's clock may seem to be behind by because of whole seconds and the way that its word took.
const CLOCK_SLACK_SECONDS: u64 = 10;

/// Blocks' worth of work that a branch must have above ours for its miners to be believed about the time
/// rather than our clock: two minutes of the whole network's work.
const BELIEVED_BLOCKS: u64 = 12;

/// Announcements in a row that lead to nothing of more work before a peer is of no use. One that is merely
/// late has one or two.
const FUTILE_MAX: u8 = 8;

/// Where the way to the tip of most work has got to.
#[derive(Default)]
pub struct Sync {
    pub(super) phase: Phase,
    /// Ids of the blocks that are to be validated next, of which the first `asked` were asked for.
    pub(super) next: Deque<Hash32, { HEADERS as usize }>,
    pub(super) asked: usize,
    /// The last header that was named in the order of the branch.
    pub(super) last: Hash32,
    /// The block that is being checked.
    pub(super) block: Option<Checking>,
    /// Whether headers are followed whose time has not come by our clock.
    pub(super) is_ahead: bool,
}

/// A block that is being checked.
pub struct Checking {
    /// What it is checked for.
    pub(super) subject: Subject,
    /// Who sends its witness.
    pub(super) peer: usize,
    pub(super) validation: Validation,
    /// Which transactions that are kept here it has.
    pub(super) transactions: Selection,
    /// How many transactions were judged.
    pub(super) count: usize,
}

/// What a witness is executed for.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and nearly all are blocks")]
pub enum Subject {
    /// To join the chain or the branch.
    Block(CheckedHeader),
    /// To learn what a block on this tip must commit to.
    Template(Hash32),
}

/// What is being done about the chains of peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing: no peer shows more work.
    #[default]
    Idle,
    /// The headers of a peer are being followed.
    Judging {
        peer: usize,
        /// Whether the block that its branch starts at was found.
        is_linked: bool,
    },
    /// The blocks of a branch that has more work are being checked.
    Validating {
        peer: usize,
        /// The branch's last header.
        goal: Hash32,
        height: Height,
        place: Place,
    },
}

/// Where the blocks that are being checked go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the chain.
    Chain,
    /// On a branch that leaves the chain at this height and does not have more work yet.
    Branch(Height),
}

impl Sync {
    /// Whether no peer is being followed.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// The peer that is being followed.
    pub fn peer(&self) -> Option<usize> {
        match self.phase {
            Phase::Idle => None,
            Phase::Judging { peer, .. } | Phase::Validating { peer, .. } => Some(peer),
        }
    }

    /// Where the branch that is being validated leaves the chain.
    pub fn fork(&self) -> Option<Height> {
        match self.phase {
            Phase::Validating { place: Place::Branch(fork), .. } => Some(fork),
            _ => None,
        }
    }

    /// Nobody is followed any more.
    pub(super) fn stop(&mut self) {
        self.phase = Phase::Idle;
        self.is_ahead = false;
        self.next.clear();
        self.asked = 0;
        self.block = None;
    }
}

impl Node<'_> {
    /// Begins to follow a peer that claims more than is known, if there is one and nobody is followed.
    pub fn follow_somebody(&mut self, now: Moment) {
        if !self.sync.is_idle() || self.clock.time(now).is_none() {
            return;
        }
        let is_due = |peer: &Peer| self.claims_more(peer) && peer.retry.is_none_or(|retry| now >= retry);
        let rank = |peer: &Peer| peer.claim.and_then(|claim| claim.work);
        let candidates =
            self.peers.iter().enumerate().filter_map(|(index, peer)| Some((index, peer.as_ref()?)));
        let best = candidates.filter(|(_, peer)| is_due(peer)).max_by_key(|(_, peer)| rank(peer));
        if let Some((peer, _)) = best {
            self.sync.stop();
            self.sync.phase = Phase::Judging { peer, is_linked: false };
            if let Some(state) = self.peer_mut(peer) {
                state.retry = None;
                state.is_late = state.session.is_asked(&Asked::Headers);
            }
        }
    }

    /// Whether a peer claims a chain that is not known to have less work than this one.
    pub(super) fn claims_more(&self, peer: &Peer) -> bool {
        peer.claim.is_some_and(|claim| match claim.work {
            Some(work) => work > self.chain.tip().work(),
            // A peer that has not got as far as our checkpoint has nothing to show yet.
            None => claim.height > self.origin.height() && self.chain.height_of(&claim.id).is_none(),
        })
    }

    /// A peer announced its new tip.
    pub(super) fn hear_of_tip(&mut self, peer: usize, header: &Header) -> Result<(), Offence> {
        let rule = |error| Offence::Peer(PeerOffence::Rule(error));
        let sound = mote_core::rules::inspect_header(&self.params, header).map_err(rule)?;
        let id = sound.id();
        let is_child = header.previous == self.chain.tip().id();
        let work = is_child.then(|| self.chain.tip().work().saturating_add(sound.work()));
        if let Some(Some(state)) = self.peers.get_mut(peer) {
            state.claim = Some(Claim { id, height: header.height, work });
            (state.retry, state.no_template, state.no_account) = (None, None, None);
        }
        Ok(())
    }

    /// Takes in the headers that a peer was asked for.
    #[inline(never)]
    pub(super) fn receive_headers(
        &mut self,
        peer: usize,
        headers: &List<'_, Header>,
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<(), Offence> {
        let is_late = self.peer_mut(peer).is_some_and(|state| core::mem::take(&mut state.is_late));
        if is_late || self.sync.peer() != Some(peer) {
            return Ok(());
        }
        let is_judged = matches!(self.sync.phase, Phase::Judging { .. });
        let mut count = 0;
        for header in headers.iter() {
            let header = header.map_err(|error| Offence::Peer(PeerOffence::Malformed(error)))?;
            count += 1;
            if count > usize::from(HEADERS) {
                let (got, limit) = (count, usize::from(HEADERS));
                return Err(Offence::Peer(PeerOffence::TooMany { got, limit }));
            }
            match self.sync.phase {
                Phase::Judging { is_linked: true, .. }
                    if count == 1 && header.previous != self.branch.tip().id() =>
                {
                    // The peer went over to another branch, which is looked at from its beginning.
                    self.set_aside(peer, now);
                    self.start_over(peer);
                }
                Phase::Judging { .. } => self.judge(peer, &header, now, outside)?,
                // What follows on a header that must wait is of no use now.
                Phase::Validating { .. } if !is_judged => self.queue(&header),
                Phase::Validating { .. } | Phase::Idle => return Ok(()),
            }
        }
        match self.sync.phase {
            Phase::Judging { .. } => {
                let claimed = self.claim_of(peer).map(|claim| claim.id);
                let is_all = count == 0 || claimed == Some(self.branch.tip().id());
                if is_all { self.conclude(peer) } else { Ok(()) }
            }
            // The peer has left the branch that it showed.
            Phase::Validating { .. } if count == 0 && !is_judged => {
                self.start_over(peer);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Follows one header of a branch whose work is not known yet.
    fn judge(
        &mut self,
        peer: usize,
        header: &Header,
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<(), Offence> {
        if self.sync.phase == (Phase::Judging { peer, is_linked: false }) {
            if !self.link(header, outside) {
                return Err(Offence::Unlinked { got: header.previous });
            }
            self.sync.phase = Phase::Judging { peer, is_linked: true };
        }
        let is_at_base = self.branch.tip().id() == self.branch.base().id();
        if is_at_base && let Some(height) = self.chain.height_of(&header.id()) {
            // The peer's chain leaves ours further up than the block that was found by name.
            self.branch.start(|tip| self.chain.rebuild(height, tip));
            return Ok(());
        }
        let Some(time) = self.clock.time(now) else { return Ok(()) };
        if let Some(clock) = self.clock.time_of(peer, now)
            && header.time > clock.plus(FUTURE_MAX_SECONDS + CLOCK_SLACK_SECONDS)
            // Beyond that it is a rule that is broken, whatever the clock is.
            && header.time.seconds() < TIME_LIMIT_SECONDS
        {
            return Err(Offence::Clock { clock, chain: header.time });
        }
        let clock = if self.sync.is_ahead { Clock::AcceptedBefore } else { Clock::Now(time) };
        match check_header(&self.params, self.branch.tip(), header, clock) {
            Ok(checked) => {
                self.branch.follow(&checked);
                Ok(())
            }
            Err(RuleError::HeaderTimeFuture { .. }) => {
                self.set_aside(peer, now);
                if self.branch.tip().work() > self.chain.tip().work() {
                    // Time heals this; what was shown so far may do.
                    return self.conclude(peer);
                }
                // Unless it is our clock that is wrong, which the weight of what follows tells.
                self.sync.is_ahead = true;
                self.judge(peer, header, now, outside)
            }
            Err(error) => Err(Offence::Peer(PeerOffence::Rule(error))),
        }
    }

    /// Finds the block that a branch starts at, and starts it there.
    fn link(&mut self, header: &Header, outside: &mut impl Surroundings) -> bool {
        let Self { params, origin, chain, branch, .. } = self;
        let parent = header.previous;
        branch.start(|tip| {
            if let Some(height) = chain.height_of(&parent) {
                return chain.rebuild(height, tip);
            }
            if parent == origin.id(params) {
                return origin.fill(params, tip);
            }
            let below = header.height.get().checked_sub(1).map(Height::new);
            let below = below.filter(|below| *below > origin.height());
            below.is_some_and(|below| outside.load_snapshot(below, tip) && tip.id() == parent)
        })
    }

    /// All that a peer has was shown: it is followed if that is more work than the chain's.
    fn conclude(&mut self, peer: usize) -> Result<(), Offence> {
        let is_linked = matches!(self.sync.phase, Phase::Judging { is_linked: true, .. });
        let shown = if is_linked { self.branch.tip().work() } else { Work::ZERO };
        let claim = self.claim_of(peer);
        let ours = self.chain.tip();
        if self.sync.is_ahead {
            let block = ours.target().expand().map_or(Work::ZERO, |target| target.work());
            if shown.saturating_sub(ours.work()) >= block.saturating_mul(BELIEVED_BLOCKS) {
                self.clock.side_with(peer);
            }
            self.sync.stop();
            return Ok(());
        }
        if shown > ours.work() {
            let (goal, height) = (self.branch.tip().id(), self.branch.tip().height());
            self.branch.restart();
            let base = self.branch.base();
            let place = if base.id() == ours.id() { Place::Chain } else { Place::Branch(base.height()) };
            self.sync.stop();
            self.sync.last = base.id();
            self.sync.phase = Phase::Validating { peer, goal, height, place };
            if let Some(state) = self.peer_mut(peer) {
                state.futile = 0;
            }
            return Ok(());
        }
        self.sync.stop();
        let is_set_aside = self.peer(peer).is_some_and(|state| state.retry.is_some());
        if is_set_aside {
            return Ok(());
        }
        // An honest peer has at least what it claimed, and loses it only to something that has more.
        if let Some(claimed) = claim.and_then(|claim| claim.work).filter(|claimed| *claimed > ours.work()) {
            return Err(Offence::Work { shown, claimed });
        }
        if let Some(state) = self.peer_mut(peer) {
            state.claim = None;
            state.futile += 1;
            state.is_useless = state.futile >= FUTILE_MAX;
        }
        Ok(())
    }

    /// Queues the next block of the branch that is being validated.
    fn queue(&mut self, header: &Header) {
        let Phase::Validating { peer, goal, .. } = self.sync.phase else { return };
        // A peer may have more by now than was judged.
        if self.sync.last == goal || self.sync.next.is_full() {
            return;
        }
        if header.previous != self.sync.last {
            return self.start_over(peer);
        }
        self.sync.last = header.id();
        let _ = self.sync.next.push_back(self.sync.last);
    }

    /// The peer turned to another branch while it was followed: what it has is looked at anew.
    pub(super) fn start_over(&mut self, peer: usize) {
        self.sync.stop();
        self.payments.forget_branch();
        if let Some(state) = self.peer_mut(peer) {
            state.void_witnesses();
        }
    }

    /// The newest headers of a peer lie in the future; they are looked at again later.
    pub(super) fn set_aside(&mut self, peer: usize, now: Moment) {
        if let Some(state) = self.peer_mut(peer) {
            state.retry = Some(now.plus(RETRY_MS));
        }
    }

    /// The witness of the next block begins.
    #[inline(never)]
    pub(super) fn begin_block(
        &mut self,
        peer: usize,
        header: &Header,
        time: Timestamp,
        now: Moment,
    ) -> Result<(), Offence> {
        let Phase::Validating { place, .. } = self.sync.phase else { return Ok(()) };
        let tip = match place {
            Place::Chain => self.chain.tip(),
            Place::Branch(_) => self.branch.tip(),
        };
        match check_header(&self.params, tip, header, Clock::Now(time)) {
            Ok(checked) => {
                let validation = Validation::new(&self.params, tip.state_root(), header.height, header.miner);
                let subject = Subject::Block(checked);
                let (transactions, count) = (Selection::default(), 0);
                self.sync.block = Some(Checking { subject, peer, validation, transactions, count });
                Ok(())
            }
            Err(RuleError::HeaderTimeFuture { .. }) => {
                self.set_aside(peer, now);
                self.start_over(peer);
                Ok(())
            }
            Err(error) => Err(Offence::Block { height: header.height, error }),
        }
    }

    /// The witness of the block that is being checked is over.
    #[inline(never)]
    pub(super) fn end_block(&mut self, now: Moment, outside: &mut impl Surroundings) -> Result<(), Offence> {
        let Some(Checking { subject, peer, validation, transactions, .. }) = self.sync.block.take() else {
            return Ok(());
        };
        let checked = match subject {
            Subject::Block(checked) => checked,
            Subject::Template(tip) => {
                // What a template comes to concerns nobody but this device: a wrong one mines nothing.
                match validation.finish() {
                    Ok(executed) => self.miner.learn(tip, executed, now),
                    Err(_) => self.lacks_template(peer, &tip, now),
                }
                return Ok(());
            }
        };
        let height = checked.header().height;
        let executed = validation.finish().map_err(|failure| offence(height, failure))?;
        executed.check(checked.header()).map_err(|error| Offence::Block { height, error })?;
        self.sync.next.pop_front();
        self.sync.asked = self.sync.asked.saturating_sub(1);
        let Phase::Validating { peer, goal, height: goal_height, place } = self.sync.phase else {
            return Ok(());
        };
        match place {
            Place::Chain => self.extend(&checked, transactions, outside),
            Place::Branch(_) => {
                let mined = Mined { height, before: self.branch.tip().work() };
                self.branch.push(&checked);
                self.payments.mined_in_branch(transactions, mined);
                self.peak.note(checked.header().time, checked.header().target);
                self.tell_of_block(&checked, outside);
                if self.branch.tip().work() > self.chain.tip().work() {
                    self.reorganise(outside);
                    self.sync.phase =
                        Phase::Validating { peer, goal, height: goal_height, place: Place::Chain };
                }
            }
        }
        if checked.id() == goal {
            self.sync.stop();
        }
        Ok(())
    }

    pub(super) fn claim_of(&self, peer: usize) -> Option<Claim> {
        self.peer(peer).and_then(|state| state.claim)
    }

    pub(super) fn peer(&self, peer: usize) -> Option<&Peer> {
        self.peers.get(peer).and_then(Option::as_ref)
    }

    pub(super) fn peer_mut(&mut self, peer: usize) -> Option<&mut Peer> {
        self.peers.get_mut(peer).and_then(Option::as_mut)
    }
}

/// What a failed check says of the peer that sent the block.
pub(super) fn offence(height: Height, failure: Failure) -> Offence {
    match failure {
        Failure::Rule(error) => Offence::Block { height, error },
        Failure::Witness(error) => Offence::Witness { height, error },
        Failure::Order => Offence::Order { expected: "a transaction or the end", got: "a path" },
    }
}
