//! Answers to what peers ask for.

use mote_core::block::Header;
use mote_core::codec::encoded_len;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::peer::Offence;
use mote_core::peer::limits::{ADDRESSES_MAX, HEADERS_MAX, TRANSACTION_IDS_MAX};
use mote_core::rules::{CheckedTransaction, check_transaction};
use mote_core::state::{Proof, ProofOf, ProofRef};
use mote_core::transaction::Transaction;
use mote_core::wire::{LOCATOR_MAX_IDS, List, ListWriter, Message, NetAddress};
use serde::{Deserialize, Serialize};

use super::peers::PeerId;
use super::{Node, Now};
use crate::encoding::encoded;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::ledger::AddError;
use crate::store::witness::{Witness, WitnessPart};

/// Bytes around the items of a list in a message: its index, the list's length, an id or a header.
const ENVELOPE_BYTES: usize = 64;

impl<D: Disk> Node<D> {
    /// Answers a request, or takes in news.
    pub(super) fn receive_message(
        &mut self,
        now: Now,
        peer: PeerId,
        message: Message<'_>,
    ) -> Result<(), Offence> {
        match message {
            Message::Tip(header) => self.receive_tip(now, peer, &header),
            Message::CompactBlock { header, ids } => self.receive_compact_block(now, peer, &header, &ids),
            Message::GetBlockTransactions { block, places } => {
                self.send_block_transactions(peer, block, &places)
            }
            Message::HaveTransactions(ids) => self.hear_of_transactions(peer, &ids),
            Message::GetTransactions(ids) => self.send_transactions(peer, &ids),
            Message::Transaction(transaction) => self.receive_transaction(now, peer, &transaction),
            Message::GetHeaders { locator, limit } => match self.headers_for(&locator, limit) {
                Ok(headers) => {
                    let mut buffer = Vec::new();
                    let list = self.list_for(peer, &headers, usize::from(HEADERS_MAX), &mut buffer);
                    self.send(peer, &Message::Headers(list));
                    Ok(())
                }
                Err(HeadersError::Offence(offence)) => Err(offence),
                Err(HeadersError::Store(error)) => {
                    self.fail(error);
                    Ok(())
                }
            },
            Message::GetBlock(id) => {
                match self.ledger.block_bytes(&id) {
                    Ok(Some(bytes)) => self.send(peer, &Message::Block(&bytes)),
                    Ok(None) => self.send(peer, &Message::NotFound(id)),
                    Err(error) => self.fail(error),
                }
                Ok(())
            }
            Message::GetAddresses => {
                self.send_addresses(peer);
                Ok(())
            }
            Message::Ping(nonce) => {
                self.send(peer, &Message::Pong(nonce));
                Ok(())
            }
            Message::GetAccount { block, key } => {
                match self.ledger.account_proof(&block, &key) {
                    Ok(Some(proof)) => {
                        let proof = borrow(&proof);
                        self.send(peer, &Message::Account { block, key, proof });
                    }
                    Ok(None) => self.send(peer, &Message::NotFound(block)),
                    Err(error) => self.fail(error),
                }
                Ok(())
            }
            Message::GetInclusion(transaction) => {
                self.send_inclusion(peer, transaction);
                Ok(())
            }
            Message::GetWitness(id) => {
                match self.ledger.witness(&id) {
                    Ok(Some(witness)) => match witness.header().cloned() {
                        Some(header) => self.send_witness(peer, id, header, witness),
                        None => self.send(peer, &Message::NotFound(id)),
                    },
                    Ok(None) => self.send(peer, &Message::NotFound(id)),
                    Err(error) => self.fail(error),
                }
                Ok(())
            }
            Message::GetTemplateWitness { tip, miner, transactions } => {
                self.send_template_witness(now, peer, tip, miner, &transactions)
            }
            Message::Refused(reason) => {
                self.note_refusal(peer, reason);
                Ok(())
            }
            // Answers never come here: the session matches them with what was asked.
            Message::Hello(_)
            | Message::Headers(_)
            | Message::Block(_)
            | Message::Addresses(_)
            | Message::Pong(_)
            | Message::Account { .. }
            | Message::Inclusion { .. }
            | Message::WitnessStart(_)
            | Message::WitnessTransaction { .. }
            | Message::WitnessEnd(_)
            | Message::NotFound(_)
            | Message::BlockTransactions { .. } => Err(Offence::Unrequested("answer")),
        }
    }

