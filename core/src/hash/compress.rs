//! The compression function of SHA-256 (FIPS 180-4 section 6.2.2).
//!
//! Where there is an operating system, the hash library has it in the instructions of the processor. On a
//! device the library's small form is used for signatures, where it hardly counts; what a device does all
//! day, folding paths and mining, takes this one: sixteen rounds are written out, which is as fast as all
//! sixty-four on a processor that has no cache, in a third of the code.

/// The initial hash value (section 5.3.3).
pub const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The constants of the rounds (section 4.2.2), sixteen at a time.
const ROUNDS: [[u32; 16]; 4] = [
    [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
    ],
    [
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
    ],
    [
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
    ],
    [
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ],
];

/// Takes one block into the state.
#[cfg(not(target_os = "none"))]
pub fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    sha2::block_api::compress256(state, core::slice::from_ref(block));
}

/// Takes one block into the state.
#[cfg(target_os = "none")]
pub use written_out as compress;

/// Takes one block into the state, with sixteen rounds written out.
#[cfg_attr(not(any(test, target_os = "none")), expect(dead_code, reason = "the library is faster here"))]
pub fn written_out(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut words = [0; 16];
    let (chunks, _) = block.as_chunks();
    words.iter_mut().zip(chunks).for_each(|(word, bytes)| *word = u32::from_be_bytes(*bytes));
    let mut work = *state;
    for (index, constants) in ROUNDS.iter().enumerate() {
        if index > 0 {
            extend(&mut words);
        }
        sixteen(&mut work, &words, constants);
    }
    state.iter_mut().zip(work).for_each(|(before, after)| *before = before.wrapping_add(after));
}

/// The next sixteen words of the message schedule, in the place of those before them.
#[inline(always)]
fn extend(words: &mut [u32; 16]) {
    extend_at(words, 0);
    extend_at(words, 1);
    extend_at(words, 2);
    extend_at(words, 3);
    extend_at(words, 4);
    extend_at(words, 5);
    extend_at(words, 6);
    extend_at(words, 7);
    extend_at(words, 8);
    extend_at(words, 9);
    extend_at(words, 10);
    extend_at(words, 11);
    extend_at(words, 12);
    extend_at(words, 13);
    extend_at(words, 14);
    extend_at(words, 15);
}

#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "all indices are below 16")]
fn extend_at(words: &mut [u32; 16], at: usize) {
    let (near, far) = (words[(at + 1) & 15], words[(at + 14) & 15]);
    let small_0 = near.rotate_right(7) ^ near.rotate_right(18) ^ (near >> 3);
    let small_1 = far.rotate_right(17) ^ far.rotate_right(19) ^ (far >> 10);
    words[at] = words[at].wrapping_add(small_0).wrapping_add(words[(at + 9) & 15]).wrapping_add(small_1);
}

#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "all indices are below 16")]
fn sixteen(work: &mut [u32; 8], words: &[u32; 16], constants: &[u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *work;
    // Instead of moving every variable on by one, the names move.
    (d, h) = round(a, b, c, d, e, f, g, h, constants[0].wrapping_add(words[0]));
    (c, g) = round(h, a, b, c, d, e, f, g, constants[1].wrapping_add(words[1]));
    (b, f) = round(g, h, a, b, c, d, e, f, constants[2].wrapping_add(words[2]));
    (a, e) = round(f, g, h, a, b, c, d, e, constants[3].wrapping_add(words[3]));
    (h, d) = round(e, f, g, h, a, b, c, d, constants[4].wrapping_add(words[4]));
    (g, c) = round(d, e, f, g, h, a, b, c, constants[5].wrapping_add(words[5]));
    (f, b) = round(c, d, e, f, g, h, a, b, constants[6].wrapping_add(words[6]));
    (e, a) = round(b, c, d, e, f, g, h, a, constants[7].wrapping_add(words[7]));
    (d, h) = round(a, b, c, d, e, f, g, h, constants[8].wrapping_add(words[8]));
    (c, g) = round(h, a, b, c, d, e, f, g, constants[9].wrapping_add(words[9]));
    (b, f) = round(g, h, a, b, c, d, e, f, constants[10].wrapping_add(words[10]));
    (a, e) = round(f, g, h, a, b, c, d, e, constants[11].wrapping_add(words[11]));
    (h, d) = round(e, f, g, h, a, b, c, d, constants[12].wrapping_add(words[12]));
    (g, c) = round(d, e, f, g, h, a, b, c, constants[13].wrapping_add(words[13]));
    (f, b) = round(c, d, e, f, g, h, a, b, constants[14].wrapping_add(words[14]));
    (e, a) = round(b, c, d, e, f, g, h, a, constants[15].wrapping_add(words[15]));
    *work = [a, b, c, d, e, f, g, h];
}

/// One round: the new values of the fourth and of the last variable.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the eight variables of the standard, and the round's input")]
fn round(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32, input: u32) -> (u32, u32) {
    let big_1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
    let choice = g ^ (e & (f ^ g));
    let first = h.wrapping_add(big_1).wrapping_add(choice).wrapping_add(input);
    let big_0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
    let majority = (a & b) | (c & (a | b));
    (d.wrapping_add(first), first.wrapping_add(big_0).wrapping_add(majority))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_forms_agree(state: [u32; 8], words: [[u8; 32]; 2]) {
            let mut block = [0; 64];
            block[..32].copy_from_slice(&words[0]);
            block[32..].copy_from_slice(&words[1]);
            let (mut ours, mut theirs) = (state, state);
            written_out(&mut ours, &block);
            compress(&mut theirs, &block);
            prop_assert_eq!(ours, theirs);
        }
    }
}
