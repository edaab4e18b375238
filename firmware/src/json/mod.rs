//! The report as JSON, piece by piece, so that nobody needs a buffer for all of it. Fields are named as
//! in the host's API where they exist there.

mod lines;

use core::fmt::{self, Display, Write};

use mote_core::address::Address;

use crate::VERSION;
use crate::command::Mining;
use crate::report::{CardReport, PaymentReport, PaymentState, PeerReport, Report};
use crate::text::Tenths;
pub use lines::{Facts, Lines};

/// The most bytes of a piece; a test holds it.
pub const PIECE_MAX_BYTES: usize = 448;

/// Writes the whole report.
pub fn write_status(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let mut status = StatusJson::new();
    while !status.is_done() {
        status.write_piece(report, out)?;
    }
    Ok(())
}

/// How far a report is written. Each piece is whole, so a report that changes between two pieces still
/// gives valid JSON; what belongs together, as a height and its state root, is in one piece.
#[derive(Debug)]
pub struct StatusJson {
    part: Part,
    /// How many items of the current list were looked at, and whether one was written.
    item: usize,
    listed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Identity,
    Chain,
    Stage,
    Account,
    Prepared,
    Device,
    Fault,
    Refused,
    Peers,
    Payments,
    Done,
}

impl Default for StatusJson {
    fn default() -> Self {
        Self::new()
    }
}

impl StatusJson {
    /// Nothing written yet.
    pub const fn new() -> Self {
        Self { part: Part::Identity, item: 0, listed: false }
    }

    /// Whether everything is written.
    pub fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Writes the next piece, which may be empty.
    pub fn write_piece(&mut self, report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
        self.part = match self.part {
            Part::Identity => {
                identity(report, out)?;
                Part::Chain
            }
            Part::Chain => {
                chain(report, out)?;
                Part::Stage
            }
            Part::Stage => {
                stage(report, out)?;
                Part::Account
            }
            Part::Account => {
                account(report, out)?;
                Part::Prepared
            }
            Part::Prepared => {
                prepared(report, out)?;
                Part::Device
            }
            Part::Device => {
                device(report, out)?;
                Part::Fault
            }
            Part::Fault => {
                fault(report, out)?;
                Part::Refused
            }
            Part::Refused => {
                refused(report, out)?;
                out.write_str("\"peers\":[")?;
                Part::Peers
            }
            Part::Peers => match report.peers.get(self.item) {
                Some(shown) => {
                    if let Some(address) = shown.address {
                        self.separate(out)?;
                        peer(&address, shown, out)?;
                    }
                    self.item += 1;
                    Part::Peers
                }
                None => {
                    out.write_str("],\"payments\":[")?;
                    (self.item, self.listed) = (0, false);
                    Part::Payments
                }
            },
            Part::Payments => match report.payments.get(self.item) {
                Some(shown) => {
                    self.separate(out)?;
                    payment(report, shown, out)?;
                    self.item += 1;
                    Part::Payments
                }
                None => {
                    out.write_str("]}")?;
                    Part::Done
                }
            },
            Part::Done => Part::Done,
        };
        Ok(())
    }

    /// Writes the comma before an item, where one came before.
    fn separate(&mut self, out: &mut dyn Write) -> fmt::Result {
        if core::mem::replace(&mut self.listed, true) { out.write_char(',') } else { Ok(()) }
    }
}

fn identity(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    write!(
        out,
        "{{\"name\":{},\"network\":\"{}\",\"version\":\"{VERSION}\",\"genesis\":\"{}\",",
        Quoted(&report.name),
        report.params.network(),
        report.params.genesis_id()
    )
}

fn chain(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let tip = &report.tip;
    let difficulty = tip.next_target.expand().map_or(0, |target| target.work().saturating_u64());
    write!(
        out,
        "\"height\":{},\"tip\":\"{}\",\"tip_time\":{},\"state_root\":\"{}\",\"work\":\"{}\",\"target\":\"{}\",\
         \"difficulty\":{difficulty},",
        tip.height, tip.id, tip.time, tip.state_root, tip.work, tip.next_target
    )
}

fn stage(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let progress = report.stage.progress();
    write!(
        out,
        "\"stage\":{{\"name\":\"{}\",\"height\":{},\"target\":{},\"blocks_per_second\":{},\
         \"seconds_left\":{}}},\"clock\":{},\"uptime_seconds\":{},\"ip\":{},",
        report.stage.name(),
        OrNull(&progress.map(|(height, _)| height)),
        OrNull(&progress.map(|(_, goal)| goal)),
        Tenths(report.pace_tenths),
        OrNull(&report.seconds_left()),
        OrNull(&report.clock),
        report.uptime.millis() / 1_000,
        OrNull(&report.ip.as_ref().map(|ip| Quoted(ip)))
    )
}

