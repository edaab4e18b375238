//! Greeting peers, and passing on what is new.

use std::collections::BTreeSet;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::mempool::MempoolError;
use mote_core::peer::limits::{ADDRESSES_MAX, TRANSACTION_IDS_MAX};
use mote_core::peer::{Asked, Offence, Verdict};
use mote_core::rules::{CheckedTransaction, Clock, IdentifiedTransaction, KeptTransaction};
use mote_core::transaction::Transaction;
use mote_core::units::Timestamp;
use mote_core::wire::{Hello, List, Message, NetAddress};

use super::addresses::{OUTBOUND_MAX, Origin};
use super::peers::{Best, Peer, PeerId};
use super::pool::{Pool, PoolError};
use super::request::{PeerAddress, SubmitError};
use super::serve::bounded;
use super::status::{Direction, Event, PeerState};
use super::sync::Lack;
use super::{Node, Now, Output};
use crate::block::Block;
use crate::store::disk::Disk;
use crate::store::ledger::{AddError, Added, Ledger};
use crate::store::together::CheckedBlock;

impl<D: Disk> Node<D> {
    /// One frame came.
    pub(super) fn received(&mut self, now: Now, peer: PeerId, bytes: &[u8]) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.bytes_in += bytes.len() as u64;
        let message = state.session.read(bytes);
        if !matches!(message, Ok(Message::Block(_))) {
            self.connect_bodies(now);
        }
        if let Err(offence) = message.and_then(|message| self.sort(now, peer, message)) {
            // What came before is judged without regard to that.
            self.connect_bodies(now);
            self.punish(now, peer, &offence);
        }
    }

    fn sort(&mut self, now: Now, peer: PeerId, message: Message<'_>) -> Result<(), Offence> {
        let Some(state) = self.peers.get_mut(&peer) else { return Ok(()) };
        match (state.session.judge(&message, now.moment)?, message) {
            (Verdict::Greeting, Message::Hello(hello)) => self.greeted(now, peer, &hello),
            (Verdict::Greeting | Verdict::Alive, _) => Ok(()),
            (Verdict::Answer(asked), message) => self.answered(now, peer, asked, message),
            (Verdict::News, message) => self.receive_message(now, peer, message),
        }
    }

    fn greeted(&mut self, now: Now, peer: PeerId, hello: &Hello) -> Result<(), Offence> {
        let Some(state) = self.peers.get_mut(&peer) else { return Ok(()) };
        state.best = Best { id: hello.tip, height: hello.height, work: hello.work };
        if let (Direction::Inbound, Some(ip), true) = (state.direction, state.remote.ip(), hello.port != 0) {
            state.listens_at = Some(PeerAddress::from_ip(ip, hello.port));
        }
        let (direction, listens_at, address) =
            (state.direction, state.listens_at.clone(), state.address().clone());
        if self.addresses.is_removed(&address) {
            self.hang_up(peer, "this peer was removed here");
            return Ok(());
        }
        if let Some(twin) = self.twin(peer, hello.nonce) {
            // Of two connections between the same nodes both keep the one that the lower number opened.
            let is_mine_lower = self.greeting.nonce < hello.nonce;
            let keeps_new = (direction == Direction::Outbound) == is_mine_lower;
            let extra = if keeps_new { twin } else { peer };
            self.hang_up(extra, "already connected");
            if !keeps_new {
                return Ok(());
            }
        }
        if let Some(listens_at) = listens_at {
            let origin = match direction {
                Direction::Outbound => Origin::Proven,
                // Whoever calls may name any port.
                Direction::Inbound => Origin::Caller,
            };
            self.addresses.works(listens_at, origin);
        }
        // Callers could all be one, who would choose the median.
        if direction == Direction::Outbound {
            let seconds = |time: Timestamp| i64::try_from(time.seconds()).unwrap_or(i64::MAX);
            self.clock_samples.push_back(seconds(hello.time) - seconds(now.time));
            if self.clock_samples.len() > 2 * OUTBOUND_MAX {
                self.clock_samples.pop_front();
            }
        }
        self.tell_of_peer(&address, PeerState::Connected, None);
        if let Some(state) = self.peers.get_mut(&peer)
            && state.session.ask(Asked::Addresses, now.moment)
        {
            self.send(peer, &Message::GetAddresses);
        }
        self.tell_of_open(peer, &hello.tip);
        // Of tips that came between the greetings only others were told.
        let is_outdated = |state: &Peer| state.greeted_with != self.ledger.tip().id();
        if self.peers.get(&peer).is_some_and(is_outdated) {
            self.tell_of_tip(&[peer]);
        }
        self.follow(now, peer);
        Ok(())
    }

    /// Tells a peer that has this tip of the open transactions.
    fn tell_of_open(&mut self, peer: PeerId, tip: &Hash32) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.is_level = *tip == self.ledger.tip().id();
        }
        let open: Vec<Hash32> = self.pool.best(TRANSACTION_IDS_MAX).map(|entry| entry.id()).collect();
        if !open.is_empty() {
            let mut buffer = Vec::new();
            let list = self.list_for(peer, &open, TRANSACTION_IDS_MAX, &mut buffer);
            self.send(peer, &Message::HaveTransactions(list));
        }
    }

    /// A peer has this tip. Once it is this node's, the peer is told of the open transactions again: those that it
    /// heard of before, it may have had to refuse, as its accounts were others.
    pub(super) fn notice_level(&mut self, peer: PeerId, tip: &Hash32) {
        let is_level = self.peers.get(&peer).is_none_or(|state| state.is_level);
        if !is_level && *tip == self.ledger.tip().id() {
            self.tell_of_open(peer, tip);
        }
    }

    /// Another connection with the node that has this number, of which only one is needed.
    fn twin(&self, peer: PeerId, nonce: u64) -> Option<PeerId> {
        let same = |state: &Peer| state.session.remote().is_some_and(|hello| hello.nonce == nonce);
        self.peers.iter().find(|(other, state)| **other != peer && same(state)).map(|(other, _)| *other)
    }

    fn answered(
        &mut self,
        now: Now,
        peer: PeerId,
        asked: Asked,
        message: Message<'_>,
    ) -> Result<(), Offence> {
        match (asked, message) {
            (Asked::Headers, Message::Headers(headers)) => {
                let received = self.receive_headers(now, peer, &headers);
                let still_asked =
                    self.peers.get(&peer).is_some_and(|state| state.session.is_asked(&Asked::Headers));
                if !still_asked {
                    self.resolving.iter_mut().for_each(|resolving| resolving.forget(peer));
                }
                received
            }
            (Asked::Block(id), Message::Block(bytes)) => self.receive_block(now, id, bytes),
            (Asked::BlockTransactions(id), Message::BlockTransactions { transactions, .. }) => {
                self.receive_block_transactions(now, peer, id, &transactions)
            }
            (Asked::Block(id) | Asked::BlockTransactions(id), _) => {
                self.lacks_block(now, peer, id, Lack::SaysSo);
                Ok(())
            }
            (Asked::Addresses, Message::Addresses(addresses)) => self.hear_of_addresses(peer, &addresses),
            // A full node asks for nothing else.
            _ => Ok(()),
        }
    }

    fn hear_of_addresses(&mut self, peer: PeerId, addresses: &List<'_, NetAddress>) -> Result<(), Offence> {
        let addresses = bounded(addresses, ADDRESSES_MAX)?;
        let Some(teller) = self.peers.get(&peer).map(|state| state.remote.clone()) else { return Ok(()) };
        for NetAddress { ip, port } in addresses {
            if port != 0 {
                self.addresses.hear(PeerAddress::from_ip(ip.into(), port), &teller);
            }
        }
        Ok(())
    }

    pub(super) fn receive_transaction(
        &mut self,
        now: Now,
        peer: PeerId,
        transaction: &Transaction,
    ) -> Result<(), Offence> {
        let id = transaction.id();
        if let Some(state) = self.peers.get_mut(&peer) {
            state.has.insert(id);
        }
        match self.take_in(transaction) {
            Ok(_) => Ok(()),
            Err(PoolError::Store(error)) => {
                self.fail(error);
                Ok(())
            }
            Err(PoolError::Refused(error)) => {
                // What only lacks an earlier payment may fit as soon as that has come.
                let may_fit_later = matches!(
                    error,
                    SubmitError::Mempool(MempoolError::NonceGap { .. } | MempoolError::Uncovered { .. })
                );
                if !may_fit_later {
                    self.refused.insert(id);
                }
                let is_dishonest =
                    matches!(&error, SubmitError::Rule(error) if needs_no_accounts(error.rule()));
                if let (true, SubmitError::Rule(error)) = (is_dishonest, &error) {
                    return Err(Offence::Rule(*error));
                }
                let is_tolerable =
                    self.peers.get_mut(&peer).is_none_or(|state| state.count_refusal(now.moment));
                if !is_tolerable {
                    self.hang_up(peer, "too many transactions that cannot be mined");
                }
                Ok(())
            }
        }
    }

    /// Whether a transaction was refused lately; it is not asked for again until the tip changes.
    pub(super) fn was_refused(&self, id: &Hash32) -> bool {
        self.refused.contains(id)
    }

    /// Takes a transaction into the pool, to be passed on once it is durable.
    pub(super) fn take_in(&mut self, transaction: &Transaction) -> Result<Hash32, PoolError> {
        self.take_in_by(transaction, |pool, ledger| pool.insert(transaction, ledger))
    }

    /// The same for one whose signature needs no check any more.
    pub(super) fn take_in_checked(&mut self, checked: &CheckedTransaction<'_>) -> Result<Hash32, PoolError> {
        self.take_in_by(checked.transaction(), |pool, ledger| pool.insert_checked(checked, ledger))
    }

    fn take_in_by(
        &mut self,
        transaction: &Transaction,
        insert: impl FnOnce(&mut Pool<D>, &Ledger<D>) -> Result<Hash32, PoolError>,
    ) -> Result<Hash32, PoolError> {
        if let Some(reason) = &self.read_only {
            return Err(PoolError::Refused(SubmitError::ReadOnly(reason.clone())));
        }
        let id = insert(&mut self.pool, &self.ledger)?;
        self.needs_sync = true;
        self.news.push(id);
        self.outputs
            .push_back(Output::Event(Event::Transaction { id, transaction: Box::new(transaction.clone()) }));
        Ok(id)
    }

    /// Takes a block into the ledger, and all that follows from it.
    pub(super) fn accept(&mut self, block: &Block, clock: Clock) -> Result<(), AddError> {
        let before = self.ledger.tip().id();
        let added = self.ledger.add_knowing(block, clock, self.pool.mempool())?;
        let senders = block.transactions.iter().map(|transaction| transaction.sender);
        self.follow_up(before, &block.header, senders, &added)
    }

    /// The same for a block whose transactions were checked.
    pub(super) fn accept_checked(&mut self, block: &CheckedBlock<'_>, clock: Clock) -> Result<(), AddError> {
        let before = self.ledger.tip().id();
        let added = self.ledger.add_checked(block, clock)?;
        let senders = block.transactions().iter().map(|checked| checked.transaction().sender);
        self.follow_up(before, block.header(), senders, &added)
    }

    /// Does what follows from a new block with these senders, where the tip was the one `before`.
    fn follow_up(
        &mut self,
        before: Hash32,
        header: &Header,
        senders: impl Iterator<Item = PublicKey>,
        added: &Added,
    ) -> Result<(), AddError> {
        self.needs_sync |= *added != Added::Known;
        let senders: BTreeSet<PublicKey> = match added {
            Added::Known | Added::Side => return Ok(()),
            Added::Extended => senders.collect(),
            Added::Reorganised { .. } => self.pool.senders(),
        };
        self.review_checkpoints()?;
        let dropped = self.pool.refresh(senders, &self.ledger)?;
        if let Added::Reorganised { disconnected, .. } = added {
            self.return_to_pool(disconnected, dropped)?;
            let depth = disconnected.len() as u64;
            self.outputs.push_back(Output::Event(Event::Reorganisation {
                from: before,
                to: header.id(),
                depth,
            }));
        }
        self.outputs.push_back(Output::Event(Event::Block {
            id: header.id(),
            height: header.height,
            transactions: header.transaction_count,
        }));
        self.refused = Default::default();
        self.tip_is_news = true;
        Ok(())
    }

    /// Opens the transactions again of blocks that left the main chain, the oldest first, and then what
    /// came after them in the pool and was dropped without them.
    fn return_to_pool(
        &mut self,
        disconnected: &[Hash32],
        dropped: Vec<KeptTransaction>,
    ) -> Result<(), AddError> {
        for id in disconnected.iter().rev() {
            let Some(block) = self.ledger.block(id)? else { continue };
            for transaction in &block.transactions {
                // All obey the rules that need no accounts, or the block would not have been accepted.
                if let Ok(inspected) = IdentifiedTransaction::from(transaction).inspect() {
                    self.reopen(&inspected.accepted_before())?;
                }
            }
        }
        dropped.iter().try_for_each(|transaction| self.reopen(&transaction.checked()))
    }

    fn reopen(&mut self, transaction: &CheckedTransaction<'_>) -> Result<(), AddError> {
        match self.pool.insert_checked(transaction, &self.ledger) {
            Ok(id) => self.news.push(id),
            // Most are in the winning branch as well.
            Err(PoolError::Refused(_)) => {}
            Err(PoolError::Store(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Tells peers of what became durable: a new tip, new open transactions.
    pub(super) fn pass_on(&mut self) {
        if std::mem::take(&mut self.tip_is_news) {
            // Whoever has shown the block is told too: so it knows how far this node is.
            let greeted = self.peers.iter().filter(|(_, state)| state.is_greeted());
            let peers: Vec<PeerId> = greeted.map(|(peer, _)| *peer).collect();
            self.tell_of_tip(&peers);
        }
        let news = std::mem::take(&mut self.news);
        let peers: Vec<PeerId> =
            self.peers.iter().filter(|(_, state)| state.is_greeted()).map(|(peer, _)| *peer).collect();
        for ids in news.chunks(TRANSACTION_IDS_MAX) {
            for peer in &peers {
                let Some(state) = self.peers.get_mut(peer) else { continue };
                let unaware: Vec<Hash32> = ids.iter().filter(|id| state.has.insert(**id)).copied().collect();
                if !unaware.is_empty() {
                    let mut buffer = Vec::new();
                    let list = self.list_for(*peer, &unaware, TRANSACTION_IDS_MAX, &mut buffer);
                    self.send(*peer, &Message::HaveTransactions(list));
                }
            }
        }
    }

    /// How far this clock is ahead of the median of the peers', where it is further off than a block
    /// may be ahead.
    pub(super) fn clock_skew(&self) -> Option<i64> {
        let mut samples: Vec<i64> = self.clock_samples.iter().copied().collect();
        samples.sort_unstable();
        let median = samples.get(samples.len() / 2).copied()?;
        let limit = mote_core::params::FUTURE_MAX_SECONDS as i64;
        (median.abs() > limit).then_some(-median)
    }
}

/// Whether an honest peer cannot pass on a transaction that breaks this rule, whatever its chain.
fn needs_no_accounts(rule: mote_core::rules::Rule) -> bool {
    use mote_core::rules::Rule;
    matches!(
        rule,
        Rule::TransactionAmount
            | Rule::TransactionFee
            | Rule::TransactionSender
            | Rule::TransactionRecipient
            | Rule::TransactionSignature
    )
}
