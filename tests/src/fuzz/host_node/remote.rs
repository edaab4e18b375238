//! The other end of a connection: what an honest node says that shows a branch of the grove.

use std::collections::VecDeque;

use mote::node::Now;
use mote_core::block::Header;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_core::units::Height;
use mote_core::wire::{Hello, Message, NetAddress, PROTOCOL_VERSION, Services};

use super::super::grove::FLAWED;
use super::Grove;
use crate::devices::branch::with_list;
use crate::fixtures::{VecBlock, wire};

/// The other end of a connection.
pub(super) struct Remote {
    pub(super) branch: usize,
    /// How many blocks of the branch it shows.
    pub(super) height: usize,
    pub(super) has_greeted: bool,
    pub(super) is_honest: bool,
    pub(super) message_max: usize,
    /// Whether it pushes compact blocks, and takes them.
    pub(super) is_compact: bool,
    /// Requests of the node that wait for an answer.
    pub(super) asked: VecDeque<Vec<u8>>,
}

impl Remote {
    pub(super) fn new(branch: usize, height: usize, message_max: usize, is_compact: bool) -> Self {
        let (has_greeted, is_honest, asked) = (false, branch != FLAWED, VecDeque::new());
        Self { branch, height, has_greeted, is_honest, message_max, is_compact, asked }
    }

    pub(super) fn blocks(&self) -> &'static [VecBlock] {
        let branch = &Grove::get().branches[self.branch];
        &branch[..self.height.min(branch.len())]
    }

    pub(super) fn tip(&self) -> &'static Header {
        let grove = Grove::get();
        self.blocks().last().map_or(grove.params.genesis(), |block| &block.header)
    }

    pub(super) fn hello(&self, now: Now, nonce: u64) -> Hello {
        let grove = Grove::get();
        let tip = self.tip();
        // Of a flawed branch nobody has the work, but anybody can claim some.
        let work = grove
            .chains
            .get(&tip.id())
            .map_or(mote_core::pow::Work::from_be_bytes(&[0x7f; 32]), |chain| chain.tip.work());
        let services = if self.is_compact { Services::FULL.and(Services::COMPACT) } else { Services::FULL };
        Hello {
            version: PROTOCOL_VERSION,
            genesis: grove.params.genesis_id(),
            tip: tip.id(),
            height: tip.height,
            work,
            time: now.time,
            services,
            witness_from: Height::GENESIS.next(),
            message_max: self.message_max as u32,
            nonce,
            port: 7_000,
        }
    }

    /// How it tells of its tip; not at all where that is genesis.
    pub(super) fn news(&self) -> Option<Vec<u8>> {
        let block = self.blocks().last()?;
        let header = block.header.clone();
        if !self.is_compact {
            return Some(wire(&Message::Tip(header)));
        }
        let ids: Vec<Hash32> = block.transactions.iter().map(Transaction::id).collect();
        Some(with_list(&ids, |ids| wire(&Message::CompactBlock { header, ids })))
    }

    /// What an honest node that shows this branch answers.
    pub(super) fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let find = |id: &Hash32| self.blocks().iter().find(|block| block.header.id() == *id);
        Some(match decode::<Message>(request).expect("the node sends messages") {
            Message::GetHeaders { locator, limit } => {
                let ids: Vec<Hash32> =
                    locator.iter().map(|id| id.expect("the node's locators are well formed")).collect();
                let place = |id: &Hash32| self.blocks().iter().position(|block| block.header.id() == *id);
                let start = ids.iter().find_map(place).map_or(0, |index| index + 1);
                let headers: Vec<Header> = self.blocks()[start..]
                    .iter()
                    .take(usize::from(limit))
                    .map(|block| block.header.clone())
                    .collect();
                with_list(&headers, |list| wire(&Message::Headers(list)))
            }
            Message::GetBlock(id) => match find(&id) {
                Some(block) => wire(&Message::Block(&wire(block))),
                None => wire(&Message::NotFound(id)),
            },
            Message::GetBlockTransactions { block, places } => match find(&block) {
                Some(found) => {
                    let place = |place: Result<u32, _>| place.expect("the node's places are well formed");
                    let at = |place: u32| found.transactions[place as usize].clone();
                    let transactions: Vec<Transaction> = places.iter().map(place).map(at).collect();
                    with_list(&transactions, |transactions| {
                        wire(&Message::BlockTransactions { block, transactions })
                    })
                }
                None => wire(&Message::NotFound(block)),
            },
            Message::GetAddresses => {
                let addresses = [NetAddress {
                    ip: std::net::Ipv4Addr::new(10, 50, 0, 1).to_ipv6_mapped().octets(),
                    port: 7_700,
                }];
                with_list(&addresses, |list| wire(&Message::Addresses(list)))
            }
            Message::Ping(nonce) => wire(&Message::Pong(nonce)),
            Message::GetTransactions(ids) => {
                let id = ids.iter().next()?.ok()?;
                let payment = Grove::get().open.iter().find(|payment| payment.id() == id)?;
                wire(&Message::Transaction(payment.clone()))
            }
            _ => return None,
        })
    }
}
