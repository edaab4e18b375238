//! What single steps cost, on one core and in the same run: what the rows are held against.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use mote_core::keys::{PublicKey, Signature, verify};
use mote_tests::fixtures::key;
use secp256k1::{Message, SecretKey, ecdsa};

use crate::statistics::rate;

/// How many different signatures are checked in turn.
const SIGNATURES: u64 = 256;

/// The length of a signed message: a payment without a memo.
const MESSAGE_BYTES: usize = 136;

/// How many of this ledger's signatures a core checks in a second, one by one.
pub fn signature_checks(span: Duration) -> f64 {
    let make = |number: u64| -> (PublicKey, [u8; MESSAGE_BYTES], Signature) {
        let message = [number as u8; MESSAGE_BYTES];
        (key(number).public_key(), message, key(number).sign(&message))
    };
    let signed: Vec<_> = (0..SIGNATURES).map(make).collect();
    rate(span, SIGNATURES, || {
        let all = signed.iter().all(|(key, message, signature)| verify(key, black_box(message), signature));
        assert!(all, "all of them signed");
    })
}

/// How many ECDSA signatures a core checks in a second with libsecp256k1, as Bitcoin Core does for each input.
pub fn ecdsa_checks(span: Duration) -> f64 {
    let make = |number: u64| -> (Message, ecdsa::Signature, secp256k1::PublicKey) {
        let mut secret = [0x53; 32];
        secret[..8].copy_from_slice(&number.to_le_bytes());
        let message = Message::from_digest(secret);
        let secret = SecretKey::from_secret_bytes(secret).expect("it is below the order of the curve");
        (message, ecdsa::sign(message, &secret), secret.public_key())
    };
    let signed: Vec<_> = (0..SIGNATURES).map(make).collect();
    rate(span, SIGNATURES, || {
        let check = |(message, signature, key): &(Message, ecdsa::Signature, secp256k1::PublicKey)| {
            ecdsa::verify(signature, black_box(*message), key).is_ok()
        };
        assert!(signed.iter().all(check), "all of them signed");
    })
}

/// A file to which bytes are appended, each time as durably as the log.
pub struct Appended(File);

impl Appended {
    /// A new file.
    pub fn new(path: &Path) -> Self {
        Self(File::create(path).expect("the file can be made"))
    }

    /// Returns when the bytes are on the disk.
    pub fn append_and_sync(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).and_then(|()| self.0.sync_data()).expect("the file can be written");
    }
}
