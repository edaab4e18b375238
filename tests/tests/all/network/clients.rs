//! Clients that ask all at once, and clients that ask twice.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mote_tests::processes::{Api, Launch, MinedBlock, PATIENCE, wait_until};
use serde_json::json;

const CLIENTS: usize = 6;
const BLOCKS_EACH: usize = 15;

/// Walks the main chain back to genesis and returns the ids by height.
fn chain(api: &Api) -> BTreeMap<u64, String> {
    let mut ids = BTreeMap::new();
    let mut block = api.block(api.status().height);
    loop {
        let previous = block.previous.clone();
        ids.insert(block.height, block.id);
        if block.height == 0 {
            return ids;
        }
        let before = api.block(&previous);
        assert_eq!((before.id.as_str(), before.height + 1), (previous.as_str(), block.height));
        block = before;
    }
}

#[test]
fn six_clients_that_mine_at_once_make_one_chain() {
    let node = Launch::regtest().start();
    node.api().create_wallet();
    let mined: Vec<MinedBlock> = thread::scope(|scope| {
        let client = || {
            let api = node.api();
            (0..BLOCKS_EACH).map(|_| api.mine()).collect::<Vec<_>>()
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("every block is mined")).collect()
    });
    let count = CLIENTS * BLOCKS_EACH;
    assert_eq!(node.api().status().height, count as u64);
    let chain = chain(&node.api());
    for block in &mined {
        assert_eq!(chain.get(&block.height), Some(&block.id), "{block:?} was acknowledged");
    }
    let heights: BTreeMap<u64, &MinedBlock> = mined.iter().map(|block| (block.height, block)).collect();
    assert_eq!(heights.len(), count, "no height was given twice");
    assert_eq!(node.api().wallet().balance, (10 * count).to_string());
}

/// Says so when it is dropped, so that nobody waits for a thread that has failed.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn payments_that_arrive_while_blocks_are_mined_are_all_mined() {
    const BLOCKS: usize = 40;
    const PAYERS: usize = 3;
    let node = Launch::regtest().start();
    let payee = node.api().create_wallet().address;
    node.api().mine_many(3);
    let is_mined = AtomicBool::new(false);
    let sent: Vec<String> = thread::scope(|scope| {
        scope.spawn(|| {
            let _done = SetAtEnd(&is_mined);
            node.api().mine_many(BLOCKS);
        });
        let pay = || {
            let (api, mut sent) = (node.api(), Vec::new());
            while !is_mined.load(Ordering::Relaxed) {
                sent.push(api.send(&payee, "0.001").id);
            }
            sent
        };
        let payers: Vec<_> = (0..PAYERS).map(|_| scope.spawn(pay)).collect();
        let sent = payers.into_iter().flat_map(|payer| payer.join().expect("every payment is taken in"));
        sent.collect()
    });
    let api = node.api();
    wait_until("no payment is open", PATIENCE, || {
        api.mine();
        let open = api.status().mempool;
        if open == 0 { Ok(()) } else { Err(format!("{open} are open")) }
    });
    let mut times_mined = BTreeMap::new();
    for id in chain(&api).values() {
        for transaction in api.block(id).transactions {
            *times_mined.entry(transaction.id).or_insert(0) += 1;
        }
    }
    assert!(sent.iter().all(|id| times_mined.get(id) == Some(&1)), "{sent:?} in {times_mined:?}");
    assert_eq!(times_mined.len(), sent.len());
    assert_eq!(api.wallet().nonce, sent.len() as u64);
}

#[test]
fn a_payment_that_is_sent_again_with_its_number_is_paid_once() {
    let node = Launch::regtest().start();
    let api = node.api();
    api.create_wallet();
    api.mine();
    let other = Launch::regtest().start();
    let payee = other.api().create_wallet().address;
    // A client that gives up at once and cannot know what became of its payment.
    let order = json!({ "to": payee, "amount": "2", "nonce": 0 }).to_string();
    let mut stream = TcpStream::connect(node.address()).expect("the node listens");
    let request = format!(
        "POST /api/v1/wallet/send HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{order}",
        node.address(),
        order.len()
    );
    stream.write_all(request.as_bytes()).expect("the node takes the request");
    stream.shutdown(Shutdown::Both).expect("the connection was open");
    drop(stream);
    let taken = |status: u16| status == 201 || status == 409;
    let first = api.try_pay(&payee, "2", Some(0));
    assert!(taken(first.status), "{}", first.body);
    let second = api.try_pay(&payee, "2", Some(0));
    assert_eq!((second.status, second.code()), (409, "known"), "{}", second.body);
    assert_eq!(api.status().mempool, 1);
    api.mine();
    let third = api.try_pay(&payee, "2", Some(0));
    assert_eq!((third.status, third.code()), (409, "L1-nonce"), "{}", third.body);
    api.mine();
    assert_eq!((api.balance(&payee).as_str(), api.wallet().nonce), ("2", 1));
}
