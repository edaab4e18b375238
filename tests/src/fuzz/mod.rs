//! Everything that reads bytes from outside, as functions of any bytes that panic where a property does not hold:
//! for the fuzzer (`tests/fuzz/run`), and for the test that runs every input that was kept.

mod blocks;
mod card;
mod chain_file;
mod checkpoints;
mod choices;
mod codec;
mod configuration;
mod console;
mod device_http;
mod device_node;
mod frame;
mod grove;
mod host_node;
mod http_api;
mod mempool;
mod receipt;
mod rules;
mod session;
mod store;
mod text;
mod wallet_file;
mod websocket;
mod witness;

use std::fs;
use std::io;
use std::path::Path;

pub use choices::Choices;

use crate::vectors::bytes;

/// Something that reads bytes from outside.
pub struct Target {
    /// Its name, which is that of its file and of the folder of its inputs.
    pub name: &'static str,
    /// Reads the bytes, and panics where it does so wrongly.
    pub run: fn(&[u8]),
    /// Real inputs, made by whoever writes them.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets: the table names them, each after its file.
pub const TARGETS: &[Target] = &[
    Target { name: "card", run: card::run, seeds: card::seeds },
    Target { name: "chain_file", run: chain_file::run, seeds: chain_file::seeds },
    Target { name: "checkpoints", run: checkpoints::run, seeds: checkpoints::seeds },
    Target { name: "codec", run: codec::run, seeds: codec::seeds },
    Target { name: "configuration", run: configuration::run, seeds: configuration::seeds },
    Target { name: "console", run: console::run, seeds: console::seeds },
    Target { name: "device_http", run: device_http::run, seeds: device_http::seeds },
    Target { name: "device_node", run: device_node::run, seeds: device_node::seeds },
    Target { name: "frame", run: frame::run, seeds: frame::seeds },
    Target { name: "host_node", run: host_node::run, seeds: host_node::seeds },
    Target { name: "http_api", run: http_api::run, seeds: http_api::seeds },
    Target { name: "mempool", run: mempool::run, seeds: mempool::seeds },
    Target { name: "receipt", run: receipt::run, seeds: receipt::seeds },
    Target { name: "rules", run: rules::run, seeds: rules::seeds },
    Target { name: "session", run: session::run, seeds: session::seeds },
    Target { name: "store", run: store::run, seeds: store::seeds },
    Target { name: "text", run: text::run, seeds: text::seeds },
    Target { name: "wallet_file", run: wallet_file::run, seeds: wallet_file::seeds },
    Target { name: "websocket", run: websocket::run, seeds: websocket::seeds },
    Target { name: "witness", run: witness::run, seeds: witness::seeds },
];

/// The inputs that are kept of a target: those that reach everything that the fuzzer found, and those that once failed.
///
/// They stand in `tests/fuzz`, in hex, one a line.
pub fn kept(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let found = fs::read_to_string(folder.join("corpus").join(target))?;
    let failures = fs::read_to_string(folder.join("failures"))?;
    let failed = failures.lines().filter_map(|line| line.strip_prefix(target)?.strip_prefix(' '));
    Ok(found.lines().chain(failed).map(bytes).collect())
}
