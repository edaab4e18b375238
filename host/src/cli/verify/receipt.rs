//! A receipt, checked without a node and without data: it proves its payment or account to whoever trusts
//! the id of its tip.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use serde_json::{Value, json};

use super::super::chain::memo;
use super::super::error::CliError;
use super::super::output::{Facts, Form, count, date, field, plain, scaled};
use crate::forms::{TransactionJson, address, hex};
use crate::receipt::{self, Proven, RECEIPT_MAX_BYTES, Subject};

/// Checks the receipt in a file, and that it leads to the block that is trusted.
pub fn verify(
    file: &Path,
    trusted: Option<Hash32>,
    form: Form,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let text =
        read(file).map_err(|source| CliError::File { action: "read", path: file.to_owned(), source })?;
    let checked = receipt::check(&text).and_then(|proven| {
        trusted.map_or(Ok(()), |trusted| proven.anchored_at(&trusted))?;
        Ok(proven)
    });
    let refused =
        |error| CliError::Failed(plain(&format!("{}: this receipt proves nothing: {error}", file.display())));
    let proven = checked.map_err(refused)?;
    let value = value(&proven, trusted.is_some());
    Ok(form.print(out, &value, |out| facts(&proven, &value, trusted.is_some()).write(out))?)
}

/// The file's bytes, or so many that it is too large.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let reader: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(io::stdin().lock()) } else { Box::new(File::open(file)?) };
    let mut text = Vec::new();
    reader.take(RECEIPT_MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn value(proven: &Proven, is_anchored: bool) -> Value {
    let (prefix, block) = (proven.params.address_prefix, &proven.block);
    let mut value = json!({
        "network": proven.params.network().to_string(),
        "block": proven.id.to_string(), "height": block.header.height.get(), "time": block.header.time.seconds(),
        "work": block.place.as_ref().map(|place| hex(&place.work.to_be_bytes())),
        "shown_work": proven.shown_work().as_f64(),
        "confirmations": proven.confirmations(),
        "tip": proven.tip_id.to_string(), "tip_height": block.tip.height.get(),
        "anchored": is_anchored,
    });
    let (name, subject) = match &proven.subject {
        Subject::Transaction { transaction, .. } => {
            ("transaction", json!(TransactionJson::new(prefix, &transaction.id(), transaction)))
        }
        Subject::Account { owner, account } => {
            let held = account.unwrap_or_default();
            let account = json!({
                "address": address(prefix, *owner), "balance": held.balance.to_string(), "nonce": held.nonce,
                "used": account.is_some(),
            });
            ("account", account)
        }
    };
    value["receipt"] = json!(name);
    value[name] = subject;
    value
}

fn facts(proven: &Proven, value: &Value, is_anchored: bool) -> Facts {
    let (prefix, block) = (proven.params.address_prefix, &proven.block);
    let verdict = if is_anchored { "proven" } else { "claimed" };
    let facts = match &proven.subject {
        Subject::Transaction { transaction, .. } => {
            let Transaction { sender, recipient, amount, fee, .. } = &**transaction;
            Facts::default()
                .add(verdict, format!("a payment of {amount} motes"))
                .add("id", transaction.id())
                .add("sender", address(prefix, *sender))
                .add("recipient", address(prefix, *recipient))
                .add("amount", amount)
                .add("fee", fee)
                .add("nonce", transaction.nonce)
                .add_some("memo", value.get("transaction").and_then(memo))
        }
        Subject::Account { owner, account } => {
            let facts = Facts::default();
            let facts = match account {
                Some(account) => facts.add(verdict, format!("an account with {} motes", account.balance)),
                None => facts.add(verdict, "an account that was never used until then"),
            };
            let held = account.unwrap_or_default();
            facts
                .add("address", address(prefix, *owner))
                .add("balance", held.balance)
                .add("nonce", held.nonce)
        }
    };
    let shown = scaled(proven.shown_work().as_f64());
    let work = match &block.place {
        Some(place) => format!("{} attempts up to this block", scaled(place.work.as_f64())),
        None => format!("{shown} attempts for this block alone"),
    };
    let anchor = match is_anchored {
        true => "the tip is the block that you trust".to_owned(),
        false => format!(
            "not anchored: to make up such a receipt takes {shown} attempts; compare the tip with a block that \
             you trust (--tip ID)"
        ),
    };
    facts
        .add("network", proven.params.network())
        .add("block", proven.id)
        .add("height", block.header.height)
        .add("time", date(block.header.time.seconds()))
        .add("work", work)
        .add("confirmed", format!("by {}", count(proven.confirmations(), "block")))
        .add("tip", format!("{} at height {}", field(value, "tip"), block.tip.height))
        .add("anchor", anchor)
}
