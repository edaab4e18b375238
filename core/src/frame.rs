//! Checksummed records over any byte stream: the log of a host, the card and the serial line of a
//! device.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 4 | `length` of the payload, `u32` little-endian, at most [`FRAME_PAYLOAD_MAX_BYTES`] |
//! | 4 | 1 | `kind`, whose meaning belongs to the user of the frame |
//! | 5 | 4 | `checksum`, `u32` little-endian: CRC-32C over `salt`, `length`, `kind`, payload |
//! | 9 | `length` | payload |
//!
//! The checksum covers the length, so a damaged length is noticed although it moves the end of the
//! record. `salt` is a `u32` (little-endian) that is not part of the frame: reader and writer agree
//! on it beforehand. Where others choose bytes of the payload (a memo, say), a random salt keeps
//! them from hiding a frame inside a frame that a search for frames would take for a real one;
//! elsewhere it is 0.
//!
//! CRC-32C is the Castagnoli polynomial 0x1EDC6F41, reflected (0x82F63B78), start value and final
//! XOR 0xFFFFFFFF. It notices every change of up to 32 adjacent bits, and of more bits in all but
//! one of 2^32 cases. It is no protection against somebody who writes the file on purpose.

mod checksum;

use core::convert::Infallible;

use embedded_io::{Read, Write};

use self::checksum::{begin, update};
use crate::params::FRAME_PAYLOAD_MAX_BYTES;

/// What a frame takes beside its payload.
pub const FRAME_OVERHEAD_BYTES: usize = 9;

/// What is read at once of a payload that nobody holds: little, since it lies on a device's stack.
const CHUNK_BYTES: usize = 64;

/// A record as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// What the payload is, in the terms of the user of the frame.
    pub kind: u8,
    /// The payload, whose checksum was right.
    pub payload: &'b [u8],
}

/// A record that was read piece by piece and whose checksum was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// What the payload is, in the terms of the user of the frame.
    pub kind: u8,
    /// Length of the payload in bytes.
    pub length: usize,
    /// The record's checksum.
    pub checksum: u32,
}

/// Why there is no record, where the stream does not simply end before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E> {
    /// The stream ends inside the record.
    #[error("the record ends after {got} of {expected} bytes")]
    Truncated {
        /// How many bytes there are.
        got: usize,
        /// How many the record has, as far as it says.
        expected: usize,
    },
    /// The record is not as it was written.
    #[error("the record's checksum is {got:08x}, its content has {expected:08x}")]
    Checksum {
        /// The checksum that stands in the record.
        got: u32,
        /// The checksum of what was read.
        expected: u32,
    },
    /// The record claims to be longer than the limit or the buffer.
    #[error("the record claims {got} bytes of payload, the limit is {limit}")]
    TooLong {
        /// The length that stands in the record.
        got: u32,
        /// The longest payload that can be read.
        limit: usize,
    },
    /// The stream failed.
    #[error("reading failed: {0}")]
    Stream(E),
}

/// Why a record was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The payload is longer than any reader accepts. Nothing was written.
    #[error("the payload has {got} bytes, the limit is {limit}")]
    TooLong {
        /// Length of the payload.
        got: usize,
        /// The longest payload.
        limit: usize,
    },
    /// The stream takes no more bytes. A part of the record may be written.
    #[error("the stream takes no more bytes")]
    Full,
    /// The stream failed. A part of the record may be written.
    #[error("writing failed: {0}")]
    Stream(E),
}

/// Feeds bytes to the register of the checksum. Whoever has a faster way than [`feed`] answers for it: its records are
/// read by others.
pub type Feed = fn(u32, &[u8]) -> u32;

/// Feeds bytes to the register of the checksum, whose start value is `u32::MAX`.
pub fn feed(register: u32, bytes: &[u8]) -> u32 {
    update(register, bytes)
}

/// What stands before a payload that is at hand. There is none where the payload is too long for a record.
pub fn head(salt: u32, kind: u8, payload: &[u8], feed: Feed) -> Option<[u8; FRAME_OVERHEAD_BYTES]> {
    let length = length_of(payload.len())?;
    let checksum = !feed(begin(salt, length, kind), payload);
    Some(Head { length, kind, checksum }.to_bytes())
}

/// The length of a payload as it stands in a head, where a record can be so long.
fn length_of(size: usize) -> Option<u32> {
    u32::try_from(size).ok().filter(|_| size <= FRAME_PAYLOAD_MAX_BYTES)
}

/// Writes one record and does not flush.
pub fn write<W: Write>(
    writer: &mut W,
    salt: u32,
    kind: u8,
    payload: &[u8],
) -> Result<(), WriteError<W::Error>> {
    write_pieces(writer, salt, kind, &|sink| sink(payload)).map(drop)
}

