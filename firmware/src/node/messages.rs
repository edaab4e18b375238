//! What peers say, and what follows from it.

use mote_core::block::Header;
use mote_core::codec::DecodeError;
use mote_core::hash::Hash32;
use mote_core::peer::{Asked, Offence as PeerOffence, Verdict};
use mote_core::rules::check_transaction;
use mote_core::state::ProofRef;
use mote_core::transaction::Transaction;
use mote_core::units::Moment;
use mote_core::wire::stream::{Piece, WITNESS_END_INDEX};
use mote_core::wire::{List, Message};

use super::payments::Selection;
use super::peer::{Claim, Wanted};
use super::sync::{Checking, Subject, offence};
use super::validation::{Failure, Taken, Validation};
use super::{Node, Surroundings};
use crate::event::Event;
use crate::report::Offence;

/// After how long a peer is asked again for what it did not have at its own tip, in milliseconds.
const ABSENT_RETRY_MS: u64 = 3_000;

impl Node<'_> {
    /// Takes in one whole message of a peer.
    #[inline(never)]
    pub fn receive(
        &mut self,
        peer: usize,
        bytes: &[u8],
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<(), Offence> {
        let Some(state) = self.peer_mut(peer) else { return Ok(()) };
        // A message is large for a device's stack, so it stays where it was read.
        let message = &state.session.read(bytes).map_err(Offence::Peer)?;
        match state.session.judge(message, now).map_err(Offence::Peer)? {
            Verdict::Alive => Ok(()),
            Verdict::Greeting => {
                self.greeted(peer, message, now, outside);
                Ok(())
            }
            Verdict::Answer(asked) => self.answered(peer, asked, message, now, outside),
            Verdict::News => self.heard(peer, message),
        }
    }

    /// A message of a witness begins, which is taken in piece by piece.
    pub fn begin_pieces(&mut self, peer: usize, index: u8, now: Moment) -> Result<(), Offence> {
        let Some(state) = self.peer_mut(peer) else { return Ok(()) };
        // The session counts the end by itself, once it is complete.
        if index == WITNESS_END_INDEX && !state.witnesses.is_empty() {
            return Ok(());
        }
        state.session.receive_witness_part(now).map(|_| ()).map_err(Offence::Peer)
    }

    /// Takes in a piece of the message with this index.
    pub fn receive_piece(
        &mut self,
        peer: usize,
        index: u8,
        piece: &Piece,
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<(), Offence> {
        let is_end = index == WITNESS_END_INDEX && *piece == Piece::End;
        let Some(state) = self.peer_mut(peer) else { return Ok(()) };
        let wanted = state.witnesses.front().copied();
        if is_end {
            state.witnesses.pop_front();
            state.session.receive_witness_end().map_err(Offence::Peer)?;
        }
        let is_followed = self.sync.peer() == Some(peer);
        // The other peer may be sending one as well.
        let checking = self.sync.block.as_ref().filter(|checking| checking.peer == peer);
        match (wanted, checking.map(|checking| &checking.subject)) {
            (Some(Wanted::Block(_)), Some(Subject::Block(_))) if is_followed => {
                self.check_piece(piece, is_end, now, outside)
            }
            (Some(Wanted::Template(wanted)), Some(Subject::Template(tip))) if wanted == *tip => {
                self.check_piece(piece, is_end, now, outside)
            }
            (Some(Wanted::Block(_)), _) if is_followed => {
                Err(Offence::Order { expected: "the start of a witness", got: "a part of one" })
            }
            (Some(Wanted::Template(tip)), _) if is_end => {
                self.lacks_template(peer, &tip, now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn check_piece(
        &mut self,
        piece: &Piece,
        is_end: bool,
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<(), Offence> {
        let Some(checking) = &mut self.sync.block else { return Ok(()) };
        let taken = checking.validation.take(piece);
        let judged = match taken {
            Ok(Taken::More) => return Ok(()),
            Ok(Taken::End) if is_end => return self.end_block(now, outside),
            Ok(Taken::End) => Err(Failure::Order),
            Ok(Taken::Transaction) => self.judge_transaction(),
            Err(failure) => Err(failure),
        };
        let Err(failure) = judged else { return Ok(()) };
        match self.sync.block.take() {
            Some(Checking { subject: Subject::Block(checked), .. }) => {
                Err(offence(checked.header().height, failure))
            }
            Some(Checking { subject: Subject::Template(tip), peer, .. }) => {
                self.lacks_template(peer, &tip, now);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Judges the transaction that came last by every rule.
    #[inline(never)]
    fn judge_transaction(&mut self) -> Result<(), Failure> {
        let Self { params, sync, payments, miner, .. } = self;
        let Some(Checking { subject, validation, transactions, count, .. }) = &mut sync.block else {
            return Ok(());
        };
        let transaction = validation.take_transaction().ok_or(Failure::Order)?;
        let place = *count;
        *count += 1;
        match subject {
            Subject::Block(_) => {
                let checked = check_transaction(params, &transaction).map_err(Failure::Rule)?;
                payments.note(&checked.id(), transactions);
                validation.apply(&checked)
            }
            Subject::Template(tip) => {
                // What was asked for was checked when it came in.
                let selection = miner.asked(tip).unwrap_or_default();
                let selected = payments.selected(selection);
                let kept = selected.get(place).map(|kept| kept.checked()).ok_or(Failure::Order)?;
                if *kept.transaction() != transaction {
                    return Err(Failure::Order);
                }
                validation.apply(&kept)
            }
        }
    }

    fn greeted(&mut self, peer: usize, message: &Message<'_>, now: Moment, outside: &mut impl Surroundings) {
        let Message::Hello(hello) = message else { return };
        self.clock.hear(peer, hello.time, now);
        let has_found = self.miner.found.is_some();
        if let Some(state) = self.peer_mut(peer) {
            state.claim = Some(Claim { id: hello.tip, height: hello.height, work: Some(hello.work) });
            state.due.announcement = true;
            state.due.tip = has_found;
        }
        if let Some(state) = self.peer(peer) {
            outside.tell(Event::Connected { peer: state.address, height: hello.height });
        }
    }

    fn answered(
        &mut self,
        peer: usize,
        asked: Asked,
        message: &Message<'_>,
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<(), Offence> {
        match (asked, message) {
            (Asked::Headers, Message::Headers(headers)) => self.receive_headers(peer, headers, now, outside),
            (Asked::Witness(_), Message::WitnessStart(header)) => self.begin_witness(peer, header, now),
            (Asked::Witness(_), Message::NotFound(_)) => {
                self.lacks_witness(peer, now);
                Ok(())
            }
            (Asked::Account { block, key }, Message::Account { proof, .. }) => {
                self.learn_account(block, &key, proof)
            }
            (Asked::Account { .. }, Message::NotFound(_)) => {
                if let Some(state) = self.peer_mut(peer) {
                    state.no_account = Some(now.plus(ABSENT_RETRY_MS));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin_witness(&mut self, peer: usize, header: &Header, now: Moment) -> Result<(), Offence> {
        let wanted = self.peer(peer).and_then(|state| state.witnesses.front().copied());
        let is_followed = self.sync.peer() == Some(peer);
        match wanted {
            Some(Wanted::Block(id)) if is_followed => {
                if self.sync.block.is_some() {
                    return Err(Offence::Order {
                        expected: "the rest of a witness",
                        got: "the start of another",
                    });
                }
                if header.id() != id {
                    return Err(Offence::Order {
                        expected: "the witness asked for",
                        got: "that of another block",
                    });
                }
                let Some(time) = self.clock.time(now) else {
                    self.start_over(peer);
                    return Ok(());
                };
                self.begin_block(peer, header, time, now)
            }
            Some(Wanted::Template(tip)) if self.sync.is_idle() && tip == self.chain.tip().id() => {
                let Some(key) = &self.key else { return Ok(()) };
                let (root, height) = (self.chain.tip().state_root(), self.chain.tip().height().next());
                let validation = Validation::new(&self.params, root, height, key.public_key());
                let (subject, transactions) = (Subject::Template(tip), Selection::default());
                self.sync.block = Some(Checking { subject, peer, validation, transactions, count: 0 });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A peer made no template on this tip, or none that is of use.
    pub(super) fn lacks_template(&mut self, peer: usize, tip: &Hash32, now: Moment) {
        let asked = self.miner.give_up(tip).unwrap_or_default();
        if self.claim_of(peer).is_some_and(|claim| claim.id != *tip) {
            return;
        }
        if asked != Selection::default() {
            // One of the payments cannot be mined on this tip, and nobody says which.
            let dropped = self.payments.drop_relayed();
            self.miner.do_without_payments(tip, dropped);
        } else if let Some(state) = self.peer_mut(peer) {
            state.no_template = Some(now.plus(ABSENT_RETRY_MS));
        }
    }

    fn lacks_witness(&mut self, peer: usize, now: Moment) {
        let wanted = self.peer_mut(peer).and_then(|state| state.witnesses.pop_front());
        match wanted {
            Some(Wanted::Block(_)) => {
                self.set_aside(peer, now);
                self.start_over(peer);
            }
            Some(Wanted::Template(tip)) => self.lacks_template(peer, &tip, now),
            Some(Wanted::Void) | None => {}
        }
    }

    #[inline(never)]
    fn learn_account(&mut self, block: Hash32, key: &Hash32, proof: &ProofRef<'_>) -> Result<(), Offence> {
        let tip = self.chain.tip();
        let is_own = self.key.as_ref().is_some_and(|own| own.public_key().account_key() == *key);
        if block != tip.id() || !is_own {
            return Ok(());
        }
        let account = proof.get(&tip.state_root(), key).map_err(|error| {
            let error = mote_core::state::WitnessError::Forged { key: *key, error };
            Offence::Witness { height: tip.height(), error }
        })?;
        let account = account.unwrap_or_default();
        self.payments.drop_used(account.nonce);
        self.account = Some((block, account));
        Ok(())
    }

    /// Requests and news.
    #[inline(never)]
    fn heard(&mut self, peer: usize, message: &Message<'_>) -> Result<(), Offence> {
        match message {
            Message::Tip(header) => return self.hear_of_tip(peer, header),
            Message::HaveTransactions(ids) => return self.hear_of_transactions(peer, ids),
            Message::Transaction(transaction) => return self.hear_transaction(transaction),
            Message::GetTransactions(ids) => return self.note_wanted_transactions(peer, ids),
            _ => {}
        }
        let found = self.miner.found.as_ref().map(|found| found.id);
        let Some(Some(state)) = self.peers.get_mut(peer) else { return Ok(()) };
        let due = &mut state.due;
        match message {
            Message::Ping(nonce) => due.pong = Some(*nonce),
            Message::GetHeaders { .. } => due.no_headers = true,
            Message::GetAddresses => due.no_addresses = true,
            Message::GetBlock(id) if found == Some(*id) => due.block = true,
            Message::GetBlock(id)
            | Message::GetBlockTransactions { block: id, .. }
            | Message::GetInclusion(id)
            | Message::GetWitness(id)
            | Message::GetAccount { block: id, .. }
            | Message::GetTemplateWitness { tip: id, .. } => due.not_found = Some(*id),
            _ => {}
        }
        Ok(())
    }

    fn hear_of_transactions(&mut self, peer: usize, ids: &List<'_, Hash32>) -> Result<(), Offence> {
        // Also while it does not mine: nobody tells it again once it is switched on.
        let Self { payments, peers, .. } = self;
        let Some(Some(state)) = peers.get_mut(peer) else { return Ok(()) };
        for id in ids.iter() {
            let id = id.map_err(malformed)?;
            if payments.wants(&id) {
                let _ = state.due.wanted.push(id);
            }
        }
        Ok(())
    }

    fn hear_transaction(&mut self, transaction: &Transaction) -> Result<(), Offence> {
        if !self.payments.wants(&transaction.id()) {
            return Ok(());
        }
        match check_transaction(&self.params, transaction) {
            Ok(checked) => {
                self.payments.keep_relayed(checked.keep());
                Ok(())
            }
            Err(error) => Err(Offence::Peer(PeerOffence::Rule(error))),
        }
    }

    fn note_wanted_transactions(&mut self, peer: usize, ids: &List<'_, Hash32>) -> Result<(), Offence> {
        let Self { payments, peers, .. } = self;
        let Some(Some(state)) = peers.get_mut(peer) else { return Ok(()) };
        for id in ids.iter() {
            payments.note(&id.map_err(malformed)?, &mut state.due.transactions);
        }
        Ok(())
    }
}

fn malformed(error: DecodeError) -> Offence {
    Offence::Peer(PeerOffence::Malformed(error))
}
