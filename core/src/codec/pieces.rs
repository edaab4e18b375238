//! Writing a value piece by piece. It goes through one function whatever becomes of the pieces, so that a device has the
//! code to write a type once.

use postcard::ser_flavors::Flavor;
use serde::Serialize;

/// What takes a wire form piece by piece, as long as it says `true`.
type Sink<'a> = dyn FnMut(&[u8]) -> bool + 'a;

/// Hands the wire form of `value` to `sink` until that takes no more, and returns whether it took all.
pub fn write<T: Serialize + ?Sized>(value: &T, sink: &mut Sink<'_>) -> bool {
    // Writing cannot fail otherwise: no type of ours has a sequence whose length is not known.
    postcard::serialize_with_flavor(value, Pieces { sink, bytes: [0; PIECE_BYTES], length: 0 }).is_ok()
}

/// The wire form of `value` at the front of `buffer`, where that has room for it.
#[cfg(any(test, target_os = "none"))]
pub fn encode<'b, T: Serialize + ?Sized>(value: &T, buffer: &'b mut [u8]) -> Option<&'b mut [u8]> {
    let mut length = 0;
    let is_whole = write(value, &mut |piece| {
        let place = buffer.get_mut(length..length + piece.len());
        length += piece.len();
        place.map(|place| place.copy_from_slice(piece)).is_some()
    });
    buffer.get_mut(..length).filter(|_| is_whole)
}

/// Length of the wire form of `value` in bytes.
#[cfg(any(test, target_os = "none"))]
pub fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut length = 0_usize;
    write(value, &mut |piece| {
        length = length.saturating_add(piece.len());
        true
    });
    length
}

/// Whether `value` has the wire form `bytes`; where not, the offset of the first byte that differs.
pub fn check<T: Serialize + ?Sized>(value: &T, bytes: &[u8]) -> Result<(), usize> {
    compare(bytes, &|sink| write(value, sink))
}

/// Compares bytes with a value while it is written, so that no second buffer is needed.
#[inline(never)]
fn compare(bytes: &[u8], write: &dyn Fn(&mut Sink<'_>) -> bool) -> Result<(), usize> {
    let mut offset = 0;
    let is_same = write(&mut |piece| {
        let expected = bytes.get(offset..).unwrap_or_default();
        let is_same = expected.starts_with(piece);
        let differs = || expected.iter().zip(piece).take_while(|(expected, got)| expected == got).count();
        offset += if is_same { piece.len() } else { differs() };
        is_same
    });
    if is_same && offset == bytes.len() { Ok(()) } else { Err(offset) }
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
