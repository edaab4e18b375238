//! The bytes of a block, field by field: where each stands and what it says.

use mote_core::codec::{self, DecodeError};
use mote_core::hash::Hash32;
use mote_core::keys::Signature;
use mote_core::pow::CompactTarget;
use mote_core::transaction::Memo;
use mote_core::units::{Amount, Height, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::called;
use crate::forms::hex;

/// A field of a block on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryField)]
pub struct Field {
    /// The field's name.
    pub name: &'static str,
    /// The place of the payment that it belongs to, from 0; null for the header's.
    pub payment: Option<usize>,
    /// Where it starts, in bytes.
    pub offset: usize,
    /// How many bytes it has.
    pub length: usize,
    /// What it says.
    pub value: String,
}

/// Reads fields from the front of a block for as long as they are well formed.
struct Reader<'a> {
    length: usize,
    rest: &'a [u8],
    payment: Option<usize>,
    fields: Vec<Field>,
}

/// The fields of a block as far as they can be read. Whether the whole is a block is for the codec to say.
pub fn fields(bytes: &[u8]) -> Vec<Field> {
    let mut reader = Reader { length: bytes.len(), rest: bytes, payment: None, fields: Vec::new() };
    // Where a field is malformed, those before it are still worth showing.
    let _ = reader.block();
    reader.fields
}

impl Reader<'_> {
    fn block(&mut self) -> Result<(), DecodeError> {
        self.take("version", u16::to_string)?;
        self.take("height", Height::to_string)?;
        for name in ["previous", "history_root", "transactions_root"] {
            self.take(name, Hash32::to_string)?;
        }
        self.take("transaction_count", u32::to_string)?;
        self.take("state_root", Hash32::to_string)?;
        self.take("miner", called)?;
        self.take("time", Timestamp::to_string)?;
        self.take("target", CompactTarget::to_string)?;
        self.take("nonce", u64::to_string)?;
        let count = self.take("payments", u64::to_string)?;
        for payment in 0..count {
            self.payment = usize::try_from(payment).ok();
            self.payment()?;
        }
        Ok(())
    }

    fn payment(&mut self) -> Result<(), DecodeError> {
        self.take("sender", called)?;
        self.take("recipient", called)?;
        self.take("amount", Amount::to_string)?;
        self.take("fee", Amount::to_string)?;
        self.take("nonce", u64::to_string)?;
        self.take("memo", |memo: &Memo| readable(memo))?;
        self.take("signature", |signature: &Signature| hex(signature.as_bytes()))?;
        Ok(())
    }

    fn take<T>(&mut self, name: &'static str, show: impl FnOnce(&T) -> String) -> Result<T, DecodeError>
    where
        T: Serialize + for<'de> Deserialize<'de>,
    {
        let before = self.rest.len();
        let value = codec::take(&mut self.rest)?;
        let (offset, length) = (self.length - before, before - self.rest.len());
        self.fields.push(Field { name, payment: self.payment, offset, length, value: show(&value) });
        Ok(value)
    }
}

/// A memo as text where it is text without control characters, else in hex.
pub(super) fn readable(memo: &[u8]) -> String {
    match std::str::from_utf8(memo) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => hex(memo),
    }
}
