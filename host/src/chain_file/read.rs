//! From a line to a block. Only the form is judged here, and that ids are those of what they name: the
//! rules judge the rest.

use std::fmt;
use std::str::FromStr;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, Signature};
use mote_core::params::Network;
use mote_core::pow::CompactTarget;
use mote_core::transaction::{Memo, Transaction};
use mote_core::units::{Height, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::block::Block;

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The line, counted from 1.
    pub line: u64,
    /// The byte in the line, counted from 1.
    pub column: usize,
    /// The field, where one is to blame, such as `transactions[3].amount`.
    pub field: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, field, reason } = self;
        write!(formatter, "line {line}, column {column}")?;
        if let Some(field) = field {
            write!(formatter, ", field {field}")?;
        }
        write!(formatter, ": {reason}")
    }
}

impl std::error::Error for LineError {}

/// What a line says.
#[derive(Clone, Debug)]
pub struct ParsedLine {
    /// The block.
    pub block: Block,
    /// Its id.
    pub id: Hash32,
    /// The network, where the line names it.
    pub network: Option<Network>,
}

/// Reads line `number`. All fields of a block that is returned have the form that they should have,
/// and the ids in the line are its own.
pub fn parse(number: u64, line: &str) -> Result<ParsedLine, LineError> {
    let at = Place { line, number };
    let raw: RawBlock<'_> = at.json(line, None)?;
    let field = |name: &str| name.to_owned();
    let header = Header {
        version: at.json_field(raw.version, field("version"))?,
        height: Height::new(at.json_field(raw.height, field("height"))?),
        previous: at.text(raw.previous, field("previous"))?,
        history_root: at.text(raw.history_root, field("history_root"))?,
        transactions_root: at.text(raw.transactions_root, field("transactions_root"))?,
        transaction_count: at.json_field(raw.transaction_count, field("transaction_count"))?,
        state_root: at.text(raw.state_root, field("state_root"))?,
        miner: at.key(raw.miner, field("miner"))?,
        time: Timestamp::from_seconds(at.json_field(raw.time, field("time"))?),
        target: at.target(raw.target, field("target"))?,
        nonce: at.number(raw.nonce, field("nonce"))?,
    };
    let network = raw.network.map(|raw| at.text(raw, field("network"))).transpose()?;
    let raw_transactions: Vec<&RawValue> = at.borrowed(raw.transactions, field("transactions"))?;
    let mut transactions = Vec::with_capacity(raw_transactions.len());
    for (index, raw) in raw_transactions.into_iter().enumerate() {
        transactions.push(at.transaction(raw, index)?);
    }
    let id = header.id();
    at.check_id(raw.id, field("id"), id)?;
    Ok(ParsedLine { block: Block { header, transactions }, id, network })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBlock<'a> {
    #[serde(borrow, default)]
    network: Option<&'a RawValue>,
    #[serde(borrow)]
    height: &'a RawValue,
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    version: &'a RawValue,
    #[serde(borrow)]
    previous: &'a RawValue,
    #[serde(borrow)]
    history_root: &'a RawValue,
    #[serde(borrow)]
    transactions_root: &'a RawValue,
    #[serde(borrow)]
    transaction_count: &'a RawValue,
    #[serde(borrow)]
    state_root: &'a RawValue,
    #[serde(borrow)]
    miner: &'a RawValue,
    #[serde(borrow)]
    time: &'a RawValue,
    #[serde(borrow)]
    target: &'a RawValue,
    #[serde(borrow)]
    nonce: &'a RawValue,
    #[serde(borrow)]
    transactions: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTransaction<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    sender: &'a RawValue,
    #[serde(borrow)]
    recipient: &'a RawValue,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    fee: &'a RawValue,
    #[serde(borrow)]
    nonce: &'a RawValue,
    #[serde(borrow)]
    memo: &'a RawValue,
    #[serde(borrow)]
    signature: &'a RawValue,
}

/// The line that is being read: it knows where each part of it stands.
struct Place<'a> {
    line: &'a str,
    number: u64,
}

