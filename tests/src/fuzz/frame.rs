//! Checksummed records: three readers agree on any bytes, and what was written is read.

use mote_core::frame::{
    FRAME_OVERHEAD_BYTES, Frame, ReadError, claimed_bytes, crc32c, parse, read, read_pieces, write,
};

use super::Choices;

/// Room for the longest payload of an input, and less than some claim.
const BUFFER_BYTES: usize = 4_096;

/// The first byte says whether the rest are records as they stand, or decisions about some that are written.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let is_raw = choices.byte().is_multiple_of(2);
    let salt = u32::from(choices.byte());
    let bytes = if is_raw { choices.rest().to_vec() } else { written(salt, &mut choices) };
    agree(&bytes, salt);
}

/// Records one behind another.
pub fn seeds() -> Vec<Vec<u8>> {
    let both = [record(3, 1, b"payload"), record(3, 0xff, b"")].concat();
    vec![[&[0, 3][..], &both].concat(), vec![0; 20], vec![1, 3, 2, 5, 1, 2, 3, 4, 5, 9, 3, 7, 7, 7]]
}

fn record(salt: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; FRAME_OVERHEAD_BYTES + payload.len()];
    write(&mut bytes.as_mut_slice(), salt, kind, payload).expect("the buffer is as long as the record");
    bytes
}

/// Some records, read back, and then changed.
fn written(salt: u32, choices: &mut Choices<'_>) -> Vec<u8> {
    let (mut bytes, mut records) = (Vec::new(), Vec::new());
    for _ in 0..choices.below(5) {
        let (kind, payload) = (choices.byte(), choices.bytes(200));
        bytes.extend(record(salt, kind, payload));
        records.push((kind, payload));
    }
    let mut rest = bytes.as_slice();
    for (kind, payload) in records {
        let frame = parse(rest, salt);
        assert_eq!(frame, Ok(Some(Frame { kind, payload })));
        assert_eq!(claimed_bytes(rest), FRAME_OVERHEAD_BYTES + payload.len());
        rest = &rest[FRAME_OVERHEAD_BYTES + payload.len()..];
    }
    assert_eq!(parse(rest, salt), Ok(None));
    for _ in 0..choices.below(4) {
        choices.mutate(&mut bytes);
    }
    bytes
}

/// Reads record after record by all readers.
fn agree(bytes: &[u8], salt: u32) {
    let mut rest = bytes;
    loop {
        let parsed = parse(rest, salt);
        let (mut buffer, mut reader) = (vec![0; BUFFER_BYTES], rest);
        let whole = read(&mut reader, salt, &mut buffer);
        let behind_whole = reader;
        let (mut pieces, mut reader) = (Vec::new(), rest);
        let passed = read_pieces(&mut reader, salt, BUFFER_BYTES, |piece| pieces.extend_from_slice(piece));
        assert_eq!(
            passed.map(|passed| passed.map(|passed| (passed.kind, passed.length))),
            whole.map(|frame| frame.map(|frame| (frame.kind, frame.payload.len())))
        );
        match (parsed, whole) {
            (Ok(Some(frame)), Ok(read)) => {
                assert_eq!(Some(frame), read);
                assert_eq!(pieces, frame.payload);
                assert_eq!(reader, behind_whole);
                let length = FRAME_OVERHEAD_BYTES + frame.payload.len();
                assert_eq!((claimed_bytes(rest), behind_whole), (length, &rest[length..]));
                check_sum(&rest[..length], salt);
                rest = &rest[length..];
            }
            (Ok(None), Ok(None)) => return assert!(rest.is_empty()),
            // A reader with a buffer has a limit of its own.
            (_, Err(ReadError::TooLong { got, limit: BUFFER_BYTES })) => {
                return assert!(got as usize > BUFFER_BYTES);
            }
            (Err(parsed), Err(whole)) => return assert_eq!(parsed, whole),
            (parsed, whole) => panic!("{parsed:?} and {whole:?}"),
        }
    }
}

/// The checksum covers what the format says, in its order.
fn check_sum(record: &[u8], salt: u32) {
    let covered = [&salt.to_le_bytes()[..], &record[..5], &record[FRAME_OVERHEAD_BYTES..]].concat();
    assert_eq!(record[5..FRAME_OVERHEAD_BYTES], crc32c(&covered).to_le_bytes());
}
