//! What the node has to say to a peer, one message at a time, whenever there is room for one.

use mote_core::card::SNAPSHOT_BLOCKS;
use mote_core::codec::encode;
use mote_core::hash::Hash32;
use mote_core::merkle::root_of_hashes;
use mote_core::peer::{Asked, Due as SessionDue};
use mote_core::units::{Height, Moment, Timestamp};
use mote_core::wire::stream::WITNESS_MESSAGE_MAX_BYTES;
use mote_core::wire::{Hello, LOCATOR_MAX_IDS, List, ListWriter, Message, PROTOCOL_VERSION, Services};

use super::payments::Selection;
use super::peer::{WITNESSES, Wanted};
use super::sync::{HEADERS, Phase, Place};
use super::{BLOCK_TRANSACTIONS, Node, Surroundings};

/// Bytes of the largest message that a device sends: a block or the transactions of a template.
pub const SEND_MAX_BYTES: usize = mote_core::block::HEADER_MAX_BYTES
    + 64
    + BLOCK_TRANSACTIONS * mote_core::transaction::TRANSACTION_MAX_BYTES;

/// Bytes of the largest message without a list: a header or a transaction, and what stands around it.
const SMALL_MAX_BYTES: usize = 320;

const _: () = assert!(32 * LOCATOR_MAX_IDS + 64 <= SEND_MAX_BYTES, "a locator fits");

/// Why a connection is of no use any more, which is no offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Useless(pub &'static str);

