//! What no honest peer says, and what no device writes.

use std::net::SocketAddrV4;

use mote_core::block::Header;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{Message, NetAddress};
use mote_firmware::node::{Chains, Node, SEND_MAX_BYTES};

use super::around::Outside;
use super::remote::{branches, honest_answer, payments};
use super::{BEST, Choices, OWN, START_SECONDS, Stage, settings};
use crate::devices::answers::hello;
use crate::devices::branch::with_list;
use crate::fixtures::{account, mine, regtest, wire};

impl Stage<'_> {
    pub(super) fn answer_wrongly(&mut self, peer: usize, choices: &mut Choices<'_>) {
        let time = self.time();
        let Some(remote) = self.peers[peer].as_mut() else { return };
        remote.is_honest = false;
        let Some(request) = remote.asked.pop_front() else { return };
        let mut messages: Vec<Vec<u8>> = honest_answer(remote, &request, time).into();
        let at = choices.below(messages.len().max(1));
        match choices.byte() % 6 {
            0 if !messages.is_empty() => drop(messages.remove(at)),
            1 if !messages.is_empty() => {
                let again = messages[at].clone();
                messages.insert(at, again);
            }
            2 => messages.reverse(),
            3 => messages.truncate(at),
            _ => {
                if let Some(message) = messages.get_mut(at) {
                    *message = change(message, choices);
                }
            }
        }
        remote.saying.extend(messages);
    }

    pub(super) fn speak_out_of_turn(&mut self, peer: usize, choices: &mut Choices<'_>) {
        let Some(remote) = self.peers[peer].as_mut() else { return };
        remote.is_honest = false;
        let shown = choices.of(remote.branch.shown());
        let id = shown.header.id();
        let payments = payments();
        let payment = choices.of(payments);
        let mut bytes = match choices.byte() % 16 {
            0 => {
                let skew = (choices.number() as i64).clamp(-10_000_000, 10_000_000);
                let time = Timestamp::from_seconds(START_SECONDS.saturating_add_signed(skew));
                remote.has_greeted = true;
                wire(&Message::Hello(hello(&remote.branch, time, choices.number())))
            }
            1 => choices.of(&shown.witness).clone(),
            2 => with_list(std::slice::from_ref(&shown.header), |list| wire(&Message::Headers(list))),
            3 => {
                let mut header = shown.header.clone();
                change_header(&mut header, choices);
                wire(&Message::Tip(header))
            }
            4 => wire(&Message::NotFound(id)),
            5 => wire(&Message::Pong(choices.number())),
            6 => wire(&Message::Ping(choices.number())),
            7 => wire(&Message::GetBlock(id)),
            8 => with_list(&[id], |list| wire(&Message::GetHeaders { locator: list, limit: 9 })),
            9 => wire(&Message::Transaction(payment.clone())),
            10 => with_list(&[payment.id(), id], |list| wire(&Message::HaveTransactions(list))),
            11 => with_list(&[payment.id(), id], |list| wire(&Message::GetTransactions(list))),
            12 => wire(&Message::Refused("go away")),
            13 => with_list(&[NetAddress { ip: choices.array(), port: 1 }], |list| {
                wire(&Message::Addresses(list))
            }),
            14 => wire(&Message::GetAccount { block: id, key: account(OWN).account_key() }),
            _ => choices.bytes(300).to_vec(),
        };
        if choices.once_in(4) {
            choices.mutate(&mut bytes);
        }
        self.tell(peer, &bytes);
    }

    /// Records that are not what was written are refused, or lead to a node that works.
    pub(super) fn restore_damaged(&self, records: &[(u8, Vec<u8>)], choices: &mut Choices<'_>) {
        let mut chains = Box::new(Chains::new());
        let mut node = Node::new(settings(), &mut chains);
        let mut outside = Outside::default();
        for (kind, payload) in records {
            let (mut kind, mut payload) = (*kind, payload.clone());
            if choices.once_in(4) {
                choices.mutate(&mut payload);
            }
            if choices.once_in(8) {
                kind = choices.byte();
            }
            if node.restore(kind, &payload).is_err() {
                return;
            }
        }
        node.opened(0, SocketAddrV4::new([10, 0, 0, 1].into(), 7_700), self.now);
        let hello = hello(&branches()[BEST], self.time(), 9);
        let _ = node.receive(0, &wire(&Message::Hello(hello)), self.now, &mut outside);
        let mut scratch = vec![0; SEND_MAX_BYTES];
        for millis in [0, 4_000, 8_000] {
            let now = self.now.plus(millis);
            node.tick(now);
            while let Ok(Some(_)) = node.say(0, SEND_MAX_BYTES, &mut scratch, now, &mut outside) {}
        }
    }
}

/// Another message than this one.
fn change(message: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    match decode::<Message>(message) {
        Ok(Message::Headers(headers)) => {
            let mut headers: Vec<Header> = headers.iter().map_while(Result::ok).collect();
            let at = choices.below(headers.len().max(1));
            if let Some(header) = headers.get_mut(at) {
                change_header(header, choices);
            }
            if choices.byte().is_multiple_of(2) {
                headers.truncate(at + 1);
            }
            with_list(&headers, |list| wire(&Message::Headers(list)))
        }
        _ => {
            let mut bytes = message.to_vec();
            choices.mutate(&mut bytes);
            bytes
        }
    }
}

fn change_header(header: &mut Header, choices: &mut Choices<'_>) {
    match choices.byte() % 8 {
        0 => header.height = Height::new(choices.number()),
        1 => header.previous = Hash32::from_bytes(choices.array()),
        2 => header.state_root = Hash32::from_bytes(choices.array()),
        3 => header.time = header.time.plus(choices.number()),
        4 => header.nonce = choices.number(),
        5 => header.history_root = Hash32::from_bytes(choices.array()),
        6 => header.transaction_count = choices.number() as u32,
        _ => header.target = mote_core::pow::CompactTarget::from_bits(choices.number() as u32),
    }
    if header.target == regtest().genesis().target && choices.byte().is_multiple_of(2) {
        mine(header);
    }
}
