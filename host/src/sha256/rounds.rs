//! The rounds of SHA-256 for as many messages as a vector has lanes, written once for every width.

use super::constants::ROUNDS;

/// A vector of 32-bit words, one for each message.
pub trait Vector: Copy {
    /// Says that the processor has the instructions; every vector comes from one.
    type Unit: Copy;

    /// How many words there are, at most [`LANES_MAX`].
    const LANES: u32;

    /// The words of a block of each message, the first of all of them first. Blocks beyond [`Vector::LANES`] are left
    /// out.
    fn words(unit: Self::Unit, blocks: &[[u8; 64]; LANES_MAX]) -> [Self; 16];

    /// The state of each message as the bytes of a hash, and behind them whatever.
    fn digests(unit: Self::Unit, state: &[Self; 8]) -> [[u8; 32]; LANES_MAX];

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

/// [`Vector::words`], one by one: number by number, the word of each lane.
pub fn words_one_by_one<const LANES: usize>(blocks: &[[u8; 64]; LANES_MAX]) -> [[u32; LANES]; 16] {
    let mut words = [[0; LANES]; 16];
    for (lane, block) in blocks.iter().enumerate().take(LANES) {
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            word[lane] = u32::from_be_bytes(*bytes);
        }
    }
    words
}

/// [`Vector::digests`], one by one.
pub fn digests_one_by_one<const LANES: usize>(state: &[[u32; LANES]; 8]) -> [[u8; 32]; LANES_MAX] {
    let mut digests = [[0; 32]; LANES_MAX];
    for (lane, digest) in digests.iter_mut().enumerate().take(LANES) {
        for (bytes, variable) in digest.as_chunks_mut().0.iter_mut().zip(state) {
            *bytes = variable[lane].to_be_bytes();
        }
    }
    digests
}

/// The most lanes of a vector.
pub const LANES_MAX: usize = 16;

/// Something to be done with vectors of whatever width. All of it has to be inlined into a function that has the
/// instructions, so it is `#[inline(always)]` and without closures.
pub trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<V: Vector>(self, unit: V::Unit) -> Self::Output;
}

/// Compresses a block of as many messages as a vector has lanes (section 6.2.2).
#[inline(always)]
pub fn compress<V: Vector>(unit: V::Unit, state: &mut [V; 8], words: &mut [V; 16]) {
    let before = *state;
    eight_given_rounds::<V, 0>(unit, words, state);
    eight_given_rounds::<V, 8>(unit, words, state);
    eight_words_and_rounds::<V, 16>(unit, words, state);
    eight_words_and_rounds::<V, 24>(unit, words, state);
    eight_words_and_rounds::<V, 32>(unit, words, state);
    eight_words_and_rounds::<V, 40>(unit, words, state);
    eight_words_and_rounds::<V, 48>(unit, words, state);
    eight_words_and_rounds::<V, 56>(unit, words, state);
    for (variable, before) in state.iter_mut().zip(before) {
        *variable = variable.add(before);
    }
}

/// Eight rounds from `AT` on with words of the message itself.
#[inline(always)]
fn eight_given_rounds<V: Vector, const AT: usize>(unit: V::Unit, words: &[V; 16], state: &mut [V; 8]) {
    scheduled_round(unit, words, state, AT);
    scheduled_round(unit, words, state, AT + 1);
    scheduled_round(unit, words, state, AT + 2);
    scheduled_round(unit, words, state, AT + 3);
    scheduled_round(unit, words, state, AT + 4);
    scheduled_round(unit, words, state, AT + 5);
    scheduled_round(unit, words, state, AT + 6);
    scheduled_round(unit, words, state, AT + 7);
}

/// Eight rounds from `AT` on, before each of which its word takes the place of that sixteen rounds earlier.
#[inline(always)]
pub fn eight_words_and_rounds<V: Vector, const AT: usize>(
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
pub fn eight_rounds<V: Vector>(state: &mut [V; 8], inputs: [V; 8]) {
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
pub fn scheduled_round<V: Vector>(unit: V::Unit, words: &[V; 16], state: &mut [V; 8], number: usize) {
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

/// The function that the standard writes as a small sigma with index 0.
#[inline(always)]
pub fn small_0<V: Vector>(word: V) -> V {
    word.rotate::<7, 25>().parity(word.rotate::<18, 14>(), word.shift_3())
}

/// The function that the standard writes as a small sigma with index 1.
#[inline(always)]
pub fn small_1<V: Vector>(word: V) -> V {
    word.rotate::<17, 15>().parity(word.rotate::<19, 13>(), word.shift_10())
}
