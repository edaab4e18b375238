//! The HTTP API against its own description: whatever is asked, the answer is one that the description has.
//! Requests are made from the schemas, right ones and wrong ones, the same on every run.

mod make;
mod schema;

use std::collections::BTreeSet;

use mote::api::error::Code;
use mote_core::rules::Rule;
use mote_tests::processes::{Launch, Node};
use mote_tests::random::Random;
use serde_json::{Value, json};

use self::make::{Known, Maker};
use self::schema::Document;
use crate::attacks::http::{Answer, Request};

/// Requests of each operation, half of them against its schema where there is a way.
const REQUESTS: usize = 40;

/// Bodies that are no JSON.
const NO_JSON: [&str; 6] = ["", "{", "{\"a\":}", "\u{feff}{}", "{}{}", "{\"a\":\"\\ud800\"}"];

/// One operation of the description.
struct Operation<'d> {
    method: String,
    path: &'d str,
    description: &'d Value,
}

/// A request, and whether the description allows it.
struct Asked {
    path: String,
    header: Option<(String, String)>,
    body: Option<String>,
    is_allowed: bool,
}

fn operations(document: &Document) -> Vec<Operation<'_>> {
    let paths = document.root()["paths"].as_object().expect("there are paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |operation| (path, operation))
        })
        .map(|(path, (method, description))| Operation { method: method.to_uppercase(), path, description })
        .collect()
}

impl Operation<'_> {
    fn body_schema(&self) -> Option<&Value> {
        Some(&self.description["requestBody"]["content"]["application/json"]["schema"])
            .filter(|schema| !schema.is_null())
    }

    fn ask(&self, maker: &mut Maker<'_>, is_to_be_wrong: bool) -> Asked {
        let parameters = self.description["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let body_schema = self.body_schema();
        let choices = parameters.len() + usize::from(body_schema.is_some());
        let wrong = (is_to_be_wrong && choices > 0).then(|| maker.below(choices));
        let mut asked = Asked { path: self.path.to_owned(), header: None, body: None, is_allowed: true };
        let mut query = Vec::new();
        for (index, parameter) in parameters.iter().enumerate() {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            let is_required = parameter["required"] == true;
            if !is_required && wrong != Some(index) && maker.below(2) == 0 {
                continue;
            }
            let mut value = maker.right(&parameter["schema"], name);
            if wrong == Some(index) {
                (value, asked.is_allowed) = maker.wrong_text(&parameter["schema"], value);
            }
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match parameter["in"].as_str() {
                Some("path") => asked.path = asked.path.replace(&format!("{{{name}}}"), &escape(&text)),
                Some("query") => query.push(format!("{}={}", escape(name), escape(&text))),
                // No header can say this, so nothing is said.
                _ if text.chars().any(char::is_control) => asked.is_allowed = true,
                _ => asked.header = Some((name.to_owned(), text)),
            }
        }
        if !query.is_empty() {
            asked.path = format!("{}?{}", asked.path, query.join("&"));
        }
        if let Some(schema) = body_schema {
            let mut value = maker.right(schema, "");
            if wrong == Some(parameters.len()) {
                (value, asked.is_allowed) = maker.wrong(schema, value);
            }
            asked.body = Some(value.to_string());
        }
        asked
    }

    /// What is wrong with an answer, if anything.
    fn judge(&self, document: &Document, asked: &Asked, answer: &Answer) -> Result<(), String> {
        let responses = &self.description["responses"];
        let status = answer.status;
        if status >= 500 {
            return Err("the node blames itself".into());
        }
        if !asked.is_allowed && status < 400 {
            return Err("what the description forbids is done".into());
        }
        let described = match &responses[status.to_string()] {
            Value::Null if status >= 400 => &responses["default"],
            described => described,
        };
        let contents = match described {
            Value::Null => return Err("the status is not described".into()),
            described => described["content"].as_object().filter(|contents| !contents.is_empty()),
        };
        let Some(contents) = contents else {
            return if answer.body.is_empty() {
                Ok(())
            } else {
                Err("a body where none is described".into())
            };
        };
        let kind = answer.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        let schema = &contents.get(kind).ok_or(format!("the type {kind} is not described"))?["schema"];
        if kind.ends_with("json") {
            let body: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
            document.holds(schema, &body)?;
            if status >= 400 {
                is_a_known_problem(status, &body)?;
            }
        }
        Ok(())
    }
}

fn is_a_known_problem(status: u16, problem: &Value) -> Result<(), String> {
    let rules = Rule::ALL.iter().map(|rule| rule.id());
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).chain(rules).collect();
    match problem["code"].as_str() {
        Some(code) if known.contains(code) && problem["status"] == status => Ok(()),
        _ => Err("the code or the status of the problem is not known".into()),
    }
}

/// A text as it stands in a URL.
fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// What there is on a node that requests can name.
fn known(node: &Node) -> Known {
    let api = node.api();
    let wallet = api.create_wallet().address;
    api.mine_many(3);
    let mined = api.send(&wallet, "1").id;
    api.mine();
    let open = api.send(&wallet, "0.5").id;
    let blocks = (0..=api.status().height).map(|height| api.block(height).id).collect();
    Known { addresses: vec![wallet], transactions: vec![mined, open], blocks, own: node.address() }
}

#[test]
fn every_answer_is_as_described() {
    let node = Launch::regtest().start();
    let to = node.address().parse().expect("an address");
    let known = known(&node);
    let blocks = known.blocks.clone();
    let document = Document::new(Request::new("GET", "/api/v1/openapi.json").send(to).json());
    let mut maker = Maker::new(&document, Random::new(7), known);
    let (mut wrong, mut forbidden) = (Vec::new(), 0);
    for operation in operations(&document) {
        // A stream of events never ends; there is a test of its own for each kind of them.
        let is_stream = operation.path == "/api/v1/events";
        for number in 0..REQUESTS {
            let mut asked = operation.ask(&mut maker, number % 2 == 1);
            if is_stream && asked.is_allowed {
                continue;
            }
            if let (Some(body), 0) = (&mut asked.body, number % 8) {
                *body = NO_JSON[number / 8 % NO_JSON.len()].to_owned();
                // Where a body may be left out, an empty one is none.
                asked.is_allowed =
                    body.is_empty() && operation.description["requestBody"]["required"] != true;
            }
            forbidden += usize::from(!asked.is_allowed);
            let mut request = Request::new(&operation.method, &asked.path);
            if let Some((name, value)) = &asked.header {
                request = request.header(name, value);
            }
            if let Some(body) = &asked.body {
                request = request.header("Content-Type", "application/json").body(body);
            }
            let answer = request.send(to);
            if let Err(reason) = operation.judge(&document, &asked, &answer) {
                let body = asked.body.as_deref().unwrap_or_default();
                let said: String = answer.body.chars().take(300).collect();
                wrong.push(format!(
                    "{} {} {body}\n  {reason}: {} {said}",
                    operation.method, asked.path, answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
    assert!(forbidden > 200, "only {forbidden} requests were wrong");
    is_unharmed(&node, &blocks);
}

/// The node has the chain that it had, goes on from there, and knows its payments.
fn is_unharmed(node: &Node, blocks: &[String]) {
    let api = node.api();
    for (height, id) in blocks.iter().enumerate() {
        assert_eq!(api.block(height).id, *id, "at height {height}");
    }
    let before = api.status().height;
    assert!(api.mine().height > before);
    assert_eq!(api.post("/wallet/lock", &json!({})).code(), "wallet-not-encrypted");
    assert!(!node.log().contains("panicked"), "{}", node.log());
}
