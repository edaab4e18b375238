//! Keeping a node from its work.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mote_core::pow::Work;
use mote_core::units::Height;
use mote_core::wire::{Hello, MESSAGE_MAX_BYTES, Message};
use mote_tests::fixtures::{Chain, account, flipped, mine, pay, wire};
use serde_json::json;

use super::http::{exchange, open, read_answer};
use super::node::{Node, eventually, grow, outer_address};
use super::peer::{Branch, End, Peer, list};

/// What an attack may cost the node for good, in kibibytes.
const COST_MAX_KIB: u64 = 48 * 1024;

#[track_caller]
fn costs_little(node: &Node, before_kib: u64) {
    let (kib, threads) = node.footprint();
    assert!(kib < before_kib + COST_MAX_KIB, "{before_kib} to {kib} KiB");
    assert!(threads < 64, "{threads} threads");
}

#[test]
fn a_claimed_height_of_a_billion_does_not_stop_mining() {
    let (node, chain, _) = Node::with_chain("regtest", 3);
    node.make_wallet();
    let mut liar = Peer::connect(node.address(), &node.params);
    let claim = Hello {
        tip: flipped(&chain.tip.id()),
        height: Height::new(1_000_000_000),
        work: Work::from_be_bytes(&[0xff; 32]),
        ..liar.hello()
    };
    liar.greet(claim);
    let mut block = chain.block(account(3), Vec::new());
    (block.header.height, block.header.previous) = (Height::new(1_000_000_000), flipped(&chain.tip.id()));
    mine(&mut block.header);
    liar.send(&Message::Tip(block.header));
    liar.settle();
    for height in 4..8 {
        assert_eq!(node.mine()["height"], height);
    }
    assert_eq!(node.height(), 7);
    let enabled = node.post("/api/v1/mining", &json!({"enabled": true}));
    assert_eq!(enabled.status, 200, "{enabled:?}");
    eventually("a block that the miner makes by itself", || (node.height() > 7).then_some(()));
    assert_eq!(node.post("/api/v1/mining", &json!({"enabled": false})).status, 200);
    // Resolving waits for the liar's answer no longer than for any other.
    assert_eq!(node.post("/api/v1/resolve", &json!({})).json()["replaced"], false);
    node.serves_its_chain();
}

#[test]
fn what_is_no_message_ends_the_connection_and_nothing_else() {
    let (node, chain, branch) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    let params = &node.params;
    let greeted = || Peer::greeted(node.address(), params);
    for (bytes, reason) in [
        (Vec::new(), "malformed message"),
        (vec![0xff; 100], "malformed message"),
        (vec![27], "malformed message"),
        ([wire(&Message::Ping(1)), vec![0]].concat(), "malformed message"),
        // A varint with padding.
        (vec![11, 0x81, 0x00], "malformed message"),
    ] {
        let mut peer = greeted();
        peer.send_bytes(bytes);
        let got = peer.refusal();
        assert!(got.starts_with(reason), "{got}");
    }
    let mut early = Peer::connect(node.address(), params);
    early.send(&Message::GetAddresses);
    assert_eq!(early.refusal(), "expected a greeting first");
    let mut twice = greeted();
    let hello = twice.hello();
    twice.greet(hello);
    assert_eq!(twice.refusal(), "greeted twice");
    for (change, reason) in [
        (Hello { version: 2, ..greeted().hello() }, "expected protocol version 1, got 2"),
        (Hello { message_max: 10, ..greeted().hello() }, "expected a peer that takes messages of at least"),
        (Hello { genesis: chain.tip.id(), ..greeted().hello() }, "expected the network with genesis"),
    ] {
        let mut peer = Peer::connect(node.address(), params);
        peer.greet(change);
        let got = peer.refusal();
        assert!(got.starts_with(reason), "{got}");
    }
    let block = wire(branch.last());
    for answer in [Message::Block(&block), Message::NotFound(chain.tip.id()), Message::Pong(9_999)] {
        let mut peer = greeted();
        peer.send(&answer);
        assert!(peer.refusal().starts_with("unrequested"), "{answer:?}");
    }
    let mut peer = greeted();
    list(&[branch.last().header.clone()], &mut Vec::new(), |headers| peer.send(&Message::Headers(headers)));
    assert_eq!(peer.refusal(), "unrequested headers");
    let ids = vec![chain.tip.id(); 600];
    let mut peer = greeted();
    list(&ids, &mut Vec::new(), |ids| peer.send(&Message::HaveTransactions(ids)));
    assert!(peer.refusal().contains("items in one message, expected at most 512"));
    let mut peer = greeted();
    list(&ids, &mut Vec::new(), |locator| peer.send(&Message::GetHeaders { locator, limit: 1 }));
    assert!(peer.refusal().contains("items in one message, expected at most 32"));
    let mut text = greeted();
    text.write_raw(b"\x81\x82\0\0\0\0hi");
    text.is_closed();
    // A server of something else, and one that speaks no WebSocket at all.
    let mut raw = open(node.address());
    raw.write_all(&[0x16; 300]).expect("the node listens");
    let _ = read_answer(&mut raw);
    node.is_unharmed(&before);
}

