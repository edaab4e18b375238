//! One value, one wire form: bytes either fail to decode or are what their value encodes to.

use std::collections::BTreeSet;
use std::fmt::Debug;

use mote_core::block::{Block, HEADER_MAX_BYTES, Header};
use mote_core::chain::Tip;
use mote_core::codec::{decode, encode, encode_into, encoded_len};
use mote_core::state::{Proof, ProofRef};
use mote_core::transaction::{TRANSACTION_MAX_BYTES, Transaction};
use mote_core::wire::{Hello, Message};
use mote_tests::fixtures::wire;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};

use super::strategies::{Mutation, mutation};
use super::wire_values::{header, hello, message, proof, tip, transaction};

/// Bytes that are not the encoding of a value must not decode to it.
fn is_one_form<'a, T: Serialize + Deserialize<'a>>(bytes: &'a [u8]) -> Result<(), TestCaseError> {
    let Ok(value) = decode::<T>(bytes) else { return Ok(()) };
    prop_assert_eq!(encoded_len(&value), bytes.len());
    let mut again = vec![0; bytes.len()];
    prop_assert_eq!(encode(&value, &mut again).map(|bytes| &*bytes), Ok(bytes));
    let mut streamed = Vec::new();
    encode_into(&value, |part| streamed.extend_from_slice(part));
    prop_assert_eq!(streamed, bytes);
    Ok(())
}

/// The host reads and writes blocks by code of its own.
fn is_the_same_block_on_the_host(bytes: &[u8]) -> Result<(), TestCaseError> {
    let block = mote::block::decode(bytes);
    prop_assert_eq!(&block, &decode::<mote::block::Block>(bytes));
    if let Ok(block) = block {
        prop_assert_eq!(mote::block::encode(&block), bytes);
    }
    Ok(())
}

/// Whatever the bytes are, for every type that is read from a peer or a disk.
fn is_one_form_of_any(bytes: &[u8]) -> Result<(), TestCaseError> {
    is_the_same_block_on_the_host(bytes)?;
    is_one_form::<Transaction>(bytes)?;
    is_one_form::<Header>(bytes)?;
    is_one_form::<Block<16>>(bytes)?;
    is_one_form::<Message>(bytes)?;
    is_one_form::<Proof>(bytes)?;
    is_one_form::<ProofRef>(bytes)?;
    is_one_form::<Tip>(bytes)?;
    is_one_form::<Hello>(bytes)
}

fn comes_back<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Serialize + for<'a> Deserialize<'a> + PartialEq + Debug,
{
    let bytes = wire(value);
    let decoded = decode::<T>(&bytes);
    prop_assert_eq!(decoded.as_ref(), Ok(value));
    Ok(())
}

/// Wire forms of blocks.
fn blocks() -> impl Strategy<Value = Vec<u8>> {
    (header(), vec(transaction(), 0..4)).prop_map(|value| wire(&value))
}

/// Numbers as they stand in a block, in more bytes than they need or with more bits than they may have.
fn strange_numbers() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<u64>().prop_map(|number| wire(&number)),
        vec(prop_oneof![Just(0x80_u8), Just(0xff), any::<u8>()], 0..11),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
        Just(vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
    ]
}

