//! Streams of events to many clients at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mote_tests::abuse::raise_file_limit;
use mote_tests::processes::{Launch, Node, PATIENCE, wait_until};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::bench::{Bench, Found};
use crate::load::request;
use crate::picture::{Picture, Series};
use crate::row::{Figure, Goal, Row};
use crate::statistics::{median, percentile};

/// What the rows are called.
pub const ROWS: [&str; 2] = ["a block to 1,000 streams of events", "memory of a stream of events"];

/// How many clients there are.
const CLIENTS: [usize; 4] = [1, 10, 100, 1_000];

/// How many blocks are mined for each number of them.
const BLOCKS: usize = 50;

/// Files that the node may have opened meanwhile for itself.
const SPARE_FILES: usize = 8;

/// Measures both rows.
pub fn measure(bench: &mut Bench) -> Found {
    raise_file_limit();
    let node = Launch::regtest().start();
    node.api().create_wallet();
    node.api().mine_many(20);
    let address = node.address().parse().expect("an address");
    let runtime = Builder::new_current_thread().enable_io().build().expect("a runtime starts");
    let mut points = Vec::new();
    let mut memory = 0.0;
    let mut last = 0.0;
    for clients in CLIENTS {
        let before = node.usage().resident_kib;
        let times = runtime.block_on(watch(&node, address, clients, bench.times(BLOCKS), || {
            memory = (node.usage().resident_kib - before) as f64 * 1_024.0 / clients as f64;
        }));
        points.push((clients as f64, median(times.clone()) * 1e3));
        last = percentile(times, 90);
    }
    let pictures = vec![Picture {
        name: "streams",
        title: "Until all streams of events have a new block",
        x: "streams",
        y: "milliseconds",
        series: vec![Series { name: "from the order to mine it", points }],
    }];
    let goal = Figure::time(Duration::from_millis(100));
    let rows = vec![
        Row::alone(ROWS[0], Goal::Most(goal), Figure::time(Duration::from_secs_f64(last))),
        Row::alone(ROWS[1], Goal::Most(Figure::bytes(30e3)), Figure::bytes(memory)),
    ];
    Found { rows, pictures }
}

/// How long it takes for each of some blocks from the order to mine it until all clients have heard of it, in
/// seconds. `when_open` is called once all streams are open.
async fn watch(
    node: &Node,
    address: SocketAddr,
    clients: usize,
    blocks: usize,
    when_open: impl FnOnce(),
) -> Vec<f64> {
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let files = node.usage().files;
    let mut streams = JoinSet::new();
    for _ in 0..clients {
        streams.spawn(listen(address, heard.clone()));
    }
    for _ in 0..clients {
        hearing.recv().await.expect("a stream opens");
    }
    // The first block is for what is only made once.
    mine(node, address, clients, &mut hearing).await;
    when_open();
    let mut times = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        times.push(mine(node, address, clients, &mut hearing).await);
    }
    streams.shutdown().await;
    // A node has hardly more places for streams than it is asked for next.
    wait_until("the node has noticed that they are gone", PATIENCE, || {
        let open = node.usage().files;
        if open < files + SPARE_FILES { Ok(()) } else { Err(format!("{open} files")) }
    });
    times
}

/// How long it takes from the order to mine a block until all clients have heard of it, in seconds.
async fn mine(
    node: &Node,
    address: SocketAddr,
    clients: usize,
    hearing: &mut mpsc::UnboundedReceiver<()>,
) -> f64 {
    let mut socket = TcpStream::connect(address).await.expect("the node takes connections");
    let order = request(address, "/api/v1/mining/block", Some("{}"));
    let begun = Instant::now();
    socket.write_all(&order).await.expect("the node takes requests");
    for _ in 0..clients {
        hearing.recv().await.unwrap_or_else(|| panic!("a stream ended\n{}", node.log()));
    }
    begun.elapsed().as_secs_f64()
}

/// Says when the stream is open, and then of each block that it has come.
async fn listen(address: SocketAddr, heard: mpsc::UnboundedSender<()>) {
    let mut socket = TcpStream::connect(address).await.expect("the node takes connections");
    socket.write_all(&request(address, "/api/v1/events", None)).await.expect("the node takes requests");
    let mut lines = BufReader::with_capacity(1_024, socket).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        assert!(!line.starts_with("HTTP/1.1 ") || line == "HTTP/1.1 200 OK", "{line}");
        if line == "HTTP/1.1 200 OK" || line == "event: block" {
            // Once enough was heard, nobody listens any more.
            let _ = heard.send(());
        }
    }
}
