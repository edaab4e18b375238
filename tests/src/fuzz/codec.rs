//! The wire form of every type: bytes either fail to decode, or are what their value encodes to, and readers that
//! were written apart from the codec read the same.

use std::fmt::Debug;

use mote_core::block::{Block, HEADER_MAX_BYTES, Header};
use mote_core::card::{Identity, Mines};
use mote_core::chain::Tip;
use mote_core::codec::{DecodeError, decode, decode_prefix, encode, encode_into, encoded_len};
use mote_core::hash::Hash32;
use mote_core::state::{Proof, ProofRef};
use mote_core::transaction::{TRANSACTION_MAX_BYTES, Transaction};
use mote_core::wire::stream::{Piece, WINDOW_MIN_BYTES, Window, WitnessReader};
use mote_core::wire::{Hello, List, Message, NetAddress};
use serde::{Deserialize, Serialize};

use crate::devices::branch::{Branch, with_list};
use crate::devices::card::identity;
use crate::fixtures::{Chain, VecBlock, account, pay, regtest, wire};

/// The first byte says which type the rest is read as.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 8 {
        0 => {
            let transaction = one_form::<Transaction>(bytes);
            assert!(transaction.is_none() || bytes.len() <= TRANSACTION_MAX_BYTES);
            assert_eq!(transaction.map(|transaction| fields_of(&transaction)), plain_transaction(bytes));
        }
        1 => {
            let header = one_form::<Header>(bytes);
            assert!(header.is_none() || bytes.len() <= HEADER_MAX_BYTES);
            assert_eq!(header.is_some(), plain_header(bytes), "the readers disagree");
        }
        2 => {
            let small = one_form::<Block<16>>(bytes).map(|block| (block.header, block.transactions.to_vec()));
            let large = one_form::<VecBlock>(bytes).map(|block| (block.header, block.transactions));
            assert_eq!(small, large.filter(|(_, transactions)| transactions.len() <= 16));
        }
        3 => {
            one_form::<Message>(bytes);
            read_message(bytes);
            read_in_pieces(bytes);
        }
        4 => {
            let owned = one_form::<Proof>(bytes);
            let borrowed = one_form::<ProofRef>(bytes);
            if let (Some(owned), Some(borrowed)) = (&owned, &borrowed) {
                assert_eq!((owned.leaf, owned.path.as_ref()), (borrowed.leaf, borrowed.path));
            }
            // The owned one has room for a step a bit, and a borrowed one any length.
            let is_long = borrowed.is_some_and(|proof| proof.path.len() > 256 * 33);
            assert!(owned.is_some() || borrowed.is_none() || is_long);
        }
        5 => {
            // A device reads it in place, field by field.
            let (whole, mut in_place) = (one_form::<Tip>(bytes), Tip::genesis(&regtest()));
            let read = in_place.decode_from(bytes);
            assert_eq!(whole, read.is_ok().then_some(in_place));
        }
        6 => drop(one_form::<Hello>(bytes)),
        _ => drop(one_form::<Identity>(bytes)),
    }
}

/// Wire forms of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 2);
    branch.grow_with_payments(1, 2, 3);
    let mut chain = Chain::funded();
    let block = chain.block(account(3), vec![pay(&chain.params, 1, account(2), 300, 1_000, 0)]);
    chain.accept(&block).expect("the block is valid");
    let proof = chain.accounts.prove(&account(1).account_key());
    let tagged = |tag: u8, bytes: Vec<u8>| [&[tag][..], &bytes].concat();
    let mut seeds = vec![
        tagged(0, wire(&block.transactions[0])),
        tagged(1, wire(&block.header)),
        tagged(2, wire(&block)),
        tagged(4, wire(&proof)),
        tagged(5, wire(&chain.tip)),
        tagged(7, wire(&identity("regtest", 1, &[], Mines::WhenTold))),
    ];
    seeds.extend(messages(&branch).into_iter().map(|message| tagged(3, message)));
    seeds
}

