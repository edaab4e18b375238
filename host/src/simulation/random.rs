//! Chance that comes from a seed alone: the same seed gives the same world on every computer.

/// SplitMix64, in integers throughout: no result depends on how a computer rounds.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The chances that this seed holds.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A source of its own, so that what one part draws does not shift what another does.
    pub fn part(&mut self) -> Self {
        Self(self.next())
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, 0 where that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// An index of a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// Whether something happens that does so `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// How long something takes that happens at any moment with the same chance, and takes `mean` on
    /// average: von Neumann's way, which only compares.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let mut whole = 0_u64;
        loop {
            let first = self.next();
            let (mut last, mut length) = (first, 1_u32);
            loop {
                let next = self.next();
                if next >= last {
                    break;
                }
                (last, length) = (next, length + 1);
            }
            if length % 2 == 1 {
                let part = (u128::from(mean) * u128::from(first)) >> 64;
                return whole.saturating_mul(mean).saturating_add(part as u64);
            }
            whole += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_mean_and_their_tail() {
        let mut random = Random::new(1);
        let times: Vec<u64> = (0..20_000).map(|_| random.exponential(1_000)).collect();
        let mean = times.iter().sum::<u64>() / 20_000;
        let late = times.iter().filter(|time| **time > 2_000).count();
        assert!((970..1_030).contains(&mean), "{mean}");
        // e^-2 of them.
        assert!((2_500..2_920).contains(&late), "{late}");
    }

    #[test]
    fn chances_are_what_they_say() {
        let mut random = Random::new(2);
        assert!((0..1_000).all(|_| !random.chance(0) && random.chance(1_000) && random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
