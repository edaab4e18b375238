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
    // No closure here: it would not have the instructions of the function that this is inlined into.
    for vector in 0..count / V::LANES {
        let first = first.wrapping_add(vector * V::LANES);
        let hits = leading::<V>(unit, prepared, first).at_most(limit);
        if hits != 0 {
            return Some(first.wrapping_add(hits.trailing_zeros()));
        }
    }
    None
}

/// The first 32 bits of the hashes. Rounds go in groups of eight, after which every variable has its first name
/// again.
#[inline(always)]
fn leading<V: Vector>(unit: V::Unit, prepared: &Prepared, first: u32) -> V {
    let nonces = V::nonces(unit, first);
    let mut state = [V::all(unit, 0); 8];
    for (variable, known) in state.iter_mut().zip(&prepared.state) {
        *variable = V::all(unit, *known);
    }
    let mut inputs = known::<V>(unit, prepared, 8);
    inputs[0] = inputs[0].add(nonces);
    eight_rounds(&mut state, inputs);
    let mut words: [V; 16] = [V::all(unit, 0); 16];
    for (word, known) in words.iter_mut().zip(&prepared.words[16..]) {
        *word = V::all(unit, *known);
    }
    words[7] = words[7].add(small_0(nonces));
    words[8] = words[8].add(nonces);
    let mut inputs = known::<V>(unit, prepared, 16);
    inputs[7] = words[7].add(V::all(unit, ROUNDS[23]));
    eight_rounds(&mut state, inputs);
    // Each word comes just before its round: what a round waits for leaves room for the next word.
    scheduled_round(unit, &words, &mut state, 24);
    words[9] = words[9].add(small_1(words[7]));
    scheduled_round(unit, &words, &mut state, 25);
    words[10] = words[10].add(small_1(words[8]));
    scheduled_round(unit, &words, &mut state, 26);
    words[11] = words[11].add(small_1(words[9]));
    scheduled_round(unit, &words, &mut state, 27);
    words[12] = words[12].add(small_1(words[10]));
    scheduled_round(unit, &words, &mut state, 28);
    words[13] = words[13].add(small_1(words[11]));
    scheduled_round(unit, &words, &mut state, 29);
    words[14] = words[14].add(small_1(words[12])).add(words[7]);
    scheduled_round(unit, &words, &mut state, 30);
    words[15] = words[15].add(small_1(words[13])).add(words[8]);
    scheduled_round(unit, &words, &mut state, 31);
    eight_words_and_rounds::<V, 32>(unit, &mut words, &mut state);
    eight_words_and_rounds::<V, 40>(unit, &mut words, &mut state);
    eight_words_and_rounds::<V, 48>(unit, &mut words, &mut state);
    eight_words_and_rounds::<V, 56>(unit, &mut words, &mut state);
    state[0].add(V::all(unit, INITIAL[0]))
}

/// Constants and words of eight rounds from `at` on, where the words are the same for all nonces.
#[inline(always)]
fn known<V: Vector>(unit: V::Unit, prepared: &Prepared, at: usize) -> [V; 8] {
    let mut inputs = [V::all(unit, 0); 8];
    for step in 0..8 {
        inputs[step] = V::all(unit, prepared.words[at + step].wrapping_add(ROUNDS[at + step]));
    }
    inputs
}

/// Eight rounds from `AT` on, before each of which its word takes the place of that sixteen rounds earlier.
#[inline(always)]
fn eight_words_and_rounds<V: Vector, const AT: usize>(
    unit: V::Unit,
    words: &mut [V; 16],
    state: &mut [V; 8],
) {
    two_words_and_rounds::<V, AT, 0>(unit, words, state);
    two_words_and_rounds::<V, AT, 2>(unit, words, state);
    two_words_and_rounds::<V, AT, 4>(unit, words, state);
    two_words_and_rounds::<V, AT, 6>(unit, words, state);
}

/// Loops of two are unrolled however many instructions a rotation takes; longer ones are not with AVX2, and then all
/// words and variables are stored.
#[inline(always)]
fn two_words_and_rounds<V: Vector, const AT: usize, const STEP: usize>(
    unit: V::Unit,
    words: &mut [V; 16],
    state: &mut [V; 8],
) {
    for number in AT + STEP..AT + STEP + 2 {
        let near = small_0(words[(number + 1) & 15]);
        let far = small_1(words[(number + 14) & 15]);
        words[number & 15] = words[number & 15].add(near).add(words[(number + 9) & 15]).add(far);
        scheduled_round(unit, words, state, number);
    }
}

/// Eight rounds, each with the sum of its constant and its word. Instead of moving every variable on by one, the
/// names move.
#[inline(always)]
fn eight_rounds<V: Vector>(state: &mut [V; 8], inputs: [V; 8]) {
    two_rounds::<V, 0>(state, &inputs);
    two_rounds::<V, 2>(state, &inputs);
    two_rounds::<V, 4>(state, &inputs);
    two_rounds::<V, 6>(state, &inputs);
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "the step names the variables too")]
fn two_rounds<V: Vector, const FROM: usize>(state: &mut [V; 8], inputs: &[V; 8]) {
    for step in FROM..FROM + 2 {
        round(state, step, inputs[step]);
    }
}

/// Round `number` with its word among those of the sixteen rounds up to it.
#[inline(always)]
fn scheduled_round<V: Vector>(unit: V::Unit, words: &[V; 16], state: &mut [V; 8], number: usize) {
    round(state, number & 7, words[number & 15].add(V::all(unit, ROUNDS[number])));
}

/// A round with the sum of its constant and its word, the `step`-th of eight.
#[inline(always)]
fn round<V: Vector>(state: &mut [V; 8], step: usize, input: V) {
    let name = |variable: usize| (variable + 8 - step) & 7;
    let [a, b, c, d] = [state[name(0)], state[name(1)], state[name(2)], state[name(3)]];
    let [e, f, g, h] = [state[name(4)], state[name(5)], state[name(6)], state[name(7)]];
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
