//! Two messages side by side, with the SHA extensions: one alone leaves their pipeline half empty.
#![expect(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::x86_64::*;

use super::constants::ROUNDS;

/// How many messages go side by side.
pub const LANES: usize = 2;

/// Says that the processor has the SHA extensions: there is no other way to get one than [`Unit::find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(());

impl Unit {
    /// Looks for the instructions.
    pub fn find() -> Option<Self> {
        let is_there = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
        is_there.then_some(Self(()))
    }

    /// Compresses a block of each message (section 6.2.2).
    pub fn compress(self, states: &mut [[u32; 8]; LANES], blocks: &[[u32; 16]; LANES]) {
        // SAFETY: this value says that the processor has the instructions.
        unsafe { compress(states, blocks) }
    }
}

/// The variables of one message, as the instructions want them.
#[derive(Clone, Copy)]
pub struct State {
    /// The first, second, fifth and sixth.
    pub abef: __m128i,
    /// The others.
    pub cdgh: __m128i,
}

#[target_feature(enable = "sha,sse4.1")]
#[expect(clippy::needless_range_loop, reason = "lanes take turns, group by group")]
fn compress(states: &mut [[u32; 8]; LANES], blocks: &[[u32; 16]; LANES]) {
    let mut state =
        states.map(|[a, b, c, d, e, f, g, h]| State { abef: four([f, e, b, a]), cdgh: four([h, g, d, c]) });
    let before = state;
    let mut schedule = blocks.map(|words| {
        let words = |at: usize| four(std::array::from_fn(|lane| words[at + lane]));
        [words(0), words(4), words(8), words(12)]
    });
    for group in 0..4 {
        for lane in 0..LANES {
            state[lane] = four_rounds(state[lane], 4 * group, schedule[lane][group]);
        }
    }
    for group in 0..12 {
        for lane in 0..LANES {
            let next = next_words(&schedule[lane], group);
            schedule[lane][group % 4] = next;
            state[lane] = four_rounds(state[lane], 16 + 4 * group, next);
        }
    }
    for lane in 0..LANES {
        let [f, e, b, a] = words_of(_mm_add_epi32(state[lane].abef, before[lane].abef));
        let [h, g, d, c] = words_of(_mm_add_epi32(state[lane].cdgh, before[lane].cdgh));
        states[lane] = [a, b, c, d, e, f, g, h];
    }
}

#[target_feature(enable = "sse4.1")]
fn words_of(four: __m128i) -> [u32; 4] {
    let words = [
        _mm_extract_epi32::<0>(four),
        _mm_extract_epi32::<1>(four),
        _mm_extract_epi32::<2>(four),
        _mm_extract_epi32::<3>(four),
    ];
    words.map(i32::cast_unsigned)
}

/// Four words, the first lowest.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(crate) fn four(words: [u32; 4]) -> __m128i {
    let [first, second, third, fourth] = words.map(u32::cast_signed);
    _mm_setr_epi32(first, second, third, fourth)
}

/// Rounds `at` to `at + 3`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn four_rounds(State { abef, cdgh }: State, at: usize, words: __m128i) -> State {
    let constants = four(std::array::from_fn(|lane| ROUNDS[at + lane]));
    let input = _mm_add_epi32(words, constants);
    let half = _mm_sha256rnds2_epu32(cdgh, abef, input);
    State { abef: _mm_sha256rnds2_epu32(abef, half, _mm_shuffle_epi32::<0x0e>(input)), cdgh: half }
}

/// The four words that follow upon sixteen, the oldest of which are those of `group`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn next_words(schedule: &[__m128i; 4], group: usize) -> __m128i {
    let [oldest, second, third, newest] = std::array::from_fn(|age| schedule[(group + age) % 4]);
    let behind = _mm_alignr_epi8::<4>(newest, third);
    _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(oldest, second), behind), newest)
}
