//! Lower-case hex of secrets, kept in memory that is wiped.

use zeroize::Zeroizing;

/// The lower-case hex digits of `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    // The room is reserved at once: a growing string would leave copies of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is one digit"));
        }
    }
    text
}

/// The `N` bytes that `text` spells, or none if it is not exactly `2 * N` lower-case hex digits.
///
/// Upper case is refused, so that a value has one spelling.
pub(super) fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// The bytes that `text` spells, or none if it is not pairs of lower-case hex digits.
pub(crate) fn decode_all(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    rest.is_empty().then_some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_one_spelling() {
        assert_eq!(*encode(&[0x00, 0x9a, 0xff]), "009aff");
        assert_eq!(*decode::<3>("009aff").unwrap(), [0x00, 0x9a, 0xff]);
        for wrong in ["", "009af", "009aff0", "009aff00", "009aFf", "009ag0", "0x9aff", "é9aff"] {
            assert!(decode::<3>(wrong).is_none(), "{wrong}");
            let is_even = ["", "009aff00"].contains(&wrong);
            assert_eq!(decode_all(wrong).is_some(), is_even, "{wrong}");
        }
    }
}
