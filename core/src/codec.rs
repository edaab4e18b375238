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
    let (capacity, mut length) = (buffer.len(), 0);
    let is_whole = write(value, &mut |piece| {
        let place = buffer.get_mut(length..length + piece.len());
        length += piece.len();
        place.map(|place| place.copy_from_slice(piece)).is_some()
    });
    let written = buffer.get_mut(..length).filter(|_| is_whole);
    written.ok_or(EncodeError { capacity })
}

/// Length of the wire form of `value` in bytes.
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut length = 0_usize;
    encode_into(value, |piece| length = length.saturating_add(piece.len()));
    length
}

/// Hands the wire form of `value` to `sink` piece by piece, without a buffer.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, mut sink: impl FnMut(&[u8])) {
    write(value, &mut |piece| {
        sink(piece);
        true
    });
}

/// What takes a wire form piece by piece, as long as it says `true`.
type Sink<'a> = dyn FnMut(&[u8]) -> bool + 'a;

/// Hands the wire form of `value` to `sink` until that takes no more, and returns whether it took all. Every
/// way to write a value goes through here, so that a device has the code to write it once.
fn write<T: Serialize + ?Sized>(value: &T, sink: &mut Sink<'_>) -> bool {
    // Writing cannot fail otherwise: no type of ours has a sequence whose length is not known.
    postcard::serialize_with_flavor(value, Pieces { sink, bytes: [0; PIECE_BYTES], length: 0 }).is_ok()
}

/// Bytes that are gathered before they are handed on: a digest is written a byte at a time. Of 32 to 256 this was
/// the fastest.
const PIECE_BYTES: usize = 64;

struct Pieces<'a> {
    sink: &'a mut Sink<'a>,
    bytes: [u8; PIECE_BYTES],
    length: usize,
}

impl Pieces<'_> {
    #[inline(never)]
    fn hand_on(&mut self) -> postcard::Result<()> {
        let piece = self.bytes.get(..self.length).unwrap_or_default();
        self.length = 0;
        if (self.sink)(piece) { Ok(()) } else { Err(postcard::Error::SerializeBufferFull) }
    }
}

impl Flavor for Pieces<'_> {
    type Output = ();

    #[inline(never)]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        if let Some(place) = room.get_mut(..data.len()) {
            place.copy_from_slice(data);
            self.length += data.len();
            return Ok(());
        }
        self.hand_on()?;
        if (self.sink)(data) { Ok(()) } else { Err(postcard::Error::SerializeBufferFull) }
    }

    // Where it is part of the loop over a digest, writing takes half as long; a device has no room for that.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline)]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        if self.length == PIECE_BYTES {
            self.hand_on()?;
        }
        if let Some(byte) = self.bytes.get_mut(self.length) {
            *byte = data;
            self.length += 1;
        }
        Ok(())
    }

    fn finalize(mut self) -> postcard::Result<()> {
        self.hand_on()
    }
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
    check_canonical(consumed, &|sink| write(&value, sink))?;
    Ok((value, rest))
}

#[inline(never)]
fn refusal(error: postcard::Error, bytes: &[u8]) -> DecodeError {
    match error {
        postcard::Error::DeserializeUnexpectedEnd => DecodeError::Truncated { length: bytes.len() },
        _ => DecodeError::Malformed,
    }
}

/// Compares a value with what it came from while it is written, so that no second buffer is needed.
#[inline(never)]
fn check_canonical(consumed: &[u8], write: &dyn Fn(&mut Sink<'_>) -> bool) -> Result<(), DecodeError> {
    let mut offset = 0;
    let is_canonical = write(&mut |piece| {
        let expected = consumed.get(offset..).unwrap_or_default();
        let is_same = expected.starts_with(piece);
        let differs = || expected.iter().zip(piece).take_while(|(expected, got)| expected == got).count();
        offset += if is_same { piece.len() } else { differs() };
        is_same
    });
    if is_canonical && offset == consumed.len() { Ok(()) } else { Err(DecodeError::NotCanonical { offset }) }
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
