//! Eight points side by side, with AVX-512 IFMA.
//!
//! A lane stands for a digit of the scalars: each point goes to the bucket of its digit in all eight lanes at once, and
//! what is in a bucket is multiplied by that digit at the end (Pippenger's method: Bernstein, Doumen, Lange, Oosterwijk:
//! "Faster batch forgery identification", 2012, section 4). Nothing here is secret.
#![expect(unsafe_code, reason = "instructions that not every processor has")]

mod buckets;
mod digits;
mod field;
mod points;
mod records;

use self::buckets::Buckets;
use self::digits::{Digits, Width};
use self::points::{Affine, Extended};
use self::records::Addend;
use super::{Sum, Term};

/// Says that the processor has the instructions: there is no other way to get one than [`Unit::find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(());

impl Unit {
    /// Looks for the instructions.
    pub fn find() -> Option<Self> {
        let is_there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        is_there.then_some(Self(()))
    }

    /// As [`super::Kernel::vanishes`].
    pub fn vanishes(self, sum: &Sum) -> bool {
        // SAFETY: this value says that the processor has the instructions.
        unsafe { vanishes(sum) }
    }
}

/// A point that is to be added, and in which buckets.
type Prepared = (Addend, Digits);

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn vanishes(sum: &Sum) -> bool {
    let width = Width::for_terms(sum.short.len() + sum.long.len());
    let (Some(short), Some(long)) = (prepare(&sum.short, width), prepare(&sum.long, width)) else {
        return false;
    };
    let mut buckets = Buckets::new(width);
    let mut sum = Extended::identity();
    for group in (0..width.groups()).rev() {
        buckets.clear();
        let short = if group < width.short_groups() { short.as_slice() } else { &[] };
        for (addend, digits) in long.iter().chain(short) {
            buckets.add(addend, digits.group(group));
        }
        sum = sum.doubled_times(8 * width.bits()).add(buckets.sum());
    }
    // Each lane counts 2^bits times the one below it.
    sum = sum.add(sum.lanes_down::<4>().doubled_times(4 * width.bits()));
    sum = sum.add(sum.lanes_down::<2>().doubled_times(2 * width.bits()));
    sum = sum.add(sum.lanes_down::<1>().doubled_times(width.bits()));
    sum.doubled_times(3).is_identity() & 1 == 1
}

/// Decodes the points, sixteen at a time; `None` where one of the encodings is that of no point.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn prepare(terms: &[Term], width: Width) -> Option<Vec<Prepared>> {
    let mut prepared = Vec::with_capacity(terms.len());
    for sixteen in terms.chunks(16) {
        let (first, second) = sixteen.split_at(sixteen.len().min(8));
        let halves = Affine::decode([records::encodings(first), records::encodings(second)]);
        for (terms, (points, are_points)) in [first, second].into_iter().zip(halves) {
            let are_wanted = ((1_u16 << terms.len()) - 1) as u8;
            if are_points & are_wanted != are_wanted {
                return None;
            }
            let digits = terms.iter().map(|term| Digits::of(&term.scalar, width));
            prepared.extend(records::addends(points).into_iter().zip(digits));
        }
    }
    Some(prepared)
}
