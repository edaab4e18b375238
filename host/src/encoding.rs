//! The wire form as bytes that grow.

use mote_core::codec;
use serde::Serialize;

/// The wire form of `value`.
pub fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, value);
    bytes
}

/// Puts the wire form of `value` behind `bytes`.
pub fn append<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) {
    let begin = bytes.len();
    bytes.resize(begin + codec::encoded_len(value), 0);
    // There is room, since it was just made.
    let _ = codec::encode(value, bytes.get_mut(begin..).unwrap_or_default());
}