impl<'a> Place<'a> {
    fn transaction(&self, raw: &'a RawValue, index: usize) -> Result<Transaction, LineError> {
        let field = |name: &str| format!("transactions[{index}].{name}");
        let whole = format!("transactions[{index}]");
        let raw: RawTransaction<'_> = self.borrowed(raw, whole)?;
        let memo = self.bytes(raw.memo, field("memo"))?;
        let too_long =
            || self.error(raw.memo, field("memo"), format!("got {} bytes, the limit is 64", memo.len()));
        let transaction = Transaction {
            sender: self.key(raw.sender, field("sender"))?,
            recipient: self.key(raw.recipient, field("recipient"))?,
            amount: self.text(raw.amount, field("amount"))?,
            fee: self.text(raw.fee, field("fee"))?,
            nonce: self.number(raw.nonce, field("nonce"))?,
            memo: Memo::from_slice(&memo).map_err(|_| too_long())?,
            signature: self.signature(raw.signature, field("signature"))?,
        };
        self.check_id(raw.id, field("id"), transaction.id())?;
        Ok(transaction)
    }

    /// A text that has exactly the form in which its value is written, so that a value has one
    /// spelling.
    fn text<T>(&self, raw: &RawValue, field: String) -> Result<T, LineError>
    where
        T: FromStr<Err: fmt::Display> + fmt::Display,
    {
        let text: String = self.json(raw.get(), Some(field.clone()))?;
        let value = text.parse::<T>().map_err(|error| self.error(raw, field.clone(), error.to_string()))?;
        let expected = value.to_string();
        if text == expected {
            return Ok(value);
        }
        Err(self.error(raw, field, format!("got {text:?}, expected {expected:?}")))
    }

    fn number(&self, raw: &RawValue, field: String) -> Result<u64, LineError> {
        self.text(raw, field)
    }

    fn key(&self, raw: &RawValue, field: String) -> Result<PublicKey, LineError> {
        let hash: Hash32 = self.text(raw, field)?;
        Ok(PublicKey::from_bytes(*hash.as_bytes()))
    }

    fn target(&self, raw: &RawValue, field: String) -> Result<CompactTarget, LineError> {
        let bytes = self.bytes(raw, field.clone())?;
        let bits = <[u8; 4]>::try_from(bytes);
        let wrong = |bytes: Vec<u8>| self.error(raw, field, format!("got {} bytes, expected 4", bytes.len()));
        Ok(CompactTarget::from_bits(u32::from_be_bytes(bits.map_err(wrong)?)))
    }

    fn signature(&self, raw: &RawValue, field: String) -> Result<Signature, LineError> {
        let bytes = self.bytes(raw, field.clone())?;
        let wrong =
            |bytes: Vec<u8>| self.error(raw, field, format!("got {} bytes, expected 64", bytes.len()));
        Ok(Signature::from_bytes(<[u8; 64]>::try_from(bytes).map_err(wrong)?))
    }

    fn bytes(&self, raw: &RawValue, field: String) -> Result<Vec<u8>, LineError> {
        let text: String = self.json(raw.get(), Some(field.clone()))?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |character: u8| match character {
            b'0'..=b'9' => Some(character - b'0'),
            b'a'..=b'f' => Some(character - b'a' + 10),
            _ => None,
        };
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        let wrong =
            || self.error(raw, field, "expected an even number of lower-case hexadecimal digits".to_owned());
        bytes.filter(|_| rest.is_empty()).ok_or_else(wrong)
    }

    fn check_id(&self, raw: &RawValue, field: String, expected: Hash32) -> Result<(), LineError> {
        let got: Hash32 = self.text(raw, field.clone())?;
        if got == expected {
            return Ok(());
        }
        Err(self.error(raw, field, format!("got {got}, but the other fields give {expected}")))
    }

    fn json_field<T: DeserializeOwned>(&self, raw: &RawValue, field: String) -> Result<T, LineError> {
        self.json(raw.get(), Some(field))
    }

