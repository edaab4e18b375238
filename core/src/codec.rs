//! The one owner of the wire form: canonical [postcard](https://postcard.jamesmunns.com/wire-format).
//!
//! Postcard alone accepts several encodings of one value (padded varints) and trailing bytes. Here
//! a decoded value must encode to exactly the bytes that it came from, so every value has one wire
//! form, and a hash of that form names the value. Decoding checks form only; judging is the work of
//! [`crate::rules`].
//!
//! The form in short: structs and tuples are their fields one after another; `u8` and byte arrays
//! are raw; larger unsigned integers are LEB128 varints in the fewest bytes; a sequence is its
//! length as a varint, then its items; `Option` is 0, or 1 and the value; an enum is its variant's
//! index as a varint, then the variant's fields.

pub mod bytes;
#[cfg(any(test, not(target_os = "none")))]
mod direct;
mod pieces;

#[cfg(not(target_os = "none"))]
use direct as writing;
#[cfg(target_os = "none")]
use pieces as writing;
use serde::{Deserialize, Serialize};

/// Why bytes are not the wire form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("the encoding ends early, after {length} bytes")]
    Truncated {
        /// How many bytes there were.
        length: usize,
    },
    /// No value of the type is encoded like this.
    #[error("the bytes are not an encoding of the expected type")]
    Malformed,
    /// The value has a shorter or otherwise different canonical encoding.
    #[error("the encoding differs from the canonical one at byte {offset}")]
    NotCanonical {
        /// Offset of the first byte that differs.
        offset: usize,
    },
    /// Bytes are left after the value.
    #[error("{count} bytes are left after the value")]
    Trailing {
        /// How many bytes are left.
        count: usize,
    },
}

/// The buffer is too small for the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value does not fit the buffer of {capacity} bytes")]
pub struct EncodeError {
    /// Length of the buffer that was offered.
    pub capacity: usize,
}

/// Writes the wire form of `value` to the front of `buffer` and returns the written part.
pub fn encode<'b, T: Serialize + ?Sized>(
    value: &T,
    buffer: &'b mut [u8],
) -> Result<&'b mut [u8], EncodeError> {
    let capacity = buffer.len();
    writing::encode(value, buffer).ok_or(EncodeError { capacity })
}

/// Length of the wire form of `value` in bytes.
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    writing::encoded_len(value)
}

/// Hands the wire form of `value` to `sink` piece by piece, without a buffer.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, mut sink: impl FnMut(&[u8])) {
    pieces::write(value, &mut |piece| {
        sink(piece);
        true
    });
}

/// Reads a value that takes up all of `bytes`, in its canonical form.
pub fn decode<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = decode_prefix(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing { count: rest.len() }) }
}

/// Reads a value in its canonical form from the front of `bytes` and returns it with the rest.
pub fn decode_prefix<'a, T: Deserialize<'a> + Serialize>(
    bytes: &'a [u8],
) -> Result<(T, &'a [u8]), DecodeError> {
    let (value, rest) = postcard::take_from_bytes::<T>(bytes).map_err(|error| refusal(error, bytes))?;
    let consumed = bytes.get(..bytes.len() - rest.len()).unwrap_or(bytes);
    writing::check(&value, consumed).map_err(|offset| DecodeError::NotCanonical { offset })?;
    Ok((value, rest))
}

#[inline(never)]
fn refusal(error: postcard::Error, bytes: &[u8]) -> DecodeError {
    match error {
        postcard::Error::DeserializeUnexpectedEnd => DecodeError::Truncated { length: bytes.len() },
        _ => DecodeError::Malformed,
    }
}

/// Reads a value from the front of `bytes`, which then starts behind it: for a large value that is filled in
/// field by field, so that none of it lies on a device's stack. Offsets in errors count from the field.
pub fn take<'a, T: Deserialize<'a> + Serialize>(bytes: &mut &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = decode_prefix(bytes)?;
    *bytes = rest;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[derive(Debug, Serialize)]
    struct Value {
        number: u64,
        #[serde(with = "bytes")]
        digest: [u8; 70],
        list: Vec<(u8, Option<u32>)>,
        #[serde(with = "bytes")]
        short: [u8; 3],
    }

    prop_compose! {
        fn values()(
            number: u64,
            digest: [[u8; 14]; 5],
            list: Vec<(u8, Option<u32>)>,
            short: [u8; 3],
        ) -> Value {
            let mut value = Value { number, digest: [0; 70], list, short };
            value.digest.copy_from_slice(digest.as_flattened());
            value
        }
    }

    proptest! {
        #[test]
        fn both_forms_agree(value in values(), room in 0..200_usize, at in 0..400_usize, flip in 1..=255_u8) {
            let mut bytes = Vec::new();
            encode_into(&value, |piece| bytes.extend_from_slice(piece));
            prop_assert_eq!(direct::encoded_len(&value), bytes.len());
            prop_assert_eq!(pieces::encoded_len(&value), bytes.len());
            let mut buffers = [[0; 200]; 2];
            let [first, second] = &mut buffers;
            let encoded = direct::encode(&value, &mut first[..room]);
            prop_assert_eq!(encoded.as_deref(), (bytes.len() <= room).then_some(&bytes[..]));
            prop_assert_eq!(encoded, pieces::encode(&value, &mut second[..room]));
            prop_assert_eq!(direct::check(&value, &bytes), Ok(()));
            prop_assert_eq!(pieces::check(&value, &bytes), Ok(()));
            let mut others = [bytes.clone(), bytes.clone(), bytes.clone()];
            let at = at % bytes.len();
            others[0][at] ^= flip;
            others[1].truncate(at);
            others[2].push(flip);
            for (other, offset) in others.iter().zip([at, at, bytes.len()]) {
                prop_assert_eq!(direct::check(&value, other), Err(offset));
                prop_assert_eq!(pieces::check(&value, other), Err(offset));
            }
        }
    }

    #[test]
    fn one_value_has_one_encoding() {
        assert_eq!(decode::<u64>(&[0x05]), Ok(5));
        assert_eq!(decode::<u64>(&[0x85, 0x00]), Err(DecodeError::NotCanonical { offset: 0 }));
        assert_eq!(decode::<u64>(&[0x05, 0x00]), Err(DecodeError::Trailing { count: 1 }));
        assert_eq!(decode::<u64>(&[0x85]), Err(DecodeError::Truncated { length: 1 }));
        assert_eq!(decode::<bool>(&[2]), Err(DecodeError::Malformed));
    }

    #[test]
    fn lengths_agree_with_encodings() {
        let mut buffer = [0; 16];
        for value in [0, 127, 128, u64::MAX] {
            let length = encode(&value, &mut buffer).map(|bytes| bytes.len());
            assert_eq!(length, Ok(encoded_len(&value)));
        }
        assert_eq!(encode(&u64::MAX, &mut buffer[..3]), Err(EncodeError { capacity: 3 }));
    }
}
