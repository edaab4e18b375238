//! Lists of any length without an allocator: a byte string that holds encoded items one after
//! another, read and written one at a time.

use core::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{DecodeError, EncodeError, decode_prefix, encode};

/// Items of type `T` that are still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    items: PhantomData<T>,
}

impl<'a, T: Deserialize<'a> + Serialize> List<'a, T> {
    /// The items in order. An item that is malformed ends the list with an error.
    pub fn iter(&self) -> impl Iterator<Item = Result<T, DecodeError>> + use<'a, T> {
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let item = decode_prefix(rest);
            rest = item.as_ref().map_or(&[], |(_, rest)| *rest);
            Some(item.map(|(item, _)| item))
        })
    }
}

impl<T> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.bytes)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for List<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self { bytes, items: PhantomData })
    }
}

/// Writes a list into a buffer, until it is full.
#[derive(Debug)]
pub struct ListWriter<'b, T> {
    buffer: &'b mut [u8],
    length: usize,
    items: PhantomData<T>,
}

impl<'b, T: Serialize> ListWriter<'b, T> {
    /// An empty list that may fill `buffer`.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0, items: PhantomData }
    }

    /// Appends an item; where it does not fit, the list stays as it was.
    pub fn push(&mut self, item: &T) -> Result<(), EncodeError> {
        let free = self.buffer.get_mut(self.length..).unwrap_or_default();
        self.length += encode(item, free)?.len();
        Ok(())
    }

    /// The list as written.
    pub fn finish(self) -> List<'b, T> {
        let written: &'b [u8] = self.buffer;
        List { bytes: written.get(..self.length).unwrap_or_default(), items: PhantomData }
    }
}