    fn borrowed<T: Deserialize<'a>>(&self, raw: &'a RawValue, field: String) -> Result<T, LineError> {
        self.json(raw.get(), Some(field))
    }

    /// Reads a part of the line.
    fn json<'p, T: Deserialize<'p>>(&self, part: &'p str, field: Option<String>) -> Result<T, LineError> {
        serde_json::from_str(part).map_err(|error| {
            let column = self.column(part) + error.column().saturating_sub(1);
            // The message ends with the place in the part, which is not the place in the line.
            let message = error.to_string();
            let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
            LineError { line: self.number, column, field, reason: reason.to_owned() }
        })
    }

    fn error(&self, raw: &RawValue, field: String, reason: String) -> LineError {
        LineError { line: self.number, column: self.column(raw.get()), field: Some(field), reason }
    }

    /// Where `part` starts in the line, counted from 1. Every part borrows from the line.
    fn column(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.line.as_ptr() as usize) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::keys::SecretKey;
    use mote_core::params::Params;
    use mote_core::transaction::Payment;
    use mote_core::units::Amount;

    fn line(count: u64) -> (Block, String) {
        let params = Params::new(Network::Regtest);
        let key = SecretKey::from_seed(&[7; 32]);
        let payment = |nonce| Payment {
            recipient: key.public_key(),
            amount: Amount::from_grains(12_500_000 + nonce),
            fee: Amount::from_grains(1_000),
            nonce,
            memo: Memo::from_slice(b"\x00\xff").unwrap(),
        };
        let transactions = (0..count).map(|nonce| payment(nonce).sign(&params, &key)).collect();
        let header = Header { nonce: u64::MAX, ..params.genesis().clone() };
        let block = Block { header, transactions };
        let mut out = Vec::new();
        super::super::write(&mut out, &block, Some(&Network::Regtest)).unwrap();
        let text = String::from_utf8(out).unwrap();
        (block, text.trim_end().to_owned())
    }

    #[test]
    fn blocks_come_back() {
        for count in [0, 1, 3] {
            let (block, text) = line(count);
            let parsed = parse(1, &text).unwrap();
            assert_eq!((parsed.id, parsed.network), (block.header.id(), Some(Network::Regtest)));
            assert_eq!(parsed.block, block);
        }
    }

    #[test]
    fn errors_name_line_column_and_field() {
        let (_, text) = line(2);
        for (from, to, expected) in [
            ("\"height\":0", "\"height\":-1", "field height: invalid value: integer `-1`"),
            ("\"height\":0", "\"hight\":0", "line 9, column 28: unknown field `hight`"),
            ("\"time\":1767225600,", "", ": missing field `time`"),
            ("\"version\":1", "\"version\":1,\"version\":1", ": duplicate field `version`"),
            (
                "\"amount\":\"12.5\"",
                "\"amount\":\"12.50\"",
                "transactions[0].amount: got \"12.50\", expected \"12.5\"",
            ),
            (
                "\"amount\":\"12.5\"",
                "\"amount\":12.5",
                "transactions[0].amount: invalid type: floating point",
            ),
            ("\"amount\":\"12.500001\"", "\"amount\":\"12.500002\"", "transactions[1].id: got "),
            ("\"memo\":\"00ff\"", "\"memo\":\"00FF\"", "transactions[0].memo: expected an even number"),
            ("\"target\":\"207fffff\"", "\"target\":\"207fff\"", "field target: got 3 bytes, expected 4"),
            (
                "\"nonce\":\"18446744073709551615\"",
                "\"nonce\":\"+1\"",
                "field nonce: got \"+1\", expected \"1\"",
            ),
            ("\"nonce\":\"18446744073709551615\"", "\"nonce\":\"1\"", "field id: got "),
            (
                "\"network\":\"regtest\"",
                "\"network\":\"moon\"",
                "line 9, column 12, field network: expected local,",
            ),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = parse(9, &changed).unwrap_err().to_string();
            assert!(
                error.starts_with("line 9, column ") && error.contains(expected),
                "{error:?} lacks {expected:?}"
            );
        }
        assert_eq!(parse(3, "").unwrap_err().line, 3);
        for end in 0..text.len() {
            assert!(parse(1, &text[..end]).is_err());
        }
    }
}
