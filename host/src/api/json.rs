//! What comes in as JSON, in the same forms as it goes out: see [`crate::forms`].

use mote_core::address::Address;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::transaction::{Memo, Transaction};
use mote_core::units::Amount;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::error::Problem;
use crate::forms::{HexMemo, HexSignature, ParseHexError, Text};

/// A signed payment as it comes in.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SubmittedTransaction)]
#[serde(deny_unknown_fields)]
pub struct SubmittedTransaction {
    /// May be given, and must be right then.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub id: Option<Text<Hash32>>,
    /// Address of the account that pays.
    #[schema(value_type = String, example = "lmote1…")]
    pub sender: Text<Address>,
    /// Address of the account that is paid.
    #[schema(value_type = String, example = "lmote1…")]
    pub recipient: Text<Address>,
    /// What the recipient gets, in motes.
    #[schema(value_type = String, example = "12.5")]
    pub amount: Text<Amount>,
    /// What the miner gets, in motes; at least 0.001.
    #[schema(value_type = String, example = "0.001")]
    pub fee: Text<Amount>,
    /// How many transactions the sender has made before.
    pub nonce: u64,
    /// 0 to 64 bytes in hex.
    #[schema(value_type = String, pattern = "^([0-9a-f]{2}){0,64}$")]
    pub memo: Text<HexMemo>,
    /// The Ed25519 signature in hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{128}$")]
    pub signature: Text<HexSignature>,
}

impl SubmittedTransaction {
    /// The transaction, for the network of `params`.
    pub fn into_transaction(self, params: &Params) -> Result<Transaction, Problem> {
        let Self { id, sender, recipient, amount, fee, nonce, memo, signature } = self;
        let transaction = Transaction {
            sender: public_key("sender", sender, params)?,
            recipient: public_key("recipient", recipient, params)?,
            amount: amount.0,
            fee: fee.0,
            nonce,
            memo: memo.0.0,
            signature: signature.0.0,
        };
        match id {
            Some(Text(got)) if got != transaction.id() => {
                let expected = transaction.id();
                Err(Problem::malformed("id", format_args!("expected {expected} for these fields, got {got}")))
            }
            _ => Ok(transaction),
        }
    }
}

/// The account of an address that must belong to the network of `params`.
pub fn public_key(field: &str, address: Text<Address>, params: &Params) -> Result<PublicKey, Problem> {
    let (got, expected) = (address.0.prefix(), params.address_prefix);
    if got == expected {
        return Ok(address.0.public_key());
    }
    let (got, expected) = (got.as_str(), expected.as_str());
    let reason = format!("expected an address that starts with {expected}1, got one that starts with {got}1");
    Err(Problem::malformed(field, reason))
}

/// A memo as the wallet takes it: text as it is, or bytes as `{"hex": "…"}`.
#[derive(Clone, Debug)]
pub struct MemoInput(pub Memo);

/// A memo's bytes in hex.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoBytes {
    #[schema(value_type = String, example = "cafe01")]
    hex: Text<HexMemo>,
}

/// What [`MemoInput`] reads, for the documentation.
#[derive(ToSchema)]
#[schema(as = Memo)]
#[serde(untagged)]
pub enum MemoSchema {
    /// Text: its UTF-8 bytes, at most 64.
    Text(String),
    /// Any bytes, at most 64.
    Bytes(MemoBytes),
}

impl<'de> Deserialize<'de> for MemoInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = MemoInput;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a string, or bytes as {\"hex\": \"…\"}")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MemoInput, E> {
                let length = ParseHexError::Length { got: text.len(), expected: "at most 64 bytes" };
                Memo::from_slice(text.as_bytes()).map(MemoInput).map_err(|_| E::custom(length))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<MemoInput, A::Error> {
                let bytes = MemoBytes::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map_err(A::Error::custom)?;
                Ok(MemoInput(bytes.hex.0.0))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memo_is_text_or_hex() {
        let memo = |json: &str| serde_json::from_str::<MemoInput>(json).map(|memo| memo.0.to_vec());
        assert_eq!(memo("\"cafe\"").unwrap(), b"cafe");
        assert_eq!(memo("{\"hex\":\"cafe\"}").unwrap(), [0xca, 0xfe]);
        for wrong in ["{\"hex\":\"CAFE\"}", "{\"hex\":\"c\"}", "{}", "{\"hex\":\"\",\"x\":1}", "7", "null"] {
            assert!(memo(wrong).is_err(), "{wrong}");
        }
        assert!(memo(&format!("{:?}", "x".repeat(64))).is_ok());
        assert!(memo(&format!("{:?}", "x".repeat(65))).is_err());
    }
}
