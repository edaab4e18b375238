//! Sums of the points that have a digit in common.

use super::digits::{GROUP, Width};
use super::points::Extended;
use super::records::{self, Addend, Record};

/// A sum for each lane and each magnitude of a digit. Those of 0 count for nothing.
pub struct Buckets {
    sums: Vec<Record>,
    identity: Record,
    /// How many a lane has.
    size: usize,
}

impl Buckets {
    /// Empty ones for digits of that width.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn new(width: Width) -> Self {
        let [identity, ..] = records::records(Extended::identity());
        let size = width.magnitude_max() + 1;
        Self { sums: vec![identity; GROUP * size], identity, size }
    }

    /// Empties them.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn clear(&mut self) {
        self.sums.fill(self.identity);
    }

    /// Adds a point, or its opposite, to the bucket of its digit in every lane.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn add(&mut self, addend: &Addend, (magnitudes, negative): ([u8; GROUP], u8)) {
        let mut places = [0; GROUP];
        for (lane, (place, magnitude)) in places.iter_mut().zip(magnitudes).enumerate() {
            *place = lane * self.size + usize::from(magnitude);
        }
        let sums = records::load(places.map(|place| &self.sums[place]));
        let sums = records::records(sums.add_affine(records::spread(addend), negative));
        for (place, sum) in places.into_iter().zip(sums) {
            self.sums[place] = sum;
        }
    }

    /// The sum in each lane of all buckets, each as often as its digit says.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn sum(&self) -> Extended {
        let (mut from_here, mut total) = (Extended::identity(), Extended::identity());
        for magnitude in (1..self.size).rev() {
            let places = [0, 1, 2, 3, 4, 5, 6, 7].map(|lane| &self.sums[lane * self.size + magnitude]);
            from_here = from_here.add(records::load(places));
            total = total.add(from_here);
        }
        total
    }
}