/// Messages of many kinds, about the blocks of a branch.
pub(super) fn messages(branch: &Branch) -> Vec<Vec<u8>> {
    let id = branch.tip().id();
    let mut messages: Vec<Vec<u8>> = [
        Message::Tip(branch.tip().clone()),
        Message::GetBlock(id),
        Message::GetAddresses,
        Message::Ping(7),
        Message::Pong(7),
        Message::GetAccount { block: id, key: account(1).account_key() },
        Message::GetInclusion(id),
        Message::GetWitness(id),
        Message::NotFound(id),
        Message::Refused("no"),
    ]
    .iter()
    .map(wire)
    .collect();
    messages.extend(branch.shown().iter().flat_map(|shown| shown.witness.iter().cloned()));
    let header = branch.tip().clone();
    messages.push(with_list(&[id, Hash32::ZERO], |ids| wire(&Message::CompactBlock { header, ids })));
    messages.push(with_list(&[0, 200], |places| wire(&Message::GetBlockTransactions { block: id, places })));
    let transactions = [pay(&regtest(), 1, account(2), 300, 1_000, 0)];
    messages.push(with_list(&transactions, |transactions| {
        wire(&Message::BlockTransactions { block: id, transactions })
    }));
    messages
}

/// Reads a value, and requires that the bytes are the only form of it.
fn one_form<'a, T: Serialize + Deserialize<'a> + Debug>(bytes: &'a [u8]) -> Option<T> {
    let whole = decode::<T>(bytes);
    let prefix = decode_prefix::<T>(bytes);
    match (&whole, &prefix) {
        (Ok(_), Ok((_, rest))) => assert!(rest.is_empty()),
        (Err(error), Err(other)) => assert_eq!(error, other),
        (Err(DecodeError::Trailing { count }), Ok((_, rest))) => assert_eq!(*count, rest.len()),
        _ => panic!("{whole:?} and {prefix:?}"),
    }
    let value = whole.ok()?;
    assert_eq!(encoded_len(&value), bytes.len());
    let mut again = vec![0; bytes.len()];
    assert_eq!(encode(&value, &mut again).map(|bytes| &*bytes), Ok(bytes));
    let short = bytes.len().checked_sub(1).map(|short| encode(&value, &mut again[..short]).is_err());
    assert_ne!(short, Some(false), "the value fits where it cannot");
    let mut streamed = Vec::new();
    encode_into(&value, |part| streamed.extend_from_slice(part));
    assert_eq!(streamed, bytes);
    Some(value)
}

/// Every list of a message ends, and nothing follows its first malformed item.
fn read_message(bytes: &[u8]) {
    fn walk<'a, T: Deserialize<'a> + Serialize>(list: &List<'a, T>) {
        let items: Vec<bool> = list.iter().map(|item| item.is_ok()).collect();
        let good = items.iter().filter(|is_good| **is_good).count();
        assert!(items.len() <= good + 1, "an item follows one that is malformed");
    }
    match decode::<Message>(bytes) {
        Ok(Message::GetHeaders { locator: list, .. } | Message::HaveTransactions(list)) => {
            walk::<Hash32>(&list)
        }
        Ok(Message::GetTransactions(list) | Message::Inclusion { path: list, .. }) => walk::<Hash32>(&list),
        Ok(Message::CompactBlock { ids, .. }) => walk::<Hash32>(&ids),
        Ok(Message::GetBlockTransactions { places, .. }) => walk::<u32>(&places),
        Ok(Message::Headers(list)) => walk::<Header>(&list),
        Ok(Message::Addresses(list)) => walk::<NetAddress>(&list),
        Ok(
            Message::GetTemplateWitness { transactions, .. }
            | Message::BlockTransactions { transactions, .. },
        ) => walk::<Transaction>(&transactions),
        _ => {}
    }
}

