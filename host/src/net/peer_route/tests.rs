use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::server::{Server, ServerLimits};
use super::super::{Arrival, PeerLimits};
use super::*;

const SOON: Duration = Duration::from_secs(10);

const HANDSHAKE: &str = "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: other, mote.v1\r\n";

async fn start(inbound_max: usize) -> (SocketAddr, mpsc::Receiver<Arrival>, Network) {
    let limits = PeerLimits { inbound_max, ..PeerLimits::default() };
    let origins = vec!["https://allowed.example".to_owned()];
    let (network, arrivals) = Network::new(Runtime::current(), limits, origins);
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), ServerLimits::default()).await.unwrap();
    let address = server.address();
    tokio::spawn(server.serve(router(network.clone()), std::future::pending()));
    (address, arrivals, network)
}

/// The head of the answer to a request, and the connection.
async fn ask(address: SocketAddr, request: &str) -> (String, TcpStream) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, socket.read_u8()).await.unwrap().unwrap());
    }
    (String::from_utf8(head).unwrap(), socket)
}

#[tokio::test]
async fn a_handshake_opens_a_connection() {
    let (address, mut arrivals, _) = start(8).await;
    let (head, socket) = ask(address, HANDSHAKE).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // The example of RFC 6455, section 1.3.
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(head.contains("sec-websocket-protocol: mote.v1\r\n"), "{head}");
    let opened = arrivals.recv().await;
    let Some(Arrival::Opened { direction, address, .. }) = opened else { panic!("nothing was opened") };
    assert_eq!(direction, Direction::Inbound);
    assert_eq!(address.port(), socket.local_addr().unwrap().port());
}

#[tokio::test]
async fn a_dialled_node_and_its_dialler_both_have_a_connection() {
    let (address, mut inbound, _) = start(8).await;
    let (near, mut outbound) = Network::new(Runtime::current(), PeerLimits::default(), Vec::new());
    near.dial(PeerAddress::from_ip(address.ip(), address.port()));
    let opened = (timeout(SOON, inbound.recv()).await, timeout(SOON, outbound.recv()).await);
    let (Ok(Some(Arrival::Opened { .. })), Ok(Some(Arrival::Opened { mut outbox, direction, .. }))) = opened
    else {
        panic!("nothing was opened")
    };
    assert_eq!(direction, Direction::Outbound);
    outbox.send(vec![5]).unwrap();
    let Ok(Some(Arrival::Frame { bytes, .. })) = timeout(SOON, inbound.recv()).await else {
        panic!("nothing was received")
    };
    assert_eq!(bytes, [5]);
}

#[tokio::test]
async fn anything_else_is_refused_with_its_reason() {
    let (address, _arrivals, _) = start(8).await;
    let without = |line: &str| HANDSHAKE.replace(line, "");
    let refused = [
        ("GET /peer HTTP/1.1\r\nHost: x\r\n".to_owned(), 426),
        (without("Upgrade: WebSocket\r\n"), 426),
        (HANDSHAKE.replace("Version: 13", "Version: 8"), 426),
        (without("Sec-WebSocket-Protocol: other, mote.v1\r\n"), 400),
        (HANDSHAKE.replace("mote.v1", "mote.v10"), 400),
        (HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
        (without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400),
        (format!("{HANDSHAKE}Origin: https://evil.example\r\n"), 403),
        (format!("{HANDSHAKE}Origin: null\r\n"), 403),
        (format!("{HANDSHAKE}Origin: https://allowed.example\r\nOrigin: https://evil.example\r\n"), 403),
        (HANDSHAKE.replace("GET", "POST"), 405),
        (HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0"), 426),
        (format!("{HANDSHAKE}Content-Length: 2\r\n"), 400),
        (format!("{HANDSHAKE}Transfer-Encoding: chunked\r\n"), 400),
    ];
    for (request, status) in refused {
        let (head, _) = ask(address, &request).await;
        assert_eq!(head.split(' ').nth(1), Some(status.to_string().as_str()), "{request}{head}");
    }
    let (head, _) = ask(address, &format!("{HANDSHAKE}Origin: https://allowed.example\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test]
async fn there_is_an_end_to_the_room_for_peers() {
    let (address, mut arrivals, _) = start(1).await;
    let (first, socket) = ask(address, HANDSHAKE).await;
    assert!(first.starts_with("HTTP/1.1 101 "), "{first}");
    let _opened = arrivals.recv().await;
    let (second, _) = ask(address, HANDSHAKE).await;
    assert!(second.starts_with("HTTP/1.1 503 "), "{second}");
    drop(socket);
    assert!(matches!(timeout(SOON, arrivals.recv()).await, Ok(Some(Arrival::Closed { .. }))));
    tokio::task::yield_now().await;
    let (third, _) = ask(address, HANDSHAKE).await;
    assert!(third.starts_with("HTTP/1.1 101 "), "{third}");
}