impl Node<'_> {
    /// The next message to a peer that can take `room` bytes, written with the help of `scratch`, which
    /// holds [`SEND_MAX_BYTES`]; `None` where there is nothing to say, or no room for it.
    #[inline(never)]
    pub fn say<'b>(
        &mut self,
        peer: usize,
        room: usize,
        scratch: &'b mut [u8],
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Result<Option<Message<'b>>, Useless> {
        let time = self.clock.time(now);
        let Some(Some(state)) = self.peers.get_mut(peer) else { return Ok(None) };
        // What takes too long is noticed also where a peer takes nothing any more.
        while let Some(due) = state.session.poll(now) {
            match due {
                SessionDue::Ping(nonce) => state.due.ping = Some(nonce),
                // What is late is as good as never: pieces of two witnesses must not mix.
                SessionDue::Expired(_) => return Err(Useless("an answer did not come in time")),
                SessionDue::Close(reason) => return Err(Useless(reason)),
            }
        }
        if state.is_useless {
            return Err(Useless("what it announces leads to nothing"));
        }
        if room < SMALL_MAX_BYTES {
            return Ok(None);
        }
        if core::mem::take(&mut state.due.greeting) {
            return Ok(Some(Message::Hello(self.greeting(time))));
        }
        if !state.is_greeted() {
            return Ok(None);
        }
        let due = &mut state.due;
        if let Some(nonce) = due.ping.take() {
            return Ok(Some(Message::Ping(nonce)));
        }
        if let Some(nonce) = due.pong.take() {
            return Ok(Some(Message::Pong(nonce)));
        }
        if core::mem::take(&mut due.no_headers) {
            return Ok(Some(Message::Headers(ListWriter::new(&mut []).finish())));
        }
        if core::mem::take(&mut due.no_addresses) {
            return Ok(Some(Message::Addresses(ListWriter::new(&mut []).finish())));
        }
        if let Some(id) = due.not_found.take() {
            return Ok(Some(Message::NotFound(id)));
        }
        if core::mem::take(&mut due.tip)
            && let Some(found) = &self.miner.found
        {
            return Ok(Some(Message::Tip(found.header.clone())));
        }
        if let Some(place) = (0..BLOCK_TRANSACTIONS).find(|place| due.transactions.has(*place)) {
            due.transactions.remove(place);
            if let Some(kept) = self.payments.at(place) {
                return Ok(Some(Message::Transaction(kept.checked().transaction().clone())));
            }
        }
        if !due.wanted.is_empty() {
            let list = write_list(scratch, due.wanted.iter());
            due.wanted.clear();
            return Ok(Some(Message::GetTransactions(list)));
        }
        if room < SEND_MAX_BYTES {
            return Ok(None);
        }
        if core::mem::take(&mut due.block) {
            return Ok(self.found_block(scratch));
        }
        if core::mem::take(&mut due.announcement) {
            let open = self.payments.own().filter(|own| own.mined().is_none()).map(|own| own.id());
            let ids: heapless::Vec<Hash32, BLOCK_TRANSACTIONS> = open.collect();
            if !ids.is_empty() {
                return Ok(Some(Message::HaveTransactions(write_list(scratch, ids.iter()))));
            }
        }
        if self.sync.peer() == Some(peer) {
            return Ok(self.request_for_sync(peer, scratch, now, outside));
        }
        if self.sync.is_idle() && time.is_some() {
            return Ok(self.request_at_tip(peer, scratch, now));
        }
        Ok(None)
    }

    fn greeting(&self, time: Option<Timestamp>) -> Hello {
        let tip = self.chain.tip();
        Hello {
            version: PROTOCOL_VERSION,
            genesis: self.params.genesis_id(),
            tip: tip.id(),
            height: tip.height(),
            work: tip.work(),
            // A device that does not know the time yet has its tip's.
            time: time.unwrap_or(tip.time()),
            services: Services::default(),
            witness_from: Height::new(u64::MAX),
            message_max: WITNESS_MESSAGE_MAX_BYTES as u32,
            nonce: self.nonce,
            port: 0,
        }
    }

    /// Headers and witnesses of the branch that is being followed.
    #[inline(never)]
    fn request_for_sync<'b>(
        &mut self,
        peer: usize,
        scratch: &'b mut [u8],
        now: Moment,
        outside: &mut impl Surroundings,
    ) -> Option<Message<'b>> {
        let Self { sync, peers, chain, branch, params, origin, .. } = self;
        let state = peers.get_mut(peer)?.as_mut()?;
        let mut writer = ListWriter::new(scratch);
        let mut limit = HEADERS;
        match sync.phase {
            Phase::Idle => return None,
            Phase::Judging { is_linked, .. } => {
                if !state.session.ask(Asked::Headers, now) {
                    return None;
                }
                if is_linked {
                    // The block below it shows that the peer went over to another branch meanwhile.
                    let _ = writer.push(&branch.tip().id());
                    let _ = writer.push(&branch.base().id());
                } else {
                    let mut count = 0;
                    let mut name = |id: Hash32| {
                        count += 1;
                        if count < LOCATOR_MAX_IDS {
                            let _ = writer.push(&id);
                        }
                    };
                    chain.locate(&mut name);
                    for height in snapshot_heights(chain.base().height(), origin.height()) {
                        outside.snapshot_id(height).into_iter().for_each(&mut name);
                    }
                    let _ = writer.push(&origin.id(params));
                }
            }
            Phase::Validating { goal, place, .. } => {
                if sync.asked < sync.next.len() && state.witnesses.len() < WITNESSES {
                    let id = *sync.next.iter().nth(sync.asked)?;
                    if state.session.ask(Asked::Witness(id), now) {
                        sync.asked += 1;
                        let _ = state.witnesses.push_back(Wanted::Block(id));
                        return Some(Message::GetWitness(id));
                    }
                    return None;
                }
                // No more than there is room for.
                limit = HEADERS - sync.next.len() as u16;
                let is_short = limit >= HEADERS / 2 && sync.last != goal;
                if !is_short || !state.session.ask(Asked::Headers, now) {
                    return None;
                }
                let tip = if place == Place::Chain { chain.tip() } else { branch.tip() };
                let _ = writer.push(&if sync.next.is_empty() { tip.id() } else { sync.last });
            }
        }
        Some(Message::GetHeaders { locator: writer.finish(), limit })
    }

    /// A template to mine on, and the proof of the own account.
    #[inline(never)]
    fn request_at_tip<'b>(&mut self, peer: usize, scratch: &'b mut [u8], now: Moment) -> Option<Message<'b>> {
        let Self { peers, chain, payments, miner, key, account, .. } = self;
        let (state, key) = (peers.get_mut(peer)?.as_mut()?, key.as_ref()?);
        let tip = chain.tip().id();
        if state.claim.is_some_and(|claim| claim.id != tip) {
            return None;
        }
        let open = if miner.takes_payments(&tip) { payments.open() } else { Selection::default() };
        let can_ask = !state.witnesses.is_full() && state.no_template.is_none_or(|until| now >= until);
        if can_ask && miner.wants(&tip, open, now) && state.session.ask(Asked::Witness(tip), now) {
            let _ = state.witnesses.push_back(Wanted::Template(tip));
            miner.ask(tip, open);
            let selected = payments.selected(open);
            let transactions = selected.iter().map(|kept| kept.checked().transaction());
            let transactions = write_list(scratch, transactions);
            return Some(Message::GetTemplateWitness { tip, miner: key.public_key(), transactions });
        }
        let key = key.public_key().account_key();
        let is_known = account.as_ref().is_some_and(|(at, _)| *at == tip);
        let can_ask = state.no_account.is_none_or(|until| now >= until);
        if !is_known && can_ask && state.session.ask(Asked::Account { block: tip, key }, now) {
            return Some(Message::GetAccount { block: tip, key });
        }
        None
    }

    /// The block that this device found.
    #[inline(never)]
    fn found_block<'b>(&self, scratch: &'b mut [u8]) -> Option<Message<'b>> {
        let found = self.miner.found.as_ref()?;
        let selected = self.payments.selected(found.transactions);
        // A newer payment may have taken the place of one that was mined.
        let ids = selected.iter().map(|kept| kept.checked().id());
        if root_of_hashes(ids) != found.header.transactions_root {
            return Some(Message::NotFound(found.id));
        }
        let mut length = encode(&found.header, scratch).ok()?.len();
        length += encode(&(selected.len() as u32), scratch.get_mut(length..)?).ok()?.len();
        for kept in selected {
            length += encode(kept.checked().transaction(), scratch.get_mut(length..)?).ok()?.len();
        }
        scratch.get(..length).map(Message::Block)
    }
}

/// Heights of snapshots between two blocks, the highest first, then ever farther apart.
fn snapshot_heights(below: Height, above: Height) -> impl Iterator<Item = Height> {
    let newest = below.get().saturating_sub(1) / SNAPSHOT_BLOCKS;
    let steps = core::iter::once(0).chain((0..63).map(|power| 1 << power));
    steps
        .map_while(move |step: u64| newest.checked_sub(step))
        .map(|number| Height::new(number * SNAPSHOT_BLOCKS))
        .filter(move |height| *height > above)
}

/// The list of items that all fit.
fn write_list<'b, 'i, T: serde::Serialize + 'i>(
    scratch: &'b mut [u8],
    items: impl Iterator<Item = &'i T>,
) -> List<'b, T> {
    let mut writer = ListWriter::new(scratch);
    for item in items {
        let _ = writer.push(item);
    }
    writer.finish()
}
