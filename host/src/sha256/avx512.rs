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

impl Words {
    /// AVX-512F alone has no shuffle of bytes: bytes 0 and 2 of a word come from one rotation, 1 and 3 from the other.
    #[inline(always)]
    fn bytes_reversed(self, unit: Unit) -> Self {
        Self::all(unit, 0x00ff_00ff).choose(self.rotate::<24, 8>(), self.rotate::<8, 24>())
    }
}

/// The columns of four rows of sixteen words: the quarters of vector `number` are columns `number`, `number + 4`,
/// `number + 8` and `number + 12`.
#[inline(always)]
fn columns_of_four([a, b, c, d]: [Words; 4]) -> [Words; 4] {
    // SAFETY: the instructions are there, since a vector is.
    unsafe {
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a.0, b.0), _mm512_unpackhi_epi32(a.0, b.0));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c.0, d.0), _mm512_unpackhi_epi32(c.0, d.0));
        [
            Words(_mm512_unpacklo_epi64(ab_low, cd_low)),
            Words(_mm512_unpackhi_epi64(ab_low, cd_low)),
            Words(_mm512_unpacklo_epi64(ab_high, cd_high)),
            Words(_mm512_unpackhi_epi64(ab_high, cd_high)),
        ]
    }
}

// SAFETY, of every block below: the instructions are there, since a vector or a unit is.
impl Vector for Words {
    type Unit = Unit;

    const LANES: u32 = 16;

    #[inline(always)]
    fn words(unit: Unit, blocks: &[[u8; 64]; LANES_MAX]) -> [Self; 16] {
        let mut rows = [Self::all(unit, 0); LANES_MAX];
        for (row, block) in rows.iter_mut().zip(blocks) {
            // SAFETY: as said above; there are as many bytes as are read, and they may lie anywhere.
            row.0 = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        }
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15] = rows;
        let first = columns_of_four([r0, r1, r2, r3]);
        let second = columns_of_four([r4, r5, r6, r7]);
        let third = columns_of_four([r8, r9, r10, r11]);
        let fourth = columns_of_four([r12, r13, r14, r15]);
        let mut words = [Self::all(unit, 0); 16];
        for number in 0..4 {
            let (first, second) = (first[number].0, second[number].0);
            let (third, fourth) = (third[number].0, fourth[number].0);
            // Of the quarters of each, which stand for numbers four apart, the even ones and the odd ones.
            // SAFETY: as said above.
            let quarters = unsafe {
                let even = (
                    _mm512_shuffle_i32x4::<0x88>(first, second),
                    _mm512_shuffle_i32x4::<0x88>(third, fourth),
                );
                let odd = (
                    _mm512_shuffle_i32x4::<0xdd>(first, second),
                    _mm512_shuffle_i32x4::<0xdd>(third, fourth),
                );
                [
                    _mm512_shuffle_i32x4::<0x88>(even.0, even.1),
                    _mm512_shuffle_i32x4::<0x88>(odd.0, odd.1),
                    _mm512_shuffle_i32x4::<0xdd>(even.0, even.1),
                    _mm512_shuffle_i32x4::<0xdd>(odd.0, odd.1),
                ]
            };
            for (quarter, word) in quarters.into_iter().enumerate() {
                words[4 * quarter + number] = Self(word).bytes_reversed(unit);
            }
        }
        words
    }

    #[inline(always)]
    fn digests(unit: Unit, state: &[Self; 8]) -> [[u8; 32]; LANES_MAX] {
        let mut variables = *state;
        for variable in &mut variables {
            *variable = variable.bytes_reversed(unit);
        }
        let [a, b, c, d, e, f, g, h] = variables;
        let mut digests = [[0; 32]; LANES_MAX];
        for (half, columns) in
            [columns_of_four([a, b, c, d]), columns_of_four([e, f, g, h])].iter().enumerate()
        {
            for (number, column) in columns.iter().enumerate() {
                let mut quarters = [[0; 16]; 4];
                // SAFETY: as said above; there is room for as many bytes as are written, wherever it lies.
                unsafe { _mm512_storeu_si512(quarters.as_mut_ptr().cast(), column.0) };
                for (quarter, bytes) in quarters.iter().enumerate() {
                    digests[4 * quarter + number].as_chunks_mut().0[half] = *bytes;
                }
            }
        }
        digests
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
        Self::all(unit, first).add(Self(lanes)).bytes_reversed(unit)
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
