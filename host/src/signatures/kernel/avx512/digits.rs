//! Scalars in signed digits of a few bits, in groups of eight.

/// The most digits of a scalar.
const DIGITS_MAX: usize = 64;

/// A group of digits.
pub const GROUP: usize = 8;

/// How many bits a digit has.
#[derive(Clone, Copy)]
pub struct Width(usize);

impl Width {
    /// What was measured to be the best for so many terms: wider digits are fewer additions of points, and more of
    /// buckets.
    pub fn for_terms(count: usize) -> Self {
        Self(match count {
            0..160 => 4,
            160..640 => 6,
            _ => 8,
        })
    }

    /// That many.
    pub fn bits(self) -> usize {
        self.0
    }

    /// The greatest magnitude of a digit.
    pub fn magnitude_max(self) -> usize {
        1 << (self.0 - 1)
    }

    /// How many groups scalars below 2^253 have, whose last digit is carried into nothing.
    pub fn groups(self) -> usize {
        254_usize.div_ceil(self.0).div_ceil(GROUP)
    }

    /// How many groups scalars below 2^127 have.
    pub fn short_groups(self) -> usize {
        128_usize.div_ceil(self.0).div_ceil(GROUP)
    }
}

/// The digits of a scalar, the least significant first.
#[derive(Clone, Copy)]
pub struct Digits {
    magnitudes: [u8; DIGITS_MAX],
    negative: [u8; DIGITS_MAX / GROUP],
}

impl Digits {
    /// The digits of a little-endian number below 2^253.
    pub fn of(scalar: &[u8; 32], width: Width) -> Self {
        let mut digits = Self { magnitudes: [0; DIGITS_MAX], negative: [0; DIGITS_MAX / GROUP] };
        let (bits, half, full) = (width.bits(), width.magnitude_max() as u16, 1_u16 << width.bits());
        let mut carry = 0;
        for place in 0..256_usize.div_ceil(bits) {
            let (byte, bit) = (place * bits / 8, place * bits % 8);
            let low = scalar.get(byte).copied().unwrap_or(0);
            let high = scalar.get(byte + 1).copied().unwrap_or(0);
            let digit = (u16::from_le_bytes([low, high]) >> bit & (full - 1)) + carry;
            carry = u16::from(digit > half);
            digits.magnitudes[place] = if digit > half { full - digit } else { digit } as u8;
            digits.negative[place / GROUP] |= (carry as u8) << (place % GROUP);
        }
        digits
    }

    /// The magnitudes of the digits of a group, and which of them are negative.
    #[inline]
    pub fn group(&self, group: usize) -> ([u8; GROUP], u8) {
        let (groups, _) = self.magnitudes.as_chunks();
        (groups[group], self.negative[group])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that the digits stand for, modulo 2^256 and the lowest 128 bits of it.
    fn value(digits: &Digits, width: Width) -> u128 {
        (0..DIGITS_MAX).rev().fold(0_u128, |sum, place| {
            let (magnitudes, negative) = digits.group(place / GROUP);
            let magnitude = u128::from(magnitudes[place % GROUP]);
            let sum = sum.wrapping_shl(width.bits() as u32);
            if negative >> (place % GROUP) & 1 == 1 {
                sum.wrapping_sub(magnitude)
            } else {
                sum.wrapping_add(magnitude)
            }
        })
    }

    #[test]
    fn digits_stand_for_their_number() {
        for count in [0, 200, 1_000] {
            let width = Width::for_terms(count);
            for number in
                [0, 1, 7, 8, 9, 127, 128, 129, 255, u128::MAX >> 1, 0x7f80_8081 << 90, (1 << 127) - 128]
            {
                let mut scalar = [0; 32];
                scalar[..16].copy_from_slice(&number.to_le_bytes());
                let digits = Digits::of(&scalar, width);
                assert_eq!(value(&digits, width), number, "{} bits", width.bits());
                let beyond = width.short_groups()..DIGITS_MAX / GROUP;
                assert!(beyond.clone().all(|group| digits.group(group) == ([0; GROUP], 0)), "{number}");
            }
        }
    }
}
