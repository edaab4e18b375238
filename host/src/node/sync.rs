//! Following the chains of peers: headers first, then their blocks from several peers at once.
//!
//! A peer's headers are followed on its own [`Branch`] in constant memory; they are kept only once the
//! branch has shown enough work. Kept headers wait for their bodies, which are asked for in the order
//! of heights, from whoever has room, and go into the ledger as soon as their parents are there.

mod bodies;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::peer::branch::Branch;
use mote_core::peer::limits::HEADERS_MAX;
use mote_core::peer::{Asked, Offence};
use mote_core::rules::{Clock, Rule, RuleError};
use mote_core::units::Height;
use mote_core::wire::{List, ListWriter, Message};

use super::peers::{Best, PeerId, Remembered};
use super::progress::Progress;
use super::wanted::WantedBlocks;
use super::{Node, Now};
use crate::store::disk::Disk;

/// How many headers from the near future are set aside for one peer.
pub const AHEAD_PER_PEER_MAX: usize = 4;

/// Headers further ahead than this are not worth setting aside, in seconds.
const AHEAD_MAX_SECONDS: u64 = 3_600;

/// After so many answers in a row whose headers do not connect, a peer is of no use. One that is merely
/// late has one or two.
const FUTILE_ANSWERS_MAX: u8 = 8;

/// What is wanted, and what will never be.
#[derive(Default)]
pub struct Sync {
    wanted: WantedBlocks,
    /// Blocks that break a rule.
    invalid: Remembered,
    /// Tips that time will make acceptable, and who sent them.
    ahead: Vec<(PeerId, Header)>,
    /// How many bodies came since blocks last went into the ledger, one where more could have gone.
    bodies: usize,
    /// The rate at which blocks come in.
    progress: Progress,
}

impl Sync {
    /// Whether no block is being waited for.
    pub fn is_idle(&self) -> bool {
        self.wanted.is_empty()
    }

    /// How many headers wait for their blocks, and how many for their time.
    pub fn held(&self) -> (usize, usize) {
        (self.wanted.len(), self.ahead.len())
    }

    /// The best chain of kept headers.
    pub fn best_height(&self) -> Option<Height> {
        self.wanted.best_height()
    }

    /// The rate at which blocks come in.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Forgets what a connection that ended has shown.
    pub fn forget(&mut self, peer: PeerId) {
        self.ahead.retain(|(sender, _)| *sender != peer);
        self.wanted.forget(peer);
    }
}

