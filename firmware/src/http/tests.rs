//! The exchange from outside: bytes in, bytes out.

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use proptest::prelude::*;
use serde_json::Value;

use super::response::{PAGE, PAGE_HEAD};
use super::*;
use crate::fixtures::{busy, extreme, ordinary, params};

const GET: &str = "GET /status HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: a\r\n\r\n";

/// The response to `request`, which comes in and goes out in pieces of these lengths.
fn answer_in(request: &[u8], incoming: usize, outgoing: usize) -> String {
    let params = params("local");
    let report = busy(&params);
    let mut exchange = Exchange::new();
    for piece in request.chunks(incoming) {
        assert_eq!(exchange.receive(piece), piece.len());
    }
    let (mut response, mut out) = (Vec::new(), vec![0; outgoing]);
    loop {
        match exchange.write(&report, &mut out) {
            0 => break,
            count => response.extend_from_slice(&out[..count]),
        }
    }
    assert_eq!(exchange.is_done(), exchange.has_response());
    String::from_utf8(response).unwrap()
}

fn answer(request: &str) -> (String, String) {
    let text = answer_in(request.as_bytes(), 1_000, 1_000);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (head.to_string(), body.to_string())
}

fn status_line(request: &str) -> String {
    answer(request).0.lines().next().unwrap_or_default().to_string()
}

#[test]
fn gives_the_status_as_json() {
    let (head, body) = answer(GET);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for header in ["Content-Type: application/json", "Connection: close", "X-Content-Type-Options: nosniff"] {
        assert!(head.lines().any(|line| line == header), "{header}: {head}");
    }
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json["height"], 1_234_567);
}

