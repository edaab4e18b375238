//! Wire forms of random values of every type that crosses a wire or a disk.

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, Signature};
use mote_core::merkle::Frontier;
use mote_core::pow::{CompactTarget, Work};
use mote_core::state::{Account, Leaf, PathBuffer, Proof, ProofOf, ProofRef, Step};
use mote_core::transaction::{Memo, Transaction};
use mote_core::units::{Amount, Height, Timestamp};
use mote_core::wire::{Hello, List, ListWriter, Message, NetAddress, Services};
use mote_tests::fixtures::wire;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// Numbers whose varints have every length.
pub fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
}

pub fn hash() -> impl Strategy<Value = Hash32> {
    any::<[u8; 32]>().prop_map(Hash32::from_bytes)
}

fn public_key() -> impl Strategy<Value = PublicKey> {
    any::<[u8; 32]>().prop_map(PublicKey::from_bytes)
}

fn amount() -> impl Strategy<Value = Amount> {
    number().prop_map(Amount::from_grains)
}

pub fn transaction() -> impl Strategy<Value = Transaction> {
    let signature = vec(any::<u8>(), 64)
        .prop_map(|bytes| Signature::from_bytes(bytes.try_into().expect("the strategy makes 64 bytes")));
    let memo = vec(any::<u8>(), 0..=64)
        .prop_map(|bytes| Memo::from_slice(&bytes).expect("the strategy keeps to 64 bytes"));
    (public_key(), public_key(), amount(), amount(), number(), memo, signature).prop_map(
        |(sender, recipient, amount, fee, nonce, memo, signature)| Transaction {
            sender,
            recipient,
            amount,
            fee,
            nonce,
            memo,
            signature,
        },
    )
}

pub fn header() -> impl Strategy<Value = Header> {
    let hashes = (hash(), hash(), hash(), hash(), public_key());
    let numbers = (any::<u16>(), number(), any::<u32>(), number(), any::<u32>(), number());
    (hashes, numbers).prop_map(|(hashes, (version, height, count, time, bits, nonce))| Header {
        version,
        height: Height::new(height),
        previous: hashes.0,
        history_root: hashes.1,
        transactions_root: hashes.2,
        transaction_count: count,
        state_root: hashes.3,
        miner: hashes.4,
        time: Timestamp::from_seconds(time),
        target: CompactTarget::from_bits(bits),
        nonce,
    })
}

pub fn proof() -> impl Strategy<Value = Proof> {
    let leaf = (hash(), amount(), number())
        .prop_map(|(key, balance, nonce)| Leaf { key, account: Account { balance, nonce } });
    let steps = vec((any::<u8>(), hash()), 0..6).prop_map(|steps| {
        let mut path = PathBuffer::new();
        for (index, sibling) in steps {
            path.push(Step { index, sibling }).expect("there is room for 256 steps");
        }
        path
    });
    (proptest::option::of(leaf), steps).prop_map(|(leaf, path)| ProofOf { leaf, path })
}

pub fn tip() -> impl Strategy<Value = Tip> {
    let work = any::<[u8; 32]>().prop_map(|bytes| Work::from_be_bytes(&bytes));
    let times = vec(number().prop_map(Timestamp::from_seconds), 1..15);
    (header(), work, times, vec(hash(), 0..20)).prop_map(|(header, work, times, leaves)| {
        let mut before = Frontier::new();
        leaves.into_iter().for_each(|leaf| before.append(leaf));
        Tip::restore(&header, work, &times, before)
    })
}

pub fn hello() -> impl Strategy<Value = Hello> {
    let services = prop_oneof![
        Just(Services::default()),
        Just(Services::FULL),
        Just(Services::WITNESS),
        Just(Services::FULL.and(Services::WITNESS)),
        Just(Services::FULL.and(Services::COMPACT)),
    ];
    let numbers = (any::<u16>(), number(), number(), number(), any::<u32>(), number(), any::<u16>());
    (hash(), hash(), any::<[u8; 32]>(), services, numbers).prop_map(
        |(genesis, tip, work, services, (version, height, time, witness_from, message_max, nonce, port))| {
            Hello {
                version,
                genesis,
                tip,
                height: Height::new(height),
                work: Work::from_be_bytes(&work),
                time: Timestamp::from_seconds(time),
                services,
                witness_from: Height::new(witness_from),
                message_max,
                nonce,
                port,
            }
        },
    )
}