/// Hands a payload to a sink piece by piece.
pub type Pieces<'p> = dyn Fn(&mut dyn FnMut(&[u8])) + 'p;

/// Writes one record whose payload nobody needs to hold: `payload` hands it to its sink piece by piece,
/// the same bytes each time, and is called three times, since length and checksum stand before it. Does
/// not flush, and returns the checksum.
pub fn write_pieces<W: Write>(
    writer: &mut W,
    salt: u32,
    kind: u8,
    payload: &Pieces<'_>,
) -> Result<u32, WriteError<W::Error>> {
    let mut got = 0_usize;
    payload(&mut |piece| got = got.saturating_add(piece.len()));
    let too_long = WriteError::TooLong { got, limit: FRAME_PAYLOAD_MAX_BYTES };
    let length = length_of(got).ok_or(too_long)?;
    let mut register = begin(salt, length, kind);
    payload(&mut |piece| register = update(register, piece));
    let checksum = !register;
    write_part(writer, &Head { length, kind, checksum }.to_bytes())?;
    let mut written = Ok(());
    payload(&mut |piece| {
        if written.is_ok() {
            written = write_part(writer, piece);
        }
    });
    written.map(|()| checksum)
}

fn write_part<W: Write>(writer: &mut W, part: &[u8]) -> Result<(), WriteError<W::Error>> {
    let mut rest = part;
    while !rest.is_empty() {
        // A writer that breaks its contract and takes nothing must not hang or panic us.
        rest = match writer.write(rest).map_err(WriteError::Stream)? {
            0 => return Err(WriteError::Full),
            written => rest.get(written..).unwrap_or_default(),
        };
    }
    Ok(())
}

/// Reads the next record into the front of `buffer`; `None` where the stream ends before its first
/// byte. After an error the stream stands at no particular place.
pub fn read<'b, R: Read>(
    reader: &mut R,
    salt: u32,
    buffer: &'b mut [u8],
) -> Result<Option<Frame<'b>>, ReadError<R::Error>> {
    let Some(head) = read_head(reader)? else { return Ok(None) };
    let limit = buffer.len().min(FRAME_PAYLOAD_MAX_BYTES);
    let size = head.size(limit)?;
    let payload = buffer.get_mut(..size).unwrap_or_default();
    let filled = fill(reader, payload)?;
    head.check(salt, payload.get(..filled).unwrap_or_default(), feed)
}

/// Reads the next record and hands its payload to `sink` piece by piece, before anybody can know whether
/// it is right: for those who only check, or who give up what they were handed where an error follows.
/// `None` where the stream ends before its first byte.
pub fn read_pieces<R: Read>(
    reader: &mut R,
    salt: u32,
    limit: usize,
    mut sink: impl FnMut(&[u8]),
) -> Result<Option<Passed>, ReadError<R::Error>> {
    let Some(head) = read_head(reader)? else { return Ok(None) };
    let size = head.size(limit.min(FRAME_PAYLOAD_MAX_BYTES))?;
    let (mut register, mut left, mut chunk) = (begin(salt, head.length, head.kind), size, [0; CHUNK_BYTES]);
    while left > 0 {
        let wanted = chunk.get_mut(..left.min(CHUNK_BYTES)).unwrap_or_default();
        let (count, expected) = (wanted.len(), FRAME_OVERHEAD_BYTES + size);
        let filled = fill(reader, wanted)?;
        if filled < count {
            return Err(ReadError::Truncated { got: expected - left + filled, expected });
        }
        register = update(register, wanted);
        sink(wanted);
        left -= count;
    }
    let (got, expected) = (head.checksum, !register);
    if got != expected {
        return Err(ReadError::Checksum { got, expected });
    }
    Ok(Some(Passed { kind: head.kind, length: size, checksum: got }))
}

fn read_head<R: Read>(reader: &mut R) -> Result<Option<Head>, ReadError<R::Error>> {
    let mut head = [0; FRAME_OVERHEAD_BYTES];
    match fill(reader, &mut head)? {
        0 => Ok(None),
        FRAME_OVERHEAD_BYTES => Ok(Some(Head::from_bytes(head))),
        got => Err(ReadError::Truncated { got, expected: FRAME_OVERHEAD_BYTES }),
    }
}

/// Reads the record at the front of `bytes` without copying it; `None` where there are no bytes.
pub fn parse(bytes: &[u8], salt: u32) -> Result<Option<Frame<'_>>, ReadError<Infallible>> {
    parse_with(bytes, salt, feed)
}