#[test]
fn a_message_that_is_too_large_is_not_read() {
    let (node, ..) = Node::with_chain("regtest", 3);
    let (before, (kib, _)) = (node.holdings(), node.footprint());
    let mut large = Peer::greeted(node.address(), &node.params);
    large.send_bytes(vec![0; MESSAGE_MAX_BYTES + 1]);
    large.is_closed();
    // A frame that says that it is an exbibyte long.
    let mut endless = Peer::greeted(node.address(), &node.params);
    endless.write_raw(&[0x82, 0xff, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    endless.is_closed();
    // A message in pieces without an end.
    let mut pieces = Peer::greeted(node.address(), &node.params);
    let mut piece = vec![0x02, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    piece.resize(14 + 65_536, 0);
    let sent = (0..4_000).take_while(|_| {
        let goes_on = pieces.write_raw(&piece);
        piece[0] = 0x00;
        goes_on
    });
    assert!(sent.count() < 4_000, "the node reads without end");
    pieces.is_closed();
    costs_little(&node, kib);
    node.is_unharmed(&before);
}

#[test]
fn a_peer_that_asks_and_never_reads_costs_a_bounded_queue() {
    let (node, chain, _) = Node::with_chain("regtest", 3);
    let (before, (kib, _)) = (node.holdings(), node.footprint());
    let mut greedy = Peer::greeted(node.address(), &node.params);
    let mut asked = 0;
    // Each question is 34 bytes, each answer more.
    let question = wire(&Message::GetBlock(chain.tip.id()));
    let frame = [&[0x82, 0x80 | question.len() as u8, 0, 0, 0, 0][..], &question].concat();
    greedy.shorten_patience(Duration::from_millis(500));
    while asked < 400 && greedy.write_raw(&frame.repeat(1_000)) {
        asked += 1;
    }
    assert!(asked < 400, "the node answers without end");
    costs_little(&node, kib);
    node.is_unharmed(&before);
}

#[test]
fn branches_of_little_work_are_followed_but_not_kept() {
    // After more than a day's work a branch from genesis must show some before it is worth memory.
    let (node, ..) = Node::with_chain("regtest", 9_000);
    let (before, (kib, _)) = (node.holdings(), node.footprint());
    let mut peer = Peer::greeted(node.address(), &node.params);
    for number in 0..12 {
        let mut chain = Chain::new(node.params.clone());
        let mut branch = Branch::default();
        for _ in 0..300 {
            let block = chain.block(account(100 + number), Vec::new());
            super::node::add(&mut chain, &mut branch, block);
        }
        // Were the headers kept, the node would ask for their blocks.
        match peer.show_headers_only(&branch) {
            End::Settled { blocks_asked: 0, headers_asked } if headers_asked > 0 => {}
            other => panic!("branch {number}: {other:?}"),
        }
    }
    costs_little(&node, kib);
    node.is_unharmed(&before);
}

/// A server that a node dials, which does the same to each that connects; how many did.
pub fn hostile_server(behave: fn(std::net::TcpStream)) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || behave(socket));
        }
    });
    (address, count)
}

fn pour(mut socket: std::net::TcpStream, start: &[u8], rest: &[u8]) {
    let mut goes_on = socket.write_all(start).is_ok();
    while goes_on {
        goes_on = socket.write_all(rest).is_ok();
    }
}

/// Shakes hands with a node that dials; none where it does not.
pub fn accept_as_peer(mut socket: std::net::TcpStream) -> Option<std::net::TcpStream> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).ok()?;
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
    })?;
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: mote.v1\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).ok()?;
    Some(socket)
}

