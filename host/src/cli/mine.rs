//! Mining on demand.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use super::client::{Client, Patience};
use super::error::CliError;
use super::flags::MineArguments;
use super::output::{count, field, plain};

/// Mines blocks one after another and shows each once it is durable.
pub fn mine(client: &Client, arguments: &MineArguments, out: &mut impl Write) -> Result<(), CliError> {
    for number in 1..=arguments.count {
        if std::io::stderr().is_terminal() {
            eprint!("mining block {number} of {} ...\r", arguments.count);
        }
        let block = client.post("/mining/block", &json!({}), Patience::Work)?;
        if arguments.form.is_json() {
            // One object a line, so that programs see each block when it is there.
            writeln!(out, "{block}")?;
        } else {
            writeln!(out, "{}", line(&block))?;
        }
        out.flush()?;
    }
    Ok(())
}

fn line(block: &Value) -> String {
    let transactions = block.get("transaction_count").and_then(Value::as_u64);
    let transactions =
        transactions.map(|number| format!(", {}", count(number, "transaction"))).unwrap_or_default();
    plain(&format!("mined block {}  {}{transactions}", field(block, "height"), field(block, "id")))
}
