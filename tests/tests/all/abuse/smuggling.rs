//! Requests that two readers could take for different ones: what a proxy before the node takes for the body of a
//! request, the node must not take for the next one (RFC 9112 section 11.2). Each is answered as one request at
//! the most, and where its end is in doubt, the connection is closed.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use mote_tests::abuse::socket::connect;
use mote_tests::processes::PATIENCE;

use super::victim::Victim;

/// A request that is to be taken for the body of another one. It is answered with 404 where it is not.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n";

/// The request behind each case, which is answered with 200 where the connection is still open.
const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";

/// A case: what it is, the request, and the statuses of all answers up to the end of the connection. HOST stands
/// for the node's own name, SMUGGLED for a request of its length.
type Case = (&'static str, String, &'static [u16]);

/// A post that is right but for what `headers` and what is behind them say.
fn post(headers: &str, rest: &str) -> String {
    let start = "POST /api/v1/laboratory/hash HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n";
    format!("{start}{headers}\r\n{rest}")
}

fn get(line: &str, headers: &str) -> String {
    format!("{line}\r\n{headers}\r\n")
}

const BODY: &str = "{\"text\":\"\"}";
const CHUNK: &str = "b\r\n{\"text\":\"\"}\r\n0\r\n\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn lengths() -> Vec<Case> {
    let length = |value: &str| post(&format!("Content-Length: {value}\r\n"), BODY);
    vec![
        ("one length", length("11"), &[200, 200]),
        ("a length with zeros before it", length("0011"), &[200, 200]),
        // RFC 9110 section 8.6 allows a reader to take the same length twice for one.
        ("the same length twice", post("Content-Length: 11\r\nContent-Length: 11\r\n", BODY), &[200, 200]),
        ("two lengths", post("Content-Length: 11\r\nContent-Length: 12\r\n", BODY), &[400]),
        ("a list of lengths", length("11, 11"), &[400]),
        ("a length with a plus", length("+11"), &[400]),
        ("a length below zero", length("-1"), &[400]),
        ("a length in hexadecimal", length("0xb"), &[400]),
        ("a length with a space in it", length("1 1"), &[400]),
        ("no length at all", length(""), &[400]),
        ("a length beyond 64 bits", length("18446744073709551616"), &[400]),
        ("the largest length of 64 bits", length("18446744073709551615"), &[431]),
        ("a length of an exbibyte", length("1152921504606846976"), &[413]),
        ("a space before the colon", post("Content-Length : 11\r\n", BODY), &[400]),
        (
            "a length that an intermediary may drop",
            post("Connection: content-length\r\nContent-Length: 11\r\n", BODY),
            &[200, 200],
        ),
        (
            "a body where none is expected",
            format!("GET /healthz HTTP/1.1\r\nHost: HOST\r\nContent-Length: LENGTH\r\n\r\n{SMUGGLED}"),
            &[200, 200],
        ),
        (
            "a body that nobody reads",
            format!(
                "POST /nowhere HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: LENGTH\r\n\r\n{SMUGGLED}"
            ),
            &[404, 200],
        ),
    ]
}

