//! Numbers modulo p = 2^255 - 19, eight side by side, with AVX-512 IFMA.
//!
//! A number is five digits of 51 bits. The instructions multiply 52 bits by 52 and add the low or the high 52 bits of
//! the product to a lane, so a digit may take 52 bits and every function leaves at most 2^51 + 2^15 in one.

use std::arch::x86_64::*;

/// One word of each of eight things.
pub type Lanes = __m512i;

const BITS: u32 = 51;
const MASK: u64 = (1 << BITS) - 1;

/// Eight numbers.
#[derive(Clone, Copy)]
pub struct Field(pub [Lanes; 5]);

/// The digits of d, the constant of the curve.
const D: [u64; 5] = [
    929_955_233_495_203,
    466_365_720_129_213,
    1_662_059_464_998_953,
    2_033_849_074_728_123,
    1_442_794_654_840_575,
];

/// The digits of 2 d.
const TWICE_D: [u64; 5] = [
    1_859_910_466_990_425,
    932_731_440_258_426,
    1_072_319_116_312_658,
    1_815_898_335_770_999,
    633_789_495_995_903,
];

/// The digits of a root of -1.
const ROOT: [u64; 5] = [
    1_718_705_420_411_056,
    234_908_883_556_509,
    2_233_514_472_574_048,
    2_117_202_627_021_982,
    765_476_049_583_133,
];

/// The digits of 4 p.
const FOUR_P: [u64; 5] = [(1 << 53) - 76, (1 << 53) - 4, (1 << 53) - 4, (1 << 53) - 4, (1 << 53) - 4];

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn all(word: u64) -> Lanes {
    _mm512_set1_epi64(word.cast_signed())
}