/// Wire forms of every type, changed.
fn nearly_valid() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop_oneof![
        transaction().prop_map(|value| wire(&value)),
        header().prop_map(|value| wire(&value)),
        blocks(),
        message(),
        message(),
        proof().prop_map(|value| wire(&value)),
        tip().prop_map(|value| wire(&value)),
        hello().prop_map(|value| wire(&value)),
    ];
    (valid, vec(mutation(), 1..4)).prop_map(|(mut bytes, mutations): (_, Vec<Mutation>)| {
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn changed_encodings_have_one_form(bytes in nearly_valid()) {
        is_one_form_of_any(&bytes)?;
    }

    #[test]
    fn changed_blocks_are_the_same_on_the_host(
        bytes in blocks(), mutations in vec(mutation(), 0..3),
    ) {
        let mut bytes = bytes;
        mutations.iter().for_each(|mutation: &Mutation| mutation.apply(&mut bytes));
        is_the_same_block_on_the_host(&bytes)?;
    }

    #[test]
    fn numbers_of_a_block_are_the_same_on_the_host(
        header in header(), transaction in transaction(), place in 0_usize..5, number in strange_numbers(),
    ) {
        let numbers = [
            wire(&1_u64),
            wire(&transaction.amount),
            wire(&transaction.fee),
            wire(&transaction.nonce),
            wire(&(transaction.memo.len() as u64)),
        ];
        let [count, amount, fee, nonce, memo] = std::array::from_fn(|at| {
            if at == place { &number } else { &numbers[at] }
        });
        let parts: [&[u8]; 10] = [
            &wire(&header), count, transaction.sender.as_bytes(), transaction.recipient.as_bytes(), amount, fee,
            nonce, memo, &transaction.memo, transaction.signature.as_bytes(),
        ];
        is_the_same_block_on_the_host(&parts.concat())?;
    }

    #[test]
    fn random_bytes_have_one_form(bytes in vec(any::<u8>(), 0..400)) {
        is_one_form_of_any(&bytes)?;
    }

    #[test]
    fn small_bytes_have_one_form(bytes in vec(prop_oneof![4 => 0_u8..4, 1 => 0x7e_u8..0x82], 0..300)) {
        is_one_form_of_any(&bytes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn values_come_back(
        transaction in transaction(), header in header(), proof in proof(), tip in tip(), hello in hello(),
    ) {
        comes_back(&transaction)?;
        comes_back(&header)?;
        comes_back(&tip)?;
        comes_back(&hello)?;
        prop_assert!(encoded_len(&transaction) <= TRANSACTION_MAX_BYTES);
        prop_assert!(encoded_len(&header) <= HEADER_MAX_BYTES);
        let bytes = wire(&proof);
        prop_assert_eq!(decode::<Proof>(&bytes), Ok(proof));
    }

    #[test]
    fn blocks_come_back_within_their_capacity(header in header(), transactions in vec(transaction(), 0..20)) {
        let bytes = wire(&(&header, &transactions));
        match decode::<Block<16>>(&bytes) {
            Ok(block) => {
                prop_assert!(transactions.len() <= 16);
                prop_assert_eq!(block.header, header);
                prop_assert_eq!(&block.transactions[..], &transactions[..]);
                prop_assert!(mote::block::decode(&bytes).is_ok());
            }
            Err(_) => prop_assert!(transactions.len() > 16),
        }
    }

    #[test]
    fn messages_come_back(bytes in message()) {
        let message = decode::<Message>(&bytes);
        prop_assert!(message.is_ok(), "{message:?}");
        prop_assert_eq!(wire(&message.unwrap()), bytes);
    }

    #[test]
    fn longer_and_shorter_bytes_are_refused(bytes in message(), more in any::<u8>()) {
        let longer = [&bytes[..], &[more]].concat();
        prop_assert!(decode::<Message>(&longer).is_err());
        prop_assert!(decode::<Message>(&bytes[..bytes.len() - 1]).is_err());
    }
}

/// The strategy for messages would be worth little if it left one out.
#[test]
fn every_kind_of_message_is_tried() {
    let mut runner = TestRunner::deterministic();
    let kinds: BTreeSet<u8> = (0..2_000)
        .map(|_| message().new_tree(&mut runner).expect("nothing is rejected").current()[0])
        .collect();
    assert_eq!(kinds, (0..27).collect());
}

#[test]
fn a_list_ends_with_the_first_item_that_is_malformed() {
    // A list of hashes of 33 bytes: one whole, and one that ends early.
    let mut bytes = vec![6, 33];
    bytes.extend([7; 33]);
    let Ok(Message::HaveTransactions(list)) = decode::<Message>(&bytes) else {
        panic!("the list is a byte string like any other");
    };
    let items: Vec<bool> = list.iter().map(|item| item.is_ok()).collect();
    assert_eq!(items, [true, false]);
}