fn codings() -> Vec<Case> {
    let coding = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), CHUNK);
    let smuggled = |headers: &str| post(headers, &format!("0\r\n\r\n{SMUGGLED}"));
    vec![
        ("chunks", post(CHUNKED, CHUNK), &[200, 200]),
        ("chunks in capitals", coding("CHUNKED"), &[200, 200]),
        ("CL.TE", smuggled("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), &[400]),
        ("TE.CL", smuggled("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), &[400]),
        ("TE.TE", smuggled("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), &[400]),
        ("TE.TE the other way", smuggled("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"), &[400]),
        ("TE.TE in one line", coding("x, chunked"), &[400]),
        ("chunks within chunks", coding("chunked, chunked"), &[400]),
        ("compressed chunks", coding("gzip, chunked"), &[400]),
        ("chunks that are not last", coding("chunked, identity"), &[400]),
        ("no coding", post("Transfer-Encoding: identity\r\nContent-Length: 11\r\n", BODY), &[400]),
        ("another coding", coding("xchunked"), &[400]),
        ("a coding in quotes", coding("\"chunked\""), &[400]),
        ("a coding behind a vertical tab", coding("\u{b}chunked"), &[400]),
        ("a space before the colon", post("Transfer-Encoding : chunked\r\n", CHUNK), &[400]),
        ("a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", CHUNK), &[400]),
        ("chunks in HTTP/1.0", post(CHUNKED, CHUNK).replace("HTTP/1.1", "HTTP/1.0"), &[400]),
        (
            "chunks where no body is expected",
            get("GET /healthz HTTP/1.1", "Host: HOST\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
            &[200, 200],
        ),
        ("a compressed body", post("Content-Encoding: gzip\r\nContent-Length: 11\r\n", BODY), &[415, 200]),
    ]
}

fn chunks() -> Vec<Case> {
    let chunked = |rest: &str| post(CHUNKED, rest);
    let sized = |size: &str| post(CHUNKED, &format!("{size}\r\n{BODY}\r\n0\r\n\r\n"));
    vec![
        ("an extension", sized("b;a=b"), &[200, 200]),
        ("an extension without end", sized(&format!("b;{}", "a".repeat(20_000))), &[400]),
        ("an extension with a bare line feed", chunked(&format!("b;a\n{BODY}\r\n0\r\n\r\n")), &[400]),
        ("spaces behind a size", sized("b  "), &[200, 200]),
        ("zeros before a size", sized("00000b"), &[200, 200]),
        ("a size beyond 64 bits", sized("ffffffffffffffff0b"), &[400]),
        ("a size with a prefix", sized("0xb"), &[400]),
        ("a size below zero", sized("-b"), &[400]),
        ("a size with a plus", sized("+b"), &[400]),
        ("no size", sized(""), &[400]),
        ("bare line feeds", chunked(&format!("b\n{BODY}\n0\n\n")), &[400]),
        ("a chunk that goes on", chunked(&format!("b\r\n{BODY}XX0\r\n\r\n")), &[400]),
        ("a trailer", chunked(&format!("b\r\n{BODY}\r\n0\r\nContent-Length: 5\r\n\r\n")), &[200, 200]),
        (
            "a trailer without end",
            chunked(&format!("b\r\n{BODY}\r\n0\r\n{}\r\n", "X: y\r\n".repeat(20_000))),
            &[400],
        ),
    ]
}

fn lines() -> Vec<Case> {
    let header = |line: &str| get("GET /healthz HTTP/1.1", &format!("Host: HOST\r\n{line}\r\n"));
    let request = |line: &str| get(line, "Host: HOST\r\n");
    vec![
        ("a plain request", header("X: y"), &[200, 200]),
        ("two at once", header("X: y") + &header("X: y"), &[200, 200, 200]),
        ("empty lines before it", format!("\r\n\r\n{}", header("X: y")), &[200, 200]),
        ("a folded line", header("X: y\r\n z"), &[400]),
        ("a folded first line", get("GET /healthz HTTP/1.1", " X: y\r\nHost: HOST\r\n"), &[400]),
        // RFC 9112 section 2.2 allows a reader to take a line feed alone for the end of a line.
        ("bare line feeds", "GET /healthz HTTP/1.1\nHost: HOST\n\n".into(), &[200, 200]),
        ("a bare carriage return", header("X: y\rZ: w"), &[400]),
        ("a zero byte", header("X: y\0"), &[400]),
        ("a space before the colon", header("X : y"), &[400]),
        ("no colon", header("Xy"), &[400]),
        ("no name", header(": y"), &[400]),
        ("a space before the request", format!(" {}", header("X: y")), &[400]),
        ("two spaces in the request", request("GET  /healthz HTTP/1.1"), &[400]),
        ("tabs in the request", request("GET\t/healthz\tHTTP/1.1"), &[400]),
        ("a method in small letters", request("get /healthz HTTP/1.1"), &[405, 200]),
        ("HTTP/0.9", "GET /healthz\r\n".into(), &[400]),
        ("HTTP/1.0", request("GET /healthz HTTP/1.0"), &[200]),
        (
            "HTTP/1.0 that goes on",
            get("GET /healthz HTTP/1.0", "Host: HOST\r\nConnection: keep-alive\r\n"),
            &[200, 200],
        ),
        ("HTTP/1.2", request("GET /healthz HTTP/1.2"), &[400]),
        ("HTTP/2.0", request("GET /healthz HTTP/2.0"), &[400]),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), &[]),
    ]
}

fn hosts() -> Vec<Case> {
    vec![
        ("no host", get("GET /healthz HTTP/1.1", ""), &[421]),
        ("two hosts", get("GET /healthz HTTP/1.1", "Host: HOST\r\nHost: HOST\r\n"), &[421]),
        ("another host", get("GET /healthz HTTP/1.1", "Host: evil.example\r\n"), &[421]),
        ("the whole address", get("GET http://HOST/healthz HTTP/1.1", "Host: HOST\r\n"), &[200, 200]),
        (
            "the whole address of another",
            get("GET http://evil.example/healthz HTTP/1.1", "Host: HOST\r\n"),
            &[421],
        ),
        (
            "the whole address and another host",
            get("GET http://HOST/healthz HTTP/1.1", "Host: evil.example\r\n"),
            &[421],
        ),
        ("a tunnel", get("CONNECT HOST HTTP/1.1", "Host: HOST\r\n"), &[404, 200]),
        ("everything", get("OPTIONS * HTTP/1.1", "Host: HOST\r\n"), &[404, 200]),
    ]
}

fn upgrades() -> Vec<Case> {
    let upgrade = |line: &str, more: &str| {
        let headers = "Host: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mote.v1\r\n";
        get(line, &format!("{headers}{more}"))
    };
    let peer = "GET /peer HTTP/1.1";
    vec![
        // What stands behind the handshake are frames, and these are none.
        ("a request behind a handshake", upgrade(peer, "") + SMUGGLED, &[101]),
        ("a handshake with a body", upgrade(peer, "Content-Length: LENGTH\r\n") + SMUGGLED, &[400]),
        ("a handshake with chunks", upgrade(peer, CHUNKED) + "0\r\n\r\n", &[400]),
        ("a handshake in HTTP/1.0", upgrade("GET /peer HTTP/1.0", ""), &[426]),
        (
            "a handshake of another version",
            upgrade(peer, "").replace("Version: 13", "Version: 8"),
            &[426, 200],
        ),
        ("a handshake elsewhere", upgrade("GET /healthz HTTP/1.1", ""), &[200, 200]),
        (
            "HTTP/2 over this connection",
            get(
                "GET /healthz HTTP/1.1",
                "Host: HOST\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            ),
            &[200, 200],
        ),
        (
            "an offer of compression",
            upgrade(peer, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            &[101],
        ),
    ]
}

fn expectations() -> Vec<Case> {
    let expect = |what: &str, length: usize, body: &str| {
        post(&format!("Content-Length: {length}\r\nExpect: {what}\r\n"), body)
    };
    vec![
        ("a client that wants to be told to go on", expect("100-continue", 11, BODY), &[100, 200, 200]),
        // It is not told to: it would send what is refused.
        ("a client that wants to send too much", expect("100-continue", 200_000, ""), &[413]),
        ("another expectation", expect("200-ok", 11, BODY), &[200, 200]),
    ]
}

/// The statuses of all answers until the node closes the connection or leaves HTTP; the last head.
fn answers(to: SocketAddr, request: &[u8]) -> (Vec<u16>, String) {
    let mut socket = connect(to).expect("the node listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    // A node may answer and close before it has read everything.
    let _ = socket.write_all(request);
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let (mut statuses, mut last, mut at) = (Vec::new(), String::new(), 0);
    loop {
        while let Some(end) = bytes[at..].windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[at..at + end]).to_ascii_lowercase();
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
            if bytes.len() < at + end + 4 + length {
                break;
            }
            at += end + 4 + length;
            statuses.push(status);
            last = head;
            if status == 101 {
                return (statuses, last);
            }
        }
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("neither answered nor closed: {statuses:?}")
            }
            Err(_) => break,
        }
    }
    (statuses, last)
}

#[test]
fn a_request_is_one_request_or_none() {
    let victim = Victim::start();
    let address = victim.target().address;
    let host = address.to_string();
    let smuggled = SMUGGLED.replace("HOST", &host);
    let mut wrong = Vec::new();
    let cases = [lengths(), codings(), chunks(), lines(), hosts(), upgrades(), expectations()];
    for (name, request, expected) in cases.into_iter().flatten() {
        let request = (request + LAST).replace("HOST", &host).replace("LENGTH", &smuggled.len().to_string());
        let (statuses, head) = answers(address, request.as_bytes());
        if statuses != expected || head.contains("sec-websocket-extensions") {
            wrong.push(format!("{name}: expected {expected:?}, got {statuses:?}\n{head}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    victim.is_well();
}

#[test]
fn what_is_too_long_is_refused_unread() {
    let victim = Victim::start();
    let address = victim.target().address;
    let request = |line: String, headers: String| format!("{line}\r\nHost: {address}\r\n{headers}\r\n");
    let long = "a".repeat(100_000);
    let cases = [
        ("a path", request(format!("GET /{long} HTTP/1.1"), String::new())),
        ("a query", request(format!("GET /api/v1/search?text={long} HTTP/1.1"), String::new())),
        ("a method", request(format!("{long} / HTTP/1.1"), String::new())),
        ("a header", request("GET / HTTP/1.1".into(), format!("X: {long}\r\n"))),
        ("a name", request("GET / HTTP/1.1".into(), format!("{long}: x\r\n"))),
        ("many headers", request("GET / HTTP/1.1".into(), "X: y\r\n".repeat(200))),
        ("cookies", request("GET / HTTP/1.1".into(), "Cookie: a=b\r\n".repeat(5_000))),
        ("a line without end", long.repeat(10)),
    ];
    for (name, request) in cases {
        let (statuses, _) = answers(address, request.as_bytes());
        // Where the node closes before it has read everything, its answer may be lost.
        let is_refused =
            statuses.iter().all(|status| [400, 414, 431].contains(status)) && statuses.len() <= 1;
        assert!(is_refused, "{name}: {statuses:?}");
    }
    victim.is_well();
}