impl Field {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn constant(digits: [u64; 5]) -> Self {
        let [a, b, c, d, e] = digits;
        Self([all(a), all(b), all(c), all(d), all(e)])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn zero() -> Self {
        Self([_mm512_setzero_si512(); 5])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn one() -> Self {
        Self::constant([1, 0, 0, 0, 0])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn twice_d() -> Self {
        Self::constant(TWICE_D)
    }

    /// The lowest 255 bits of 256, least significant word first.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn from_words(words: [Lanes; 4]) -> Self {
        let [a, b, c, d] = words;
        let mask = all(MASK);
        Self([
            _mm512_and_si512(a, mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<51>(a), _mm512_slli_epi64::<13>(b)), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<38>(b), _mm512_slli_epi64::<26>(c)), mask),
            _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<25>(c), _mm512_slli_epi64::<39>(d)), mask),
            _mm512_and_si512(_mm512_srli_epi64::<12>(d), mask),
        ])
    }

    /// Carries what is above 51 bits on. Digits below 2^63 are taken.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn carried(digits: [Lanes; 5]) -> Self {
        let [a, b, c, d, e] = digits;
        let mask = all(MASK);
        let over = |digit| _mm512_srli_epi64::<51>(digit);
        let under = |digit| _mm512_and_si512(digit, mask);
        Self([
            _mm512_madd52lo_epu64(under(a), over(e), all(19)),
            _mm512_add_epi64(under(b), over(a)),
            _mm512_add_epi64(under(c), over(b)),
            _mm512_add_epi64(under(d), over(c)),
            _mm512_add_epi64(under(e), over(d)),
        ])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn add(self, other: Self) -> Self {
        let mut sum = self.0;
        for (sum, other) in sum.iter_mut().zip(other.0) {
            *sum = _mm512_add_epi64(*sum, other);
        }
        Self::carried(sum)
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn subtract(self, other: Self) -> Self {
        let mut difference = self.0;
        for ((difference, other), four_p) in difference.iter_mut().zip(other.0).zip(FOUR_P) {
            *difference = _mm512_sub_epi64(_mm512_add_epi64(*difference, all(four_p)), other);
        }
        Self::carried(difference)
    }

    /// Twice this number less the other, and twice this number and the other.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn twice_less_and_more(self, other: Self) -> (Self, Self) {
        let (mut less, mut more) = (self.0, self.0);
        for place in 0..5 {
            let twice = _mm512_slli_epi64::<1>(self.0[place]);
            less[place] = _mm512_sub_epi64(_mm512_add_epi64(twice, all(FOUR_P[place])), other.0[place]);
            more[place] = _mm512_add_epi64(twice, other.0[place]);
        }
        (Self::carried(less), Self::carried(more))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn negate(self) -> Self {
        Self::zero().subtract(self)
    }

    /// The other number where the lane's bit is set.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn or_where(self, mask: u8, other: Self) -> Self {
        let mut chosen = self.0;
        for (chosen, other) in chosen.iter_mut().zip(other.0) {
            *chosen = _mm512_mask_blend_epi64(mask, *chosen, other);
        }
        Self(chosen)
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn multiply(self, other: Self) -> Self {
        let (left, right, zero) = (self.0, other.0, _mm512_setzero_si512());
        // A high half counts twice at the next digit.
        let mut digits = [zero; 10];
        for i in 0..5 {
            for j in 0..5 {
                digits[i + j + 1] = _mm512_madd52hi_epu64(digits[i + j + 1], left[i], right[j]);
            }
        }
        for digit in &mut digits {
            *digit = _mm512_slli_epi64::<1>(*digit);
        }
        for i in 0..5 {
            for j in 0..5 {
                digits[i + j] = _mm512_madd52lo_epu64(digits[i + j], left[i], right[j]);
            }
        }
        Self::folded(digits)
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn square(self) -> Self {
        let (number, zero) = (self.0, _mm512_setzero_si512());
        let (mut once, mut twice) = ([zero; 10], [zero; 10]);
        for i in 0..5 {
            once[2 * i + 1] = _mm512_madd52hi_epu64(zero, number[i], number[i]);
            for j in i + 1..5 {
                twice[i + j + 1] = _mm512_madd52hi_epu64(twice[i + j + 1], number[i], number[j]);
            }
        }
        for place in 0..10 {
            twice[place] = _mm512_add_epi64(_mm512_slli_epi64::<1>(twice[place]), once[place]);
        }
        for i in 0..5 {
            for j in i + 1..5 {
                twice[i + j] = _mm512_madd52lo_epu64(twice[i + j], number[i], number[j]);
            }
        }
        for digit in &mut twice {
            *digit = _mm512_slli_epi64::<1>(*digit);
        }
        for i in 0..5 {
            twice[2 * i] = _mm512_madd52lo_epu64(twice[2 * i], number[i], number[i]);
        }
        Self::folded(twice)
    }

    /// The number of these ten digits, each below 2^57: 2^255 is 19.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn folded(digits: [Lanes; 10]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = digits;
        let fold = |low, high| _mm512_add_epi64(low, _mm512_mullo_epi64(high, all(19)));
        Self::carried([fold(a, f), fold(b, g), fold(c, h), fold(d, i), fold(e, j)])
    }

    /// To the power of (p - 5) / 8 = 2^252 - 3. Two at a time, since each step waits for the one before.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn root_powers(numbers: [Self; 2]) -> [Self; 2] {
        let two = squared(numbers, 1);
        let nine = product(numbers, squared(two, 2));
        let ones_5 = product(nine, squared(product(two, nine), 1));
        let ones_10 = product(squared(ones_5, 5), ones_5);
        let ones_20 = product(squared(ones_10, 10), ones_10);
        let ones_40 = product(squared(ones_20, 20), ones_20);
        let ones_50 = product(squared(ones_40, 10), ones_10);
        let ones_100 = product(squared(ones_50, 50), ones_50);
        let ones_200 = product(squared(ones_100, 100), ones_100);
        let ones_250 = product(squared(ones_200, 50), ones_50);
        product(squared(ones_250, 2), numbers)
    }

    /// The one form of each number below p.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn canonical(self) -> [Lanes; 5] {
        let (mask, nineteen) = (all(MASK), all(19));
        let mut digits = Self::carried(self.0).0;
        // Whether p is to be taken off: whether 19 more would be 2^255 or more.
        let mut carry = nineteen;
        for digit in digits {
            carry = _mm512_srli_epi64::<51>(_mm512_add_epi64(digit, carry));
        }
        let mut carry = _mm512_madd52lo_epu64(_mm512_setzero_si512(), carry, nineteen);
        for digit in &mut digits {
            let sum = _mm512_add_epi64(*digit, carry);
            *digit = _mm512_and_si512(sum, mask);
            carry = _mm512_srli_epi64::<51>(sum);
        }
        digits
    }

    /// Where the number is odd.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn is_odd(self) -> u8 {
        let [first, ..] = self.canonical();
        _mm512_test_epi64_mask(first, all(1))
    }

    /// Where both are the same.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn equals(self, other: Self) -> u8 {
        let [a, b, c, d, e] = self.subtract(other).canonical();
        let any = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(_mm512_or_si512(c, d), e));
        _mm512_testn_epi64_mask(any, any)
    }

    /// The x of points on the curve by their y, one of the two; and where there is one.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn x_of(y: [Self; 2]) -> [(Self, u8); 2] {
        // x^2 = u / v; a root is u v^3 (u v^7)^((p - 5) / 8), or that times a root of -1 (RFC 8032 section 5.1.3).
        let [first, second] = y;
        let (first, second) = (Fraction::of(first), Fraction::of(second));
        let [one, other] = Self::root_powers([first.uv7, second.uv7]);
        [first.root(one), second.root(other)]
    }
}

/// u / v = x^2, and what its root is made of.
#[derive(Clone, Copy)]
struct Fraction {
    u: Field,
    v: Field,
    uv3: Field,
    uv7: Field,
}

impl Fraction {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn of(y: Field) -> Self {
        let square = y.square();
        let u = square.subtract(Field::one());
        let v = square.multiply(Field::constant(D)).add(Field::one());
        let v3 = v.square().multiply(v);
        let v7 = v3.square().multiply(v);
        Self { u, v, uv3: u.multiply(v3), uv7: u.multiply(v7) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn root(self, power: Field) -> (Field, u8) {
        let Self { u, v, uv3, .. } = self;
        let root = uv3.multiply(power);
        let check = v.multiply(root.square());
        let (is_root, is_other) = (check.equals(u), check.equals(u.negate()));
        (root.or_where(is_other, root.multiply(Field::constant(ROOT))), is_root | is_other)
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn squared(numbers: [Field; 2], times: u32) -> [Field; 2] {
    let [mut first, mut second] = numbers;
    for _ in 0..times {
        (first, second) = (first.square(), second.square());
    }
    [first, second]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn product(left: [Field; 2], right: [Field; 2]) -> [Field; 2] {
    let ([a, b], [c, d]) = (left, right);
    [a.multiply(c), b.multiply(d)]
}
