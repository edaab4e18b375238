//! Reaching what belongs to the operator: keys, coins, the miner, the peer list.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;
use mote_core::wire::Message;
use mote_tests::fixtures::{account, key};
use serde_json::{Value, json};

use super::doors::private_routes;
use super::http::{Answer, Request, open, read_answer};
use super::node::{Node, eventually, outer_address};
use super::peer::{Peer, handshake};

fn loopback_routes(node: &Node) -> Vec<(&'static str, &'static str, Value)> {
    let makes_keys = |path: &str| ["/wallet", "/restore", "/unlock"].iter().any(|end| path.ends_with(end));
    let mut routes = private_routes(node);
    routes.retain(|(method, path, _)| *method == "POST" && makes_keys(path));
    routes
}

fn request(method: &str, path: &str, body: &Value) -> Request {
    let request = Request::new(method, path);
    if body.is_null() { request } else { request.json(body) }
}

/// What the operator has, which no attack here may change.
pub fn operators(node: &Node) -> (Answer, Answer, Value, Vec<u8>) {
    let wallet = fs::read(node.file("wallet", ".json")).expect("there is a wallet");
    let mut mining = node.get("/api/v1/mining").json();
    mining["hash_rate"] = Value::Null;
    (node.get("/api/v1/wallet/addresses"), node.get("/api/v1/peers"), mining, wallet)
}

#[track_caller]
pub fn is_as_before(node: &Node, before: &(Answer, Answer, Value, Vec<u8>)) {
    let now = operators(node);
    assert_eq!(
        (&now.0.body, &now.1.body, &now.2, &now.3),
        (&before.0.body, &before.1.body, &before.2, &before.3)
    );
}

/// A node with a wallet that has coins, open to other computers or not.
pub fn stage(arguments: &[&str]) -> Node {
    let node = Node::start_with("regtest", arguments);
    node.make_wallet();
    node.mine();
    node
}

/// Where other computers reach the node; none where this one is in no network.
fn outer_socket(node: &Node) -> Option<SocketAddr> {
    let outer = outer_address().map(|ip| SocketAddr::new(ip, node.address().port()));
    if outer.is_none() {
        eprintln!("this computer is in no network, so there is no outside to attack from");
    }
    outer
}