fn account(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let address = report.key.map(|key| Address::new(report.params.address_prefix, key));
    let balance = report.account.map(|account| account.balance);
    write!(
        out,
        "\"address\":{},\"balance\":{},\"nonce\":{},",
        OrNull(&address.as_ref().map(|address| Quoted(address))),
        OrNull(&balance.as_ref().map(|balance| Quoted(balance))),
        OrNull(&report.account.map(|account| account.nonce))
    )
}

fn prepared(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let Some(prepared) = &report.prepared else { return out.write_str("\"prepared\":null,") };
    write!(
        out,
        "\"prepared\":{{\"recipient\":\"{}\",\"amount\":\"{}\",\"fee\":\"{}\",\"memo_bytes\":{}}},",
        Address::new(report.params.address_prefix, prepared.recipient),
        prepared.amount,
        prepared.fee,
        prepared.memo_bytes
    )
}

fn device(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let (mining, memory, load) = (&report.mining, &report.memory, &report.load);
    write!(
        out,
        "\"mining\":{{\"enabled\":{},\"hash_rate\":{},\"attempts\":{},\"found\":{},\"last\":{}}},\
         \"memory\":{{\"ram\":{},\"fixed\":{},\"stack_peak\":{}}},\
         \"load\":{{\"checks\":{},\"mining\":{},\"other\":{}}},\
         \"cycles\":{{\"all\":{},\"checks\":{},\"mining\":{}}},",
        mining.switch == Mining::On,
        mining.hash_rate,
        mining.attempts,
        mining.found,
        OrNull(&mining.last),
        memory.ram,
        memory.fixed,
        memory.stack_peak,
        load.checks,
        load.mining,
        load.other,
        load.cycles.all,
        load.cycles.checks,
        load.cycles.mining
    )?;
    match report.card {
        CardReport::None => out.write_str("\"card\":{\"state\":\"none\"},"),
        CardReport::Failed => out.write_str("\"card\":{\"state\":\"failed\"},"),
        CardReport::Present { saved, boots } => {
            write!(out, "\"card\":{{\"state\":\"present\",\"saved\":{saved},\"boots\":{boots}}},")
        }
    }
}

fn fault(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let Some(fault) = report.fault else { return out.write_str("\"fault\":null,") };
    let (name, remedy) = (fault.name(), fault.remedy());
    write!(out, "\"fault\":{{\"name\":\"{name}\",\"message\":\"{fault}\",\"remedy\":\"{remedy}\"}},")
}

fn refused(report: &Report<'_>, out: &mut dyn Write) -> fmt::Result {
    let Some(refused) = &report.refused else { return out.write_str("\"refused\":null,") };
    write!(
        out,
        "\"refused\":{{\"peer\":\"{}\",\"seconds_ago\":{},\"name\":\"{}\",\"rule\":{},\"reason\":{}}},",
        refused.peer,
        report.uptime.since(refused.at) / 1_000,
        refused.offence.name(),
        OrNull(&refused.offence.rule().as_ref().map(|rule| rule.id()).as_ref().map(|id| Quoted(id))),
        Quoted(&refused.offence)
    )
}

fn peer(address: &dyn Display, peer: &PeerReport, out: &mut dyn Write) -> fmt::Result {
    write!(
        out,
        "{{\"address\":\"{address}\",\"state\":\"{}\",\"height\":{},\"latency_ms\":{}}}",
        peer.state.name(),
        OrNull(&peer.height),
        OrNull(&peer.latency_ms)
    )
}

fn payment(report: &Report<'_>, payment: &PaymentReport, out: &mut dyn Write) -> fmt::Result {
    let recipient = Address::new(report.params.address_prefix, payment.recipient);
    let (PaymentReport { id, amount, .. }, state) = (payment, payment.state);
    write!(out, "{{\"id\":\"{id}\",\"recipient\":\"{recipient}\",\"amount\":\"{amount}\",")?;
    match state {
        PaymentState::Open => out.write_str("\"state\":\"open\",\"height\":null,\"confirmations\":0.0}"),
        PaymentState::Mined { height, confirmations_tenths } => write!(
            out,
            "\"state\":\"mined\",\"height\":{height},\"confirmations\":{}}}",
            Tenths(confirmations_tenths)
        ),
    }
}

