//! From the JSON of a receipt to what it speaks of. Whatever the steps do not use is compared with what
//! they give, so that no field of a receipt that holds is anybody's invention.

use std::fmt::Display;
use std::str::FromStr;

use mote_core::address::Address;
use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::{Network, Params};
use mote_core::pow::{CompactTarget, Work};
use mote_core::state::{Account, Leaf, PathBuffer, Proof, Step};
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ReceiptError;
use super::form::{AccountReceipt, LeafJson, StepJson, TransactionReceipt};
use super::{AccountProof, BlockProof, Place, Proven, Subject, TransactionProof};
use crate::forms::{HeaderJson, HexMemo, HexSignature, TransactionJson};

/// How much of a wrong value is shown, in characters.
const SHOWN_CHARACTERS: usize = 100;

/// What says how the rest is to be read.
#[derive(Deserialize)]
struct Tag {
    receipt: String,
}

/// Reads a receipt and checks every step.
pub(super) fn receipt(text: &[u8]) -> Result<Proven, ReceiptError> {
    let Tag { receipt } = json(text)?;
    match receipt.as_str() {
        "transaction" => transaction_receipt(text),
        "account" => account_receipt(text),
        other => {
            let other = shown(&Value::from(other));
            Err(ReceiptError::field(
                "receipt",
                format_args!("expected \"transaction\" or \"account\", got {other}"),
            ))
        }
    }
}

fn transaction_receipt(text: &[u8]) -> Result<Proven, ReceiptError> {
    let form: TransactionReceipt = json(text)?;
    let reader = Reader::new(&form.network, &form.genesis)?;
    let proof = TransactionProof {
        transaction: reader.transaction(&form.transaction)?,
        index: form.index,
        path: hashes("path", &form.path)?,
        block: reader.block(&form.header, form.work.as_deref(), form.history_path.as_deref(), &form.tip)?,
    };
    proof.check(&reader.params)?;
    let (id, tip_id) = proof.block.check(&reader.params)?;
    compare(text, &TransactionReceipt::new(&reader.params, &proof))?;
    let TransactionProof { transaction, index, block, .. } = proof;
    let subject = Subject::Transaction { transaction: Box::new(transaction), index };
    Ok(Proven { params: reader.params, subject, block, id, tip_id })
}

fn account_receipt(text: &[u8]) -> Result<Proven, ReceiptError> {
    let form: AccountReceipt = json(text)?;
    let reader = Reader::new(&form.network, &form.genesis)?;
    let owner = reader.address("address", &form.address)?;
    same("key", &form.key, owner.account_key())?;
    let proof = AccountProof {
        owner,
        proof: Proof { leaf: form.leaf.as_ref().map(leaf).transpose()?, path: steps(&form.path)? },
        block: reader.block(&form.header, form.work.as_deref(), form.history_path.as_deref(), &form.tip)?,
    };
    let account = proof.check()?;
    let (id, tip_id) = proof.block.check(&reader.params)?;
    compare(text, &AccountReceipt::new(&reader.params, &proof, account.unwrap_or_default()))?;
    let subject = Subject::Account { owner, account };
    Ok(Proven { params: reader.params, subject, block: proof.block, id, tip_id })
}

/// Reads what depends on the network.
struct Reader {
    params: Params,
}

impl Reader {
    fn new(network: &str, genesis: &str) -> Result<Self, ReceiptError> {
        let params = Params::new(parsed::<Network>("network", network)?);
        same("genesis", genesis, params.genesis_id())?;
        Ok(Self { params })
    }

    fn address(&self, field: &str, text: &str) -> Result<PublicKey, ReceiptError> {
        let address = Address::parse_for(text, &self.params);
        address.map(|address| address.public_key()).map_err(|error| ReceiptError::field(field, error))
    }

    fn transaction(&self, form: &TransactionJson) -> Result<Transaction, ReceiptError> {
        let transaction = Transaction {
            sender: self.address("transaction.sender", &form.sender)?,
            recipient: self.address("transaction.recipient", &form.recipient)?,
            amount: parsed("transaction.amount", &form.amount)?,
            fee: parsed("transaction.fee", &form.fee)?,
            nonce: form.nonce,
            memo: parsed::<HexMemo>("transaction.memo", &form.memo)?.0,
            signature: parsed::<HexSignature>("transaction.signature", &form.signature)?.0,
        };
        same("transaction.id", &form.id, transaction.id())?;
        Ok(transaction)
    }

    fn block(
        &self,
        header: &HeaderJson,
        work: Option<&str>,
        history_path: Option<&[String]>,
        tip: &HeaderJson,
    ) -> Result<BlockProof, ReceiptError> {
        let place = match (work, history_path) {
            (None, None) => None,
            (Some(work), Some(path)) => {
                let work = Work::from_be_bytes(parsed::<Hash32>("work", work)?.as_bytes());
                Some(Place { work, path: hashes("history_path", path)? })
            }
            (Some(_), None) => {
                return Err(ReceiptError::field("work", "expected null, as history_path is"));
            }
            (None, Some(_)) => {
                return Err(ReceiptError::field("work", "expected 64 hexadecimal digits, got null"));
            }
        };
        Ok(BlockProof { header: self.header("header", header)?, place, tip: self.header("tip", tip)? })
    }

