//! Lies about the payments of a new block.

use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_core::wire::{Hello, Message, Services};
use mote_tests::fixtures::{VecBlock, account, flipped, pay};

use super::node::Node;
use super::peer::{Peer, list};

/// Connects, and pushes a block with these ids.
fn push(node: &Node, block: &VecBlock, ids: &[Hash32]) -> Peer {
    let mut peer = Peer::connect(node.address(), &node.params);
    let hello = peer.hello();
    peer.greet(Hello { services: Services::FULL.and(Services::COMPACT), ..hello });
    let header = block.header.clone();
    list(ids, &mut Vec::new(), |ids| peer.send(&Message::CompactBlock { header, ids }));
    peer
}

/// The places that the node asks for.
fn asked(peer: &mut Peer) -> Vec<u32> {
    peer.find(|message| match message {
        Message::GetBlockTransactions { places, .. } => Some(places.iter().flatten().collect()),
        _ => None,
    })
}

#[test]
fn lies_about_the_payments_of_a_block_do_not_keep_it_from_a_node() {
    let (node, chain, _) = Node::with_chain("regtest", 3);
    let payments = [0, 1, 2].map(|nonce| pay(&node.params, 1, account(3), 1_000_000, 1_000, nonce));
    for open in &payments[..2] {
        let submitted = node.submit(open);
        assert_eq!(submitted.status, 201, "{submitted:?}");
    }
    let before = node.holdings();
    let block = chain.block(account(2), payments.to_vec());
    let id = block.header.id();
    let ids: Vec<Hash32> = payments.iter().map(Transaction::id).collect();
    let others = [
        vec![ids[1], ids[0], ids[2]],
        ids[..2].to_vec(),
        [&ids[..], &ids[..]].concat(),
        vec![ids[0], ids[1], flipped(&ids[2])],
        Vec::new(),
    ];
    for other in others {
        let reason = push(&node, &block, &other).refusal();
        assert!(reason.starts_with("broke rule B3-transactions-root"), "{reason}");
        node.is_unharmed(&before);
    }
    let reason = push(&node, &block, &[Hash32::ZERO; 1_025]).refusal();
    assert_eq!(reason, "1025 items in one message, expected at most 1024");

    // The right ids, and behind them the wrong payment, none, or a denial.
    for answer in [&payments[..1], &[]] {
        let mut peer = push(&node, &block, &ids);
        assert_eq!(asked(&mut peer), [2]);
        list(answer, &mut Vec::new(), |transactions| {
            peer.send(&Message::BlockTransactions { block: id, transactions });
        });
        let reason = peer.refusal();
        assert!(reason.starts_with("broke rule B3-transactions-root"), "{reason}");
        node.is_unharmed(&before);
    }
    let mut peer = push(&node, &block, &ids);
    assert_eq!(asked(&mut peer), [2]);
    peer.send(&Message::NotFound(id));
    peer.is_closed();
    assert_eq!(peer.farewell(), "does not have the block that it showed");
    node.is_unharmed(&before);

    // None of that is held against the block.
    let mut honest = push(&node, &block, &ids);
    assert_eq!(asked(&mut honest), [2]);
    list(&payments[2..], &mut Vec::new(), |transactions| {
        honest.send(&Message::BlockTransactions { block: id, transactions });
    });
    let taken = honest.find(|message| match message {
        Message::Tip(header) => Some(header.id()),
        _ => None,
    });
    assert_eq!(taken, id);
    assert_eq!(node.balance(account(3)), 3_000_000);
    assert_eq!(node.open(), Vec::<String>::new());
    node.serves_its_chain();
}