/// The same, where the checksum is worked out like this.
pub fn parse_with(bytes: &[u8], salt: u32, feed: Feed) -> Result<Option<Frame<'_>>, ReadError<Infallible>> {
    let Some((head, rest)) = bytes.split_first_chunk::<FRAME_OVERHEAD_BYTES>() else {
        let truncated = ReadError::Truncated { got: bytes.len(), expected: FRAME_OVERHEAD_BYTES };
        return if bytes.is_empty() { Ok(None) } else { Err(truncated) };
    };
    let head = Head::from_bytes(*head);
    let size = head.size(FRAME_PAYLOAD_MAX_BYTES)?;
    head.check(salt, rest.get(..size).unwrap_or(rest), feed)
}

/// How many bytes the record at the front of `bytes` takes, as far as they tell: that of its head
/// where they are fewer, or where the length cannot be right.
pub fn claimed_bytes(bytes: &[u8]) -> usize {
    let head = bytes.first_chunk().copied().map(Head::from_bytes);
    let size = head.and_then(|head| head.size::<Infallible>(FRAME_PAYLOAD_MAX_BYTES).ok());
    FRAME_OVERHEAD_BYTES + size.unwrap_or_default()
}

/// CRC-32C of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !update(u32::MAX, bytes)
}

/// What stands before the payload.
struct Head {
    length: u32,
    kind: u8,
    checksum: u32,
}

impl Head {
    fn from_bytes([l0, l1, l2, l3, kind, c0, c1, c2, c3]: [u8; FRAME_OVERHEAD_BYTES]) -> Self {
        let (length, checksum) = ([l0, l1, l2, l3], [c0, c1, c2, c3]);
        Self { length: u32::from_le_bytes(length), kind, checksum: u32::from_le_bytes(checksum) }
    }

    fn to_bytes(&self) -> [u8; FRAME_OVERHEAD_BYTES] {
        let ([l0, l1, l2, l3], [c0, c1, c2, c3]) = (self.length.to_le_bytes(), self.checksum.to_le_bytes());
        [l0, l1, l2, l3, self.kind, c0, c1, c2, c3]
    }

    /// Length of the payload, where it keeps to `limit`.
    fn size<E>(&self, limit: usize) -> Result<usize, ReadError<E>> {
        let too_long = ReadError::TooLong { got: self.length, limit };
        usize::try_from(self.length).ok().filter(|size| *size <= limit).ok_or(too_long)
    }

    /// Makes a record of the head and as much of its payload as there is.
    fn check<E>(self, salt: u32, payload: &[u8], feed: Feed) -> Result<Option<Frame<'_>>, ReadError<E>> {
        let size = self.size(FRAME_PAYLOAD_MAX_BYTES)?;
        if payload.len() < size {
            let (got, expected) = (FRAME_OVERHEAD_BYTES + payload.len(), FRAME_OVERHEAD_BYTES + size);
            return Err(ReadError::Truncated { got, expected });
        }
        let (got, expected) = (self.checksum, !feed(begin(salt, self.length, self.kind), payload));
        if got != expected {
            return Err(ReadError::Checksum { got, expected });
        }
        Ok(Some(Frame { kind: self.kind, payload }))
    }
}

