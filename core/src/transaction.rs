//! A payment: what is signed, what is hashed, and what stands on the wire.

use serde::{Deserialize, Serialize};

use crate::hash::{Hash32, Tag, tagged};
use crate::keys::{PublicKey, SecretKey, Signature, verify};
use crate::params::{MEMO_MAX_BYTES, Params};
use crate::units::Amount;

/// What a signed message starts with, so that no signature of something else is one of a transaction.
pub const SIGNATURE_CONTEXT: &[u8] = b"mote transaction v1";

/// 0 to 64 bytes that travel with a payment: an invoice number, a sensor reading, a digest.
pub type Memo = heapless::Vec<u8, MEMO_MAX_BYTES>;

/// A signed payment of `amount` from `sender` to `recipient`.
///
/// Wire form: `sender[32] recipient[32] amount varint, fee varint, nonce varint, memo (length varint,
/// bytes), signature[64]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The account that pays, and whose key signed.
    pub sender: PublicKey,
    /// The account that is paid.
    pub recipient: PublicKey,
    /// What the recipient gets.
    pub amount: Amount,
    /// What the miner of the block gets.
    pub fee: Amount,
    /// How many transactions the sender had made before.
    pub nonce: u64,
    /// Any bytes.
    pub memo: Memo,
    /// Signature of [`SIGNATURE_CONTEXT`], the network's genesis id and all fields above.
    pub signature: Signature,
}

/// The fields of a payment before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The account that is paid.
    pub recipient: PublicKey,
    /// What the recipient gets.
    pub amount: Amount,
    /// What the miner of the block gets.
    pub fee: Amount,
    /// How many transactions the sender had made before.
    pub nonce: u64,
    /// Any bytes.
    pub memo: Memo,
}

/// Longest preimage of the fields: two keys, three integers, a length byte, a memo.
const FIELDS_MAX_BYTES: usize = 2 * 32 + 3 * 8 + 1 + MEMO_MAX_BYTES;
const MESSAGE_MAX_BYTES: usize = SIGNATURE_CONTEXT.len() + 32 + FIELDS_MAX_BYTES;

/// What a signature covers.
pub type Message = heapless::Vec<u8, MESSAGE_MAX_BYTES>;

/// What an id is the hash of: a tag, the fields, the signature.
pub type Preimage = heapless::Vec<u8, { 1 + FIELDS_MAX_BYTES + 64 }>;

/// The most bytes of a transaction on the wire: as the preimage, with varints of at most ten bytes.
pub const TRANSACTION_MAX_BYTES: usize = 2 * 32 + 3 * 10 + 1 + MEMO_MAX_BYTES + 64;

impl Payment {
    /// Signs the payment with `key`, for the network of `params` only.
    pub fn sign(self, params: &Params, key: &SecretKey) -> Transaction {
        let Self { recipient, amount, fee, nonce, memo } = self;
        let signature = Signature::from_bytes([0; 64]);
        let mut transaction =
            Transaction { sender: key.public_key(), recipient, amount, fee, nonce, memo, signature };
        transaction.signature = key.sign(&transaction.message(params));
        transaction
    }
}

impl Transaction {
    /// Names the transaction, its signature included: `H(0x00 || fields || signature)`, which is also
    /// its leaf in the block's transaction tree.
    pub fn id(&self) -> Hash32 {
        tagged(Tag::LogLeaf, &[&self.fields(), self.signature.as_bytes()])
    }

    /// What [`Transaction::id`] is the SHA-256 of.
    pub fn preimage(&self) -> Preimage {
        let mut preimage = heapless::Vec::new();
        for part in [&[Tag::LogLeaf as u8], &*self.fields(), self.signature.as_bytes()] {
            // The capacity is the sum of the longest parts.
            let _ = preimage.extend_from_slice(part);
        }
        preimage
    }

    /// Whether the sender signed this transaction for the network of `params` (ZIP-215).
    pub fn is_signed(&self, params: &Params) -> bool {
        verify(&self.sender, &self.message(params), &self.signature)
    }

    /// The bytes that the signature covers.
    pub fn message(&self, params: &Params) -> Message {
        let mut message = heapless::Vec::new();
        for part in [SIGNATURE_CONTEXT, params.genesis_id().as_bytes(), &self.fields()] {
            // The capacity is the sum of the longest parts.
            let _ = message.extend_from_slice(part);
        }
        message
    }

    /// All fields before the signature, integers little-endian in fixed width, the memo behind one
    /// byte of length.
    fn fields(&self) -> heapless::Vec<u8, FIELDS_MAX_BYTES> {
        let Self { sender, recipient, amount, fee, nonce, memo, .. } = self;
        let mut fields = heapless::Vec::new();
        // Each by itself, since a part of a known length is copied without a call; there is room for all.
        let _ = fields.extend_from_slice(sender.as_bytes());
        let _ = fields.extend_from_slice(recipient.as_bytes());
        let _ = fields.extend_from_slice(&amount.grains().to_le_bytes());
        let _ = fields.extend_from_slice(&fee.grains().to_le_bytes());
        let _ = fields.extend_from_slice(&nonce.to_le_bytes());
        let _ = fields.push(memo.len() as u8);
        let _ = fields.extend_from_slice(memo);
        fields
    }
}
