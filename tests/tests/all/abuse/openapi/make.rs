//! Values that a schema allows, and values that it does not.

use mote_tests::random::Random;
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use super::schema::{Document, range};

/// What there is on the node, so that requests also lead somewhere.
pub struct Known {
    /// Accounts.
    pub addresses: Vec<String>,
    /// Ids of transactions.
    pub transactions: Vec<String>,
    /// Ids of blocks, by height.
    pub blocks: Vec<String>,
    /// The node's own `host:port`.
    pub own: String,
}

/// Makes values.
pub struct Maker<'d> {
    document: &'d Document,
    random: Random,
    /// Makes texts that match a pattern.
    runner: TestRunner,
    known: Known,
}

/// Texts that have been trouble to somebody.
const TEXTS: [&str; 12] = [
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "null",
    "lmote1",
    "../../etc/passwd",
    "\u{0}\u{1}\u{7f}",
    "\u{202e}\u{feff}",
    "😀😀",
    "<script>'\"&;--",
];

impl<'d> Maker<'d> {
    /// A maker whose values its random numbers determine.
    pub fn new(document: &'d Document, random: Random, known: Known) -> Self {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        Self { document, random, runner: TestRunner::new_with_rng(Config::default(), rng), known }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.random.next_u64() % end as u64) as usize
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A value that the schema allows; `name` is that of the field.
    pub fn right(&mut self, schema: &Value, name: &str) -> Value {
        let document = self.document;
        let resolved = document.resolve(schema);
        if let Some(values) = resolved.get("enum").and_then(Value::as_array) {
            return self.pick(values).clone();
        }
        if let Some(ways) = resolved.get("oneOf").and_then(Value::as_array) {
            let way = self.below(ways.len());
            return self.right(&ways[way], name);
        }
        if let Some(parts) = resolved.get("allOf").and_then(Value::as_array) {
            let mut all = Map::new();
            for part in parts {
                if let Value::Object(fields) = self.right(part, name) {
                    all.extend(fields);
                }
            }
            return Value::Object(all);
        }
        let kinds = Document::kinds(resolved);
        match if kinds.is_empty() { "string" } else { *self.pick(&kinds) } {
            "object" => self.object(resolved),
            "array" => {
                let count = self.below(4);
                let items = resolved.get("items");
                (0..count).filter_map(|_| Some(self.right(items?, name))).collect()
            }
            "string" => Value::from(self.text(resolved, name)),
            "integer" => self.integer(resolved, name),
            "number" => json!(*self.pick(&[1.0, 2.5, 1e3, 0.0, -1.0, 1e18])),
            // A miner that goes on by itself would go on for as long as the test takes.
            "boolean" if name == "enabled" => Value::from(false),
            "boolean" => Value::from(self.below(2) == 0),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &Map<String, Value>) -> Value {
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut fields = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if required.iter().any(|required| required == name.as_str()) || self.below(2) == 0 {
                fields.insert(name.clone(), self.right(property, name));
            }
        }
        Value::Object(fields)
    }

    fn integer(&mut self, schema: &Map<String, Value>, name: &str) -> Value {
        if name == "threads" {
            // Threads that mine would be missing elsewhere.
            return Value::from(1 + self.below(2));
        }
        let (least, most) = range(schema);
        let near = [least, least + 1.0, 0.0, 1.0, 2.0, 7.0, 100.0, most - 1.0, most];
        let fits: Vec<f64> = near.into_iter().filter(|number| (least..=most).contains(number)).collect();
        let number = *self.pick(&fits);
        // What a double cannot hold exactly stays on the right side.
        if number < 0.0 { Value::from(number as i64) } else { Value::from(number as u64) }
    }

    fn text(&mut self, schema: &Map<String, Value>, name: &str) -> String {
        // A peer is dialled: none may be outside of this computer.
        if name == "peer" {
            let own = self.known.own.clone();
            return self
                .pick(&["127.0.0.1:1", "[::1]:1", "127.0.0.1", "a b:1", "", ":", "127.0.0.1:x", &own])
                .to_string();
        }
        if self.below(2) == 0 {
            let known = match name {
                "address" | "to" | "from" | "sender" | "recipient" => Some(&self.known.addresses),
                "id" => Some(&self.known.transactions),
                "block" | "text" => Some(&self.known.blocks),
                _ => None,
            };
            if let Some(known) = known {
                let known = known.clone();
                return self.pick(&known).clone();
            }
            if let "amount" | "fee" = name {
                return self.pick(&["0.001", "1", "0", "12.5000001", "1000000000"]).to_string();
            }
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            // What is made is a whole match.
            let whole = pattern.trim_start_matches('^').trim_end_matches('$');
            let strategy = string_regex(whole).expect("patterns are regular expressions");
            return strategy.new_tree(&mut self.runner).expect("a pattern matches something").current();
        }
        let text = self.pick(&TEXTS).to_string();
        let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0) as usize;
        if text.chars().count() < least { "a".repeat(least) } else { text }
    }

    /// A value that the schema does not allow, made from one that it allows; `true` where there is none.
    pub fn wrong(&mut self, schema: &Value, right: Value) -> (Value, bool) {
        for _ in 0..8 {
            let value = self.spoilt(&right);
            if self.document.holds(schema, &value).is_err() {
                return (value, false);
            }
        }
        (right, true)
    }

    /// The same for a value that is sent as text, where a number cannot be told from its digits.
    pub fn wrong_text(&mut self, schema: &Value, right: Value) -> (Value, bool) {
        for _ in 0..8 {
            let text = self.pick(&TEXTS).to_string();
            let as_number = serde_json::from_str(&text).ok().filter(Value::is_number);
            let texts = [Some(Value::from(text.clone())), as_number];
            let holds = |value: &Value| self.document.holds(schema, value).is_ok();
            if !text.is_empty() && !texts.iter().flatten().any(holds) {
                return (Value::from(text), false);
            }
        }
        (right, true)
    }

    /// A value that is much like this one.
    fn spoilt(&mut self, value: &Value) -> Value {
        let others = [
            Value::Null,
            json!(true),
            json!(-1),
            json!(1.5),
            json!(u64::MAX),
            json!("x"),
            json!([]),
            json!({}),
            json!([null, null]),
            json!("a".repeat(30_000)),
        ];
        let Value::Object(fields) = value else { return self.pick(&others).clone() };
        let mut fields = fields.clone();
        let names: Vec<String> = fields.keys().cloned().collect();
        match self.below(4) {
            0 => return self.pick(&others).clone(),
            1 => drop(fields.insert("surplus".into(), self.pick(&others).clone())),
            _ if names.is_empty() => return self.pick(&others).clone(),
            2 => drop(fields.remove(self.pick(&names))),
            _ => {
                let name = self.pick(&names).clone();
                let spoilt = self.spoilt(&fields[&name]);
                fields.insert(name, spoilt);
            }
        }
        Value::Object(fields)
    }
}
