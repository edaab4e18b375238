//! The rounds of SHA-256 for as many attempts as a vector has lanes, written once for every width.

use super::prepared::{INITIAL, Prepared, ROUNDS};

/// A vector of 32-bit words, one for each attempt.
pub trait Vector: Copy {
    /// Says that the processor has the instructions; every vector comes from one.
    type Unit: Copy;

    /// How many words there are.
    const LANES: u32;

    /// The same word in every lane.
    fn all(unit: Self::Unit, word: u32) -> Self;

    /// `first` in the first lane, one more in each that follows, as words of a message: big-endian.
    fn nonces(unit: Self::Unit, first: u32) -> Self;

    /// The sum of each two words, modulo 2^32.
    fn add(self, other: Self) -> Self;

    /// Each word rotated to the right by `RIGHT` bits, which is to the left by `LEFT`.
    fn rotate<const RIGHT: i32, const LEFT: i32>(self) -> Self;

    /// Each word shifted to the right, three bits for the first function of the schedule.
    fn shift_3(self) -> Self;

    /// Each word shifted to the right, ten bits for the second function of the schedule.
    fn shift_10(self) -> Self;

    /// The bits that are set in one of the three or in all.
    fn parity(self, second: Self, third: Self) -> Self;

    /// The bits of the second where those of the first are set, of the third elsewhere.
    fn choose(self, second: Self, third: Self) -> Self;

    /// The bits that are set in two of the three at least.
    fn majority(self, second: Self, third: Self) -> Self;

    /// A set bit for each lane, the first lowest, whose word is not above `limit`.
    fn at_most(self, limit: u32) -> u32;
}

/// Tries `count` nonces from `first` on, less what does not fill a vector. Returns the first whose hash begins with
/// 32 bits that are not above `limit`.
#[inline(always)]
pub fn search<V: Vector>(
    unit: V::Unit,
    prepared: &Prepared,
    first: u32,
    count: u32,
    limit: u32,
) -> Option<u32> {
    (0..count / V::LANES).find_map(|vector| {
        let first = first.wrapping_add(vector * V::LANES);
        let hits = leading::<V>(unit, prepared, first).at_most(limit);
        (hits != 0).then(|| first.wrapping_add(hits.trailing_zeros()))
    })
}

/// The first 32 bits of the hashes.
#[inline(always)]
fn leading<V: Vector>(unit: V::Unit, prepared: &Prepared, first: u32) -> V {
    let known = |at: usize| V::all(unit, prepared.words[at]);
    let constant = |at: usize| V::all(unit, ROUNDS[at]);
    let nonces = V::nonces(unit, first);
    let mut state = prepared.state.map(|word| V::all(unit, word));
    round(&mut state, 8, nonces.add(constant(8)));
    for at in 9..23 {
        round(&mut state, at, V::all(unit, prepared.words[at].wrapping_add(ROUNDS[at])));
    }
    let mut words: [V; 16] = std::array::from_fn(|at| known(16 + at));
    words[7] = words[7].add(small_0(nonces));
    words[8] = words[8].add(nonces);
    for at in 9..16 {
        words[at] = words[at].add(small_1(words[at - 2]));
    }
    words[14] = words[14].add(words[7]);
    words[15] = words[15].add(words[8]);
    for at in 23..32 {
        round(&mut state, at, words[at - 16].add(constant(at)));
    }
    for at in 32..64 {
        let near = small_0(words[(at + 1) & 15]);
        let far = small_1(words[(at + 14) & 15]);
        words[at & 15] = words[at & 15].add(near).add(words[(at + 9) & 15]).add(far);
        round(&mut state, at, words[at & 15].add(constant(at)));
    }
    state[0].add(V::all(unit, INITIAL[0]))
}

/// Round `at`, whose constant and word are `input`. Instead of moving every variable on by one, the names move.
#[inline(always)]
fn round<V: Vector>(state: &mut [V; 8], at: usize, input: V) {
    let name = |variable: usize| (variable + 64 - at) & 7;
    let [a, b, c, d, e, f, g, h] = std::array::from_fn(|variable| state[name(variable)]);
    let big_1 = e.rotate::<6, 26>().parity(e.rotate::<11, 21>(), e.rotate::<25, 7>());
    let big_0 = a.rotate::<2, 30>().parity(a.rotate::<13, 19>(), a.rotate::<22, 10>());
    let sum = h.add(input).add(e.choose(f, g)).add(big_1);
    state[name(3)] = d.add(sum);
    state[name(7)] = sum.add(a.majority(b, c)).add(big_0);
}

#[inline(always)]
fn small_0<V: Vector>(word: V) -> V {
    word.rotate::<7, 25>().parity(word.rotate::<18, 14>(), word.shift_3())
}

#[inline(always)]
fn small_1<V: Vector>(word: V) -> V {
    word.rotate::<17, 15>().parity(word.rotate::<19, 13>(), word.shift_10())
}
