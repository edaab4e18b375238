//! Reading over HTTP under load, beside a bare handler that returns as many bytes to the same client.

use std::net::SocketAddr;
use std::time::Duration;

use mote_core::address::Address;
use mote_tests::growth::ACCOUNTS;
use mote_tests::processes::Launch;
use mote_tests::random::Random;

use crate::bare::BareServer;
use crate::bench::{Bench, Found};
use crate::chains::BLOCKS;
use crate::load::{Answered, CONNECTIONS, Span, ask, request};
use crate::row::{Figure, Goal, Row};
use crate::statistics::median;

/// What the rows are called.
pub const STATUS_ROWS: [&str; 2] = ["GET status, 64 connections", "GET status, 99th percentile"];
pub const BLOCK_ROWS: [&str; 2] = ["GET block, 64 connections", "GET block, 99th percentile"];
pub const ACCOUNT_ROWS: [&str; 2] = ["GET account, 64 connections", "GET account, 99th percentile"];

/// How many times the bare handler's 99th percentile the node's may be.
const P99_TIMES: f64 = 3.0;

/// How many different paths each connection asks for.
const PATHS: usize = 64;

/// How often the two servers are asked by turns.
const TURNS: usize = 5;

/// The node at a glance: one path for all.
pub fn measure_status(bench: &mut Bench) -> Found {
    compare(bench, &["/api/v1/status".to_owned()], STATUS_ROWS, 0.8)
}

/// Blocks of about 46 payments from all over the chain, by their heights.
pub fn measure_blocks(bench: &mut Bench) -> Found {
    let mut random = Random::new(1);
    let path = |_| format!("/api/v1/blocks/{}", 12 + random.next_u64() % (BLOCKS - 11));
    let paths: Vec<String> = (0..CONNECTIONS * PATHS).map(path).collect();
    compare(bench, &paths, BLOCK_ROWS, 0.4)
}

/// A thousand accounts in no order.
pub fn measure_accounts(bench: &mut Bench) -> Found {
    let mut random = Random::new(1);
    let prefix = bench.grower.params.address_prefix;
    let mut path = |_| {
        let owner = bench.grower.owner(random.next_u64() % ACCOUNTS as u64);
        format!("/api/v1/accounts/{}", Address::new(prefix, owner))
    };
    let paths: Vec<String> = (0..CONNECTIONS * PATHS).map(&mut path).collect();
    compare(bench, &paths, ACCOUNT_ROWS, 0.5)
}

/// Has both servers asked by turns.
fn compare(bench: &mut Bench, paths: &[String], names: [&'static str; 2], times: f64) -> Found {
    let node = Launch::regtest().with_chain(bench.chains.busy(&bench.grower, 0)).start();
    let bare = BareServer::start();
    let address: SocketAddr = node.address().parse().expect("an address");
    let lengths = paths.iter().take(20).map(|path| node.api().text(path).len() as f64);
    let length = median(lengths.collect()) as usize;
    let requests = |server: SocketAddr, path: &dyn Fn(usize) -> String| -> Vec<Vec<Vec<u8>>> {
        let of_connection = |connection: usize| {
            let numbers = connection * PATHS..(connection + 1) * PATHS;
            numbers.map(|number| request(server, &path(number), None)).collect()
        };
        (0..CONNECTIONS).map(of_connection).collect()
    };
    let ours = requests(address, &|number| paths[number % paths.len()].clone());
    let theirs = requests(bare.address(), &|_| format!("/{length}"));
    let span =
        Span::Time { warm_up: Duration::from_millis(300), counted: bench.span(Duration::from_millis(1_500)) };
    let mut all: [Vec<Answered>; 2] = Default::default();
    for _ in 0..bench.times(TURNS) {
        all[0].push(ask(address, ours.clone(), span));
        all[1].push(ask(bare.address(), theirs.clone(), span));
    }
    let figure = |of: fn(&Answered) -> f64| all.each_ref().map(|all| median(all.iter().map(of).collect()));
    let [rate, bare_rate] = figure(|answered| answered.per_second).map(|rate| Figure::rate("answers", rate));
    let [p99, bare_p99] =
        figure(|answered| answered.p99).map(|time| Figure::time(Duration::from_secs_f64(time)));
    let of = "a bare axum handler";
    Found::rows(vec![
        Row::beside(names[0], Goal::LeastTimes(times), rate, of, bare_rate),
        Row::beside(names[1], Goal::MostTimes(P99_TIMES), p99, of, bare_p99),
    ])
}
