//! SHA-1 (FIPS 180-4 section 6.1), by which a server shows that it read a WebSocket's key; it protects
//! nothing. The library's has its rounds written out, three kilobytes for a hash a connection.

use core::iter::repeat_n;

const INITIAL: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

/// SHA-1 of `parts`, one after another.
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let (mut state, mut words) = (INITIAL, [0_u32; 16]);
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Behind the message stand a set bit, zeros, and its length in bits at the end of a block.
    let zeros = (64 + 55 - length % 64) % 64;
    let padding = [0x80].into_iter().chain(repeat_n(0, zeros)).chain((length as u64 * 8).to_be_bytes());
    let message = parts.iter().copied().flatten().copied();
    for (place, byte) in message.chain(padding).enumerate() {
        if let Some(word) = words.get_mut(place / 4 % 16) {
            *word = *word << 8 | u32::from(byte);
        }
        if place % 64 == 63 {
            compress(&mut state, &mut words);
        }
    }
    let mut digest = [0; 20];
    let (bytes, _) = digest.as_chunks_mut();
    bytes.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    digest
}

/// Takes one block into the state. Its words become those of the message schedule.
#[allow(clippy::indexing_slicing, reason = "all indices are below 16")]
fn compress(state: &mut [u32; 5], words: &mut [u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for round in 0..80 {
        let (mixed, constant) = match round / 20 {
            0 => (d ^ (b & (c ^ d)), 0x5A82_7999_u32),
            1 => (b ^ c ^ d, 0x6ED9_EBA1),
            2 => ((b & c) | (d & (b | c)), 0x8F1B_BCDC),
            _ => (b ^ c ^ d, 0xCA62_C1D6),
        };
        let ahead = |by: usize| words[(round + by) & 15];
        let word = ahead(0);
        let next = (word ^ ahead(2) ^ ahead(8) ^ ahead(13)).rotate_left(1);
        words[round & 15] = next;
        let sum = [a.rotate_left(5), mixed, e, constant].into_iter().fold(word, u32::wrapping_add);
        (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
    }
    state.iter_mut().zip([a, b, c, d, e]).for_each(|(before, after)| *before = before.wrapping_add(after));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha1::{Digest, Sha1};
    use std::vec::Vec;

    proptest! {
        #[test]
        fn digests_are_those_of_the_library(first: Vec<u8>, second: Vec<u8>) {
            let expected: [u8; 20] = Sha1::new().chain_update(&first).chain_update(&second).finalize().into();
            prop_assert_eq!(sha1(&[&first, &second]), expected);
        }
    }
}
