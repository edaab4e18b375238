//! What the console prints.

use core::fmt::{self, Arguments, Write};

use mote_core::address::{Address, AddressPrefix};

use crate::VERSION;
use crate::command::{Mining, Outcome};
use crate::event::{Event, Miner};
use crate::report::{CardReport, PaymentReport, PaymentState, PeerReport, Report};
use crate::text::{Date, Span, Tenths};

/// Where the values of a status stand.
const VALUE_COLUMN: usize = 13;

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

/// Prints the report, a line for each fact: its name, a colon, its value.
pub fn write_status(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let tip = &report.tip;
    if !report.name.is_empty() {
        fact(out, "name", format_args!("{}", report.name))?;
    }
    fact(out, "network", format_args!("{}", report.params.network()))?;
    fact(out, "version", format_args!("{VERSION}"))?;
    fact(out, "genesis", format_args!("{}", report.params.genesis_id()))?;
    fact(out, "height", format_args!("{}", tip.height))?;
    fact(out, "tip", format_args!("{}", tip.id))?;
    fact(out, "tip_time", format_args!("{}", Date(tip.time)))?;
    fact(out, "state_root", format_args!("{}", tip.state_root))?;
    fact(out, "work", format_args!("{}", tip.work))?;
    fact(out, "target", format_args!("{}", tip.next_target))?;
    stage(report, out)?;
    match report.clock {
        Some(clock) => fact(out, "clock", format_args!("{}", Date(clock)))?,
        None => fact(out, "clock", format_args!("not set"))?,
    }
    fact(out, "uptime", format_args!("{}", Span(report.uptime.millis() / 1_000)))?;
    match report.ip {
        Some(ip) => fact(out, "ip", format_args!("{ip}"))?,
        None => fact(out, "ip", format_args!("none"))?,
    }
    account(report, out)?;
    device(report, out)?;
    if let Some(refused) = &report.refused {
        let (peer, offence) = (refused.peer, refused.offence);
        fact(out, "refused", format_args!("{peer} {}: {offence}", offence.name()))?;
    }
    if let Some(fault) = report.fault {
        fact(out, "fault", format_args!("{}: {fault}. {}", fault.name(), fault.remedy()))?;
    }
    write_peers(report, out)
}

fn stage(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let name = report.stage.name();
    match (report.stage.progress(), report.seconds_left()) {
        (None, _) => fact(out, "stage", format_args!("{name}")),
        (Some((height, goal)), None) => fact(out, "stage", format_args!("{name} {height} of {goal}")),
        (Some((height, goal)), Some(left)) => {
            let (pace, left) = (Tenths(report.pace_tenths), Span(left));
            fact(out, "stage", format_args!("{name} {height} of {goal}, {pace}/s, {left} left"))
        }
    }
}

fn account(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let prefix = report.params.address_prefix;
    match report.key {
        Some(key) => fact(out, "address", format_args!("{}", Address::new(prefix, key)))?,
        None => fact(out, "address", format_args!("none"))?,
    }
    match report.account {
        Some(account) => {
            fact(out, "balance", format_args!("{}", account.balance))?;
            fact(out, "nonce", format_args!("{}", account.nonce))?;
        }
        None => fact(out, "balance", format_args!("unknown"))?,
    }
    if let Some(prepared) = &report.prepared {
        let recipient = Address::new(prefix, prepared.recipient);
        fact(out, "prepared", format_args!("{} to {recipient} fee {}", prepared.amount, prepared.fee))?;
    }
    report.payments.iter().try_for_each(|payment| {
        let PaymentReport { id, amount, recipient, .. } = payment;
        let recipient = Address::new(prefix, *recipient);
        match payment.state {
            PaymentState::Open => fact(out, "payment", format_args!("{id} {amount} to {recipient} open")),
            PaymentState::Mined { height, confirmations_tenths } => {
                let confirmations = Tenths(confirmations_tenths);
                let mined = format_args!(
                    "{id} {amount} to {recipient} height {height} confirmations {confirmations}"
                );
                fact(out, "payment", mined)
            }
        }
    })
}

fn device(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let (mining, memory, load) = (&report.mining, &report.memory, &report.load);
    let switch = if mining.switch == Mining::On { "on" } else { "off" };
    fact(out, "mining", format_args!("{switch}, {} attempts/s, {} found", mining.hash_rate, mining.found))?;
    let (fixed, stack, ram) = (memory.fixed, memory.stack_peak, memory.ram);
    fact(out, "memory", format_args!("{fixed} fixed, {stack} stack, {ram} bytes of RAM"))?;
    let tenths = |permille: u16| Tenths(u32::from(permille));
    let (checks, mining, other) = (tenths(load.checks), tenths(load.mining), tenths(load.other));
    fact(out, "load", format_args!("checks {checks} %, mining {mining} %, other {other} %"))?;
    match report.card {
        CardReport::None => fact(out, "card", format_args!("none")),
        CardReport::Failed => fact(out, "card", format_args!("failed")),
        CardReport::Present { saved, boots } => {
            fact(out, "card", format_args!("block {saved}, boot {boots}"))
        }
    }
}

/// A fact of a status.
fn fact(out: &mut dyn Write, name: &str, value: Arguments<'_>) -> fmt::Result {
    write!(out, "{name}:")?;
    (name.len() + 1..VALUE_COLUMN).try_for_each(|_| out.write_char(' '))?;
    out.write_fmt(value)?;
    out.write_char('\n')
}

/// Prints the peers, a line each.
pub fn write_peers(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let mut known = report.peers.iter().filter_map(|peer| Some((peer.address?, peer))).peekable();
    if known.peek().is_none() {
        return fact(out, "peer", format_args!("none"));
    }
    known.try_for_each(|(address, PeerReport { state, height, latency_ms, .. })| {
        let state = state.name();
        match (height, latency_ms) {
            (Some(height), Some(ms)) => {
                fact(out, "peer", format_args!("{address} {state} height {height} latency {ms} ms"))
            }
            (Some(height), None) => fact(out, "peer", format_args!("{address} {state} height {height}")),
            (None, _) => fact(out, "peer", format_args!("{address} {state}")),
        }
    })
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
        Event::Disconnected { peer } => writeln!(out, "disconnected {peer}"),
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