    fn header(&self, field: &str, form: &HeaderJson) -> Result<Header, ReceiptError> {
        let at = |name: &str| format!("{field}.{name}");
        if form.height == 0 {
            // Its miner is nobody, for whom there is no address.
            same(&at("id"), &form.id, self.params.genesis_id())?;
            return Ok(self.params.genesis().clone());
        }
        let hash = |name: &str, text: &str| parsed::<Hash32>(&at(name), text);
        let target = u32::from_str_radix(&form.target, 16);
        let target = target.map_err(|error| ReceiptError::field(&at("target"), error))?;
        let header = Header {
            version: form.version,
            height: Height::new(form.height),
            previous: hash("previous", &form.previous)?,
            history_root: hash("history_root", &form.history_root)?,
            transactions_root: hash("transactions_root", &form.transactions_root)?,
            transaction_count: form.transaction_count,
            state_root: hash("state_root", &form.state_root)?,
            miner: self.address(&at("miner"), &form.miner)?,
            time: Timestamp::from_seconds(form.time),
            target: CompactTarget::from_bits(target),
            nonce: form.nonce,
        };
        same(&at("id"), &form.id, header.id())?;
        Ok(header)
    }
}

fn leaf(form: &LeafJson) -> Result<Leaf, ReceiptError> {
    let account = Account { balance: parsed("leaf.balance", &form.balance)?, nonce: form.nonce };
    Ok(Leaf { key: parsed("leaf.key", &form.key)?, account })
}

fn steps(forms: &[StepJson]) -> Result<PathBuffer, ReceiptError> {
    let mut path = PathBuffer::new();
    for (number, StepJson { index, sibling }) in forms.iter().enumerate() {
        let sibling = parsed(&format!("path[{number}].sibling"), sibling)?;
        path.push(Step { index: *index, sibling }).map_err(ReceiptError::AccountPath)?;
    }
    Ok(path)
}

fn hashes(field: &str, texts: &[String]) -> Result<Vec<Hash32>, ReceiptError> {
    texts.iter().enumerate().map(|(number, text)| parsed(&format!("{field}[{number}]"), text)).collect()
}

fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, ReceiptError> {
    text.parse().map_err(|error| ReceiptError::field(field, error))
}

fn same(field: &str, got: &str, expected: Hash32) -> Result<(), ReceiptError> {
    let expected = expected.to_string();
    if got == expected {
        return Ok(());
    }
    Err(ReceiptError::Field { field: field.to_owned(), got: shown(&Value::from(got)), expected })
}

fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, ReceiptError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // The path of the whole is a dot, which says nothing.
        let field = (path != ".").then_some(path);
        ReceiptError::Malformed { field, reason: error.into_inner().to_string() }
    })?;
    let end = deserializer.end();
    end.map_err(|error| ReceiptError::Malformed { field: None, reason: error.to_string() })?;
    Ok(value)
}

/// Compares a receipt with the one that its proofs give.
fn compare(text: &[u8], proven: &impl Serialize) -> Result<(), ReceiptError> {
    let got: Value = json(text)?;
    let wrong = |error: serde_json::Error| ReceiptError::Malformed { field: None, reason: error.to_string() };
    let expected = serde_json::to_value(proven).map_err(wrong)?;
    match difference(&got, &expected) {
        None => Ok(()),
        Some((field, got, expected)) => {
            let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), shown);
            Err(ReceiptError::Field { field, got: text(got), expected: text(expected) })
        }
    }
}

/// The first place where two values differ, with what each has there.
type Difference<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn difference<'a>(got: &'a Value, expected: &'a Value) -> Option<Difference<'a>> {
    let inside = |name: &str, (path, got, expected): Difference<'a>| {
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        (format!("{name}{dot}{path}"), got, expected)
    };
    match (got, expected) {
        (Value::Object(left), Value::Object(right)) => {
            let names = right.keys().chain(left.keys().filter(|name| !right.contains_key(*name)));
            names.into_iter().find_map(|name| match (left.get(name), right.get(name)) {
                (Some(left), Some(right)) => difference(left, right).map(|found| inside(name, found)),
                (left, right) => Some((shown(&Value::from(name.as_str())), left, right)),
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            let found = |(number, (left, right))| {
                difference(left, right).map(|found| inside(&format!("[{number}]"), found))
            };
            pairs.into_iter().find_map(found)
        }
        // Programs that know only one kind of number write 2.0 as 2.
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            (left.as_f64() != right.as_f64()).then_some((String::new(), Some(got), Some(expected)))
        }
        _ => (got != expected).then_some((String::new(), Some(got), Some(expected))),
    }
}

/// A value as JSON, without control characters and not too long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN_CHARACTERS {
        return text;
    }
    text.chars().take(SHOWN_CHARACTERS).chain("…".chars()).collect()
}
