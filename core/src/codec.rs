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

use postcard::ser_flavors::Flavor;
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
    postcard::to_slice(value, buffer).map_err(|_| EncodeError { capacity })
}

/// Length of the wire form of `value` in bytes.
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    struct Count(usize);
    impl Flavor for Count {
        type Output = usize;
        fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
            self.0 = self.0.saturating_add(data.len());
            Ok(())
        }
        fn try_push(&mut self, _: u8) -> postcard::Result<()> {
            self.try_extend(&[0])
        }
        fn finalize(self) -> postcard::Result<usize> {
            Ok(self.0)
        }
    }
    // Counting cannot fail: the flavour has no capacity and no type of ours has an unsized sequence.
    postcard::serialize_with_flavor(value, Count(0)).unwrap_or(usize::MAX)
}

/// Hands the wire form of `value` to `sink` piece by piece, without a buffer.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, sink: impl FnMut(&[u8])) {
    struct Sink<F>(F);
    impl<F: FnMut(&[u8])> Flavor for Sink<F> {
        type Output = ();
        fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
            (self.0)(data);
            Ok(())
        }
        fn try_push(&mut self, data: u8) -> postcard::Result<()> {
            self.try_extend(&[data])
        }
        fn finalize(self) -> postcard::Result<()> {
            Ok(())
        }
    }
    // As in `encoded_len`, there is nothing that could fail.
    let _ = postcard::serialize_with_flavor(value, Sink(sink));
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
    let (value, rest) = postcard::take_from_bytes::<T>(bytes).map_err(|error| match error {
        postcard::Error::DeserializeUnexpectedEnd => DecodeError::Truncated { length: bytes.len() },
        _ => DecodeError::Malformed,
    })?;
    let consumed = bytes.get(..bytes.len() - rest.len()).unwrap_or(bytes);
    let mut comparison = Comparison { expected: consumed, offset: 0 };
    match postcard::serialize_with_flavor(&value, &mut comparison) {
        Ok(()) => Ok((value, rest)),
        Err(_) => Err(DecodeError::NotCanonical { offset: comparison.offset }),
    }
}

/// Reads a value from the front of `bytes`, which then starts behind it: for a large value that is filled in
/// field by field, so that none of it lies on a device's stack. Offsets in errors count from the field.
pub fn take<'a, T: Deserialize<'a> + Serialize>(bytes: &mut &'a [u8]) -> Result<T, DecodeError> {
    let (value, rest) = decode_prefix(bytes)?;
    *bytes = rest;
    Ok(value)
}

/// Compares an encoding with the expected bytes while it is written, so no second buffer is needed.
struct Comparison<'a> {
    expected: &'a [u8],
    offset: usize,
}

impl Flavor for &mut Comparison<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        let rest = self.expected.get(self.offset..).unwrap_or_default();
        if rest.starts_with(data) {
            self.offset += data.len();
            return Ok(());
        }
        self.offset += rest.iter().zip(data).take_while(|(expected, got)| expected == got).count();
        Err(postcard::Error::SerializeBufferFull)
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.try_extend(&[data])
    }

    fn finalize(self) -> postcard::Result<()> {
        if self.offset == self.expected.len() { Ok(()) } else { Err(postcard::Error::SerializeBufferFull) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