#[test]
fn peers_that_misbehave_do_not_keep_the_others_from_being_tried() {
    let (good, ..) = Node::with_chain("regtest", 5);
    let node = Node::start();
    let (kib, _) = node.footprint();
    let servers = [
        // Garbage, an endless header, an endless page, silence, and silence after the handshake.
        hostile_server(|socket| pour(socket, b"", b"\x00\xffgarbage\r\n")),
        hostile_server(|socket| pour(socket, b"HTTP/1.1 101 Switching Protocols\r\nX: ", &[b'a'; 4_096])),
        hostile_server(|socket| pour(socket, b"HTTP/1.1 200 OK\r\n\r\n", &[b'a'; 65_536])),
        hostile_server(|mut socket| while socket.read(&mut [0; 512]).is_ok_and(|count| count > 0) {}),
        hostile_server(|socket| {
            if let Some(mut socket) = accept_as_peer(socket) {
                while socket.read(&mut [0; 512]).is_ok_and(|count| count > 0) {}
            }
        }),
        // A peer that greets with an endless message, and one that sends pings without end.
        hostile_server(|socket| {
            if let Some(socket) = accept_as_peer(socket) {
                pour(socket, &[0x02, 126, 0x10, 0], &[&[0; 4_096][..], &[0x00, 126, 0x10, 0]].concat());
            }
        }),
        hostile_server(|socket| {
            if let Some(socket) = accept_as_peer(socket) {
                pour(socket, b"", &[0x89, 0].repeat(2_048));
            }
        }),
    ];
    for (address, _) in &servers {
        let added = node.post("/api/v1/peers", &json!({"peer": address.to_string()}));
        assert_eq!(added.status, 201, "{added:?}");
    }
    for (_, count) in &servers {
        eventually("a dial", || (count.load(Ordering::Relaxed) > 0).then_some(()));
    }
    let added = node.post("/api/v1/peers", &json!({"peer": good.address().to_string()}));
    assert_eq!(added.status, 201, "{added:?}");
    eventually("the honest peer's chain", || (node.status("tip") == good.status("tip")).then_some(()));
    // Those that answer wrongly are listed with what was wrong.
    let (garbage, page) = (servers[0].0.to_string(), servers[2].0.to_string());
    for (address, reason) in [(garbage, "answered as something else"), (page, "status 200")] {
        eventually("the reason", || {
            let peers = node.get("/api/v1/peers").json();
            let peer = peers.as_array()?.iter().find(|peer| peer["address"] == address.as_str())?;
            peer["last_refusal"].as_str()?.contains(reason).then_some(())
        });
    }
    assert_eq!(node.make_wallet().len(), good.text(account(1)).len());
    assert_eq!(node.mine()["height"], 6);
    eventually("our block there", || (good.height() == 6).then_some(()));
    costs_little(&node, kib);
    node.serves_its_chain();
}

#[test]
fn silent_connections_are_ended_and_block_nobody() {
    let (node, ..) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    let mut silent: Vec<Peer> = (0..40).map(|_| Peer::connect(node.address(), &node.params)).collect();
    // As many as there may be are connected now; whoever reads the chain does not notice.
    node.is_unharmed(&before);
    for peer in &mut silent {
        peer.is_closed();
    }
    node.is_unharmed(&before);
}

#[test]
fn a_body_of_two_hundred_megabytes_is_refused_unread() {
    let (node, ..) = Node::with_chain("regtest", 3);
    let (before, (kib, _)) = (node.holdings(), node.footprint());
    for path in ["/api/v1/transactions", "/api/v1/wallet/send", "/api/v1/wallet", "/api/v1/peers"] {
        let mut socket = open(node.address());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 200000000\r\n\r\n",
            node.address()
        );
        socket.write_all(head.as_bytes()).expect("the node listens");
        let chunk = vec![b' '; 1 << 20];
        let sent = (0..200).take_while(|_| socket.write_all(&chunk).is_ok()).count();
        assert!(sent < 200, "{path}: the node reads all of it");
        // Without a length, chunk after chunk.
        let mut socket = open(node.address());
        let head = head.replace("Content-Length: 200000000", "Transfer-Encoding: chunked");
        socket.write_all(head.as_bytes()).expect("the node listens");
        let chunk = [b"100000\r\n", &chunk[..], b"\r\n"].concat();
        let sent = (0..200).take_while(|_| socket.write_all(&chunk).is_ok()).count();
        assert!(sent < 200, "{path}: the node reads all of it");
    }
    let just_too_large = format!("{{\"to\":\"{}\"}}", " ".repeat(64 * 1024));
    node.post_text("/api/v1/transactions", &just_too_large).is_refused(413, "too-large");
    let mut header = format!("GET / HTTP/1.1\r\nHost: {}\r\n", node.address());
    header.push_str(&"X-Long: aaaaaaaaaaaaaaaa\r\n".repeat(50_000));
    let answer = exchange(node.address(), header.as_bytes());
    assert!(answer.is_none_or(|answer| answer.status == 431), "a header without end");
    costs_little(&node, kib);
    node.is_unharmed(&before);
}

#[test]
fn five_hundred_half_open_connections_leave_room_for_the_owner() {
    let node = Node::start_with("regtest", &["--host", "0.0.0.0"]);
    let (before, (kib, _)) = (node.holdings(), node.footprint());
    let half_open = |to: SocketAddr| {
        let mut socket = open(to);
        // Beyond the limit the node closes at once.
        let _ = socket.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: ");
        socket
    };
    if let Some(outer) = outer_address() {
        let to = SocketAddr::new(outer, node.address().port());
        let strangers: Vec<_> = (0..500).map(|_| half_open(to)).collect();
        node.is_unharmed(&before);
        costs_little(&node, kib);
        drop(strangers);
    }
    // Not even a program on the same computer keeps the node busy for longer than a header may take.
    let neighbours: Vec<_> = (0..500).map(|_| half_open(node.address())).collect();
    costs_little(&node, kib);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", node.address());
    eventually("an answer", || exchange(node.address(), request.as_bytes()));
    node.is_unharmed(&before);
    drop(neighbours);
}

