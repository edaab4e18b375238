//! What all attempts upon one header have in common (FIPS 180-4 section 6.2.2).
//!
//! The block is `commitment || nonce || padding`: words 0 to 7, words 8 and 9, words 10 to 15. As long as the high
//! half of the nonce stays, only word 8 changes, and with it rounds 8 and later and the words from 23 on.

use mote_core::hash::Hash32;

/// The initial hash value (section 5.3.3).
pub const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The constants of the rounds (section 4.2.2).
#[rustfmt::skip]
pub const ROUNDS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

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
