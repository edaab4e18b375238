//! Eight messages side by side, with AVX2.
#![expect(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::x86_64::*;

use super::rounds::{LANES_MAX, Task, Vector, digests_one_by_one, words_one_by_one};

/// Says that the processor has AVX2: there is no other way to get one than [`Unit::find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(());

impl Unit {
    /// Looks for the instructions.
    pub fn find() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Does something with vectors of 8 words.
    pub fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx2")]
        fn run<T: Task>(unit: Unit, task: T) -> T::Output {
            task.run::<Words>(unit)
        }
        // SAFETY: this value says that the processor has the instructions.
        unsafe { run(self, task) }
    }
}

#[derive(Clone, Copy)]
struct Words(__m256i);

impl Words {
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: the instructions are there, since a vector is.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: the instructions are there, since a vector is.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }
}

// SAFETY, of every block below: the instructions are there, since a vector or a unit is.
impl Vector for Words {
    type Unit = Unit;

    const LANES: u32 = 8;

    #[inline(always)]
    fn words(unit: Unit, blocks: &[[u8; 64]; LANES_MAX]) -> [Self; 16] {
        let mut words = [Self::all(unit, 0); 16];
        for (word, lanes) in words.iter_mut().zip(words_one_by_one::<8>(blocks)) {
            // SAFETY: as said above; there are as many words as are read, and they may lie anywhere.
            word.0 = unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
        }
        words
    }

    #[inline(always)]
    fn digests(_: Unit, state: &[Self; 8]) -> [[u8; 32]; LANES_MAX] {
        let mut variables = [[0; 8]; 8];
        for (lanes, variable) in variables.iter_mut().zip(state) {
            // SAFETY: as said above; there is room for as many words as are written, wherever it lies.
            unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), variable.0) };
        }
        digests_one_by_one(&variables)
    }

    #[inline(always)]
    fn all(_: Unit, word: u32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    fn nonces(unit: Unit, first: u32) -> Self {
        // SAFETY: as said above.
        let lanes = unsafe { _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7) };
        let nonces = Self::all(unit, first).add(Self(lanes));
        // SAFETY: as said above.
        Self(unsafe {
            let swapped = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
            _mm256_shuffle_epi8(nonces.0, _mm256_broadcastsi128_si256(swapped))
        })
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate<const RIGHT: i32, const LEFT: i32>(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe {
            _mm256_or_si256(_mm256_srli_epi32::<RIGHT>(self.0), _mm256_slli_epi32::<LEFT>(self.0))
        })
    }

    #[inline(always)]
    fn shift_3(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_srli_epi32::<3>(self.0) })
    }

    #[inline(always)]
    fn shift_10(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_srli_epi32::<10>(self.0) })
    }

    #[inline(always)]
    fn parity(self, second: Self, third: Self) -> Self {
        self.xor(second).xor(third)
    }

    #[inline(always)]
    fn choose(self, second: Self, third: Self) -> Self {
        third.xor(self.and(second.xor(third)))
    }

    /// Where the first two differ, the third's bits, else those of the second. The exclusive or of the first two is
    /// that of the last two a round later.
    #[inline(always)]
    fn majority(self, second: Self, third: Self) -> Self {
        second.xor(self.xor(second).and(second.xor(third)))
    }

    #[inline(always)]
    fn at_most(self, limit: u32) -> u32 {
        // SAFETY: as said above.
        let hits = unsafe {
            let least = _mm256_min_epu32(self.0, _mm256_set1_epi32(limit.cast_signed()));
            _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(least, self.0)))
        };
        hits.cast_unsigned()
    }
}
