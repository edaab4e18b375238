//! The list of peers.

use std::io::Write;

use serde_json::{Value, json};

use super::client::{Client, Patience};
use super::error::CliError;
use super::flags::{PeerArguments, PeersVerb};
use super::output::{Table, field, optional, plain};
use crate::node::request::PeerAddress;

/// Lists, adds or removes peers.
pub fn peers(client: &Client, verb: PeersVerb, out: &mut impl Write) -> Result<(), CliError> {
    match verb {
        PeersVerb::List(form) => {
            let peers = client.get("/peers")?;
            let list = peers.as_array().map_or(&[][..], Vec::as_slice);
            Ok(form.print(out, &peers, |out| match list {
                [] => writeln!(out, "no peers; add one with `mote peers add HOST:PORT`"),
                list => table(list).write(out),
            })?)
        }
        PeersVerb::Add(arguments) => {
            let peer = parse(&arguments)?;
            let answer = client.post("/peers", &json!({ "peer": peer }), Patience::Answer)?;
            let text = format!("added {peer}: the node keeps a connection to it from now on");
            Ok(arguments.form.print(out, &answer, |out| writeln!(out, "{text}"))?)
        }
        PeersVerb::Remove(arguments) => {
            let peer = parse(&arguments)?;
            client.delete(&format!("/peers/{peer}"))?;
            let answer = json!({ "removed": peer });
            Ok(arguments.form.print(out, &answer, |out| writeln!(out, "removed {}", plain(&peer)))?)
        }
    }
}

fn parse(arguments: &PeerArguments) -> Result<String, CliError> {
    let parsed = arguments.peer.parse::<PeerAddress>();
    parsed.map(|peer| peer.to_string()).map_err(|error| CliError::Usage(error.to_string()))
}

fn table(peers: &[Value]) -> Table<6> {
    let mut table = Table::new(["address", "direction", "state", "height", "ping ms", "last refusal"]);
    for peer in peers {
        table.row([
            field(peer, "address"),
            field(peer, "direction"),
            field(peer, "state"),
            field(peer, "height"),
            field(peer, "latency_ms"),
            optional(peer, "last_refusal").unwrap_or_default(),
        ]);
    }
    table
}
