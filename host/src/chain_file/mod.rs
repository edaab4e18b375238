//! The chain as text: [JSON Lines](https://jsonlines.org), one block a line, genesis first, along the
//! chain of most work. It is what `mote export` writes and `mote import` reads, and all that a program
//! in another language needs in order to recompute every id, every root and every balance.
//!
//! A line is one JSON object in UTF-8, at most [`LINE_MAX_BYTES`] long, and ends with a line feed.
//! Every field below is there exactly once, in any order; there are no others. Hex is lower-case.
//! Numbers that may exceed 2^53 are strings, since many readers of JSON would round them.
//!
//! | field | JSON | meaning |
//! | --- | --- | --- |
//! | `network` | string | name of the network; on the first line only, where it must be |
//! | `height` | number | the number of blocks below; the first line has 0 |
//! | `id` | 64 hex digits | the block's id: SHA-256 of commitment and `nonce` |
//! | `version` | number | version of the rules, 1 |
//! | `previous` | 64 hex digits | id of the block of the line before; on the first line, SHA-256 of 0x06 and the network's name |
//! | `history_root` | 64 hex digits | RFC 6962 root over all blocks before; a leaf's data is id and cumulative work (32 bytes, big-endian) |
//! | `transactions_root` | 64 hex digits | RFC 6962 root over the transactions, in their order |
//! | `transaction_count` | number | how many transactions there are |
//! | `state_root` | 64 hex digits | root of the account tree after this block |
//! | `miner` | 64 hex digits | public key of the account that gets the reward and the fees |
//! | `time` | number | Unix seconds |
//! | `target` | 8 hex digits | what the id must not be above, in Bitcoin's compact form |
//! | `nonce` | decimal string | what the miner varied, 64 bits |
//! | `transactions` | array of objects | in the order in which they apply |
//!
//! | field of a transaction | JSON | meaning |
//! | --- | --- | --- |
//! | `id` | 64 hex digits | SHA-256 of 0x00, all other fields in this order, and the signature; also its leaf under `transactions_root` |
//! | `sender`, `recipient` | 64 hex digits | public keys of the accounts |
//! | `amount`, `fee` | decimal string | in motes, such as `"12.5"`; 1 mote is 1,000,000 grains |
//! | `nonce` | decimal string | how many transactions the sender had made before |
//! | `memo` | 0 to 128 hex digits | any bytes |
//! | `signature` | 128 hex digits | Ed25519 over `mote transaction v1`, the id of the first line, and the fields from `sender` to `memo` |
//!
//! In what is hashed or signed, integers are little-endian and of fixed width (`version` 2 bytes,
//! `transaction_count` and `target` 4, all others 8, amounts in grains), keys and hashes are their
//! bytes, and a memo stands behind one byte of length. The commitment is SHA-256 of 0x04 and the
//! fields `version`, `height`, `previous`, `history_root`, `transactions_root`, `transaction_count`,
//! `state_root`, `miner`, `time` and `target`.

mod lines;
mod read;

use std::fmt::Write as _;
use std::io::{self, Write};

use mote_core::keys::PublicKey;
use mote_core::params::Network;
use mote_core::transaction::Transaction;
use serde::Serialize;

pub use lines::{Lines, LinesError};
pub use read::{LineError, ParsedLine, parse};

use crate::block::Block;

/// The longest line, in bytes. A full block of the largest kind takes about 900 KB.
pub const LINE_MAX_BYTES: usize = 2 << 20;

/// Writes one line. `network` is for the first line alone.
pub fn write(out: &mut impl Write, block: &Block, network: Option<&Network>) -> io::Result<()> {
    let header = &block.header;
    let line = BlockLine {
        network: network.map(ToString::to_string),
        height: header.height.get(),
        id: header.id().to_string(),
        version: header.version,
        previous: header.previous.to_string(),
        history_root: header.history_root.to_string(),
        transactions_root: header.transactions_root.to_string(),
        transaction_count: header.transaction_count,
        state_root: header.state_root.to_string(),
        miner: key(&header.miner),
        time: header.time.seconds(),
        target: header.target.to_string(),
        nonce: header.nonce.to_string(),
        transactions: block.transactions.iter().map(TransactionLine::new).collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct BlockLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    height: u64,
    id: String,
    version: u16,
    previous: String,
    history_root: String,
    transactions_root: String,
    transaction_count: u32,
    state_root: String,
    miner: String,
    time: u64,
    target: String,
    nonce: String,
    transactions: Vec<TransactionLine>,
}

#[derive(Serialize)]
struct TransactionLine {
    id: String,
    sender: String,
    recipient: String,
    amount: String,
    fee: String,
    nonce: String,
    memo: String,
    signature: String,
}

impl TransactionLine {
    fn new(transaction: &Transaction) -> Self {
        Self {
            id: transaction.id().to_string(),
            sender: key(&transaction.sender),
            recipient: key(&transaction.recipient),
            amount: transaction.amount.to_string(),
            fee: transaction.fee.to_string(),
            nonce: transaction.nonce.to_string(),
            memo: hex(&transaction.memo),
            signature: hex(transaction.signature.as_bytes()),
        }
    }
}

fn key(key: &PublicKey) -> String {
    hex(key.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
