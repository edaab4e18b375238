//! Abuse of what peers may send to each other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};

use mote_core::hash::Hash32;
use mote_core::wire::{ListWriter, Message};

use super::Attack;
use super::http::hold;
use super::socket::{BINARY, frame, greeting, is_ended, open_peer, write_some};
use crate::devices::branch::with_list;
use crate::fixtures::{Chain, account, pay, wire};

/// Connections that one thread holds.
const HELD: usize = 150;

/// A number of its own for each peer that greets: two with one number are taken for the same node.
fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(1 << 32);
    LAST.fetch_add(1, Ordering::Relaxed)
}

fn greeted(attack: &Attack) -> Option<TcpStream> {
    let mut socket = open_peer(attack.target.address)?;
    socket.write_all(&frame(BINARY, &greeting(&attack.target.params, next_number()))).ok()?;
    Some(socket)
}

pub fn never_greet(attack: &Attack) {
    let open = || {
        let mut socket = open_peer(attack.target.address)?;
        // The node greets first; what it says is not left to be mistaken for the end.
        let mut hello = [0; 512];
        (socket.read(&mut hello).ok()? > 0).then_some(socket)
    };
    hold(attack, HELD, open, |socket| !is_ended(socket));
}

pub fn drip_frames(attack: &Attack) {
    // A greeting of which the node has half, and a frame that is as long as any, byte by byte.
    let open = || {
        let mut socket = open_peer(attack.target.address)?;
        let whole = frame(BINARY, &vec![0; 500_000]);
        socket.write_all(&whole[..14]).ok()?;
        Some(socket)
    };
    hold(attack, HELD, open, |socket| write_some(socket, &[0]));
}

pub fn endless_messages(attack: &Attack) {
    let piece = vec![0; 60_000];
    while attack.goes_on() {
        let Some(mut socket) = greeted(attack) else { continue };
        attack.count();
        let mut goes_on = socket.write_all(&frame(0x02, &piece)).is_ok();
        while goes_on && attack.goes_on() {
            goes_on = socket.write_all(&frame(0x00, &piece)).is_ok();
        }
    }
}

/// Messages that only answers may be, and news of what cannot be.
fn messages(attack: &Attack) -> Vec<Vec<u8>> {
    let params = &attack.target.params;
    let block = Chain::new(params.clone()).block(account(9), Vec::new());
    let header = block.header.clone();
    let block_id = header.id();
    let answers = [
        wire(&Message::Block(&wire(&block))),
        with_list(std::slice::from_ref(&header), |headers| wire(&Message::Headers(headers))),
        with_list(&[], |transactions| wire(&Message::BlockTransactions { block: block_id, transactions })),
        wire(&Message::WitnessStart(header.clone())),
        wire(&Message::NotFound(block_id)),
        wire(&Message::Pong(9_999)),
        // A list as long as any that leads nowhere.
        with_list(&[Hash32::ZERO; 1_024], |ids| wire(&Message::CompactBlock { header, ids })),
    ];
    let poor = |nonce| wire(&Message::Transaction(pay(params, 77, account(9), 1_000_000, 1_000, nonce)));
    answers.into_iter().chain((0..8).map(poor)).collect()
}

pub fn unrequested(attack: &Attack) {
    let messages = messages(attack);
    while attack.goes_on() {
        for message in &messages {
            let Some(mut socket) = greeted(attack) else { continue };
            attack.count();
            let bytes = frame(BINARY, message).repeat(20);
            // The node reads it or has closed; it is over either way once nothing more comes.
            let _ = socket.write_all(&bytes);
            let _ = socket.shutdown(std::net::Shutdown::Write);
            let _ = socket.read_to_end(&mut Vec::new());
        }
    }
}

pub fn ask_and_never_read(attack: &Attack) {
    let genesis = attack.target.params.genesis_id();
    let mut buffer = vec![0; wire(&genesis).len()];
    let mut locator = ListWriter::new(&mut buffer);
    locator.push(&genesis).expect("the buffer is as long as an id");
    let question = wire(&Message::GetHeaders { locator: locator.finish(), limit: 512 });
    let questions = frame(BINARY, &question).repeat(200);
    hold(attack, HELD, || greeted(attack), |socket| write_some(socket, &questions));
}
