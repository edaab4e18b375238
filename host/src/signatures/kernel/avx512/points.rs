//! Points of the curve, eight side by side (Hisil, Wong, Carter, Dawson: "Twisted Edwards curves revisited", 2008).
//! The formula of addition holds for every two points.

use std::arch::x86_64::*;

use super::field::{Field, Lanes};

/// x = X / Z, y = Y / Z, x y = T / Z.
#[derive(Clone, Copy)]
pub struct Extended {
    pub x: Field,
    pub y: Field,
    pub z: Field,
    pub t: Field,
}

/// What is added of points with Z = 1: y + x, y - x and 2 d x y.
#[derive(Clone, Copy)]
pub struct Affine {
    pub sum: Field,
    pub difference: Field,
    pub product: Field,
}

impl Affine {
    /// The points of twice eight encodings, canonical or not, least significant word first; and where there are such.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn decode(words: [[Lanes; 4]; 2]) -> [(Self, u8); 2] {
        let [first, second] = words;
        let (y, other_y) = (Field::from_words(first), Field::from_words(second));
        let [(x, is_point), (other_x, is_other_point)] = Field::x_of([y, other_y]);
        let signs = |words: [Lanes; 4]| _mm512_movepi64_mask(words[3]);
        [
            (Self::of(x, y, signs(first)), is_point),
            (Self::of(other_x, other_y, signs(second)), is_other_point),
        ]
    }

    /// The points with these coordinates, the sign of x as it is asked for. Of x = 0 there is no other sign, and ZIP-215
    /// takes both.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn of(x: Field, y: Field, is_negative: u8) -> Self {
        let x = x.or_where(x.is_odd() ^ is_negative, x.negate());
        Self { sum: y.add(x), difference: y.subtract(x), product: x.multiply(y).multiply(Field::twice_d()) }
    }
}

impl Extended {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn identity() -> Self {
        Self { x: Field::zero(), y: Field::one(), z: Field::one(), t: Field::zero() }
    }

    /// The sum with a point, or where the lane's bit is set, with its opposite.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn add_affine(self, other: Affine, opposite: u8) -> Self {
        let Self { x, y, z, t } = self;
        let Affine { sum, difference, product } = other;
        let a = y.subtract(x).multiply(difference.or_where(opposite, sum));
        let b = y.add(x).multiply(sum.or_where(opposite, difference));
        let (f, g) = z.twice_less_and_more(t.multiply(product));
        Self::of_sums(a, b, f.or_where(opposite, g), g.or_where(opposite, f))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn add(self, other: Self) -> Self {
        let Self { x, y, z, t } = self;
        let a = y.subtract(x).multiply(other.y.subtract(other.x));
        let b = y.add(x).multiply(other.y.add(other.x));
        let c = t.multiply(other.t).multiply(Field::twice_d());
        let (f, g) = z.multiply(other.z).twice_less_and_more(c);
        Self::of_sums(a, b, f, g)
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn of_sums(a: Field, b: Field, f: Field, g: Field) -> Self {
        let (e, h) = (b.subtract(a), b.add(a));
        Self { x: e.multiply(f), y: g.multiply(h), z: f.multiply(g), t: e.multiply(h) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn doubled(self) -> Self {
        let Self { x, y, z, .. } = self;
        let (a, b, c) = (x.square(), y.square(), z.square());
        let (g, h) = (a.subtract(b), a.add(b));
        let e = h.subtract(x.add(y).square());
        let (_, f) = c.twice_less_and_more(g);
        Self { x: e.multiply(f), y: g.multiply(h), z: f.multiply(g), t: e.multiply(h) }
    }

    /// 2^count times the points.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn doubled_times(mut self, count: usize) -> Self {
        for _ in 0..count {
            self = self.doubled();
        }
        self
    }

    /// Where this is the point (0, 1).
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn is_identity(self) -> u8 {
        self.x.equals(Field::zero()) & self.y.equals(self.z)
    }

    /// Each lane's point from the lane that many above it.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn lanes_down<const COUNT: i32>(self) -> Self {
        let shift = |field: Field| {
            let mut shifted = field.0;
            for digit in &mut shifted {
                *digit = _mm512_alignr_epi64::<COUNT>(*digit, *digit);
            }
            Field(shifted)
        };
        Self { x: shift(self.x), y: shift(self.y), z: shift(self.z), t: shift(self.t) }
    }
}
