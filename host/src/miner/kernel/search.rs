//! As many attempts side by side as a vector has lanes.

use super::prepared::Prepared;
use crate::sha256::constants::{INITIAL, ROUNDS};
use crate::sha256::rounds::{
    Task, Vector, eight_rounds, eight_words_and_rounds, scheduled_round, small_0, small_1,
};

/// Tries `count` nonces from `first` on, less what does not fill a vector. The answer is the first whose hash begins
/// with 32 bits that are not above `limit`.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// What is known of all attempts.
    pub prepared: &'a Prepared,
    /// The low half of the first nonce.
    pub first: u32,
    /// How many nonces are tried.
    pub count: u32,
    /// The highest value of the first 32 bits of a hit.
    pub limit: u32,
}

impl Task for Search<'_> {
    type Output = Option<u32>;

    #[inline(always)]
    fn run<V: Vector>(self, unit: V::Unit) -> Option<u32> {
        let Self { prepared, first, count, limit } = self;
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
