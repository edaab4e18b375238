//! Payments that come over HTTP and are acknowledged once they are durable.

use std::net::SocketAddr;
use std::time::Duration;

use mote::forms::TransactionJson;
use mote_core::transaction::Transaction;
use mote_tests::growth::ACCOUNTS;
use mote_tests::processes::Launch;

use crate::bench::{Bench, Found};
use crate::chains::{Ring, open};
use crate::load::{CONNECTIONS, Span, ask, request};
use crate::references::signature_checks;
use crate::row::{Figure, Goal, Row};
use crate::statistics::median;

/// What the rows are called.
pub const ROWS: [&str; 2] = ["POST payments, by the node's processors", "POST payments, by the clock"];

/// How often the open payments are filled, and by how many.
const ROUNDS: usize = 3;
const THOUSANDS: usize = 15;

/// Measures both rows.
pub fn measure(bench: &mut Bench) -> Found {
    let chain = bench.chains.busy(&bench.grower, 0);
    let ledger = open(&bench.grower, &chain);
    let mut ring = Ring::new(&bench.grower, &ledger, 0);
    drop(ledger);
    let node = Launch::regtest().with_chain(chain).start();
    let address: SocketAddr = node.address().parse().expect("an address");
    node.api().create_wallet();
    let (mut per_second, mut per_cpu_second) = (Vec::new(), Vec::new());
    let checks = signature_checks(bench.span(Duration::from_secs(2)));
    for _ in 0..ROUNDS {
        let payments = ring.next(&bench.grower, (bench.times(THOUSANDS) * ACCOUNTS) as u64);
        let requests = by_connection(address, bench, &payments);
        let before = node.usage().cpu_seconds;
        let answered = ask(address, requests, Span::Once);
        assert_eq!(answered.count, payments.len(), "all of them are acknowledged");
        per_second.push(answered.per_second);
        per_cpu_second.push(payments.len() as f64 / (node.usage().cpu_seconds - before));
        // Until none is open any more.
        while node.api().status().mempool > 0 {
            node.api().mine();
        }
    }
    let goal = Goal::Least(Figure::cpu_rate("payments", 8_000.0));
    Found::rows(vec![
        Row::alone(ROWS[0], goal, Figure::cpu_rate("payments", median(per_cpu_second))),
        Row::beside(
            ROWS[1],
            Goal::LeastTimes(0.4),
            Figure::rate("payments", median(per_second)),
            "signature checks of one core",
            Figure::rate("checks", checks),
        ),
    ])
}

/// The requests of each connection: all payments of a sender come over the same one, in their order.
fn by_connection(server: SocketAddr, bench: &Bench, payments: &[Transaction]) -> Vec<Vec<Vec<u8>>> {
    let mut requests = vec![Vec::new(); CONNECTIONS];
    let prefix = bench.grower.params.address_prefix;
    for (number, payment) in payments.iter().enumerate() {
        let json = TransactionJson::new(prefix, &payment.id(), payment);
        let body = serde_json::to_string(&json).expect("strings and numbers serialise");
        // The senders take turns, so the same one comes again after a round.
        let sender = number % ACCOUNTS;
        requests[sender % CONNECTIONS].push(request(server, "/api/v1/transactions", Some(&body)));
    }
    requests
}