    /// What a locator of a peer is answered with, as much as the peer can take.
    fn headers_for(&self, locator: &List<'_, Hash32>, limit: u16) -> Result<Vec<Header>, HeadersError> {
        let ids = bounded(locator, LOCATOR_MAX_IDS).map_err(HeadersError::Offence)?;
        self.ledger.headers_after(&ids, usize::from(limit.min(HEADERS_MAX))).map_err(HeadersError::Store)
    }

    /// As many items as the peer can take in one message, at most `limit`.
    pub(super) fn list_for<'b, T: Serialize + for<'d> Deserialize<'d>>(
        &self,
        peer: PeerId,
        items: &[T],
        limit: usize,
        buffer: &'b mut Vec<u8>,
    ) -> List<'b, T> {
        let room = self.peers.get(&peer).map_or(0, |state| state.session.message_max());
        let needed = items.iter().take(limit).map(encoded_len).sum::<usize>();
        buffer.resize(room.saturating_sub(ENVELOPE_BYTES).min(needed), 0);
        let mut writer = ListWriter::new(buffer);
        items.iter().take(limit).all(|item| writer.push(item).is_ok());
        writer.finish()
    }

    fn hear_of_transactions(&mut self, peer: PeerId, ids: &List<'_, Hash32>) -> Result<(), Offence> {
        let mut unknown = Vec::new();
        for id in bounded(ids, TRANSACTION_IDS_MAX)? {
            if let Some(state) = self.peers.get_mut(&peer) {
                state.has.insert(id);
            }
            let is_known = self.pool.mempool().get(&id).is_some()
                || self.ledger.transaction(&id).is_ok_and(|found| found.is_some());
            if !is_known && !self.was_refused(&id) {
                unknown.push(id);
            }
        }
        if !unknown.is_empty() {
            let mut buffer = Vec::new();
            let list = self.list_for(peer, &unknown, TRANSACTION_IDS_MAX, &mut buffer);
            self.send(peer, &Message::GetTransactions(list));
        }
        Ok(())
    }

    fn send_transactions(&mut self, peer: PeerId, ids: &List<'_, Hash32>) -> Result<(), Offence> {
        for id in bounded(ids, TRANSACTION_IDS_MAX)? {
            if let Some(transaction) = self.pool.mempool().get(&id).map(|entry| entry.transaction().clone()) {
                self.send(peer, &Message::Transaction(transaction));
            }
        }
        Ok(())
    }

    fn send_addresses(&mut self, peer: PeerId) {
        let known: Vec<NetAddress> = self
            .addresses
            .to_tell()
            .filter_map(|address| {
                let ip = match address.ip()? {
                    std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    std::net::IpAddr::V6(ip) => ip,
                };
                Some(NetAddress { ip: ip.octets(), port: address.port() })
            })
            .take(ADDRESSES_MAX)
            .collect();
        let mut buffer = Vec::new();
        let list = self.list_for(peer, &known, ADDRESSES_MAX, &mut buffer);
        self.send(peer, &Message::Addresses(list));
    }

    fn send_inclusion(&mut self, peer: PeerId, transaction: Hash32) {
        let found = match self.ledger.transaction_path(&transaction) {
            Ok(found) => found,
            Err(error) => return self.fail(error),
        };
        let Some(found) = found else { return self.send(peer, &Message::NotFound(transaction)) };
        let header = match self.ledger.header(&found.block) {
            Ok(Some(entry)) => entry.header,
            Ok(None) => return self.send(peer, &Message::NotFound(transaction)),
            Err(error) => return self.fail(error),
        };
        let index = found.index;
        let mut buffer = Vec::new();
        let path = self.list_for(peer, &found.path, found.path.len(), &mut buffer);
        self.send(peer, &Message::Inclusion { transaction, header, index, path });
    }

    fn send_template_witness(
        &mut self,
        now: Now,
        peer: PeerId,
        tip: Hash32,
        miner: PublicKey,
        transactions: &List<'_, Transaction>,
    ) -> Result<(), Offence> {
        let transactions = bounded(transactions, self.params.block_transactions_max)?;
        let params = self.params.clone();
        let checked: Result<Vec<CheckedTransaction<'_>>, _> =
            transactions.iter().map(|transaction| check_transaction(&params, transaction)).collect();
        let checked = checked.map_err(Offence::Rule)?;
        let current = self.ledger.tip();
        if current.id() != tip {
            self.send(peer, &Message::NotFound(tip));
            return Ok(());
        }
        let time = mote_core::miner::stamp(current, now.time);
        let executed = self.ledger.execute(current, &checked, miner);
        let (Ok(executed), Some(time)) = (executed, time) else {
            // A transaction that is no longer possible on this tip is no offence.
            self.send(peer, &Message::NotFound(tip));
            return Ok(());
        };
        let header = mote_core::miner::template(&params, current, miner, time, &executed);
        let transactions = checked.iter().map(|checked| checked.transaction().clone()).collect();
        match self.ledger.template_witness(&tip, miner, transactions) {
            Ok(Some(witness)) => self.send_witness(peer, tip, header, witness),
            Ok(None) => self.send(peer, &Message::NotFound(tip)),
            Err(error) => self.fail(error),
        }
        Ok(())
    }

    fn send_witness(&mut self, peer: PeerId, id: Hash32, header: Header, mut witness: Witness) {
        self.send(peer, &Message::WitnessStart(header));
        loop {
            match witness.next(&self.ledger) {
                Ok(Some(WitnessPart::Transaction { transaction, sender, recipient })) => {
                    let (sender, recipient) = (borrow(&sender), borrow(&recipient));
                    self.send(peer, &Message::WitnessTransaction { transaction, sender, recipient });
                }
                Ok(Some(WitnessPart::End { miner })) => {
                    self.send(peer, &Message::WitnessEnd(miner.as_deref().map(borrow)));
                }
                Ok(None) => return,
                Err(AddError::Store(error)) => return self.fail(error),
                Err(_) => return self.send(peer, &Message::NotFound(id)),
            }
        }
    }

    /// Sends one message, unless it is larger than the peer can take.
    pub(super) fn send(&mut self, peer: PeerId, message: &Message<'_>) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        let length = encoded_len(message);
        if length > state.session.message_max() {
            tracing::debug!(peer = peer.0, length, "a message is larger than the peer can take");
            return;
        }
        state.bytes_out += length as u64;
        self.outputs.push_back(super::Output::Send { peer, message: encoded(message) });
    }
}

/// The items of a list that may hold `limit` of them.
pub(super) fn bounded<'a, T: Deserialize<'a> + Serialize>(
    list: &List<'a, T>,
    limit: usize,
) -> Result<Vec<T>, Offence> {
    let items: Vec<T> = list.iter().take(limit + 1).collect::<Result<_, _>>().map_err(Offence::Malformed)?;
    if items.len() > limit { Err(Offence::TooMany { got: items.len(), limit }) } else { Ok(items) }
}

fn borrow(proof: &Proof) -> ProofRef<'_> {
    ProofOf { leaf: proof.leaf, path: proof.path.as_ref() }
}

/// Why a locator was not answered.
enum HeadersError {
    /// The locator is not one.
    Offence(Offence),
    /// The store fails.
    Store(StoreError),
}
