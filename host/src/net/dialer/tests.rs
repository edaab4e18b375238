use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle as Runtime;
use tokio::time::Instant;

use super::*;

const SHORT: Duration = Duration::from_millis(300);
const SOON: Duration = Duration::from_secs(10);

fn limits() -> PeerLimits {
    PeerLimits { connect_timeout: SHORT, dial_timeout: SHORT, ..PeerLimits::default() }
}

async fn listen() -> (TcpListener, PeerAddress) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, PeerAddress::from_ip(address.ip(), address.port()))
}

/// Why dialling this address failed.
async fn failure(address: PeerAddress) -> String {
    let (network, mut arrivals) = Network::new(Runtime::current(), limits(), Vec::new());
    network.dial(address.clone());
    match timeout(SOON, arrivals.recv()).await {
        Ok(Some(Arrival::DialFailed { address: failed, reason })) if failed == address => reason,
        _ => panic!("dialling did not fail"),
    }
}

/// Answers one connection with `answer` over and over, `times` times, and returns all that it was sent.
async fn answer(listener: TcpListener, answer: &str, times: usize) -> usize {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut written = 0;
    for _ in 0..times {
        match socket.write_all(answer.as_bytes()).await {
            Ok(()) => written += answer.len(),
            Err(_) => break,
        }
    }
    let mut request = [0; 4_096];
    // Whoever dialled may have left already.
    let _ = socket.read(&mut request).await;
    written
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, forbidden) = listen().await;
    let (listener, address) = listen().await;
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: ws://{forbidden}/peer\r\n\r\n");
    let (_, reason) = tokio::join!(answer(listener, &redirect, 1), failure(address));
    assert!(reason.contains("302"), "{reason}");
    assert!(timeout(SHORT, elsewhere.accept()).await.is_err());
}

#[tokio::test]
async fn garbage_is_no_peer() {
    for garbage in
        ["SSH-2.0-OpenSSH_9.9\r\n", "\0\u{1}\u{2}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ""]
    {
        let (listener, address) = listen().await;
        let (_, reason) = tokio::join!(answer(listener, garbage, 1), failure(address));
        assert!(!reason.is_empty());
    }
}

#[tokio::test]
async fn a_peer_without_the_subprotocol_is_none() {
    let (listener, address) = listen().await;
    let accepting = async {
        let (socket, _) = listener.accept().await.unwrap();
        // The dialler ends the connection as soon as it sees the answer.
        let _ = tokio_tungstenite::accept_async(socket).await;
    };
    let ((), reason) = tokio::join!(accepting, failure(address));
    assert!(reason.to_lowercase().contains("subprotocol"), "{reason}");
}

#[tokio::test]
async fn silence_and_closed_ports_end_in_time() {
    let (listener, address) = listen().await;
    let begun = Instant::now();
    assert_eq!(failure(address.clone()).await, "it did not answer as a peer in time");
    assert!(begun.elapsed() < SHORT * 3);
    drop(listener);
    let reason = failure(address).await;
    assert!(reason.contains("does not take connections"), "{reason}");
}

#[tokio::test]
async fn an_unknown_name_fails() {
    let reason = failure("nowhere.invalid:7700".parse().unwrap()).await;
    assert!(reason.contains("name"), "{reason}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let chunk = format!("X: {}\r\n", "x".repeat(1_000));
    for times in [100_000, 1_000_000] {
        let (listener, address) = listen().await;
        let (written, reason) = tokio::join!(answer(listener, &chunk, times), failure(address));
        assert!(!reason.is_empty());
        // What the two sockets hold is written, but no more.
        assert!(written < 16 * 1024 * 1024, "{written}");
    }
}

#[tokio::test]
async fn dialling_stops_at_the_limit() {
    let none = PeerLimits { outbound_max: 0, ..limits() };
    let (network, mut arrivals) = Network::new(Runtime::current(), none, Vec::new());
    network.dial("127.0.0.1:1".parse().unwrap());
    assert!(matches!(arrivals.recv().await, Some(Arrival::DialFailed { .. })));
}
