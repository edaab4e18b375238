//! New tips in compact form, as the docs of [`mote_core::wire`] describe them: pushing them to whom can use them, and
//! putting blocks together of open transactions.
//!
//! A header that comes with ids is followed as any other tip's is. Only where its block is wanted after that are the
//! ids looked at: they lead to the header's root, or their sender is parted from. What is put together is then the
//! header's block whatever else is wrong with it, and goes the way of every body.

use mote_core::block::Header;
use mote_core::codec::encoded_len;
use mote_core::hash::Hash32;
use mote_core::merkle::root_in_place;
use mote_core::peer::{Asked, Offence};
use mote_core::rules::RuleError;
use mote_core::transaction::Transaction;
use mote_core::wire::{List, ListWriter, Message, Services};
use serde::{Deserialize, Serialize};

use super::peers::{Peer, PeerId};
use super::serve::bounded;
use super::{Node, Now};
use crate::block::Block;
use crate::sha256::many::SideBySide;
use crate::store::disk::Disk;
use crate::store::error::StoreError;

/// A block that a peer pushed and that waits for the transactions that are not open here. Each peer has one at the
/// most, for as long as its answer is waited for.
pub struct HalfBuilt {
    /// The block's id.
    pub id: Hash32,
    header: Header,
    /// In the block's order; none where it was asked for.
    transactions: Vec<Option<Transaction>>,
}

impl Peer {
    /// Whether the peer can put together a block that stands on this one: it is the best that it has.
    fn can_build_on(&self, parent: &Hash32) -> bool {
        let takes = self.session.remote().is_some_and(|hello| hello.services.offers(Services::COMPACT));
        takes && self.best.id == *parent
    }
}

impl<D: Disk> Node<D> {
    /// Tells peers of the tip: those who can put it together its ids, the others its header.
    pub(super) fn tell_of_tip(&mut self, peers: &[PeerId]) {
        let id = self.ledger.tip().id();
        let header = match self.ledger.header(&id) {
            Ok(Some(entry)) => entry.header,
            Ok(None) => return,
            Err(error) => return self.fail(error),
        };
        let can_build =
            |peer: &&PeerId| self.peers.get(*peer).is_some_and(|state| state.can_build_on(&header.previous));
        let (builders, others): (Vec<PeerId>, Vec<PeerId>) = peers.iter().partition(can_build);
        let ids = match self.ids_for(&builders, &id) {
            Ok(ids) => ids,
            Err(error) => return self.fail(error),
        };
        let mut buffer = Vec::new();
        let compact = Message::CompactBlock { header: header.clone(), ids: whole_list(&ids, &mut buffer) };
        let tip = Message::Tip(header);
        for peer in builders {
            let room = self.peers.get(&peer).map_or(0, |state| state.session.message_max());
            self.send(peer, if encoded_len(&compact) <= room { &compact } else { &tip });
        }
        others.into_iter().for_each(|peer| self.send(peer, &tip));
    }

    /// The ids of a block's transactions, unless there is nobody to be told of them.
    fn ids_for(&self, builders: &[PeerId], id: &Hash32) -> Result<Vec<Hash32>, StoreError> {
        let block = if builders.is_empty() { None } else { self.ledger.block(id)? };
        Ok(block.map(|block| block.transactions.iter().map(Transaction::id).collect()).unwrap_or_default())
    }

    /// Takes in a peer's new tip that comes with the ids of its transactions.
    pub(super) fn receive_compact_block(
        &mut self,
        now: Now,
        peer: PeerId,
        header: &Header,
        ids: &List<'_, Hash32>,
    ) -> Result<(), Offence> {
        let ids = bounded(ids, self.params.block_transactions_max)?;
        self.hear_of_tip(now, peer, header)?;
        if self.waits_for_body(&header.id()) {
            let got = root_in_place(&mut ids.clone(), &SideBySide::fastest());
            let expected = header.transactions_root;
            if got != expected {
                return Err(Offence::Rule(RuleError::BlockTransactionsRoot { got, expected }));
            }
            let (got, expected) = (ids.len() as u64, u64::from(header.transaction_count));
            if got != expected {
                return Err(Offence::Rule(RuleError::BlockTransactionCount { got, expected }));
            }
            self.build(now, peer, header, &ids);
        }
        self.schedule(now);
        Ok(())
    }

