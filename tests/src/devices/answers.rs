//! What a full node that shows a [`Branch`] says, honest but for what its [`Script`] replaces: the same
//! over a real socket and in one process.

use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{Hello, MESSAGE_MAX_BYTES, Message, PROTOCOL_VERSION, Services};

use super::branch::{Branch, borrow, with_list};
use super::script::{Accounts, Out, Script, say};

/// The greeting of a node that shows this branch.
pub fn hello(branch: &Branch, time: Timestamp, nonce: u64) -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        genesis: branch.params().genesis_id(),
        tip: branch.tip().id(),
        height: Height::new(branch.height()),
        work: branch.work(),
        time,
        services: Services::FULL.and(Services::WITNESS),
        witness_from: Height::GENESIS,
        message_max: MESSAGE_MAX_BYTES as u32,
        nonce,
        port: 0,
    }
}

/// The answer to a request; empty where the message asks for nothing that is known of the branch.
pub fn answer(script: &Script, branch: &Branch, message: Message<'_>, time: Timestamp) -> Vec<Out> {
    let not_found = |id| vec![say(&Message::NotFound(id))];
    match message {
        Message::Ping(nonce) => vec![say(&Message::Pong(nonce))],
        Message::GetAddresses => with_list(&[], |list| vec![say(&Message::Addresses(list))]),
        Message::GetHeaders { locator, limit } => {
            let ids: Vec<Hash32> = locator.iter().map_while(Result::ok).collect();
            (script.headers)(branch.headers_after(&ids, usize::from(limit)))
        }
        Message::GetWitness(id) => match branch.get(&id) {
            Some(shown) => (script.witness)((id, shown.witness.clone())),
            None => not_found(id),
        },
        Message::GetTemplateWitness { tip, miner, transactions } => {
            let transactions: Vec<Transaction> = transactions.iter().map_while(Result::ok).collect();
            match branch.template(&tip, miner, &transactions, time) {
                Some(messages) => (script.template)(messages),
                None => not_found(tip),
            }
        }
        Message::GetAccount { block, .. } if script.accounts == Accounts::Unknown => not_found(block),
        Message::GetAccount { block, key } => match branch.account(&block, &key) {
            Some(proof) => vec![say(&Message::Account { block, key, proof: borrow(&proof) })],
            None => not_found(block),
        },
        Message::HaveTransactions(ids) => vec![say(&Message::GetTransactions(ids))],
        Message::GetBlock(id) | Message::GetInclusion(id) => not_found(id),
        _ => Vec::new(),
    }
}

/// What a message is called.
pub fn name(message: &Message<'_>) -> &'static str {
    match message {
        Message::Hello(_) => "Hello",
        Message::GetHeaders { .. } => "GetHeaders",
        Message::Headers(_) => "Headers",
        Message::GetWitness(_) => "GetWitness",
        Message::GetTemplateWitness { .. } => "GetTemplateWitness",
        Message::GetAccount { .. } => "GetAccount",
        Message::Ping(_) => "Ping",
        Message::Pong(_) => "Pong",
        Message::Refused(_) => "Refused",
        Message::Tip(_) => "Tip",
        Message::HaveTransactions(_) => "HaveTransactions",
        Message::GetTransactions(_) => "GetTransactions",
        Message::Transaction(_) => "Transaction",
        Message::Block(_) => "Block",
        Message::NotFound(_) => "NotFound",
        _ => "another",
    }
}
