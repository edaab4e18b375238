//! Every door of a node times everybody who may stand before it: one table says what each kind of door does
//! to each visitor, another of which kind each door is. A door that is missing there fails a test, so no
//! route comes to be without somebody saying who may use it.

mod command_line;
mod routes;
mod visitors;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

use super::access::{is_as_before, operators, stage};
use super::http::{Answer, Request};
use super::node::{Node, outer_address};
use routes::{Body, Door, Kind, doors};
use serde_json::Value;
use visitors::{From, Token, VISITORS, Verdict, Visitor};

pub use routes::private_routes;

/// How a node is started, which decides what some visitors get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum House {
    /// For its own computer, as nodes are unless told otherwise.
    Closed,
    /// Open to others.
    Open,
    /// For its own computer, and it asks for the token even there.
    Asking,
}

impl House {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Closed => &[],
            Self::Open => &["--host", "0.0.0.0"],
            Self::Asking => &["--require-token"],
        }
    }
}

/// What a visitor got at a door.
fn verdict(door: &Door, answer: &Answer) -> Verdict {
    // The door of peers speaks no JSON: 426 asks for the rest of the handshake, which an origin that may
    // not connect is never asked for.
    if door.kind == Kind::Peers {
        return match answer.status {
            426 => Verdict::Through,
            403 => Verdict::Origin,
            _ => panic!("{door:?}: {answer:?}"),
        };
    }
    let code = |code: &str| answer.body.contains(&format!("\"code\":\"{code}\""));
    match answer.status {
        401 if code("token-required") => Verdict::Token,
        403 if code("foreign-origin") => Verdict::Origin,
        403 if code("loopback-only") => Verdict::Here,
        421 if code("foreign-host") => Verdict::Host,
        401 | 403 | 407 | 421 | 500.. => panic!("{door:?}: {answer:?}"),
        _ => Verdict::Through,
    }
}

fn knock(node: &Node, door: &Door, body: Body, visitor: &Visitor, token: &str) -> Option<Answer> {
    let here = node.address();
    let to = match visitor.from {
        From::Here => here,
        From::Outside => SocketAddr::new(outer_address()?, here.port()),
    };
    let mut request = door.request(node, body);
    if let Some(host) = visitor.host {
        request = request.host(&host.replace("PORT", &here.port().to_string()));
    }
    for (name, value) in visitor.headers {
        request = request.header(name, &value.replace("PORT", &here.port().to_string()));
    }
    match visitor.token {
        Token::None => {}
        Token::Right => request = request.header("Authorization", &format!("Bearer {token}")),
        Token::Wrong => request = request.header("Authorization", &format!("Bearer {}", "0".repeat(64))),
    }
    let answer = request.send_for_head(to);
    // Whoever is answered gets no leave for another origin, and is told how to treat what came.
    assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{door:?}: {answer:?}");
    Some(answer)
}

/// What lies in the file of the node's token.
fn token_of(node: &Node) -> String {
    fs::read_to_string(node.file("api-token", "")).expect("there is a token").trim().to_owned()
}

/// What the operator has, who shows the token.
fn held(node: &Node, token: &str) -> Vec<String> {
    let look = |path: &str| {
        let request = Request::new("GET", path).header("Authorization", &format!("Bearer {token}"));
        let answer = request.send(node.address());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    let mut held = ["wallet/addresses", "peers"].map(|name| look(&format!("/api/v1/{name}"))).to_vec();
    let mining: Value = serde_json::from_str(&look("/api/v1/mining")).expect("it is JSON");
    held.push(mining["enabled"].to_string());
    held.push(fs::read_to_string(node.file("wallet", ".json")).expect("there is a wallet"));
    held
}

fn every_door_times_every_visitor(house: House) {
    let mut node = stage(&[]);
    node.restart_with(house.arguments());
    let token = token_of(&node);
    let (holdings, before) = (node.holdings(), held(&node, &token));
    let visitors = || VISITORS.iter().filter(|visitor| visitor.house == house);
    assert!(visitors().count() > 0, "nobody visits {house:?}");
    // First all that are turned away, with requests that would do something, then all others, with requests
    // that are let in and say nothing that could be done.
    for body in [Body::Real, Body::Nonsense] {
        for visitor in visitors() {
            for door in doors() {
                let expected = visitor.verdict(door.kind);
                if (expected == Verdict::Through) != (body == Body::Nonsense) {
                    continue;
                }
                let Some(answer) = knock(&node, &door, body, visitor, &token) else {
                    eprintln!("this computer is in no network: {} was not tried", visitor.name);
                    break;
                };
                let got = verdict(&door, &answer);
                assert_eq!(got, expected, "{house:?}, {}, {door:?}: {answer:?}", visitor.name);
            }
        }
        if body == Body::Real {
            assert_eq!(held(&node, &token), before);
            node.is_unharmed(&holdings);
        }
    }
}

#[test]
fn every_door_of_a_node_for_its_own_computer() {
    every_door_times_every_visitor(House::Closed);
}

#[test]
fn every_door_of_a_node_that_is_open_to_others() {
    every_door_times_every_visitor(House::Open);
}

#[test]
fn every_door_of_a_node_that_asks_everybody() {
    every_door_times_every_visitor(House::Asking);
}

#[test]
fn no_door_is_missing_in_the_table() {
    let node = Node::start();
    let mut there: BTreeSet<(String, String)> =
        mote::web::PAGES.iter().map(|path| ("GET".to_owned(), (*path).to_owned())).collect();
    // Peers are served beside the API.
    there.insert(("GET".to_owned(), "/peer".to_owned()));
    let document = node.get("/api/v1/openapi.json").json();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            there.insert((method.to_uppercase(), path.clone()));
        }
    }
    let table: Vec<(String, String)> =
        doors().map(|door| (door.method.to_owned(), door.route.to_owned())).collect();
    for door in &there {
        assert_eq!(table.iter().filter(|entry| *entry == door).count(), 1, "{door:?} in the table");
    }
    for door in &table {
        assert!(there.contains(door), "{door:?} is in the table and nowhere else");
    }
}

#[test]
fn no_door_opens_to_another_method() {
    let node = stage(&[]);
    let before = operators(&node);
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"];
    for door in doors() {
        for method in methods {
            if doors().any(|other| other.route == door.route && other.method == method) {
                continue;
            }
            let answer = Request::new(method, door.path).send_for_head(node.address());
            assert_eq!(answer.status, 405, "{method} {door:?}: {answer:?}");
        }
        // What a HEAD request may learn is what a GET request may.
        if door.method == "GET" && door.kind != Kind::Peers {
            let asked = |method| {
                let request = Request::new(method, door.path).header("Via", "1.1 proxy");
                request.send_for_head(node.address()).status
            };
            assert_eq!(asked("HEAD"), asked("GET"), "{door:?}");
        }
    }
    is_as_before(&node, &before);
}
