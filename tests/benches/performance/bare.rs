//! The least that the same libraries need for an answer: a handler that returns so many bytes, in a process of
//! its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::routing::get;
use tokio::net::TcpListener;

/// The argument that makes this program such a server.
pub const BARE: &str = "--bare";

/// The most bytes that it returns.
const BYTES_MAX: usize = 1 << 20;

/// Serves until the process is ended; says first at which address.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let bytes = Bytes::from(vec![b' '; BYTES_MAX]);
        let answer = move |Path(length): Path<usize>| async move { bytes.slice(..length.min(BYTES_MAX)) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        println!("{}", listener.local_addr().expect("it is bound"));
        axum::serve(listener, Router::new().route("/{length}", get(answer))).await.expect("it serves");
    });
}

/// A process that serves; it ends with this value.
pub struct BareServer {
    child: Child,
    address: SocketAddr,
}

impl BareServer {
    /// Starts one.
    pub fn start() -> Self {
        let program = std::env::current_exe().expect("a process knows its program");
        let child = Command::new(program).arg(BARE).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("this program starts again");
        let mut line = String::new();
        let said = child.stdout.take().expect("its output is read");
        BufReader::new(said).read_line(&mut line).expect("it says something");
        Self { child, address: line.trim().parse().expect("it says its address") }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