/// Hands a list of the items to `write`.
fn with_list<T, R>(items: &[T], write: impl FnOnce(List<'_, T>) -> R) -> R
where
    T: Serialize + for<'a> Deserialize<'a>,
{
    let mut buffer = vec![0; items.iter().map(mote_core::codec::encoded_len).sum()];
    let mut writer = ListWriter::new(&mut buffer);
    for item in items {
        writer.push(item).expect("the buffer has room for all items");
    }
    write(writer.finish())
}

fn borrowed(proof: &Proof) -> ProofRef<'_> {
    ProofOf { leaf: proof.leaf, path: proof.path.as_ref() }
}

/// The wire form of a message, of every kind there is.
pub fn message() -> impl Strategy<Value = Vec<u8>> {
    let hashes = || vec(hash(), 0..6);
    let hash_lists = (0..4_u8, hashes(), any::<u16>()).prop_map(|(kind, ids, limit)| {
        with_list(&ids, |list| match kind {
            0 => wire(&Message::GetHeaders { locator: list, limit }),
            1 => wire(&Message::HaveTransactions(list)),
            _ => wire(&Message::GetTransactions(list)),
        })
    });
    let single_hashes = (0..4_u8, hash(), hash()).prop_map(|(kind, id, key)| {
        wire(&match kind {
            0 => Message::GetBlock(id),
            1 => Message::GetInclusion(id),
            2 => Message::GetWitness(id),
            _ => Message::GetAccount { block: id, key },
        })
    });
    let small = (0..5_u8, number(), hash()).prop_map(|(kind, value, id)| {
        wire(&match kind {
            0 => Message::GetAddresses,
            1 => Message::Ping(value),
            2 => Message::Pong(value),
            3 => Message::WitnessEnd(None),
            _ => Message::NotFound(id),
        })
    });
    let headers =
        vec(header(), 0..4).prop_map(|headers| with_list(&headers, |list| wire(&Message::Headers(list))));
    let single_headers = (any::<bool>(), header()).prop_map(|(is_tip, header)| {
        wire(&if is_tip { Message::Tip(header) } else { Message::WitnessStart(header) })
    });
    let addresses = vec((any::<[u8; 16]>(), any::<u16>()), 0..5).prop_map(|addresses| {
        let addresses: Vec<NetAddress> =
            addresses.into_iter().map(|(ip, port)| NetAddress { ip, port }).collect();
        with_list(&addresses, |list| wire(&Message::Addresses(list)))
    });
    let accounts = (hash(), hash(), proof())
        .prop_map(|(block, key, proof)| wire(&Message::Account { block, key, proof: borrowed(&proof) }));
    let inclusions =
        (hash(), header(), any::<u32>(), hashes()).prop_map(|(transaction, header, index, path)| {
            with_list(&path, |path| wire(&Message::Inclusion { transaction, header, index, path }))
        });
    let templates =
        (hash(), public_key(), vec(transaction(), 0..3)).prop_map(|(tip, miner, transactions)| {
            with_list(&transactions, |transactions| {
                wire(&Message::GetTemplateWitness { tip, miner, transactions })
            })
        });
    let compact_blocks = (header(), hashes())
        .prop_map(|(header, ids)| with_list(&ids, |ids| wire(&Message::CompactBlock { header, ids })));
    let missing = (hash(), vec(any::<u32>(), 0..6)).prop_map(|(block, places)| {
        with_list(&places, |places| wire(&Message::GetBlockTransactions { block, places }))
    });
    let found = (hash(), vec(transaction(), 0..3)).prop_map(|(block, transactions)| {
        with_list(&transactions, |transactions| wire(&Message::BlockTransactions { block, transactions }))
    });
    let witnesses = (transaction(), proof(), proof()).prop_map(|(transaction, sender, recipient)| {
        let (sender, recipient) = (borrowed(&sender), borrowed(&recipient));
        wire(&Message::WitnessTransaction { transaction, sender, recipient })
    });
    prop_oneof![
        hello().prop_map(|hello| wire(&Message::Hello(hello))),
        hash_lists,
        single_hashes,
        small,
        headers,
        single_headers,
        addresses,
        accounts,
        inclusions,
        templates,
        compact_blocks,
        missing,
        found,
        witnesses,
        vec(any::<u8>(), 0..200).prop_map(|bytes| wire(&Message::Block(&bytes))),
        transaction().prop_map(|transaction| wire(&Message::Transaction(transaction))),
        proof().prop_map(|proof| wire(&Message::WitnessEnd(Some(borrowed(&proof))))),
        "\\PC{0,40}".prop_map(|text| wire(&Message::Refused(&text))),
    ]
}