/// Fills `buffer` as far as the stream goes and returns how far that is.
fn fill<R: Read>(reader: &mut R, buffer: &mut [u8]) -> Result<usize, ReadError<R::Error>> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest).map_err(ReadError::Stream)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn written(salt: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; FRAME_OVERHEAD_BYTES + payload.len()];
        write(&mut bytes.as_mut_slice(), salt, kind, payload).unwrap();
        bytes
    }

    #[test]
    fn crc_agrees_with_published_values() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        // RFC 3720 (iSCSI), B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn bytes_are_as_documented() {
        let bytes = written(0x0403_0201, 7, b"ab");
        let covered = [1, 2, 3, 4, 2, 0, 0, 0, 7, b'a', b'b'];
        assert_eq!(bytes[..5], [2, 0, 0, 0, 7]);
        assert_eq!(bytes[5..9], crc32c(&covered).to_le_bytes());
        assert_eq!(bytes[9..], *b"ab");
    }

    #[test]
    fn a_head_is_what_is_written_before_a_payload() {
        let bytes = written(5, 7, b"payload");
        assert_eq!(head(5, 7, b"payload", feed).as_ref().map(|head| &head[..]), Some(&bytes[..9]));
        assert_eq!(parse_with(&bytes, 5, feed), parse(&bytes, 5));
        let longest = vec![0; FRAME_PAYLOAD_MAX_BYTES + 1];
        assert!(head(5, 7, &longest[1..], feed).is_some());
        assert_eq!(head(5, 7, &longest, feed), None);
        // A checksum that is worked out wrongly is refused.
        assert!(parse_with(&bytes, 5, |register, bytes| feed(register, bytes) ^ 1).is_err());
    }

    #[test]
    fn ends_are_told_apart() {
        let bytes = written(0, 1, b"payload");
        let mut buffer = [0; 7];
        assert_eq!(read(&mut &[][..], 0, &mut buffer), Ok(None));
        for got in 1..bytes.len() {
            let expected = if got < 9 { 9 } else { 16 };
            let error = read(&mut &bytes[..got], 0, &mut buffer);
            assert_eq!(error, Err(ReadError::Truncated { got, expected }));
        }
        let error = read(&mut &bytes[..], 0, &mut buffer[..6]);
        assert_eq!(error, Err(ReadError::TooLong { got: 7, limit: 6 }));
        assert!(matches!(read(&mut &bytes[..], 1, &mut buffer), Err(ReadError::Checksum { .. })));
        // What a file system leaves of a torn write is often zeros: they are no record.
        assert!(matches!(read(&mut &[0; 64][..], 0, &mut buffer), Err(ReadError::Checksum { .. })));
    }

    #[test]
    fn parsing_agrees_with_reading() {
        let bytes = written(5, 1, b"payload");
        for end in 0..=bytes.len() {
            let mut buffer = [0; FRAME_PAYLOAD_MAX_BYTES];
            assert_eq!(parse(&bytes[..end], 5), read(&mut &bytes[..end], 5, &mut buffer));
            assert_eq!(claimed_bytes(&bytes[..end]), if end < 9 { 9 } else { 16 });
        }
        let long = [0xff; 16];
        let limit = FRAME_PAYLOAD_MAX_BYTES;
        assert_eq!(parse(&long, 5), Err(ReadError::TooLong { got: u32::MAX, limit }));
    }

    #[test]
    fn limits_hold_for_the_writer() {
        let payload = vec![0; FRAME_PAYLOAD_MAX_BYTES + 1];
        let mut bytes = vec![0; FRAME_OVERHEAD_BYTES + payload.len()];
        let error = write(&mut bytes.as_mut_slice(), 0, 1, &payload);
        let (got, limit) = (payload.len(), FRAME_PAYLOAD_MAX_BYTES);
        assert_eq!(error, Err(WriteError::TooLong { got, limit }));
        let error = write(&mut &mut bytes[..10], 0, 1, b"ab");
        assert!(matches!(error, Err(WriteError::Stream(_))));
    }

    proptest! {
        #[test]
        fn frames_come_back(salt: u32, records: Vec<(u8, Vec<u8>)>) {
            let stream: Vec<u8> =
                records.iter().flat_map(|(kind, payload)| written(salt, *kind, payload)).collect();
            let (mut reader, mut buffer) = (stream.as_slice(), [0; 256]);
            for (kind, payload) in &records {
                let frame = Frame { kind: *kind, payload };
                prop_assert_eq!(read(&mut reader, salt, &mut buffer), Ok(Some(frame)));
            }
            prop_assert_eq!(read(&mut reader, salt, &mut buffer), Ok(None));
        }

        #[test]
        fn pieces_make_the_same_record(
            salt: u32, kind: u8, payload in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..80
        ) {
            let mut bytes = vec![0; FRAME_OVERHEAD_BYTES + payload.len()];
            let pieces = |sink: &mut dyn FnMut(&[u8])| payload.chunks(size).for_each(sink);
            let checksum = write_pieces(&mut bytes.as_mut_slice(), salt, kind, &pieces).unwrap();
            prop_assert_eq!(&bytes, &written(salt, kind, &payload));
            let (mut reader, mut read) = (bytes.as_slice(), Vec::new());
            let passed = read_pieces(&mut reader, salt, payload.len(), |piece| read.extend_from_slice(piece));
            prop_assert_eq!(passed, Ok(Some(Passed { kind, length: payload.len(), checksum })));
            prop_assert_eq!(&read, &payload);
            prop_assert_eq!(read_pieces(&mut reader, salt, 0, |_| {}), Ok(None));
            for end in 0..bytes.len() {
                let mut buffer = [0; 300];
                let whole = super::read(&mut &bytes[..end], salt, &mut buffer).map(|frame| frame.is_some());
                let passed = read_pieces(&mut &bytes[..end], salt, 300, |_| {}).map(|passed| passed.is_some());
                prop_assert_eq!(passed, whole);
            }
        }

        #[test]
        fn any_changed_byte_is_noticed(
            salt: u32, kind: u8, payload: Vec<u8>, behind: Vec<u8>, at: prop::sample::Index, flip in 1_u8..
        ) {
            let mut bytes = written(salt, kind, &payload);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            bytes.extend(behind);
            prop_assert!(read(&mut bytes.as_slice(), salt, &mut [0; 512]).is_err());
            let passed = read_pieces(&mut bytes.as_slice(), salt, 512, |_| {});
            prop_assert!(passed.is_err());
        }
    }
}