/// The reader of a device, which never holds a whole message, makes the same of it.
fn read_in_pieces(bytes: &[u8]) {
    let Some((index, mut rest)) = bytes.split_first() else { return };
    let Some(mut reader) = WitnessReader::new(*index) else { return };
    let whole = decode::<Message>(bytes);
    let (mut pieces, mut failed) = (Vec::new(), false);
    loop {
        let window = if rest.len() <= WINDOW_MIN_BYTES { Window::Rest } else { Window::Beginning };
        match reader.next(&rest[..rest.len().min(WINDOW_MIN_BYTES)], window) {
            Ok(Some((piece, taken))) => {
                rest = &rest[taken..];
                let is_end = piece == Piece::End;
                pieces.push(piece);
                if is_end {
                    break;
                }
            }
            Ok(None) => panic!("the window is as large as it needs to be"),
            Err(_) => {
                failed = true;
                break;
            }
        }
    }
    let steps = pieces.iter().filter(|piece| matches!(piece, Piece::Step(_))).count();
    let leaves: Vec<_> = pieces
        .iter()
        .filter_map(|piece| if let Piece::Leaf { leaf, .. } = piece { Some(*leaf) } else { None })
        .collect();
    match whole {
        Ok(Message::WitnessTransaction { transaction, sender, recipient }) => {
            let is_whole = [sender.path, recipient.path].iter().all(|path| path.len().is_multiple_of(33));
            assert_eq!(failed, !is_whole, "{pieces:?}");
            if is_whole {
                assert_eq!(pieces.first(), Some(&Piece::Transaction(transaction)));
                assert_eq!(leaves, [sender.leaf, recipient.leaf]);
                assert_eq!(steps, (sender.path.len() + recipient.path.len()) / 33);
            }
        }
        Ok(Message::WitnessEnd(None)) => assert_eq!(pieces, [Piece::NoProof, Piece::End]),
        Ok(Message::WitnessEnd(Some(proof))) => {
            assert_eq!(failed, !proof.path.len().is_multiple_of(33), "{pieces:?}");
            if !failed {
                assert_eq!(leaves, [proof.leaf]);
                assert_eq!(steps, proof.path.len() / 33);
            }
        }
        Ok(other) => panic!("the index is that of {other:?}"),
        Err(error) => assert!(failed, "the codec refuses with {error}, and the pieces are {pieces:?}"),
    }
}

/// A reader of numbers and bytes by the text of the protocol.
struct Plain<'a>(&'a [u8]);

impl<'a> Plain<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of at most so many bits, seven in a byte, the low ones first, in the fewest bytes.
    fn varint(&mut self, bits: u32) -> Option<u64> {
        let mut value = 0_u128;
        for place in 0.. {
            let byte = self.take(1)?[0];
            value |= u128::from(byte & 0x7f) << (7 * place);
            if value >> bits != 0 || place > 9 || (place > 0 && byte == 0) {
                return None;
            }
            if byte & 0x80 == 0 {
                return Some(value as u64);
            }
        }
        None
    }
}

type Fields = (Vec<u8>, Vec<u8>, [u64; 3], Vec<u8>, Vec<u8>);

fn plain_transaction(bytes: &[u8]) -> Option<Fields> {
    let mut plain = Plain(bytes);
    let (sender, recipient) = (plain.take(32)?.to_vec(), plain.take(32)?.to_vec());
    let numbers = [plain.varint(64)?, plain.varint(64)?, plain.varint(64)?];
    let length = plain.varint(64).filter(|length| *length <= 64)?;
    let (memo, signature) = (plain.take(length as usize)?.to_vec(), plain.take(64)?.to_vec());
    plain.0.is_empty().then_some((sender, recipient, numbers, memo, signature))
}

fn fields_of(transaction: &Transaction) -> Fields {
    let Transaction { sender, recipient, amount, fee, nonce, memo, signature } = transaction;
    (
        sender.as_bytes().to_vec(),
        recipient.as_bytes().to_vec(),
        [amount.grains(), fee.grains(), *nonce],
        memo.to_vec(),
        signature.as_bytes().to_vec(),
    )
}

fn plain_header(bytes: &[u8]) -> bool {
    let mut plain = Plain(bytes);
    let mut read = || {
        plain.varint(16)?;
        plain.varint(64)?;
        plain.take(3 * 32)?;
        plain.varint(32)?;
        plain.take(2 * 32)?;
        plain.varint(64)?;
        plain.varint(32)?;
        plain.varint(64)
    };
    read().is_some() && plain.0.is_empty()
}
