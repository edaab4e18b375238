//! Whether a value is as a schema of an OpenAPI document says, for the part of JSON Schema that ours uses.

use regex::Regex;
use serde_json::{Map, Value};

/// What schemas may say here. A word that is not among these could be one that is not checked.
const WORDS: [&str; 19] = [
    "type",
    "enum",
    "$ref",
    "oneOf",
    "allOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "description",
    "example",
    "default",
    "minItems",
];

/// A description of an API.
pub struct Document(Value);

impl Document {
    /// The description in this document.
    pub fn new(root: Value) -> Self {
        Self(root)
    }

    /// All of it.
    pub fn root(&self) -> &Value {
        &self.0
    }

    /// A schema, or the one that it refers to.
    #[track_caller]
    pub fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Map<String, Value> {
        let mut schema = schema;
        while let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').expect("references stay within the document");
            schema = self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        let schema = schema.as_object().unwrap_or_else(|| panic!("{schema} is no schema"));
        let unknown = schema.keys().find(|word| !WORDS.contains(&word.as_str()));
        assert_eq!(unknown, None, "a word of JSON Schema that is not checked here");
        schema
    }

    /// The kinds of values that a schema allows; none where it says nothing of them.
    pub fn kinds(schema: &Map<String, Value>) -> Vec<&str> {
        match schema.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Says what is wrong with a value, if anything.
    pub fn holds(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        let fail = |reason: &str| {
            let text: String = value.to_string().chars().take(120).collect();
            Err(format!("{reason}: {text}"))
        };
        let kinds = Self::kinds(schema);
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
            return fail(&format!("expected {kinds:?}"));
        }
        if schema.get("enum").and_then(Value::as_array).is_some_and(|values| !values.contains(value)) {
            return fail("is none of the values there are");
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            parts.iter().try_for_each(|part| self.holds(part, value))?;
        }
        if let Some(ways) = schema.get("oneOf").and_then(Value::as_array) {
            match ways.iter().filter(|way| self.holds(way, value).is_ok()).count() {
                1 => {}
                count => return fail(&format!("holds in {count} of {} ways", ways.len())),
            }
        }
        match value {
            Value::Object(fields) => self.object_holds(schema, fields),
            Value::Array(items) => match schema.get("items") {
                Some(item) => items.iter().try_for_each(|value| self.holds(item, value)),
                None => Ok(()),
            },
            Value::String(text) if !is_text(schema, text) => fail("is no such text"),
            Value::Number(number) if !is_within(schema, number.as_f64().unwrap_or(f64::NAN)) => {
                fail("is out of range")
            }
            _ => Ok(()),
        }
    }

    fn object_holds(&self, schema: &Map<String, Value>, fields: &Map<String, Value>) -> Result<(), String> {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                return Err(format!("{name} is missing"));
            }
        }
        for (name, value) in fields {
            let property = schema.get("properties").and_then(|properties| properties.get(name));
            match (property, schema.get("additionalProperties")) {
                (Some(property), _) => {
                    self.holds(property, value).map_err(|error| format!("{name}: {error}"))?;
                }
                (None, Some(Value::Bool(false))) => return Err(format!("{name} is too much")),
                (None, Some(other @ Value::Object(_))) => self.holds(other, value)?,
                (None, _) => {}
            }
        }
        Ok(())
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no kind of value"),
    }
}

fn is_text(schema: &Map<String, Value>, text: &str) -> bool {
    let limit = |word: &str| schema.get(word).and_then(Value::as_u64);
    let length = text.chars().count() as u64;
    let matches =
        |pattern: &str| Regex::new(pattern).expect("patterns are regular expressions").is_match(text);
    limit("minLength").is_none_or(|least| length >= least)
        && limit("maxLength").is_none_or(|most| length <= most)
        && schema.get("pattern").and_then(Value::as_str).is_none_or(matches)
}

/// The smallest and the largest number of a schema.
pub fn range(schema: &Map<String, Value>) -> (f64, f64) {
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        Some("uint16") => (0.0, f64::from(u16::MAX)),
        Some("uint32") => (0.0, f64::from(u32::MAX)),
        Some("uint64") => (0.0, u64::MAX as f64),
        Some("int64") => (i64::MIN as f64, i64::MAX as f64),
        _ => (f64::MIN, f64::MAX),
    };
    let limit = |word: &str| schema.get(word).and_then(Value::as_f64);
    (limit("minimum").unwrap_or(least), limit("maximum").unwrap_or(most))
}

fn is_within(schema: &Map<String, Value>, number: f64) -> bool {
    let (least, most) = range(schema);
    (least..=most).contains(&number)
}

#[test]
fn a_schema_holds_or_not() {
    let document = Document::new(serde_json::json!({"a": {"type": "string", "pattern": "^[a-c]{2}$"}}));
    let schema = serde_json::json!({
        "type": "object", "required": ["x"], "additionalProperties": false,
        "properties": {
            "x": {"$ref": "#/a"},
            "y": {"oneOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}]},
            "z": {"type": ["array", "null"], "items": {"type": "string", "enum": ["e"]}},
        },
    });
    let holds = |text: &str| document.holds(&schema, &serde_json::from_str(text).expect("JSON")).is_ok();
    for right in
        ["{\"x\":\"ab\"}", "{\"x\":\"ab\",\"y\":9,\"z\":[\"e\"]}", "{\"x\":\"cc\",\"y\":null,\"z\":null}"]
    {
        assert!(holds(right), "{right}");
    }
    for wrong in [
        "{}",
        "[]",
        "{\"x\":\"abc\"}",
        "{\"x\":\"ab\",\"y\":10}",
        "{\"x\":\"ab\",\"y\":1.5}",
        "{\"x\":\"ab\",\"z\":[1]}",
        "{\"x\":\"ab\",\"w\":1}",
        "{\"x\":null}",
    ] {
        assert!(!holds(wrong), "{wrong}");
    }
}
