//! What no honest peer says.

use mote_core::block::Header;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{Message, NetAddress};

use super::{Choices, Grove, Stage};
use crate::devices::branch::with_list;
use crate::fixtures::{VecBlock, mine, wire};

impl Stage {
    pub(super) fn answer_wrongly(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let Some(remote) = self.peers.get_mut(&peer) else { return };
        let Some(request) = remote.asked.pop_front() else { return };
        remote.is_honest = false;
        let Some(answer) = remote.answer(&request) else { return };
        let changed = match decode::<Message>(&answer) {
            Ok(Message::Block(bytes)) => wire(&Message::Block(&change_block(bytes, choices))),
            Ok(Message::BlockTransactions { block, transactions }) => {
                let mut transactions: Vec<Transaction> = transactions.iter().map_while(Result::ok).collect();
                match choices.byte() % 3 {
                    0 => drop(transactions.pop()),
                    1 => transactions.push(choices.of(&Grove::get().open).clone()),
                    _ => transactions.fill(choices.of(&Grove::get().open).clone()),
                }
                with_list(&transactions, |transactions| {
                    wire(&Message::BlockTransactions { block, transactions })
                })
            }
            Ok(Message::Headers(headers)) => {
                let mut headers: Vec<Header> = headers.iter().map_while(Result::ok).collect();
                change_headers(&mut headers, choices);
                with_list(&headers, |list| wire(&Message::Headers(list)))
            }
            _ => {
                let mut bytes = answer;
                choices.mutate(&mut bytes);
                bytes
            }
        };
        self.tell(peer, changed);
    }

    pub(super) fn speak_out_of_turn(&mut self, choices: &mut Choices<'_>) {
        let Some(peer) = self.some_peer(choices) else { return };
        let now = self.now;
        let Some(remote) = self.peers.get_mut(&peer) else { return };
        remote.is_honest = false;
        let block = choices.of(&Grove::get().branches[remote.branch]);
        let id = block.header.id();
        let mut bytes = match choices.byte() % 17 {
            0 => wire(&Message::Hello(remote.hello(now, choices.number()))),
            1 => wire(&Message::Block(&change_block(&wire(block), choices))),
            2 => wire(&Message::Block(&wire(block))),
            3 => with_list(std::slice::from_ref(&block.header), |list| wire(&Message::Headers(list))),
            4 => {
                let mut headers = vec![block.header.clone()];
                change_headers(&mut headers, choices);
                headers.first().map(|header| wire(&Message::Tip(header.clone()))).unwrap_or_default()
            }
            5 => wire(&Message::Tip(block.header.clone())),
            6 => wire(&Message::NotFound(id)),
            7 => wire(&Message::Pong(choices.number())),
            8 => {
                let address = || NetAddress { ip: choices.array(), port: 7_700 };
                let addresses: Vec<NetAddress> = std::iter::repeat_with(address).take(3).collect();
                with_list(&addresses, |list| wire(&Message::Addresses(list)))
            }
            9 => with_list(&[id, Hash32::ZERO], |list| wire(&Message::HaveTransactions(list))),
            10 => {
                let mut payment = wire(choices.of(&Grove::get().payments));
                choices.mutate(&mut payment);
                let changed = decode::<Transaction>(&payment);
                changed.map(|payment| wire(&Message::Transaction(payment))).unwrap_or(payment)
            }
            11 => wire(&Message::Refused("go away")),
            12 => wire(&Message::WitnessStart(block.header.clone())),
            13 => {
                let mut ids: Vec<Hash32> = block.transactions.iter().map(Transaction::id).collect();
                change_ids(&mut ids, choices);
                let header = block.header.clone();
                with_list(&ids, |ids| wire(&Message::CompactBlock { header, ids }))
            }
            14 => with_list(&block.transactions, |transactions| {
                wire(&Message::BlockTransactions { block: id, transactions })
            }),
            15 => {
                let places = [choices.number() as u32, choices.number() as u32 % 4];
                with_list(&places, |places| wire(&Message::GetBlockTransactions { block: id, places }))
            }
            _ => choices.bytes(300).to_vec(),
        };
        if choices.once_in(4) {
            choices.mutate(&mut bytes);
        }
        self.tell(peer, bytes);
    }
}

/// Other ids than these.
fn change_ids(ids: &mut Vec<Hash32>, choices: &mut Choices<'_>) {
    match choices.byte() % 5 {
        0 => ids.reverse(),
        1 => drop(ids.pop()),
        2 => ids.push(choices.of(&Grove::get().open).id()),
        3 => ids.extend(ids.clone()),
        _ => ids.fill(choices.of(&Grove::get().open).id()),
    }
}

/// Another block than this one, whose proof of work is right where that is easy.
fn change_block(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut block: VecBlock = decode(bytes).expect("these are the bytes of a block");
    let Grove { params, payments, .. } = Grove::get();
    match choices.byte() % 8 {
        0 => {
            let mut bytes = bytes.to_vec();
            choices.mutate(&mut bytes);
            return bytes;
        }
        1 => block.transactions.push(choices.of(payments).clone()),
        2 => block.transactions.reverse(),
        3 => drop(block.transactions.pop()),
        4 => block.transactions.extend(block.transactions.clone()),
        5 => block.header.state_root = Hash32::from_bytes(choices.array()),
        6 => block.header.transaction_count ^= 1,
        _ => block.header.time = Timestamp::from_seconds(choices.number()),
    }
    if choices.byte().is_multiple_of(2) {
        block.header.transactions_root = mote_core::block::transactions_root(&block.transactions);
        block.header.transaction_count = block.transactions.len() as u32;
    }
    if block.header.target == params.genesis().target {
        mine(&mut block.header);
    }
    wire(&block)
}

/// Other headers than these, the last of which has a right proof of work where that is easy.
fn change_headers(headers: &mut Vec<Header>, choices: &mut Choices<'_>) {
    let floor = Grove::get().params.genesis().target;
    let at = choices.below(headers.len().max(1));
    let kind = choices.byte() % 10;
    let Some(header) = headers.get_mut(at) else { return };
    match kind {
        0 => header.height = Height::new(choices.number()),
        1 => header.previous = Hash32::from_bytes(choices.array()),
        2 => header.state_root = Hash32::from_bytes(choices.array()),
        3 => header.time = header.time.plus(choices.number()),
        4 => header.nonce = choices.number(),
        5 => header.history_root = Hash32::from_bytes(choices.array()),
        6 => return headers.truncate(at),
        7 => return headers.reverse(),
        8 => {
            let again = headers[at].clone();
            return headers.insert(at, again);
        }
        _ => header.target = mote_core::pow::CompactTarget::from_bits(choices.number() as u32),
    }
    if header.target == floor && choices.byte().is_multiple_of(2) {
        mine(header);
    }
    // What stood behind it stands on another one.
    if choices.byte().is_multiple_of(2) {
        headers.truncate(at + 1);
    }
}