impl<D: Disk> Node<D> {
    /// Asks a peer for the headers behind what is known of its chain.
    pub(super) fn ask_for_headers(&mut self, now: Now, peer: PeerId) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let mut locator = Vec::new();
        locator.extend(state.branch.as_ref().map(|branch| branch.tip().id()));
        match self.ledger.locator() {
            Ok(ids) => locator.extend(ids),
            Err(error) => return self.fail(error),
        }
        if !state.session.ask(Asked::Headers, now.moment) {
            return;
        }
        let mut buffer = vec![0; 32 * locator.len()];
        let mut writer = ListWriter::new(&mut buffer);
        // The buffer has room for all of them.
        locator.iter().all(|id| writer.push(id).is_ok());
        self.send(peer, &Message::GetHeaders { locator: writer.finish(), limit: HEADERS_MAX });
    }

    /// Goes on asking for headers where a peer claims a better chain, or has more of the one that it is
    /// showing, and there is room for it.
    pub(super) fn follow(&mut self, now: Now, peer: PeerId) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let is_coming = self.sync.wanted.get(&state.best.id).is_some();
        // What ends below a block that is still to come cannot show that it leads there.
        let claims_more = state.best.work > self.ledger.tip().work()
            && !is_coming
            && !self.ledger.awaits_pin_above(state.best.height);
        if !(claims_more || state.has_more_headers)
            || self.sync.wanted.room_for(peer) < usize::from(HEADERS_MAX)
        {
            return;
        }
        if claims_more && state.branch.as_ref().is_some_and(|branch| branch.tip().id() == state.best.id) {
            // All was shown, and what was wanted of it has been dropped: from the fork again.
            state.branch = None;
        }
        self.ask_for_headers(now, peer);
    }

    /// Takes in the headers that a peer was asked for.
    pub(super) fn receive_headers(
        &mut self,
        now: Now,
        peer: PeerId,
        headers: &List<'_, Header>,
    ) -> Result<(), Offence> {
        let mut count = 0;
        let mut restarts = false;
        for header in headers.iter() {
            let header = header.map_err(Offence::Malformed)?;
            count += 1;
            if count > usize::from(HEADERS_MAX) {
                return Err(Offence::TooMany { got: count, limit: usize::from(HEADERS_MAX) });
            }
            match self.follow_header(now, peer, &header)? {
                Followed::On => {}
                Followed::Stop => {
                    self.note_more_headers(peer, false);
                    return Ok(());
                }
                Followed::NoRoom => {
                    self.note_more_headers(peer, true);
                    return Ok(());
                }
                Followed::Again => {
                    restarts = true;
                    break;
                }
            }
        }
        self.schedule(now);
        // A peer that announces a tip far ahead claims no work for it: that its answer is full says that
        // there is more.
        let has_more = restarts || count == usize::from(HEADERS_MAX);
        self.note_more_headers(peer, has_more);
        if has_more {
            self.follow(now, peer);
        } else if let Some(state) = self.peers.get_mut(&peer)
            && count == 0
        {
            // The peer has nothing behind what it has shown: its claim in the greeting is out of date.
            let tip = self.ledger.tip();
            state.best = Best { id: tip.id(), height: tip.height(), work: tip.work() };
        }
        Ok(())
    }

    fn note_more_headers(&mut self, peer: PeerId, has_more: bool) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.has_more_headers = has_more;
        }
    }

    /// Follows one header on its peer's branch, and keeps it where the branch is worth it.
    fn follow_header(&mut self, now: Now, peer: PeerId, header: &Header) -> Result<Followed, Offence> {
        let continues = |branch: &Branch| branch.tip().id() == header.previous;
        let current = self
            .peers
            .get_mut(&peer)
            .and_then(|state| state.branch.take())
            .filter(|branch| continues(branch));
        let mut branch = match current {
            Some(branch) => branch,
            None => match self.ledger.tip_of(&header.previous) {
                Ok(Some(tip)) => Box::new(Branch::new(tip)),
                Ok(None) => {
                    self.note_futile_answer(peer);
                    return Ok(Followed::Stop);
                }
                Err(error) => {
                    self.fail(error);
                    return Ok(Followed::Stop);
                }
            },
        };
        let checked = match branch.follow(&self.params, header, Clock::Now(now.time)) {
            Ok(checked) => checked,
            Err(error) if error.rule() == Rule::HeaderTimeFuture => {
                self.set_aside(now, peer, header);
                return Ok(Followed::Stop);
            }
            Err(error) => return Err(Offence::Rule(error)),
        };
        let best = Best { id: checked.id(), height: header.height, work: branch.tip().work() };
        match self.ledger.against_pins(header) {
            Ok(None) => {}
            Ok(Some(conflict)) => {
                self.refuse_branch([peer], conflict);
                return Ok(Followed::Stop);
            }
            Err(error) => {
                self.fail(error);
                return Ok(Followed::Stop);
            }
        }
        // Below a block that must come, the heaviest branch may be one that does not lead to it.
        let is_kept =
            branch.is_worth_keeping(self.ledger.tip()) && !self.ledger.awaits_pin_above(header.height);
        if self.sync.invalid.contains(&best.id) {
            return Err(Offence::Rule(RuleError::HeaderPrevious {
                got: best.id,
                expected: self.ledger.tip().id(),
            }));
        }
        let is_stored = match self.ledger.contains(&best.id) {
            Ok(is_stored) => is_stored,
            Err(error) => {
                self.fail(error);
                return Ok(Followed::Stop);
            }
        };
        let has_parent = match self.sync.wanted.get(&header.previous) {
            Some(parent) => parent.shown_by.contains(&peer),
            None => self.ledger.contains(&header.previous).unwrap_or(false),
        };
        let Some(state) = self.peers.get_mut(&peer) else { return Ok(Followed::Stop) };
        state.futile_answers = 0;
        if state.proven.is_some_and(|(height, id)| height == best.height && id != best.id) {
            // The branch was shown once to prove its work and is another one now.
            state.proven = None;
            self.hang_up(peer, "the branch that was shown is another one now");
            return Ok(Followed::Stop);
        }
        state.has_shown(best);
        let is_proven = state.proven.is_some_and(|(height, _)| height >= best.height);
        if is_stored || !(is_kept || is_proven) {
            state.branch = Some(branch);
            return Ok(Followed::On);
        }
        if !has_parent {
            // Enough work has been shown, but what it stands on was not kept: once more from the fork.
            state.proven = Some((best.height, best.id));
            return Ok(Followed::Again);
        }
        // Whoever shows a header has its block, whatever it answered before.
        state.missing.remove(&best.id);
        if !self.sync.wanted.add(best.id, header, peer) {
            return Ok(Followed::NoRoom);
        }
        if state.proven.is_some_and(|(height, _)| height == best.height) {
            state.proven = None;
        }
        state.branch = Some(branch);
        Ok(Followed::On)
    }

    fn note_futile_answer(&mut self, peer: PeerId) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.has_more_headers = false;
        state.futile_answers = state.futile_answers.saturating_add(1);
        if state.futile_answers >= FUTILE_ANSWERS_MAX {
            self.hang_up(peer, "headers that do not connect");
        }
    }

    /// Takes note of a peer's new tip, and asks for its block where it is wanted.
    pub(super) fn receive_tip(&mut self, now: Now, peer: PeerId, header: &Header) -> Result<(), Offence> {
        self.hear_of_tip(now, peer, header)?;
        self.schedule(now);
        Ok(())
    }

    /// Takes note of a peer's new tip.
    pub(super) fn hear_of_tip(&mut self, now: Now, peer: PeerId, header: &Header) -> Result<(), Offence> {
        let id = header.id();
        if self.sync.invalid.contains(&id) {
            return Err(Offence::Rule(RuleError::HeaderPrevious {
                got: id,
                expected: self.ledger.tip().id(),
            }));
        }
        match self.ledger.header(&id) {
            Ok(Some(entry)) => {
                if let Some(state) = self.peers.get_mut(&peer) {
                    state.has_shown(Best { id, height: entry.header.height, work: entry.work });
                }
                self.notice_level(peer, &id);
                return Ok(());
            }
            Ok(None) => {}
            Err(error) => {
                self.fail(error);
                return Ok(());
            }
        }
        let is_next = self.peers.get(&peer).and_then(|state| state.branch.as_ref());
        let is_next = is_next.is_some_and(|branch| branch.tip().id() == header.previous);
        match self.ledger.contains(&header.previous) {
            Ok(is_known) if is_known || is_next => {
                self.follow_header(now, peer, header)?;
            }
            // Its own headers will show whether the tip is what it seems.
            Ok(_) => self.ask_for_headers(now, peer),
            Err(error) => self.fail(error),
        }
        Ok(())
    }

    fn set_aside(&mut self, now: Now, peer: PeerId, header: &Header) {
        let of_peer = self.sync.ahead.iter().filter(|(sender, _)| *sender == peer);
        let is_known = of_peer.clone().any(|(_, other)| other == header);
        let is_near = header.time.since(now.time) <= AHEAD_MAX_SECONDS;
        if is_near && !is_known && of_peer.count() < AHEAD_PER_PEER_MAX {
            self.sync.ahead.push((peer, header.clone()));
        }
    }

    /// Tries the headers again whose time had not come.
    pub(super) fn retry_ahead(&mut self, now: Now) {
        for (peer, header) in std::mem::take(&mut self.sync.ahead) {
            if let Err(offence) = self.receive_tip(now, peer, &header) {
                self.punish(now, peer, &offence);
            }
        }
    }

    /// Asks for wanted blocks, the lowest first, wherever there is room.
    pub(super) fn schedule(&mut self, now: Now) {
        for id in self.sync.wanted.to_ask_for() {
            let Some(wanted) = self.sync.wanted.get(&id) else { continue };
            if self.peers.values().any(|state| state.is_asked_for(&id)) {
                continue;
            }
            let height = wanted.header.height;
            let can_have = self.peers.iter().filter(|(peer, state)| {
                let has_it = wanted.shown_by.contains(peer) || state.best.height >= height;
                // One slot is left for headers.
                has_it && state.session.free_requests() > 1 && !state.missing.contains(&id)
            });
            let most_free = can_have.max_by_key(|(_, state)| state.session.free_requests());
            let Some(peer) = most_free.map(|(peer, _)| *peer) else {
                self.give_up_if_lost(&id);
                continue;
            };
            if let Some(state) = self.peers.get_mut(&peer)
                && state.session.ask(Asked::Block(id), now.moment)
            {
                self.send(peer, &Message::GetBlock(id));
            }
        }
    }

    /// Wants a block no more that nobody who showed it gave. Their headers are followed anew.
    fn give_up_if_lost(&mut self, id: &Hash32) {
        let Some(wanted) = self.sync.wanted.get(id) else { return };
        let lacks = |peer: &PeerId| self.peers.get(peer).is_none_or(|state| state.missing.contains(id));
        if wanted.shown_by.iter().all(lacks) {
            self.sync.wanted.take_with_descendants(id);
        }
    }

    /// Notes that a peer did not give a block.
    pub(super) fn lacks_block(&mut self, now: Now, peer: PeerId, id: Hash32, why: Lack) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.missing.insert(id);
            state.half_built.take_if(|half_built| half_built.id == id);
        }
        let has_shown = self.sync.wanted.get(&id).is_some_and(|wanted| wanted.shown_by.contains(&peer));
        if has_shown && why == Lack::SaysSo {
            self.hang_up(peer, "does not have the block that it showed");
        }
        self.schedule(now);
    }

    /// The best chain that a connected peer claims or showed, where it is better than this node's.
    pub(super) fn best_claim(&self) -> Option<Best> {
        let better = self
            .peers
            .values()
            .filter(|state| state.is_greeted() && state.best.work > self.ledger.tip().work());
        better.map(|state| state.best).max_by_key(|best| best.work)
    }
}

/// Why a peer did not give a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// It said that it does not have it.
    SaysSo,
    /// It did not answer in time.
    TooSlow,
}

/// What following one header came to.
enum Followed {
    /// The next one can be followed.
    On,
    /// The rest is of no use now.
    Stop,
    /// There is no room for it now; it and the rest are to be asked for again.
    NoRoom,
    /// The branch has shown enough work and is to be followed from its beginning.
    Again,
}