#[test]
fn no_route_shows_a_private_key() {
    let node = stage(&[]);
    let file = fs::read_to_string(node.file("wallet", ".json")).expect("the wallet is text");
    let file: Value = serde_json::from_str(&file).expect("the wallet is JSON");
    let entropy = file["secret"]["plain"]["entropy"].as_str().expect("it is not encrypted").to_owned();
    assert_eq!(entropy.len(), 64);
    for path in
        ["wallet", "wallet/addresses", "mining", "peers", "status", "blocks", "mempool", "openapi.json"]
    {
        let answer = node.get(&format!("/api/v1/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains(&entropy), "{path}");
    }
    let wallet = node.get("/api/v1/wallet").json();
    for secret in ["words", "entropy", "secret", "private_key", "seed", "key"] {
        assert_eq!(wallet.get(secret), None, "{secret}");
    }
    assert!(!node.get("/metrics").body.contains(&entropy));
}

#[test]
fn a_node_listens_to_its_own_computer_unless_told_otherwise() {
    let node = stage(&[]);
    assert!(node.address().ip().is_loopback());
    let Some(outer) = outer_socket(&node) else { return };
    let refused = TcpStream::connect_timeout(&outer, Duration::from_secs(10)).map(|_| ());
    assert_eq!(refused.expect_err("nothing listens").kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn the_network_gets_nothing_that_is_the_operators() {
    let node = stage(&["--host", "0.0.0.0"]);
    let Some(outer) = outer_socket(&node) else { return };
    let (holdings, before) = (node.holdings(), operators(&node));
    let token = fs::read_to_string(node.file("api-token", "")).expect("there is a token");
    let token = token.trim();
    let wrong = format!("Bearer {}", "0".repeat(64));
    let half = format!("Bearer {}", &token[..32]);
    for (method, path, body) in private_routes(&node) {
        request(method, path, &body).send(outer).is_refused(401, "token-required");
        for value in
            [wrong.as_str(), half.as_str(), "Bearer ", "Bearer", "", token, &format!("Basic {token}")]
        {
            let answer = request(method, path, &body).header("Authorization", value).send(outer);
            answer.is_refused(401, "token-required");
        }
        // Pretending to come from here does not help.
        for (name, value) in
            [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "::1")]
        {
            request(method, path, &body).header(name, value).send(outer).is_refused(401, "token-required");
        }
        let local = format!("localhost:{}", outer.port());
        request(method, path, &body).host(&local).send(outer).is_refused(401, "token-required");
    }
    is_as_before(&node, &before);
    // The right token opens the rest, but keys are only made on the node's own computer.
    let bearer = format!("Bearer {token}");
    for (method, path, body) in loopback_routes(&node) {
        let answer = request(method, path, &body).header("Authorization", &bearer).send(outer);
        answer.is_refused(403, "loopback-only");
    }
    let wallet = Request::new("GET", "/api/v1/wallet").header("Authorization", &bearer).send(outer);
    assert_eq!((wallet.status, wallet.json()["balance"].as_str()), (200, Some("10")));
    // What everybody may see is there for everybody.
    assert_eq!(Request::new("GET", "/api/v1/status").send(outer).status, 200);
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn a_forwarded_request_is_not_from_this_computer() {
    let node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    for (name, value) in [
        ("Forwarded", "for=192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Proto", "https"),
        ("x-forwarded-anything", ""),
        ("Via", "1.1 proxy"),
        ("X-Real-IP", "127.0.0.1"),
    ] {
        for (method, path, body) in private_routes(&node) {
            request(method, path, &body)
                .header(name, value)
                .send(node.address())
                .is_refused(401, "token-required");
        }
    }
    let token = fs::read_to_string(node.file("api-token", "")).expect("there is a token");
    for (method, path, body) in loopback_routes(&node) {
        let request = request(method, path, &body).header("Via", "1.1 proxy");
        let answer =
            request.header("Authorization", &format!("Bearer {}", token.trim())).send(node.address());
        answer.is_refused(403, "loopback-only");
    }
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn a_page_of_another_origin_reads_and_changes_nothing() {
    let node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    let port = node.address().port();
    let other_port = format!("http://127.0.0.1:{}", port.wrapping_add(1).max(1));
    let prefix = format!("http://{}.evil.example", node.address());
    let origins = [
        "http://evil.example",
        "https://evil.example",
        "null",
        "file://",
        &other_port,
        &prefix,
        "",
        "http://",
    ];
    for (method, path, body) in private_routes(&node) {
        for origin in origins {
            let answer = request(method, path, &body).header("Origin", origin).send(node.address());
            answer.is_refused(403, "foreign-origin");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        for site in ["cross-site", "same-site", "anything"] {
            let answer = request(method, path, &body).header("Sec-Fetch-Site", site).send(node.address());
            answer.is_refused(403, "foreign-origin");
        }
        // What a browser asks before it sends such a request is not answered with leave.
        let asked = Request::new("OPTIONS", path).header("Origin", origins[0]);
        let answer = asked.header("Access-Control-Request-Method", method).send(node.address());
        assert!(answer.status >= 400, "{answer:?}");
        assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{answer:?}");
    }
    // Sending in a transaction is for everybody, but not for a page that stands somewhere else.
    let answer = Request::new("POST", "/api/v1/transactions").json(&json!({})).header("Origin", origins[0]);
    answer.send(node.address()).is_refused(403, "foreign-origin");
    // A page may load what is public, and cannot read it: there is no leave, and resources are its own.
    let page = Request::new("GET", "/api/v1/status").header("Origin", origins[0]).send(node.address());
    assert_eq!(page.header("access-control-allow-origin"), None);
    assert_eq!(page.header("cross-origin-resource-policy"), Some("same-origin"));
    let mut connect = handshake(node.address());
    connect.headers_mut().insert("origin", origins[0].parse().expect("a header"));
    match tungstenite::client(connect, open(node.address())) {
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            assert_eq!(answer.status(), 403);
        }
        other => panic!("a page connects as a peer: {:?}", other.is_ok()),
    }
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    let node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    for (method, path, body) in private_routes(&node) {
        if method != "POST" {
            continue;
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/json",
            "application/jsonp",
            "application/problem+json",
            "text/plain; application/json",
        ] {
            let form = Request::new(method, path).header("Content-Type", kind).body(&body.to_string());
            form.send(node.address()).is_refused(415, "media-type");
        }
        Request::new(method, path).body(&body.to_string()).send(node.address()).is_refused(415, "media-type");
    }
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn a_foreign_host_is_refused() {
    for arguments in [&[][..], &["--host", "0.0.0.0"]] {
        let node = stage(arguments);
        let (holdings, before) = (node.holdings(), operators(&node));
        let port = node.address().port();
        let hosts = [
            format!("evil.example:{port}"),
            "evil.example".to_owned(),
            format!("localhost.evil.example:{port}"),
            format!("127.0.0.1.evil.example:{port}"),
            format!("127.0.0.1:{}", port ^ 1),
            "127.0.0.1".to_owned(),
            format!("user@127.0.0.1:{port}"),
            String::new(),
        ];
        for (method, path, body) in private_routes(&node) {
            for host in &hosts {
                request(method, path, &body).host(host).send(node.address()).is_refused(421, "foreign-host");
            }
            // An absolute target counts, whatever the header says.
            let target = format!("http://evil.example:{port}{path}");
            request(method, &target, &body).send(node.address()).is_refused(421, "foreign-host");
            let own = node.address().to_string();
            let twice = request(method, path, &body).header("Host", &own).send(node.address());
            assert!([400, 421].contains(&twice.status), "{twice:?}");
        }
        // A node that is for its own computer shows not even the chain under another name.
        let public = Request::new("GET", "/api/v1/status").host(&hosts[0]).send(node.address());
        if arguments.is_empty() {
            public.is_refused(421, "foreign-host");
        } else {
            assert_eq!(public.status, 200);
        }
        is_as_before(&node, &before);
        node.is_unharmed(&holdings);
    }
}

#[test]
fn a_wallet_is_never_replaced() {
    let mut node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    let words = "abandon ".repeat(23) + "art";
    for _ in 0..2 {
        for body in [json!({}), json!({"passphrase": "new"})] {
            node.post("/api/v1/wallet", &body).is_refused(409, "wallet-exists");
        }
        node.post("/api/v1/wallet/restore", &json!({"words": words})).is_refused(409, "wallet-exists");
        is_as_before(&node, &before);
        node.restart();
    }
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
    // Of many that are made at once, one is.
    let fresh = Node::start();
    let makers: Vec<u16> = std::thread::scope(|scope| {
        let makers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| fresh.post("/api/v1/wallet", &json!({})).status)).collect();
        makers.into_iter().map(|maker| maker.join().expect("an answer")).collect()
    });
    assert_eq!(makers.iter().filter(|status| **status == 201).count(), 1, "{makers:?}");
    assert!(makers.iter().all(|status| [201, 409].contains(status)), "{makers:?}");
}

#[test]
fn files_with_secrets_are_the_operators_alone() {
    let node = Node::start();
    let made = node.post("/api/v1/wallet", &json!({"passphrase": "correct horse"}));
    assert_eq!(made.status, 201, "{made:?}");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&node.inner()), 0o700);
    let (wallet, token) = (node.file("wallet", ".json"), node.file("api-token", ""));
    assert_eq!((mode(&wallet), mode(&token)), (0o600, 0o600));
    let text = fs::read_to_string(&wallet).expect("it is text");
    let file: Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(file["secret"].get("plain").is_none() && file["secret"].get("encrypted").is_some(), "{text}");
    let words = made.json()["words"].as_str().expect("words").to_owned();
    assert_eq!(words.split(' ').count(), 24);
    assert!(!text.contains(&words) && !text.contains("correct horse"));
    let old = fs::read_to_string(&token).expect("it is text");
    let mut node = node;
    node.restart();
    assert_ne!(fs::read_to_string(&token).expect("it is text"), old, "a token is good for one start");
}

#[test]
fn no_key_lies_in_the_repository() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let listed = Command::new("git").args(["ls-files"]).current_dir(root).output().expect("git runs");
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    for name in names.lines() {
        let last = name.rsplit('/').next().unwrap_or_default();
        let is_secret =
            ["wallet.json", "api-token", "peers.txt", "index.redb", "accounts.tree", "id_ed25519"]
                .contains(&last)
                || [".pem", ".key", ".p12"].iter().any(|end| last.ends_with(end));
        assert!(!is_secret, "{name}");
    }
    // Nor does a node write one where it was started.
    let node = stage(&[]);
    let mut here: Vec<String> = fs::read_dir(node.folder.path())
        .expect("it is readable")
        .map(|entry| entry.expect("it is readable").file_name().to_string_lossy().into_owned())
        .collect();
    here.sort();
    assert_eq!(here, ["node.log", "regtest-0"]);
}

#[test]
fn a_peer_is_a_host_and_a_port_and_leads_nowhere_else() {
    let node = stage(&[]);
    let before = node.holdings();
    let internal = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    internal.set_nonblocking(true).expect("a socket");
    let target = internal.local_addr().expect("it is bound");
    for form in [
        format!("{target}/api/v1/wallet"),
        format!("{target}?x=1"),
        format!("{target}#x"),
        format!("http://{target}"),
        format!("ws://{target}/peer"),
        format!("user:password@{target}"),
        format!("evil.example/@{target}"),
        format!("{target}\r\nX-Header: 1"),
        format!("0x7f000001:{}", target.port()),
        format!("2130706433:{}", target.port()),
        format!("127.1:{}", target.port()),
        format!("[::ffff:127.0.0.1%25lo]:{}", target.port()),
    ] {
        node.post("/api/v1/peers", &json!({"peer": form})).is_refused(400, "malformed");
    }
    assert_eq!(node.get("/api/v1/peers").json(), json!([]));
    // A server that sends the node on to somewhere else.
    let redirect = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = redirect.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut socket in redirect.incoming().flatten() {
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{target}/api/v1/wallet\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = socket.write_all(answer.as_bytes());
            let _ = read_answer(&mut socket);
        }
    });
    let added = node.post("/api/v1/peers", &json!({"peer": address.to_string()}));
    assert_eq!(added.status, 201, "{added:?}");
    eventually("what came of it", || {
        let peers = node.get("/api/v1/peers").json();
        peers[0]["last_refusal"].as_str()?.contains("status 302").then_some(())
    });
    let followed = internal.accept().map(|_| ()).expect_err("nobody connects");
    assert_eq!(followed.kind(), std::io::ErrorKind::WouldBlock);
    let removed = Request::new("DELETE", &format!("/api/v1/peers/{address}")).send(node.address());
    assert_eq!(removed.status, 204, "{removed:?}");
    node.is_unharmed(&before);
}