    /// Puts a block together, or asks the peer that pushed it for what is not open here. Where nothing of it is, or
    /// somebody was asked for it before, that is left to the schedule.
    fn build(&mut self, now: Now, peer: PeerId, header: &Header, ids: &[Hash32]) {
        let open = |id: &Hash32| self.pool.mempool().get(id).map(|entry| entry.transaction().clone());
        let transactions: Vec<Option<Transaction>> = ids.iter().map(open).collect();
        let id = header.id();
        let places = (0_u32..).zip(&transactions).filter(|(_, transaction)| transaction.is_none());
        let places: Vec<u32> = places.map(|(place, _)| place).collect();
        if places.is_empty() {
            let transactions = transactions.into_iter().flatten().collect();
            return self.fill(now, &id, Block { header: header.clone(), transactions });
        }
        if places.len() == ids.len() || self.peers.values().any(|state| state.is_asked_for(&id)) {
            return;
        }
        let Some(state) = self.peers.get_mut(&peer) else { return };
        // One slot is left for headers.
        let has_room = state.half_built.is_none() && state.session.free_requests() > 1;
        if has_room && state.session.ask(Asked::BlockTransactions(id), now.moment) {
            state.half_built = Some(HalfBuilt { id, header: header.clone(), transactions });
            let mut buffer = Vec::new();
            let places = whole_list(&places, &mut buffer);
            self.send(peer, &Message::GetBlockTransactions { block: id, places });
        }
    }

    /// Takes in the transactions that a peer was asked for.
    pub(super) fn receive_block_transactions(
        &mut self,
        now: Now,
        peer: PeerId,
        id: Hash32,
        transactions: &List<'_, Transaction>,
    ) -> Result<(), Offence> {
        let half_built = self.peers.get_mut(&peer).and_then(|state| state.half_built.take());
        let Some(HalfBuilt { header, transactions: known, .. }) = half_built else { return Ok(()) };
        let asked = known.iter().filter(|transaction| transaction.is_none()).count();
        let mut came = bounded(transactions, asked)?.into_iter();
        // What does not come is missing at the end, so that the root is another one.
        let transactions = known.into_iter().filter_map(|known| known.or_else(|| came.next())).collect();
        self.take_body(now, id, Block { header, transactions })
    }

    /// Answers who asks for some transactions of a block.
    pub(super) fn send_block_transactions(
        &mut self,
        peer: PeerId,
        id: Hash32,
        places: &List<'_, u32>,
    ) -> Result<(), Offence> {
        let places = bounded(places, self.params.block_transactions_max)?;
        let block = match self.ledger.block(&id) {
            Ok(Some(block)) => block,
            Ok(None) => {
                self.send(peer, &Message::NotFound(id));
                return Ok(());
            }
            Err(error) => {
                self.fail(error);
                return Ok(());
            }
        };
        let (mut asked, mut least) = (Vec::with_capacity(places.len()), 0);
        for place in places {
            let transaction = block.transactions.get(place as usize).filter(|_| place >= least);
            let limit = block.transactions.len();
            asked.push(transaction.ok_or(Offence::Place { got: place, least, limit })?.clone());
            least = place + 1;
        }
        let mut buffer = Vec::new();
        let transactions = whole_list(&asked, &mut buffer);
        self.send(peer, &Message::BlockTransactions { block: id, transactions });
        Ok(())
    }
}

/// All items, however many.
fn whole_list<'b, T: Serialize + for<'d> Deserialize<'d>>(
    items: &[T],
    buffer: &'b mut Vec<u8>,
) -> List<'b, T> {
    buffer.resize(items.iter().map(encoded_len).sum(), 0);
    let mut writer = ListWriter::new(buffer);
    // The buffer is as long as they are.
    items.iter().all(|item| writer.push(item).is_ok());
    writer.finish()
}
