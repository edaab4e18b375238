//! The same in a real browser: pages of somebody else try everything that browsers let pages try.

use std::io::{Read, Write};
use std::net::TcpStream;

use mote_core::address::Address;
use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;
use mote_core::wire::Message;
use mote_tests::browser::{Browser, Control, Site, Window};
use mote_tests::fixtures::{key, wire};
use mote_tests::processes::{PATIENCE, wait_until};
use serde_json::{Value, json};

use super::access::{is_as_before, operators, stage};
use super::denial::{accept_as_peer, hostile_server};
use super::doors::private_routes;
use super::node::{Node, eventually};

/// Asks every route in every way in which a script can ask, and returns what it could read.
const ASK: &str = "
const [base, routes] = arguments;
const read = [];
for (const [method, path, value] of routes) {
  const body = value === null ? undefined : JSON.stringify(value);
  for (const [mode, kind] of [['cors', 'application/json'], ['cors', 'text/plain'], ['no-cors', 'text/plain']]) {
    if (mode === 'no-cors' && method === 'DELETE') continue;
    const headers = body === undefined ? {} : { 'Content-Type': kind };
    try {
      const answer = await fetch(base + path, { method, mode, headers, body, credentials: 'include' });
      if (answer.type !== 'opaque') read.push(`${mode} ${method} ${path}: ${answer.status}`);
    } catch { /* As it should be. */ }
  }
  if (body !== undefined) navigator.sendBeacon(base + path, new Blob([body], { type: 'text/plain' }));
}
return read;
";

/// Loads what the node serves as a part of this page, in every way, and returns what was loaded.
const LOAD: &str = "
const [base] = arguments;
const loads = [
  ['script', 'src', '/api/v1/status'], ['script', 'src', '/api/v1/wallet'], ['img', 'src', '/api/v1/wallet'],
  ['link', 'href', '/api/v1/status'], ['video', 'src', '/api/v1/wallet'],
];
const tried = loads.map(([tag, attribute, path]) => new Promise((done) => {
  const element = document.createElement(tag);
  if (tag === 'link') element.rel = 'stylesheet';
  element.onload = element.onloadeddata = () => done(`${tag} ${path}`);
  element.onerror = () => done(null);
  element[attribute] = base + path;
  document.body.append(element);
}));
tried.push(import(base + '/api/v1/status').then(() => 'module', () => null));
return (await Promise.all(tried)).filter((loaded) => loaded !== null);
";

/// Opens lasting connections, and returns those that were opened.
const CONNECT: &str = "
const [base] = arguments;
const socket = base.replace('http', 'ws') + '/peer';
const tries = [new WebSocket(socket, 'mote.v1'), new WebSocket(socket), new EventSource(base + '/api/v1/events')];
const opened = await Promise.all(tries.map((connection) => new Promise((done) => {
  connection.onopen = connection.onmessage = () => done(connection.url);
  connection.onerror = () => done(null);
})));
tries.forEach((connection) => connection.close());
return opened.filter((url) => url !== null);
";

/// Frames the node's page, and returns whether it can be looked into.
const FRAME: &str = "
const [base] = arguments;
const frame = document.createElement('iframe');
frame.src = base + '/';
document.body.append(frame);
await new Promise((done) => { frame.onload = done; });
try { return frame.contentWindow.document.body.innerText; } catch { return null; }
";

/// Fills a form with fields, of which the last closes what the first opens, and sends it off.
const SUBMIT: &str = "
const [action, kind, fields] = arguments;
const form = document.createElement('form');
Object.assign(form, { method: 'POST', action, enctype: kind });
for (const [name, value] of fields) {
  const field = document.createElement('input');
  Object.assign(field, { name, value });
  form.append(field);
}
document.body.append(form);
form.submit();
";

/// What would be seen of markup that took effect.
const POISONED: &str = "
const found = document.querySelectorAll(`#poison, marquee, body script, iframe, [onerror], [onload], [onclick],
  [href^='javascript:'], img:not([src^='/api/v1/qr?'])`);
return [...found].map((element) => element.outerHTML.slice(0, 120));
";

fn attacker() -> Site {
    let page =
        "<!doctype html><html lang=en><title>Prize</title><link rel=icon href='data:,'><body>You have won";
    Site::serve(vec![("/", page.to_owned())])
}