#[test]
fn gives_the_page_with_its_length() {
    let (head, body) = answer("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(body, PAGE);
    assert!(head.contains(&format!("Content-Length: {}", PAGE.len())), "{head}");
    assert!(PAGE.len() < 6 * 1_024, "{} bytes", PAGE.len());
}

#[test]
fn pieces_of_any_length_are_the_same() {
    let whole = answer_in(GET.as_bytes(), 1_000, 10_000);
    for incoming in [1, 2, 7, 64] {
        for outgoing in [1, 3, 100, 535] {
            assert_eq!(answer_in(GET.as_bytes(), incoming, outgoing), whole);
        }
    }
}

#[test]
fn a_head_has_no_body() {
    for path in ["/", "/status", "/nothing"] {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n");
        let (head, body) = answer(&request);
        assert_eq!(body, "");
        assert_eq!(head, answer(&request.replace("HEAD", "GET")).0);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let with = |line: &str| format!("{line}\r\nHost: 127.0.0.1\r\n\r\n");
    for (request, expected) in [
        (with("GET /favicon.ico HTTP/1.1"), "HTTP/1.1 404 Not Found"),
        (with("POST /nothing HTTP/1.1"), "HTTP/1.1 404 Not Found"),
        (with("GET /status/ HTTP/1.1"), "HTTP/1.1 404 Not Found"),
        (with("GET /status?now=1 HTTP/1.1"), "HTTP/1.1 200 OK"),
        (with("GET /status HTTP/1.0"), "HTTP/1.1 200 OK"),
        (with(&format!("GET /{} HTTP/1.1", "a".repeat(500))), "HTTP/1.1 404 Not Found"),
        (with(&format!("GET /?{} HTTP/1.1", "a".repeat(500))), "HTTP/1.1 200 OK"),
        (with("POST /status HTTP/1.1"), "HTTP/1.1 405 Method Not Allowed"),
        (with("get /status HTTP/1.1"), "HTTP/1.1 405 Method Not Allowed"),
        (with("OPTIONS / HTTP/1.1"), "HTTP/1.1 405 Method Not Allowed"),
        (with("GET /status"), "HTTP/1.1 400 Bad Request"),
        (with("GET /status HTTP/2.0"), "HTTP/1.1 400 Bad Request"),
        (with("GET  /status HTTP/1.1"), "HTTP/1.1 400 Bad Request"),
        (with("GET /\u{7} HTTP/1.1"), "HTTP/1.1 400 Bad Request"),
        (with("nonsense"), "HTTP/1.1 400 Bad Request"),
        ("GET /status HTTP/1.1\r\n\r\n".to_string(), "HTTP/1.1 400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_string(), "HTTP/1.1 421 Misdirected Request"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".to_string(), "HTTP/1.1 421 Misdirected Request"),
        (
            "GET / HTTP/1.1\r\nHost: 1.2.3.4\r\nHost: 1.2.3.4\r\n\r\n".to_string(),
            "HTTP/1.1 421 Misdirected Request",
        ),
        (format!("GET / HTTP/1.1\r\nHost: 1{}\r\n\r\n", ".1".repeat(40)), "HTTP/1.1 421 Misdirected Request"),
        ("\r\n\nGET / HTTP/1.1\nHost: [::1]\n\n".to_string(), "HTTP/1.1 421 Misdirected Request"),
        ("\r\n\nGET / HTTP/1.1\nHost:127.0.0.1\n\n".to_string(), "HTTP/1.1 200 OK"),
    ] {
        assert_eq!(status_line(&request), expected, "{request:?}");
    }
}

#[test]
fn problems_are_json() {
    let (head, body) = answer("POST / HTTP/1.1\r\nHost: 1.1.1.1\r\nContent-Length: 4\r\n\r\nbody");
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json["status"], 405);
    assert_eq!(json["title"], "Method Not Allowed");
    assert_eq!(json["detail"], "expected GET or HEAD");
    for header in ["Content-Type: application/problem+json", "Allow: GET, HEAD", "Connection: close"] {
        assert!(head.lines().any(|line| line == header), "{header}: {head}");
    }
}

#[test]
fn requests_that_never_end_are_refused() {
    let header = format!("GET / HTTP/1.1\r\nHost: 1.1.1.1\r\nCookie: {}", "a".repeat(3_000));
    assert_eq!(status_line(&header), "HTTP/1.1 431 Request Header Fields Too Large");
    assert_eq!(status_line(&"\n".repeat(3_000)), "HTTP/1.1 431 Request Header Fields Too Large");
    assert_eq!(status_line(&"a: b\r\n".repeat(2)), "HTTP/1.1 400 Bad Request");
    let mut exchange = Exchange::new();
    exchange.receive(b"GET /status HTTP/1.1\r\nHost: 1.1.1.1\r\n");
    assert!(!exchange.has_response() && !exchange.is_done());
    let params = params("local");
    assert_eq!(exchange.write(&ordinary(&params), &mut [0; 100]), 0);
}

#[test]
fn what_follows_a_request_is_ignored() {
    let twice = format!("{GET}{GET}\0\u{ff}garbage");
    assert_eq!(answer(&twice), answer(GET));
}

#[test]
fn a_report_that_changes_meanwhile_is_still_json() {
    let params = params("local:abcdefghijklmnopqrstuvwxyz-01234");
    let mut reports = [ordinary(&params), busy(&params), extreme(&params, "\"\\\u{1}")];
    // Slots without a peer are pieces without text.
    reports[0].peers = Default::default();
    for length in (1..60).chain([5_000]) {
        let mut exchange = Exchange::new();
        exchange.receive(GET.as_bytes());
        let (mut text, mut out) = (Vec::new(), vec![0; length]);
        for report in reports.iter().cycle() {
            match exchange.write(report, &mut out) {
                0 => break,
                count => text.extend_from_slice(&out[..count]),
            }
        }
        let text = String::from_utf8(text).unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str::<Value>(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    }
}

/// The digest of what stands between two marks, as a content security policy names it (RFC 4648 base64).
fn digest(text: &str, open: &str, close: &str) -> String {
    let inner = text.split_once(open).unwrap().1.split_once(close).unwrap().0;
    let hash = mote_core::hash::sha256(inner.as_bytes());
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = hash.as_bytes().chunks(3).flat_map(|three| {
        let value =
            three.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len()).map(move |place| char::from(alphabet[(value >> (18 - 6 * place)) as usize & 63]))
    });
    format!("'sha256-{}='", digits.collect::<String>())
}

#[test]
fn the_policy_allows_the_pages_own_style_and_script_only() {
    let head = PAGE_HEAD;
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let digest = digest(PAGE, open, close);
        assert!(head.contains(&digest), "the policy must name {digest} for {open}");
        assert_eq!(PAGE.matches(open).count(), 1);
    }
    for outside in ["http:", "https:", "src=", "style=", "onclick", "innerHTML", "@import", "url("] {
        assert!(!PAGE.contains(outside), "{outside}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer_or_wait(bytes in prop::collection::vec(any::<u8>(), 0..3_000), outgoing in 1_usize..600) {
        let text = answer_in(&bytes, 64, outgoing);
        prop_assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{}", text);
    }
}
