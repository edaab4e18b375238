//! How the node is doing.

use std::io::Write;

use serde_json::Value;

use super::client::Client;
use super::error::CliError;
use super::output::{Facts, Form, count, date, field, optional, scaled};

/// Shows the node's status.
pub fn status(client: &Client, form: Form, out: &mut impl Write) -> Result<(), CliError> {
    let status = client.get("/status")?;
    Ok(form.print(out, &status, |out| facts(client.base(), &status).write(out))?)
}

fn facts(base: &str, status: &Value) -> Facts {
    let number = |name: &str| status.get(name).and_then(Value::as_f64);
    let rate = number("hash_rate").map(|rate| format!("{} attempts/s, estimated", scaled(rate)));
    let difficulty = number("difficulty").map(|attempts| format!("{} attempts a block", scaled(attempts)));
    let skew = optional(status, "clock_skew_seconds")
        .map(|skew| format!("{skew} s ahead of most peers' clocks: please set this computer's clock"));
    Facts::default()
        .add("node", format!("{base} (version {})", field(status, "version")))
        .add("network", field(status, "network"))
        .add("height", field(status, "height"))
        .add("tip", field(status, "tip"))
        .add_some("tip time", status.get("tip_time").and_then(Value::as_u64).map(date))
        .add_some("syncing", status.get("syncing").and_then(syncing))
        .add("peers", field(status, "peers"))
        .add(
            "mempool",
            count(status.get("mempool").and_then(Value::as_u64).unwrap_or_default(), "open transaction"),
        )
        .add_some("difficulty", difficulty)
        .add_some("hash rate", rate)
        .add("work", field(status, "work"))
        .add_some("read-only", optional(status, "read_only"))
        .add_some("clock", skew)
}

fn syncing(sync: &Value) -> Option<String> {
    let (height, target) = (sync.get("height")?.as_u64()?, sync.get("target")?.as_u64()?);
    let rate = sync.get("blocks_per_second").and_then(Value::as_f64).unwrap_or_default();
    let left = optional(sync, "seconds_left").map(|left| format!(", {left} s left")).unwrap_or_default();
    Some(format!("{height} of {target} blocks, {rate:.0} blocks/s{left}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_absent_is_not_shown() {
        let status = json!({
            "version": "1", "network": "local", "height": 7, "tip": "ab", "peers": 0, "mempool": 2, "work": "1f",
            "tip_time": 1_767_225_600, "hash_rate": 2_500.0, "syncing": null, "read_only": null,
        });
        let mut out = Vec::new();
        facts("http://a", &status).write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("height     7\n") && text.contains("hash rate  2.50 k attempts/s"), "{text}");
        assert!(!text.contains("syncing") && !text.contains("read-only"), "{text}");
        let sync = json!({"height": 3, "target": 9, "blocks_per_second": 2.0, "seconds_left": 3});
        assert_eq!(syncing(&sync).as_deref(), Some("3 of 9 blocks, 2 blocks/s, 3 s left"));
    }
}
