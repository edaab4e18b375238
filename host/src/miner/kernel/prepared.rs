//! What all attempts upon one header have in common (FIPS 180-4 section 6.2.2).
//!
//! The block is `commitment || nonce || padding`: words 0 to 7, words 8 and 9, words 10 to 15. As long as the high
//! half of the nonce stays, only word 8 changes, and with it rounds 8 and later and the words from 23 on.

use mote_core::hash::Hash32;

use crate::sha256::constants::{INITIAL, ROUNDS};

/// What is worked out once for a header and the high half of a nonce.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The variables after rounds 0 to 7.
    pub state: [u32; 8],
    /// Words 0 to 31 of the message schedule. Word 8 is zero, and of words 23 to 31 it is what does not come
    /// from word 8 or from words behind 22.
    pub words: [u32; 32],
}

impl Prepared {
    /// For the header with this commitment and nonces with this high half.
    pub fn new(commitment: &Hash32, high: u32) -> Self {
        let mut words = [0; 32];
        let (chunks, _) = commitment.as_bytes().as_chunks();
        words.iter_mut().zip(chunks).for_each(|(word, bytes)| *word = u32::from_be_bytes(*bytes));
        // The nonce is little-endian, a word of the message is not.
        words[9] = high.swap_bytes();
        // A set bit behind the message, and its length in bits (section 5.1.1).
        words[10] = 0x8000_0000;
        words[15] = 40 * 8;
        for at in 16..23 {
            let (far, near) = (small_1(words[at - 2]), small_0(words[at - 15]));
            words[at] = sum(&[far, words[at - 7], near, words[at - 16]]);
        }
        words[23] = sum(&[small_1(words[21]), words[16], words[7]]);
        words[24] = sum(&[small_1(words[22]), words[17], small_0(words[9])]);
        words[25] = sum(&[words[18], small_0(words[10]), words[9]]);
        words[26] = sum(&[words[19], words[10]]);
        (words[27], words[28], words[29]) = (words[20], words[21], words[22]);
        words[30] = small_0(words[15]);
        words[31] = sum(&[small_0(words[16]), words[15]]);
        let mut state = INITIAL;
        for (constant, word) in ROUNDS.iter().zip(words).take(8) {
            state = round(state, constant.wrapping_add(word));
        }
        Self { state, words }
    }
}

/// The function that the standard writes as a small sigma with index 0.
pub fn small_0(word: u32) -> u32 {
    word.rotate_right(7) ^ word.rotate_right(18) ^ (word >> 3)
}

fn small_1(word: u32) -> u32 {
    word.rotate_right(17) ^ word.rotate_right(19) ^ (word >> 10)
}

fn sum(words: &[u32]) -> u32 {
    words.iter().fold(0, |sum, word| sum.wrapping_add(*word))
}

fn round([a, b, c, d, e, f, g, h]: [u32; 8], input: u32) -> [u32; 8] {
    let big_1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
    let first = sum(&[h, big_1, g ^ (e & (f ^ g)), input]);
    let big_0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
    [sum(&[first, big_0, (a & b) | (c & (a | b))]), a, b, c, d.wrapping_add(first), e, f, g]
}