#[test]
fn markup_of_others_is_data() {
    let markup = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}";
    let (node, ..) = Node::with_chain("regtest", 3);
    let memo = Memo::from_slice(markup.as_bytes()).expect("it fits");
    let (amount, fee) = (Amount::from_grains(1), Amount::from_grains(1_000));
    let payment = Payment { recipient: account(3), amount, fee, nonce: 0, memo }.sign(&node.params, &key(1));
    assert_eq!(node.submit(&payment).status, 201);
    let mut peer = Peer::greeted(node.address(), &node.params);
    peer.send(&Message::Refused("<script>alert(3)</script>"));
    peer.is_closed();
    let hex: String = markup.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(node.get("/api/v1/mempool").json()[0]["memo"], hex.as_str());
    for path in ["/api/v1/mempool", "/api/v1/peers", "/api/v1/status", "/api/v1/blocks"] {
        let answer = node.get(path);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        is_protected(&answer);
    }
    // What comes back from an address bar is not markup either.
    let odd = node.get("/%3Cscript%3Ealert(4)%3C/script%3E");
    odd.is_refused(404, "not-found");
    is_protected(&odd);
    for path in ["/", "/docs"] {
        let page = node.get(path);
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        is_protected(&page);
        let text = page.body.to_lowercase();
        for sink in
            ["onclick=", "onerror=", "onload=", "javascript:", "style=\"", "<iframe", "<object", "<base"]
        {
            assert!(!text.contains(sink), "{path} has {sink}");
        }
        let inline = text
            .match_indices("<script")
            .any(|(at, _)| !text[at..].starts_with("<script type=\"module\" src=\"/"));
        assert!(!inline, "{path} has a script of its own");
    }
    let scripts = mote::web::assets().filter(|asset| asset.path.ends_with(".js"));
    for path in scripts.map(|asset| format!("/web/{}", asset.path)) {
        let script = node.get(&path);
        is_protected(&script);
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "DOMParser",
        ] {
            assert!(!script.body.contains(sink), "{path} has {sink}");
        }
    }
}

#[track_caller]
fn is_protected(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let policy = answer.header("content-security-policy").expect("every answer has a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}