#[test]
fn json_that_breaks_readers_is_malformed() {
    let (node, ..) = Node::with_chain("regtest", 3);
    node.make_wallet();
    let before = node.holdings();
    let mut bodies =
        vec![String::new(), "null".into(), "[]".into(), "{".into(), "{}{}".into(), "\u{feff}{}".into()];
    // As deep as a body can be long, and as deep as was asked for once.
    for depth in [200, 30_000] {
        bodies.extend(["[", "{\"a\":", "[{\"a\":"].map(|open| open.repeat(depth.min(60_000 / open.len()))));
    }
    for text in ["\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800x\"", "\"\\u12\"", "\"\u{1}\""] {
        bodies.push(text.to_owned());
        for field in ["to", "amount", "memo", "peer", "words", "passphrase", "sender", "signature"] {
            bodies.push(format!("{{\"{field}\":{text}}}"));
        }
    }
    for path in ["transactions", "wallet/send", "wallet/restore", "wallet/unlock", "peers", "mining"] {
        for body in &bodies {
            // An empty object changes nothing of the miner.
            let path = format!("/api/v1/{path}");
            node.post_text(&path, body).is_refused(400, "malformed");
        }
        let deep = "[".repeat(100_000);
        node.post_text(&format!("/api/v1/{path}"), &deep).is_refused(413, "too-large");
    }
    let head = format!(
        "POST /api/v1/transactions HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n",
        node.address()
    );
    let bytes = [head.as_bytes(), b"Content-Length: 8\r\n\r\n{\"to\":\"\xff"].concat();
    exchange(node.address(), &bytes).expect("an answer").is_refused(400, "malformed");
    for path in ["/api/v1/blocks/%ff", "/api/v1/accounts/%00", "/api/v1/transactions/%ed%a0%80"] {
        node.get(path).is_refused(400, "malformed");
    }
    node.is_unharmed(&before);
}

#[test]
fn what_a_peer_says_is_shown_short_and_without_controls() {
    let (node, ..) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    let (address, _) = hostile_server(|socket| {
        if let Some(mut socket) = accept_as_peer(socket) {
            let refused = wire(&Message::Refused(&"\u{1b}[31m<b>\r\n".repeat(24)));
            let head = [0x82, 126, (refused.len() >> 8) as u8, refused.len() as u8];
            let _ = socket.write_all(&[&head[..], &refused].concat());
            while socket.read(&mut [0; 512]).is_ok_and(|count| count > 0) {}
        }
    });
    let added = node.post("/api/v1/peers", &json!({"peer": address.to_string()}));
    assert_eq!(added.status, 201, "{added:?}");
    let said = eventually("what the peer said", || {
        let peers = node.get("/api/v1/peers").json();
        let said = peers[0]["last_refusal"].as_str()?.to_owned();
        said.contains("<b>").then_some(said)
    });
    assert!(said.starts_with("refused by the peer: [31m<b>") && said.len() < 250, "{said:?}");
    assert!(!said.chars().any(char::is_control), "{said:?}");
    node.is_unharmed(&before);
}

#[test]
fn a_flood_of_payments_that_nobody_can_mine_ends() {
    let (node, ..) = Node::with_chain("regtest", 3);
    let before = node.holdings();
    let mut peer = Peer::greeted(node.address(), &node.params);
    for nonce in 0..400 {
        let amount = 1_000_000 + nonce;
        peer.send(&Message::Transaction(pay(&node.params, 9, account(3), amount, 1_000, 0)));
    }
    peer.is_closed();
    node.is_unharmed(&before);
}

#[test]
fn a_branch_whose_blocks_nobody_has_is_given_up() {
    let (node, mut chain, mut branch) = Node::with_chain("regtest", 3);
    let mut withheld = branch.clone();
    let mut fork = chain.clone();
    grow(&mut fork, &mut withheld, 50);
    // Headers of fifty blocks whose bodies nobody has.
    let mut peer = Peer::greeted(node.address(), &node.params);
    let before = node.holdings();
    let end = peer.show_headers_only(&withheld);
    assert!(matches!(end, End::Closed), "{end:?}");
    assert_eq!(peer.farewell(), "does not have the block that it showed");
    node.is_unharmed(&before);
    let block = chain.block(account(2), Vec::new());
    super::node::add(&mut chain, &mut branch, block);
    node.learn(&branch);
}
