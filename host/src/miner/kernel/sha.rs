//! Two attempts side by side, with the SHA extensions: one alone leaves their pipeline half empty.
#![expect(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::x86_64::*;

use super::prepared::{INITIAL, Prepared, ROUNDS, small_0};

/// How many attempts go side by side.
const LANES: usize = 2;

/// Says that the processor has the SHA extensions: there is no other way to get one than [`Unit::find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(());

impl Unit {
    /// Looks for the instructions.
    pub fn find() -> Option<Self> {
        let is_there = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
        is_there.then_some(Self(()))
    }

    /// As [`super::rounds::search`].
    pub fn search(self, prepared: &Prepared, first: u32, count: u32, limit: u32) -> Option<u32> {
        // SAFETY: this value says that the processor has the instructions.
        unsafe { search(prepared, first, count, limit) }
    }
}

/// The variables of one attempt, as the instructions want them.
#[derive(Clone, Copy)]
struct State {
    abef: __m128i,
    cdgh: __m128i,
}

#[target_feature(enable = "sha,sse4.1")]
#[expect(clippy::needless_range_loop, reason = "lanes take turns, group by group")]
fn search(prepared: &Prepared, first: u32, count: u32, limit: u32) -> Option<u32> {
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

#[target_feature(enable = "sse4.1")]
fn four(words: [u32; 4]) -> __m128i {
    let [first, second, third, fourth] = words.map(u32::cast_signed);
    _mm_setr_epi32(first, second, third, fourth)
}

/// Rounds `at` to `at + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn four_rounds(State { abef, cdgh }: State, at: usize, words: __m128i) -> State {
    let constants = four(std::array::from_fn(|lane| ROUNDS[at + lane]));
    let input = _mm_add_epi32(words, constants);
    let half = _mm_sha256rnds2_epu32(cdgh, abef, input);
    State { abef: _mm_sha256rnds2_epu32(abef, half, _mm_shuffle_epi32::<0x0e>(input)), cdgh: half }
}

/// The four words that follow upon sixteen, the oldest of which are those of `group`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn next_words(schedule: &[__m128i; 4], group: usize) -> __m128i {
    let [oldest, second, third, newest] = std::array::from_fn(|age| schedule[(group + age) % 4]);
    let behind = _mm_alignr_epi8::<4>(newest, third);
    _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(oldest, second), behind), newest)
}
