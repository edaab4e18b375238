//! What an attacker tells one victim, and keeps to as long as it is asked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::peer::limits::HEADERS_MAX;
use mote_core::pow::Work;
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{Hello, Message, NetAddress, PROTOCOL_VERSION, Services};

use crate::block::{self, Block};
use crate::encoding::encoded;
use crate::simulation::network::listed;
use crate::simulation::replay::{Replay, Replayed, transaction_id};
use crate::simulation::wide::Wide;

/// What becomes of requests for blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// They are answered.
    Given,
    /// They are never answered.
    Withheld,
    /// They are denied, though the header was shown.
    Denied,
    /// They are answered with another block's payments.
    Swapped,
}

/// How the last block of the chain is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// By its header.
    Header,
    /// By its header and the ids of its payments.
    Ids,
    /// By its header and these ids in another order.
    Shuffled,
}

/// What an attacker tells one victim.
#[derive(Clone, Debug)]
pub struct Story {
    /// The last block of the chain that it tells of.
    pub tip: Hash32,
    /// Blocks of that chain that no honest node may have.
    pub blocks: BTreeMap<Hash32, Block>,
    /// How it tells of that block.
    pub news: News,
    /// What becomes of requests for blocks, and for payments of blocks.
    pub bodies: Bodies,
    /// Payments to tell of.
    pub payments: Vec<Transaction>,
    /// Messages that nobody asked for, to be sent after the greeting.
    pub unasked: Vec<Vec<u8>>,
    /// Addresses of nodes to tell of.
    pub addresses: Vec<IpAddr>,
    /// How much work the greeting claims.
    pub claim: Wide,
    /// What height the greeting claims.
    pub height: u64,
    /// The number by which the attacker would recognise itself.
    pub nonce: u64,
    /// Whether all that it tells obeys every rule.
    pub is_true: bool,
    /// The port at which it says that it listens.
    pub port: u16,
}

impl Story {
    /// The story of an honest node whose chain ends in `tip`.
    pub fn honest(tip: &Replayed, nonce: u64) -> Self {
        Self {
            tip: tip.id,
            blocks: BTreeMap::new(),
            news: News::Header,
            bodies: Bodies::Given,
            payments: Vec::new(),
            unasked: Vec::new(),
            addresses: Vec::new(),
            claim: tip.work,
            height: tip.height(),
            nonce,
            is_true: false,
            port: 0,
        }
    }

    /// The same, of a chain that goes on with these blocks.
    pub fn with_blocks(mut self, blocks: &[Replayed]) -> Self {
        if let Some(last) = blocks.last() {
            (self.tip, self.claim, self.height) = (last.id, last.work, last.height());
        }
        self.blocks.extend(blocks.iter().map(|made| (made.id, made.block.clone())));
        self
    }