/// A string of JSON with whatever is shown in it escaped.
struct Quoted<'a>(&'a dyn Display);

impl Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        write!(Escape(formatter), "{}", self.0)?;
        formatter.write_char('"')
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            '"' | '\\' => write!(self.0, "\\{character}"),
            // Those of C1 also steer a terminal.
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => write!(self.0, "\\u{:04x}", u32::from(character)),
            _ => self.0.write_char(character),
        })
    }
}

/// A value, or null.
struct OrNull<'a, T>(&'a Option<T>);

impl<T: Display> Display for OrNull<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(formatter),
            None => formatter.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{busy, extreme, id, ordinary, params, prepared};
    use crate::report::{Fault, Offence};
    use mote_core::state::{ProofError, WitnessError};
    use mote_core::units::Height;
    use serde_json::Value;
    use std::string::{String, ToString};

    fn parsed(report: &Report<'_>) -> Value {
        let mut text = String::new();
        write_status(report, &mut text).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn says_everything() {
        let params = params("local:garden");
        let mut report = busy(&params);
        (report.prepared, report.fault) = (Some(prepared()), Some(Fault::CardFailed));
        let json = parsed(&report);
        assert_eq!(json["network"], "local:garden");
        assert_eq!(json["height"], 1_234_567);
        assert_eq!(json["state_root"], id(0x5a).to_string().as_str());
        assert_eq!(json["difficulty"], 65_537);
        assert_eq!(json["balance"], "1250.5");
        assert_eq!(json["stage"]["name"], "at-tip");
        assert_eq!(json["stage"]["seconds_left"], Value::Null);
        assert_eq!(json["refused"]["rule"], "L2-balance");
        assert_eq!(json["peers"][1]["state"], "waiting");
        assert_eq!(json["payments"].as_array().map(|payments| payments.len()), Some(4));
        assert_eq!(json["payments"][1]["confirmations"], 3.4);
        assert_eq!(json["prepared"]["amount"], "12.5");
        assert_eq!(json["fault"]["name"], "card-failed");
        assert_eq!(json["card"]["saved"], 1_234_560);
        assert_eq!(json["mining"]["enabled"], true);
    }

    #[test]
    fn what_is_not_there_is_null() {
        let params = params("local");
        let mut report = ordinary(&params);
        (report.key, report.account, report.clock, report.ip) = (None, None, None, None);
        report.peers = Default::default();
        report.card = CardReport::None;
        let json = parsed(&report);
        for name in ["address", "balance", "nonce", "clock", "ip", "prepared", "fault", "refused"] {
            assert_eq!(json.get(name), Some(&Value::Null), "{name}");
        }
        assert_eq!(json["peers"], Value::Array(std::vec![]));
    }

    #[test]
    fn names_are_escaped_and_pieces_stay_small() {
        let params = params("local:abcdefghijklmnopqrstuvwxyz-01234");
        let name = "\"\\\n\u{1}<script>\u{1f}\t\u{7f}é\u{2028}";
        let mut report = extreme(&params, name);
        assert_eq!(parsed(&report)["name"], name);
        report.name = "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";
        report.prepared = Some(prepared());
        report.fault = Some(Fault::FallingBehind { blocks: u64::MAX });
        let error = WitnessError::Forged {
            key: id(0xaa),
            error: ProofError::Root { got: id(0xbb), expected: id(0xcc) },
        };
        if let Some(refused) = &mut report.refused {
            refused.offence = Offence::Witness { height: Height::new(u64::MAX), error };
        }
        let _ = parsed(&report);
        let mut status = StatusJson::new();
        let mut longest = 0;
        while !status.is_done() {
            let mut piece = String::new();
            status.write_piece(&report, &mut piece).unwrap();
            longest = longest.max(piece.len());
        }
        assert!(longest <= PIECE_MAX_BYTES, "{longest}");
    }

    #[test]
    fn a_report_that_changes_between_pieces_is_still_json() {
        let params = params("local");
        let (few, many) = (ordinary(&params), busy(&params));
        for turns in 0_u32..64 {
            let (mut status, mut text) = (StatusJson::new(), String::new());
            for step in 0_u32.. {
                if status.is_done() {
                    break;
                }
                let report = if turns >> (step % 6) & 1 == 0 { &few } else { &many };
                status.write_piece(report, &mut text).unwrap();
            }
            serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        }
    }
}
