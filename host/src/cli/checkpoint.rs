//! Checkpoints that people sign for each other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, Patience};
use super::error::CliError;
use super::flags::{AddCheckpointArguments, CheckpointVerb, SignCheckpointArguments};
use super::output::{Facts, Table, field};
use super::wallet::post_unlocked;
use crate::checkpoint::TEXT_MAX_BYTES;

/// Signs, adds or lists checkpoints.
pub fn checkpoint(client: &Client, verb: CheckpointVerb, out: &mut impl Write) -> Result<(), CliError> {
    match verb {
        CheckpointVerb::Sign(arguments) => sign(client, &arguments, out),
        CheckpointVerb::Add(arguments) => add(client, &arguments, out),
        CheckpointVerb::List(form) => {
            let kept = client.get("/checkpoints")?;
            let list = kept.as_array().map_or(&[][..], Vec::as_slice);
            Ok(form.print(out, &kept, |out| match list {
                [] => {
                    writeln!(out, "no checkpoints; `mote run --checkpoint-key ADDRESS` names a key to follow")
                }
                list => table(list).write(out),
            })?)
        }
    }
}

fn sign(client: &Client, arguments: &SignCheckpointArguments, out: &mut impl Write) -> Result<(), CliError> {
    let mut body = json!({ "height": arguments.height });
    if let (Some(key), Some(body)) = (&arguments.key, body.as_object_mut()) {
        body.insert("key".to_owned(), json!(key));
    }
    let signed = post_unlocked(client, arguments.passphrase_file.as_deref(), "/checkpoints/sign", &body)?;
    // For people and programs alike: what is printed is the file.
    Ok(writeln!(out, "{signed}")?)
}

fn add(client: &Client, arguments: &AddCheckpointArguments, out: &mut impl Write) -> Result<(), CliError> {
    let text = read(&arguments.file)?;
    let read: Value = serde_json::from_str(text.trim_end()).map_err(|error| {
        CliError::Failed(format!("{}: expected one checkpoint in JSON: {error}", arguments.file.display()))
    })?;
    let kept = client.post("/checkpoints", &read, Patience::Answer)?;
    Ok(arguments.form.print(out, &kept, |out| {
        Facts::default()
            .add("height", field(&kept, "height"))
            .add("block", field(&kept, "block"))
            .add("key", field(&kept, "key"))
            .add("standing", field(&kept, "standing"))
            .write(out)
    })?)
}

fn read(file: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File { action: "read", path: file.to_owned(), source };
    let mut text = String::new();
    let limit = TEXT_MAX_BYTES as u64;
    match file.to_str() {
        Some("-") => io::stdin().lock().take(limit).read_to_string(&mut text),
        _ => File::open(file).map_err(failed)?.take(limit).read_to_string(&mut text),
    }
    .map_err(failed)?;
    Ok(text)
}

fn table(list: &[Value]) -> Table<4> {
    let mut table = Table::new(["height", "block", "key", "standing"]);
    for kept in list {
        table.row(["height", "block", "key", "standing"].map(|name| field(kept, name)));
    }
    table
}