    /// The greeting.
    pub fn greeting(&self, replay: &Replay, seconds: u64) -> Vec<u8> {
        encoded(&Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            genesis: replay.genesis(),
            tip: self.tip,
            height: Height::new(self.height),
            work: Work::from_be_bytes(&self.claim.to_be_bytes()),
            time: Timestamp::from_seconds(seconds),
            services: Services::FULL.and(Services::WITNESS),
            witness_from: Height::new(1),
            message_max: 512 * 1_024,
            nonce: self.nonce,
            port: self.port,
        }))
    }

    /// What is told as soon as the victim has greeted.
    pub fn opening(&self, replay: &Replay) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        if let Some(block) = self.block(replay, &self.tip) {
            messages.push(self.news_of(block));
        }
        if !self.payments.is_empty() {
            let ids: Vec<Hash32> = self.payments.iter().map(transaction_id).collect();
            messages.push(listed(&ids, |list| encoded(&Message::HaveTransactions(list))));
        }
        messages.extend(self.unasked.iter().cloned());
        messages
    }

    /// What the attacker answers to a message of the victim.
    pub fn answer(&self, replay: &Replay, message: &Message<'_>) -> Vec<Vec<u8>> {
        match message {
            Message::GetHeaders { locator, limit } => {
                let known: Vec<Hash32> = locator.iter().flatten().collect();
                let mut headers = self.headers_above(replay, &known);
                headers.truncate(usize::from((*limit).min(HEADERS_MAX)));
                vec![listed(&headers, |list| encoded(&Message::Headers(list)))]
            }
            Message::GetBlock(id) => self.body(replay, id).into_iter().collect(),
            Message::GetBlockTransactions { block, places } => {
                let places: Vec<u32> = places.iter().flatten().collect();
                self.payments_of(replay, block, &places).into_iter().collect()
            }
            Message::GetTransactions(ids) => {
                let ids: Vec<Hash32> = ids.iter().flatten().collect();
                let wanted = self.payments.iter().filter(|payment| ids.contains(&transaction_id(payment)));
                wanted.map(|payment| encoded(&Message::Transaction(payment.clone()))).collect()
            }
            Message::GetAddresses => {
                let known: Vec<NetAddress> = self.addresses.iter().map(told).collect();
                vec![listed(&known, |list| encoded(&Message::Addresses(list)))]
            }
            Message::Ping(nonce) => vec![encoded(&Message::Pong(*nonce))],
            _ => Vec::new(),
        }
    }

    fn body(&self, replay: &Replay, id: &Hash32) -> Option<Vec<u8>> {
        let denied = Some(encoded(&Message::NotFound(*id)));
        match (self.bodies, self.block(replay, id)) {
            (Bodies::Withheld, _) => None,
            (Bodies::Denied, _) | (_, None) => denied,
            (Bodies::Given, Some(block)) => Some(encoded(&Message::Block(&block::encode(block)))),
            (Bodies::Swapped, Some(block)) => {
                let transactions = match block.transactions.as_slice() {
                    [] => self.payments.clone(),
                    _ => Vec::new(),
                };
                let swapped = Block { header: block.header.clone(), transactions };
                Some(encoded(&Message::Block(&block::encode(&swapped))))
            }
        }
    }

    fn news_of(&self, block: &Block) -> Vec<u8> {
        let header = block.header.clone();
        let mut ids: Vec<Hash32> = block.transactions.iter().map(transaction_id).collect();
        match self.news {
            News::Header => return encoded(&Message::Tip(header)),
            News::Ids => {}
            News::Shuffled => ids.reverse(),
        }
        listed(&ids, |ids| encoded(&Message::CompactBlock { header, ids }))
    }

    fn payments_of(&self, replay: &Replay, id: &Hash32, places: &[u32]) -> Option<Vec<u8>> {
        let denied = Some(encoded(&Message::NotFound(*id)));
        let given = match (self.bodies, self.block(replay, id)) {
            (Bodies::Withheld, _) => return None,
            (Bodies::Denied, _) | (_, None) => return denied,
            (Bodies::Given, Some(block)) => {
                let all = &block.transactions;
                places.iter().filter_map(|place| all.get(*place as usize).cloned()).collect()
            }
            (Bodies::Swapped, Some(_)) => Vec::new(),
        };
        Some(listed::<Transaction>(&given, |transactions| {
            encoded(&Message::BlockTransactions { block: *id, transactions })
        }))
    }

    /// The headers of the told chain above the highest block of `known`, the lowest first.
    fn headers_above(&self, replay: &Replay, known: &[Hash32]) -> Vec<Header> {
        let (mut headers, mut id) = (Vec::new(), self.tip);
        while !known.contains(&id) && id != replay.genesis() {
            let Some(block) = self.block(replay, &id) else { break };
            headers.push(block.header.clone());
            id = block.header.previous;
        }
        headers.reverse();
        headers
    }

    fn block<'r>(&'r self, replay: &'r Replay, id: &Hash32) -> Option<&'r Block> {
        self.blocks.get(id).or_else(|| replay.get(id).map(|replayed| &replayed.block))
    }
}

fn told(ip: &IpAddr) -> NetAddress {
    let ip = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => *ip,
    };
    NetAddress { ip: ip.octets(), port: 7_700 }
}
