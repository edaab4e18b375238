//! The wire form of transactions, read and written field by field with whole keys and signatures at a time. What is
//! derived from the type in the core takes a byte at a time, which is most of what a full block costs to read; it
//! stays the plain version that this one is held equal to.

use mote_core::keys::{PublicKey, Signature};
use mote_core::transaction::{Memo, TRANSACTION_MAX_BYTES, Transaction};
use mote_core::units::Amount;

/// The most bytes of a varint of 64 bits.
const VARINT_MAX_BYTES: usize = 10;

/// The fewest bytes of a transaction: two keys, three integers, the length of a memo and a signature.
const TRANSACTION_MIN_BYTES: usize = 2 * 32 + 3 + 1 + 64;

/// Reads transactions, their number before them, that take up all of `bytes`. There are none where the bytes are not
/// in the one form that they have; what is wrong with them is for the core to say.
pub fn read_all(mut bytes: &[u8]) -> Option<Vec<Transaction>> {
    let count = usize::try_from(read_number(&mut bytes)?).ok()?;
    if count > bytes.len() / TRANSACTION_MIN_BYTES {
        return None;
    }
    let mut transactions = Vec::with_capacity(count);
    for _ in 0..count {
        transactions.push(read(&mut bytes)?);
    }
    bytes.is_empty().then_some(transactions)
}

/// Writes transactions behind `bytes`, their number before them.
pub fn write_all<'a>(bytes: &mut Vec<u8>, transactions: impl ExactSizeIterator<Item = &'a Transaction>) {
    bytes.reserve(VARINT_MAX_BYTES + transactions.len() * (TRANSACTION_MIN_BYTES + VARINT_MAX_BYTES));
    write_number(bytes, transactions.len() as u64);
    for transaction in transactions {
        write(bytes, transaction);
    }
}

fn read(bytes: &mut &[u8]) -> Option<Transaction> {
    let (sender, recipient) = (PublicKey::from_bytes(take(bytes)?), PublicKey::from_bytes(take(bytes)?));
    let (amount, fee) = (read_number(bytes)?, read_number(bytes)?);
    let nonce = read_number(bytes)?;
    let (memo, rest) = {
        let length = usize::try_from(read_number(bytes)?).ok()?;
        bytes.split_at_checked(length)?
    };
    *bytes = rest;
    Some(Transaction {
        sender,
        recipient,
        amount: Amount::from_grains(amount),
        fee: Amount::from_grains(fee),
        nonce,
        memo: Memo::from_slice(memo).ok()?,
        signature: Signature::from_bytes(take(bytes)?),
    })
}

fn write(bytes: &mut Vec<u8>, transaction: &Transaction) {
    let Transaction { sender, recipient, amount, fee, nonce, memo, signature } = transaction;
    bytes.reserve(TRANSACTION_MAX_BYTES);
    bytes.extend_from_slice(sender.as_bytes());
    bytes.extend_from_slice(recipient.as_bytes());
    for number in [amount.grains(), fee.grains(), *nonce, memo.len() as u64] {
        write_number(bytes, number);
    }
    bytes.extend_from_slice(memo);
    bytes.extend_from_slice(signature.as_bytes());
}

/// The next bytes, which are then behind.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

/// An unsigned LEB128 number in the fewest bytes.
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = take(bytes)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            // A last byte of zero could be left out, unless it is the only one.
            return (byte != 0 || shift == 0).then_some(number);
        }
    }
    None
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
