//! A client that asks as fast as it gets answers, over some connections that it keeps, in one thread and with
//! requests that are made beforehand: what it takes of the processors is taken from the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::statistics::percentile;

/// How many connections there are.
pub const CONNECTIONS: usize = 64;

/// For how long a connection asks.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    /// Its requests again and again, and what is answered within the second time counts.
    Time { warm_up: Duration, counted: Duration },
    /// Each of its requests once.
    Once,
}

/// How the server did.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Answers a second.
    pub per_second: f64,
    /// The time that 99 of 100 answers took at the most, in seconds.
    pub p99: f64,
    /// How many answers there were.
    pub count: usize,
}

/// Asks, with the requests of each connection, and demands that all answers are good ones.
pub fn ask(server: SocketAddr, requests: Vec<Vec<Vec<u8>>>, span: Span) -> Answered {
    let runtime = Builder::new_current_thread().enable_io().build().expect("a runtime starts");
    runtime.block_on(async move {
        let begun = Instant::now();
        let (from, until) = match span {
            Span::Time { warm_up, counted } => (begun + warm_up, Some(begun + warm_up + counted)),
            Span::Once => (begun, None),
        };
        let mut clients = JoinSet::new();
        for requests in requests {
            clients.spawn(client(server, requests, from, until));
        }
        let times: Vec<f64> = clients.join_all().await.concat();
        let span = until.map_or_else(|| begun.elapsed(), |until| until - from);
        let count = times.len();
        Answered { per_second: count as f64 / span.as_secs_f64(), p99: percentile(times, 99), count }
    })
}

/// A request for a path; with a body, a post of JSON.
pub fn request(server: SocketAddr, path: &str, body: Option<&str>) -> Vec<u8> {
    match body {
        None => format!("GET {path} HTTP/1.1\r\nhost: {server}\r\n\r\n"),
        Some(body) => format!(
            "POST {path} HTTP/1.1\r\nhost: {server}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    }
    .into_bytes()
}

/// How long the answers took that came in time, in seconds.
async fn client(
    server: SocketAddr,
    requests: Vec<Vec<u8>>,
    from: Instant,
    until: Option<Instant>,
) -> Vec<f64> {
    let socket = TcpStream::connect(server).await.expect("the server takes connections");
    socket.set_nodelay(true).expect("a socket can be set");
    let mut connection = Connection { socket, buffer: vec![0; 256 * 1024] };
    let rounds = if until.is_some() { usize::MAX } else { 1 };
    let mut times = Vec::with_capacity(1 << 16);
    for _ in 0..rounds {
        for request in &requests {
            let asked = Instant::now();
            connection.ask(request).await;
            let answered = Instant::now();
            if until.is_some_and(|until| answered > until) {
                return times;
            }
            if answered >= from {
                times.push((answered - asked).as_secs_f64());
            }
        }
    }
    times
}

struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads its answer to the end.
    async fn ask(&mut self, request: &[u8]) {
        self.socket.write_all(request).await.expect("the server takes requests");
        let mut filled = 0;
        let mut length = None;
        while length.is_none_or(|length| filled < length) {
            let free = &mut self.buffer[filled..];
            let read = self.socket.read(free).await.expect("the server answers");
            assert!(read > 0, "the server ended the connection: {}", self.text(filled));
            filled += read;
            length = length.or_else(|| answer_length(&self.buffer[..filled]));
        }
        assert!(self.buffer.starts_with(b"HTTP/1.1 2"), "{}", self.text(filled));
    }

    fn text(&self, filled: usize) -> String {
        String::from_utf8_lossy(&self.buffer[..filled]).into_owned()
    }
}

/// How long an answer is whose header is complete.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let end = 4 + memmem::find(bytes, b"\r\n\r\n")?;
    let name = b"\r\ncontent-length: ";
    let line = &bytes[name.len() + memmem::find(&bytes[..end], name).expect("the answer has a length")..];
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit());
    Some(end + digits.fold(0, |length, digit| 10 * length + usize::from(digit - b'0')))
}
