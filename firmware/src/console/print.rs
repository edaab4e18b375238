//! What the console prints.

use core::fmt::{self, Write};

use mote_core::address::{Address, AddressPrefix};

use crate::VERSION;
use crate::command::Outcome;
use crate::event::{Event, Miner};
use crate::json::{self, Facts, Lines};
use crate::report::Report;

/// Prints what can be typed.
pub fn write_help(out: &mut dyn Write) -> fmt::Result {
    out.write_str(
        "status [json]              what this device knows\n\
         peers                      the full nodes that it talks to\n\
         address                    where it is paid\n\
         pay ADDRESS AMOUNT [MEMO]  prepare a payment; the memo is text or hex:DIGITS\n\
         notarise HEX               prepare a payment to itself that carries these bytes\n\
         confirm, decline           let the prepared payment leave, or drop it\n\
         mine on|off                switch mining\n",
    )
}

/// Prints the device's own address.
pub fn write_address(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    match report.key {
        Some(key) => writeln!(out, "{}", Address::new(report.params.address_prefix, key)),
        None => out.write_str("this device has no key\n"),
    }
}

/// Prints the report, a line for each fact: its name in the JSON, a colon, its value.
pub fn write_status(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    json::write_status(report, &mut Lines::new(Facts::All, out))
}

/// Prints the peers, a line each.
pub fn write_peers(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    json::write_status(report, &mut Lines::new(Facts::Named("peers"), out))
}

/// Prints what came of a command.
pub fn write_outcome(outcome: &Outcome, prefix: AddressPrefix, out: &mut dyn Write) -> fmt::Result {
    match outcome {
        Outcome::Done => out.write_str("done\n"),
        Outcome::Prepared { recipient, amount, fee } => {
            let recipient = Address::new(prefix, *recipient);
            writeln!(out, "prepared {amount} to {recipient} fee {fee}: confirm or decline")
        }
        Outcome::Sent { id } => writeln!(out, "sent {id}"),
        Outcome::Refused(refusal) => writeln!(out, "not done: {refusal}"),
    }
}

/// Prints an event, a line.
pub fn write_event(event: &Event, out: &mut dyn Write) -> fmt::Result {
    match event {
        Event::Started { height, id, state_root } => {
            writeln!(out, "started {height} {id} state {state_root} version {VERSION}")
        }
        Event::Address(ip) => writeln!(out, "address {ip}"),
        Event::Connected { peer, height } => writeln!(out, "connected {peer} height {height}"),
        Event::Disconnected { peer, reason } => writeln!(out, "disconnected {peer}: {reason}"),
        Event::Refused(refused) => {
            writeln!(out, "refused {} {}: {}", refused.peer, refused.offence.name(), refused.offence)
        }
        Event::Block { height, id, transactions, state_root, miner } => {
            let own = if *miner == Miner::Own { " own" } else { "" };
            writeln!(out, "block {height} {id} {transactions} transactions state {state_root}{own}")
        }
        Event::Reorganised { from, fork, to } => {
            writeln!(out, "reorganised {from} to {to} fork {fork} depth {}", from.above(*fork))
        }
        Event::Found { height, id } => writeln!(out, "found {height} {id}"),
        Event::Paid { id, height } => writeln!(out, "paid {id} height {height}"),
        Event::Fault(fault) => writeln!(out, "fault {}: {fault}. {}", fault.name(), fault.remedy()),
        Event::FaultCleared => out.write_str("fault cleared\n"),
        Event::Saved { height } => writeln!(out, "saved {height}"),
    }
}
