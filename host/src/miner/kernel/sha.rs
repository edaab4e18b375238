//! Two attempts side by side, with the SHA extensions.
#![expect(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::x86_64::*;

use super::prepared::{Prepared, small_0};
use crate::sha256::constants::INITIAL;
use crate::sha256::sha::{LANES, State, Unit, four, four_rounds, next_words};

/// As [`super::search::Search`].
pub fn search(_: Unit, prepared: &Prepared, first: u32, count: u32, limit: u32) -> Option<u32> {
    // SAFETY: a unit says that the processor has the instructions.
    unsafe { try_all(prepared, first, count, limit) }
}

#[target_feature(enable = "sha,sse4.1")]
#[expect(clippy::needless_range_loop, reason = "lanes take turns, group by group")]
fn try_all(prepared: &Prepared, first: u32, count: u32, limit: u32) -> Option<u32> {
    let [a, b, c, d, e, f, g, h] = prepared.state;
    let start = State { abef: four([f, e, b, a]), cdgh: four([h, g, d, c]) };
    let words = |at: usize| four(std::array::from_fn(|lane| prepared.words[at + lane]));
    let (second, third, fourth, fifth) = (words(8), words(12), words(16), words(20));
    (0..count / LANES as u32).find_map(|pair| {
        let nonces: [u32; LANES] =
            std::array::from_fn(|lane| first.wrapping_add(pair * LANES as u32 + lane as u32));
        let mut state = [start; LANES];
        let mut schedule = nonces.map(|nonce| {
            let word = nonce.swap_bytes();
            let last = prepared.words[23].wrapping_add(small_0(word));
            let with_nonce = _mm_insert_epi32::<0>(second, word.cast_signed());
            [with_nonce, third, fourth, _mm_insert_epi32::<3>(fifth, last.cast_signed())]
        });
        for group in 0..4 {
            for lane in 0..LANES {
                state[lane] = four_rounds(state[lane], 8 + 4 * group, schedule[lane][group]);
            }
        }
        for group in 0..10 {
            for lane in 0..LANES {
                let next = next_words(&schedule[lane], group);
                schedule[lane][group % 4] = next;
                state[lane] = four_rounds(state[lane], 24 + 4 * group, next);
            }
        }
        let leading =
            state.map(|state| _mm_extract_epi32::<3>(state.abef).cast_unsigned().wrapping_add(INITIAL[0]));
        nonces.into_iter().zip(leading).find(|(_, leading)| *leading <= limit).map(|(nonce, _)| nonce)
    })
}