/// The origins of the attacker: another port, which browsers call the same site, and another name.
fn origins(site: &Site) -> [String; 2] {
    let near = site.url("/");
    let far = near.replace("127.0.0.1", "evil.example");
    [near, far]
}

/// How many requests the node has refused as another origin's.
fn refused(node: &Node) -> u64 {
    let metrics = node.get("/metrics").body;
    let lines =
        metrics.lines().filter(|line| line.starts_with("mote_http_requests") && line.contains("\"403\""));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[track_caller]
fn gets_nothing(window: &Window, script: &str, arguments: &[Value]) {
    let got = window.script(script, arguments);
    assert!(got.is_null() || got == json!([]), "{got}");
}

#[test]
fn a_page_of_another_origin_gets_nothing_from_a_browser() {
    let node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    let base = json!(format!("http://{}", node.address()));
    let routes = private_routes(&node).into_iter().map(|(method, path, body)| json!([method, path, body]));
    let public = ["/", "/api/v1/status", "/api/v1/blocks", "/api/v1/mempool", "/metrics", "/healthz"];
    let public = public.into_iter().map(|path| json!(["GET", path, null]));
    let transaction = json!(["POST", "/api/v1/transactions", {}]);
    let routes: Value = routes.chain(public).chain([transaction]).collect();
    let site = attacker();
    let browser = Browser::start();
    let window = browser.window();
    for origin in origins(&site) {
        let before = refused(&node);
        browser.distrust(&origin);
        window.open(&origin);
        gets_nothing(&window, ASK, &[base.clone(), routes.clone()]);
        assert!(refused(&node) > before, "the browser has kept all from the node, so nothing is shown");
        gets_nothing(&window, LOAD, std::slice::from_ref(&base));
        gets_nothing(&window, CONNECT, std::slice::from_ref(&base));
        gets_nothing(&window, FRAME, std::slice::from_ref(&base));
        let complaints = browser.record().complaints.join("\n");
        assert!(complaints.contains("frame"), "the page may be framed: {complaints}");
        browser.forgive();
    }
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn forms_of_another_site_change_nothing_in_a_browser() {
    let node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    let site = attacker();
    let browser = Browser::start();
    let window = browser.window();
    for origin in origins(&site) {
        browser.distrust(&origin);
        for (method, path, body) in private_routes(&node) {
            if method != "POST" {
                continue;
            }
            // As text, `name=value` can be made to be JSON.
            let text = body.to_string();
            let text = text.strip_suffix('}').expect("bodies are objects");
            let comma = if text.len() > 1 { ", " } else { "" };
            let json_like = json!([[format!("{text}{comma}\"x\": \""), "\"}"]]);
            let fields = body.as_object().expect("bodies are objects").iter();
            let fields: Value = fields.map(|(name, value)| json!([name, value])).collect();
            for (kind, fields) in [
                ("text/plain", &json_like),
                ("application/x-www-form-urlencoded", &fields),
                ("multipart/form-data", &fields),
            ] {
                window.open(&origin);
                window.script(
                    SUBMIT,
                    &[json!(format!("http://{}{path}", node.address())), json!(kind), fields.clone()],
                );
                window.wait_for_text("body", "foreign-origin");
            }
        }
    }
    browser.forgive();
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn a_name_that_leads_here_is_refused_in_a_browser() {
    let node = stage(&[]);
    let (holdings, before) = (node.holdings(), operators(&node));
    let browser = Browser::start();
    let window = browser.window();
    window.open(&format!("http://evil.example:{}/", node.address().port()));
    window.wait_for_text("body", "foreign-host");
    // To the browser, this is now a page of the same origin.
    let ask = "
        const [method, path, value] = arguments;
        const body = value === null ? undefined : JSON.stringify(value);
        const headers = { 'Content-Type': 'application/json' };
        return (await fetch(path, { method, headers, body })).status;";
    for (method, path, body) in private_routes(&node) {
        assert_eq!(window.script(ask, &[json!(method), json!(path), body]), 421, "{method} {path}");
    }
    assert_eq!(window.script(ask, &[json!("GET"), json!("/api/v1/status"), Value::Null]), 421);
    wait_until("the browser has noted the refusals", PATIENCE, || {
        let complaints = browser.record().complaints.len();
        if complaints > 0 { Ok(()) } else { Err(complaints.to_string()) }
    });
    browser.forgive();
    is_as_before(&node, &before);
    node.is_unharmed(&holdings);
}

#[test]
fn markup_of_others_is_inert_in_a_browser() {
    const MARKUP: [&str; 8] = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "'><marquee>x</marquee>",
        "<a href=javascript:alert(1)>x</a>",
        "<iframe src=//evil.example></iframe>",
        "</title></textarea><b id=poison>x</b>",
        "${alert(1)}{{alert(1)}}",
    ];
    let (node, ..) = Node::with_chain("regtest", 3);
    let wallet = node.make_wallet();
    let pay = |nonce: usize, recipient, memo: &str| {
        let memo = Memo::from_slice(memo.as_bytes()).expect("it fits");
        let (amount, fee) = (Amount::from_grains(1_000), Amount::from_grains(1_000));
        let payment =
            Payment { recipient, amount, fee, nonce: nonce as u64, memo }.sign(&node.params, &key(1));
        assert_eq!(node.submit(&payment).status, 201);
        payment.id().to_string()
    };
    let owner = Address::parse_for(&wallet, &node.params).expect("it is an address").public_key();
    let mined: Vec<String> = MARKUP.iter().enumerate().map(|(nonce, memo)| pay(nonce, owner, memo)).collect();
    node.mine();
    MARKUP.iter().enumerate().for_each(|(nonce, memo)| drop(pay(MARKUP.len() + nonce, owner, memo)));
    let (peer, _) = hostile_server(|socket| refuse(socket, MARKUP[1]));
    assert_eq!(node.post("/api/v1/peers", &json!({"peer": peer.to_string()})).status, 201);
    eventually("what the peer said", || {
        node.get("/api/v1/peers").body.contains("onerror=alert").then_some(())
    });

    let browser = Browser::start();
    // Addresses that lead nowhere are answered so.
    browser.expect_complaint("Failed to load resource: the server responded with a status of 4");
    let window = browser.window();
    let is_inert = |path: &str, seen: &[&str]| {
        window.open(&format!("http://{}{path}", node.address()));
        window.wait_for_script(
            "the page is filled",
            "return document.querySelector('main:not([aria-busy]) h1') !== null",
            &[],
        );
        seen.iter().for_each(|text| window.wait_for_text("main", text));
        assert_eq!(window.script(POISONED, &[]), json!([]), "{path}");
    };
    is_inert("/mempool", &MARKUP);
    is_inert(&format!("/address/{wallet}"), &MARKUP);
    is_inert("/wallet", &MARKUP);
    is_inert("/network", &[MARKUP[1]]);
    for (transaction, memo) in mined.iter().zip(MARKUP) {
        is_inert(&format!("/transaction/{transaction}"), &[memo]);
    }
    for path in ["/", "/start", "/blocks", "/block/4", "/forks", "/mining"] {
        is_inert(path, &[]);
    }
    // What an attacker's link brings along.
    let markup = MARKUP.concat();
    let text: String = markup.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for start in [
        "/block/",
        "/transaction/",
        "/address/",
        "/blocks?before=",
        "/mempool?before=",
        "/?blocks=",
        "/laboratory/block?block=",
    ] {
        is_inert(&format!("{start}{text}"), &[]);
    }
    is_inert(&format!("/wallet?to={text}&amount={text}&memo={text}"), &[]);
    window.fill(&Control::of("searchbox", "Height, id, address or transaction"), &markup);
    window.click(&Control::button("Search"));
    window.wait_for_script("the search is answered", "return !document.getElementById('alert').hidden", &[]);
    assert_eq!(window.script(POISONED, &[]), json!([]), "searching");
}

/// Greets nobody, and says why.
fn refuse(socket: TcpStream, reason: &str) {
    if let Some(mut socket) = accept_as_peer(socket) {
        let refused = wire(&Message::Refused(reason));
        let head = [0x82, u8::try_from(refused.len()).expect("it is short")];
        let _ = socket.write_all(&[&head[..], &refused].concat());
        while socket.read(&mut [0; 512]).is_ok_and(|count| count > 0) {}
    }
}
