//! Blocks, transactions, and asking the peers for their chains.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::client::{Client, Patience};
use super::error::CliError;
use super::flags::{BlockArguments, TransactionArguments};
use super::output::{Facts, Form, Table, count, date, field, optional};

/// Shows a block.
pub fn block(client: &Client, arguments: &BlockArguments, out: &mut impl Write) -> Result<(), CliError> {
    let name = &arguments.block;
    let is_height = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) && name.len() < 20;
    if !is_height && !is_id(name) {
        return Err(CliError::Usage(format!(
            "expected a height or an id of 64 hexadecimal digits, got {name:?}"
        )));
    }
    let block = client.get(&format!("/blocks/{name}"))?;
    Ok(arguments.form.print(out, &block, |out| write_block(&block, out))?)
}

/// Shows a transaction.
pub fn transaction(
    client: &Client,
    arguments: &TransactionArguments,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let id = &arguments.id;
    if !is_id(id) {
        return Err(CliError::Usage(format!("expected an id of 64 hexadecimal digits, got {id:?}")));
    }
    let found = client.get(&format!("/transactions/{id}"))?;
    let status = match optional(&found, "height") {
        Some(height) => {
            let confirmations = found.get("confirmations").and_then(Value::as_u64).unwrap_or_default();
            format!("in block {height}, {}", count(confirmations, "confirmation"))
        }
        None => "open: it waits to be mined".to_owned(),
    };
    let facts = Facts::default()
        .add("id", field(&found, "id"))
        .add("status", status)
        .add("sender", field(&found, "sender"))
        .add("recipient", field(&found, "recipient"))
        .add("amount", field(&found, "amount"))
        .add("fee", field(&found, "fee"))
        .add("nonce", field(&found, "nonce"))
        .add_some("memo", memo(&found))
        .add_some("block", optional(&found, "block"))
        .add("signature", field(&found, "signature"));
    Ok(arguments.form.print(out, &found, |out| facts.write(out))?)
}

/// Asks every peer for its chain now.
pub fn resolve(client: &Client, form: Form, out: &mut impl Write) -> Result<(), CliError> {
    let answer = client.post("/resolve", &json!({}), Patience::Work)?;
    Ok(form.print(out, &answer, |out| {
        let end = |name: &str| answer.get(name).map(tip).unwrap_or_else(|| "-".to_owned());
        let text = match answer.get("replaced").and_then(Value::as_bool) {
            Some(true) => "the chain was replaced by one of more work",
            _ => "no peer has a chain of more work",
        };
        writeln!(out, "{text}")?;
        Facts::default().add("before", end("from")).add("now", end("to")).write(out)
    })?)
}

/// What a memo says: its text where it is one, else its bytes.
pub fn memo(transaction: &Value) -> Option<String> {
    let hex = optional(transaction, "memo").filter(|memo| !memo.is_empty())?;
    let byte = |at: usize| hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    match text.filter(|text| !text.chars().any(char::is_control)) {
        Some(text) => Some(format!("{text:?}")),
        None => Some(format!("0x{hex}")),
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn tip(tip: &Value) -> String {
    match tip.get("height") {
        Some(height) => format!("block {height}  {}", field(tip, "id")),
        None => tip.as_str().map_or_else(|| tip.to_string(), str::to_owned),
    }
}

fn write_block(block: &Value, out: &mut impl Write) -> io::Result<()> {
    let confirmations = match block.get("confirmations").and_then(Value::as_u64) {
        Some(0) => Some("0, it is on another branch".to_owned()),
        Some(count) => Some(count.to_string()),
        None => None,
    };
    Facts::default()
        .add("height", field(block, "height"))
        .add("id", field(block, "id"))
        .add("previous", field(block, "previous"))
        .add_some("time", block.get("time").and_then(Value::as_u64).map(date))
        .add("miner", field(block, "miner"))
        .add_some("confirmations", confirmations)
        .add("target", field(block, "target"))
        .add("nonce", field(block, "nonce"))
        .add("work", field(block, "work"))
        .add("state root", field(block, "state_root"))
        .add("transactions root", field(block, "transactions_root"))
        .add("history root", field(block, "history_root"))
        .add("transactions", field(block, "transaction_count"))
        .write(out)?;
    let transactions = block.get("transactions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if transactions.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["amount", "fee", "sender", "recipient", "id"]);
    for transaction in transactions {
        table.row(["amount", "fee", "sender", "recipient", "id"].map(|name| field(transaction, name)));
    }
    writeln!(out)?;
    table.write(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memos_are_text_where_they_are() {
        let memo = |hex: &str| memo(&json!({ "memo": hex }));
        assert_eq!(memo("c3a4"), Some("\"\u{e4}\"".to_owned()));
        assert_eq!(memo("1b5b"), Some("0x1b5b".to_owned()));
        assert_eq!(memo("ff"), Some("0xff".to_owned()));
        assert_eq!(memo(""), None);
    }
}
