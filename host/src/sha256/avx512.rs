//! Sixteen messages side by side, with AVX-512F: rotations and functions of three bits are one instruction each.
#![expect(unsafe_code, reason = "instructions that not every processor has")]

use std::arch::x86_64::*;

use super::rounds::{LANES_MAX, Task, Vector};

/// Says that the processor has AVX-512F: there is no other way to get one than [`Unit::find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(());

impl Unit {
    /// Looks for the instructions.
    pub fn find() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    /// Does something with vectors of 16 words.
    pub fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx512f")]
        fn run<T: Task>(unit: Unit, task: T) -> T::Output {
            task.run::<Words>(unit)
        }
        // SAFETY: this value says that the processor has the instructions.
        unsafe { run(self, task) }
    }
}

#[derive(Clone, Copy)]
struct Words(__m512i);

// SAFETY, of every block below: the instructions are there, since a vector or a unit is.
impl Vector for Words {
    type Unit = Unit;

    const LANES: u32 = 16;

    #[inline(always)]
    fn load(_: Unit, words: &[u32; LANES_MAX]) -> Self {
        // SAFETY: as said above; there are as many words as are read, and they may lie anywhere.
        Self(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self) -> [u32; LANES_MAX] {
        let mut words = [0; LANES_MAX];
        // SAFETY: as said above; there is room for as many words as are written, wherever it lies.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn all(_: Unit, word: u32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    fn nonces(unit: Unit, first: u32) -> Self {
        // SAFETY: as said above.
        let lanes = unsafe { _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) };
        let nonces = Self::all(unit, first).add(Self(lanes));
        // AVX-512F alone has no shuffle of bytes: bytes 0 and 2 come from one rotation, 1 and 3 from the other.
        Self::all(unit, 0x00ff_00ff).choose(nonces.rotate::<24, 8>(), nonces.rotate::<8, 24>())
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate<const RIGHT: i32, const LEFT: i32>(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_ror_epi32::<RIGHT>(self.0) })
    }

    #[inline(always)]
    fn shift_3(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_srli_epi32::<3>(self.0) })
    }

    #[inline(always)]
    fn shift_10(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_srli_epi32::<10>(self.0) })
    }

    #[inline(always)]
    fn parity(self, second: Self, third: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_ternarylogic_epi32::<0x96>(self.0, second.0, third.0) })
    }

    #[inline(always)]
    fn choose(self, second: Self, third: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_ternarylogic_epi32::<0xca>(self.0, second.0, third.0) })
    }

    #[inline(always)]
    fn majority(self, second: Self, third: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_ternarylogic_epi32::<0xe8>(self.0, second.0, third.0) })
    }

    #[inline(always)]
    fn at_most(self, limit: u32) -> u32 {
        // SAFETY: as said above.
        u32::from(unsafe { _mm512_cmple_epu32_mask(self.0, _mm512_set1_epi32(limit.cast_signed())) })
    }
}
