//! What others notice of a node that is abused: how long an honest client of its HTTP API waits for an answer, how
//! long a block takes from the node to an honest peer, and how much memory the node has at the most. Each beside
//! the same without abuse, in the same run, and what the client waits for once it is over. Each abuse gets a new node
//! and peer: processes of the program `mote`, which `cargo build --release` builds.
//!
//! `--json` prints one object a line instead of the table; another argument picks the abuses whose name has it.

use std::time::{Duration, Instant};

use mote_core::params::{Network, Params};
use mote_tests::abuse::{ALL, Abuse, Target, raise_file_limit};
use mote_tests::processes::{Api, Launch};
use serde_json::json;

/// How often each thing is done.
const REQUESTS: usize = 400;
const BLOCKS: usize = 60;

/// How long an abuse goes on before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// When an honest client gives up and asks again, as a person would.
const LONG: Duration = Duration::from_secs(30);

/// What was measured.
struct Measured {
    request: [Duration; 2],
    block: [Duration; 2],
    /// Requests once the abuse is over.
    after: [Duration; 2],
    /// Requests that had to be made again.
    failed: usize,
    peak_kib: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let wanted = arguments.iter().find(|argument| !argument.starts_with("--"));
    raise_file_limit();
    if !as_json {
        println!(
            "\nan honest client of a node, a block to its honest peer, the client when it is over; milliseconds"
        );
        println!(
            "{:<36}{:>8}{:>8}{:>7}{:>8}{:>8}{:>7}{:>8}{:>7}{:>7}{:>7}",
            "", "p50", "p99", "ratio", "p50", "p99", "ratio", "p99", "ratio", "again", "MiB"
        );
    }
    let alone = Measured::under(None);
    alone.print("no abuse", &alone, as_json);
    for abuse in ALL.iter().filter(|abuse| wanted.is_none_or(|wanted| abuse.name.contains(wanted.as_str()))) {
        Measured::under(Some(abuse)).print(abuse.name, &alone, as_json);
    }
}

impl Measured {
    /// Abuses a new node, and measures.
    fn under(abuse: Option<&Abuse>) -> Self {
        let [node, peer] = [(); 2].map(|()| Launch::regtest().start());
        for node in [&node, &peer] {
            node.api().create_wallet();
        }
        node.api().mine_many(200);
        peer.add_peer(&node);
        peer.wait("the peer has the chain", |status| status.height == 200);
        let address = node.address().parse().expect("an address");
        let target = Target { address, params: Params::new(Network::Regtest) };
        let underway = abuse.map(|abuse| abuse.begin(&target));
        if underway.is_some() {
            std::thread::sleep(WARM_UP);
        }
        let mut failed = 0;
        let api = node.api();
        let request = requests(&api, &mut failed);
        let block = percentiles((0..BLOCKS).map(|_| {
            let mined = insist(&api, "POST", "/api/v1/mining/block", &mut failed);
            let begun = Instant::now();
            // Nobody abuses the peer, and asking it takes less than a millisecond.
            while peer.api().status().tip != mined["id"] {
                assert!(begun.elapsed() < LONG, "the block does not come to the peer");
            }
            begun.elapsed()
        }));
        let peak_kib = node.usage().peak_kib;
        drop(underway);
        let after = requests(&api, &mut failed);
        Self { request, block, after, failed, peak_kib }
    }

    fn print(&self, name: &str, alone: &Self, as_json: bool) {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let ratio = |of: fn(&Self) -> Duration| ms(of(self)) / ms(of(alone));
        let ([request, request_p99], [block, block_p99]) = (self.request.map(ms), self.block.map(ms));
        let (request_ratio, block_ratio) =
            (ratio(|measured| measured.request[1]), ratio(|measured| measured.block[1]));
        let (after, after_ratio) = (ms(self.after[1]), ratio(|measured| measured.after[1]));
        let peak_mib = self.peak_kib as f64 / 1024.0;
        if as_json {
            let line = json!({
                "abuse": name, "request_p50_ms": request, "request_p99_ms": request_p99,
                "request_p99_ratio": request_ratio, "block_p50_ms": block, "block_p99_ms": block_p99,
                "block_p99_ratio": block_ratio, "request_p99_ms_after": after, "request_p99_ratio_after": after_ratio,
                "requests_made_again": self.failed, "peak_mib": peak_mib,
            });
            println!("{line}");
        } else {
            println!(
                "{name:<36}{request:>8.2}{request_p99:>8.2}{request_ratio:>7.1}{block:>8.2}{block_p99:>8.2}\
                 {block_ratio:>7.1}{after:>8.2}{after_ratio:>7.1}{:>7}{peak_mib:>7.1}",
                self.failed
            );
        }
    }
}

/// How long the node takes to say how it is.
fn requests(api: &Api, failed: &mut usize) -> [Duration; 2] {
    percentiles((0..REQUESTS).map(|_| {
        let begun = Instant::now();
        insist(api, "GET", "/api/v1/status", failed);
        begun.elapsed()
    }))
}

/// Asks until there is an answer, and counts how often there was none.
fn insist(api: &Api, method: &str, path: &str, failed: &mut usize) -> serde_json::Value {
    let body = (method == "POST").then(|| json!({}));
    let begun = Instant::now();
    loop {
        match api.try_send(method, path, body.as_ref()) {
            Ok(answer) if answer.status < 300 => return answer.body,
            other => {
                *failed += 1;
                assert!(begun.elapsed() < LONG, "{method} {path}: {other:?}");
            }
        }
    }
}

/// The median and the 99th percentile.
fn percentiles(times: impl Iterator<Item = Duration>) -> [Duration; 2] {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    [50, 99].map(|percent| times[(times.len() * percent / 100).min(times.len() - 1)])
}
