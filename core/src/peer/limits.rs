//! Every limit of a connection, with its unit and reason.

use crate::params::BLOCK_TRANSACTIONS_MAX;
use crate::transaction::TRANSACTION_MAX_BYTES;
use crate::wire::{MESSAGE_MAX_BYTES, MESSAGE_MIN_BYTES};

/// Requests that may wait for an answer from one peer: enough to keep a link of 100 ms busy with
/// blocks, few enough to be a fixed array.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 16;

/// The most headers that are asked for at once: about 100 KB.
pub const HEADERS_MAX: u16 = 512;

/// The most ids in one announcement of, or request for, transactions.
pub const TRANSACTION_IDS_MAX: usize = 512;

/// The most addresses in one message.
pub const ADDRESSES_MAX: usize = 64;

/// How long a new connection may take to greet, in milliseconds.
pub const GREETING_TIMEOUT_MS: u64 = 10_000;

/// How long a request may wait for its answer, in milliseconds: a full block on a slow link.
pub const REQUEST_TIMEOUT_MS: u64 = 15_000;

/// A peer that said nothing for so long is asked for a sign of life, in milliseconds.
pub const PING_AFTER_MS: u64 = 20_000;

/// A peer that said nothing for so long is gone, in milliseconds.
pub const SILENCE_MAX_MS: u64 = 60_000;

/// Requests in a row that may time out before a peer loses its slot to another one.
pub const TIMEOUTS_MAX: u8 = 3;

/// How many blocks' worth of work a branch may lack and still be kept: a day at one block in ten
/// seconds. Less than that has to be shown in constant memory first.
pub const BRANCH_SLACK_BLOCKS: u64 = 8_640;

/// How long the address of a peer that committed an offence is not dealt with, in milliseconds.
pub const DISCOURAGED_MS: u64 = 600_000;

const _: () = assert!(MESSAGE_MIN_BYTES <= MESSAGE_MAX_BYTES);
const _: () = assert!(PING_AFTER_MS + REQUEST_TIMEOUT_MS < SILENCE_MAX_MS);
const _: () = assert!(HEADERS_MAX as usize * crate::block::HEADER_MAX_BYTES < MESSAGE_MAX_BYTES);
const _: () = assert!(TRANSACTION_IDS_MAX * 32 < MESSAGE_MAX_BYTES);
// A compact block, and all transactions of a block, fit one message with its index and lengths.
const _: () = assert!(crate::block::HEADER_MAX_BYTES + BLOCK_TRANSACTIONS_MAX * 32 + 8 <= MESSAGE_MAX_BYTES);
const _: () = assert!(32 + BLOCK_TRANSACTIONS_MAX * TRANSACTION_MAX_BYTES + 8 <= MESSAGE_MAX_BYTES);
