//! Hashing many messages, as many at a time as the processor can.

use mote_core::hash::{Hash32, Hashes, sha256};

use super::constants::INITIAL;
use super::rounds::{LANES_MAX, Task, Vector, compress};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, sha};

/// A way to hash many messages. A value says that the processor can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideBySide(Way);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Unit),
    #[cfg(target_arch = "x86_64")]
    Sha(sha::Unit),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Unit),
    OneByOne,
}

impl SideBySide {
    /// All that this processor can do, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = [
            avx512::Unit::find().map(Way::Avx512),
            sha::Unit::find().map(Way::Sha),
            avx2::Unit::find().map(Way::Avx2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let wide = [];
        wide.into_iter().flatten().chain([Way::OneByOne]).map(Self)
    }

    /// The fastest.
    pub fn fastest() -> Self {
        Self::all().next().unwrap_or(Self(Way::OneByOne))
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Way::Sha(_) => "sha",
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(_) => "avx2",
            Way::OneByOne => "one by one",
        }
    }

    fn lanes(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(_) => 16,
            #[cfg(target_arch = "x86_64")]
            Way::Sha(_) => sha::LANES,
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(_) => 8,
            Way::OneByOne => 1,
        }
    }

    /// What each of many messages of the same length hashes to, of 119 bytes at the most.
    pub fn hash_each<const N: usize>(self, messages: &[[u8; N]]) -> Vec<Hash32> {
        let mut hashes = vec![Hash32::ZERO; messages.len()];
        self.hash_alike(messages, &mut hashes);
        hashes
    }

    /// Hashes at most as many messages as there are lanes.
    fn hash_group(self, messages: &[&[u8]], hashes: &mut [Hash32]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512(unit) => unit.run(Group { messages, hashes }),
            #[cfg(target_arch = "x86_64")]
            Way::Sha(unit) => hash_two(unit, messages, hashes),
            #[cfg(target_arch = "x86_64")]
            Way::Avx2(unit) => unit.run(Group { messages, hashes }),
            Way::OneByOne => hash_one_by_one(messages, hashes),
        }
    }
}

impl Hashes for SideBySide {
    fn hash(&self, messages: &[&[u8]], hashes: &mut [Hash32]) {
        let lanes = self.lanes();
        for (messages, hashes) in messages.chunks(lanes).zip(hashes.chunks_mut(lanes)) {
            if is_few(messages.len(), lanes) {
                hash_one_by_one(messages, hashes);
            } else {
                self.hash_group(messages, hashes);
            }
        }
    }

    /// That all are alike saves looking at each.
    fn hash_alike<const N: usize>(&self, messages: &[[u8; N]], hashes: &mut [Hash32]) {
        let lanes = self.lanes();
        for (messages, hashes) in messages.chunks(lanes).zip(hashes.chunks_mut(lanes)) {
            match self.0 {
                _ if is_few(messages.len(), lanes) => hash_one_by_one(messages, hashes),
                #[cfg(target_arch = "x86_64")]
                Way::Avx512(unit) => unit.run(Alike { messages, hashes }),
                #[cfg(target_arch = "x86_64")]
                Way::Avx2(unit) => unit.run(Alike { messages, hashes }),
                #[cfg(target_arch = "x86_64")]
                Way::Sha(unit) => hash_two(unit, messages, hashes),
                Way::OneByOne => hash_one_by_one(messages, hashes),
            }
        }
    }
}

/// Whether so many messages are hashed faster one by one: lanes that stand idle cost as much as those that do not.
fn is_few(messages: usize, lanes: usize) -> bool {
    messages <= lanes / 4
}

fn hash_one_by_one(messages: &[impl AsRef<[u8]>], hashes: &mut [Hash32]) {
    for (message, hash) in messages.iter().zip(hashes) {
        *hash = sha256(message.as_ref());
    }
}

/// Messages for the lanes of a vector.
struct Group<'a> {
    messages: &'a [&'a [u8]],
    hashes: &'a mut [Hash32],
}

impl Task for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, unit: V::Unit) {
        let mut state = initial::<V>(unit);
        for number in 0..most_blocks(self.messages) {
            compress(unit, &mut state, &mut V::words(unit, &blocks_of_all(self.messages, number)));
            take_hashes(self.messages, number, &V::digests(unit, &state), self.hashes);
        }
    }
}

/// Messages of the same length for the lanes of a vector.
struct Alike<'a, const N: usize> {
    messages: &'a [[u8; N]],
    hashes: &'a mut [Hash32],
}

impl<const N: usize> Alike<'_, N> {
    /// How many blocks each has with its padding.
    const BLOCKS: usize = {
        let blocks = (N + 9).div_ceil(64);
        assert!(blocks <= 2, "there is room for two blocks");
        blocks
    };

    /// Block by block, what each message holds with its padding.
    fn blocks(&self) -> [[[u8; 64]; LANES_MAX]; 2] {
        let mut blocks = [[[0; 64]; LANES_MAX]; 2];
        for (lane, message) in self.messages.iter().enumerate().take(LANES_MAX) {
            let mut padded = [[0; 64]; 2];
            let bytes = padded.as_flattened_mut();
            bytes[..N].copy_from_slice(message);
            bytes[N] = 0x80;
            bytes[64 * Self::BLOCKS - 8..64 * Self::BLOCKS].copy_from_slice(&(8 * N as u64).to_be_bytes());
            for (lanes, block) in blocks.iter_mut().zip(padded) {
                lanes[lane] = block;
            }
        }
        blocks
    }
}

impl<const N: usize> Task for Alike<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, unit: V::Unit) {
        let mut state = initial::<V>(unit);
        for lanes in self.blocks().iter().take(Self::BLOCKS) {
            compress(unit, &mut state, &mut V::words(unit, lanes));
        }
        for (hash, digest) in self.hashes.iter_mut().zip(V::digests(unit, &state)) {
            *hash = Hash32::from_bytes(digest);
        }
    }
}

#[inline(always)]
fn initial<V: Vector>(unit: V::Unit) -> [V; 8] {
    let mut state = [V::all(unit, 0); 8];
    for (variable, initial) in state.iter_mut().zip(INITIAL) {
        *variable = V::all(unit, initial);
    }
    state
}

/// Block `number` of each message. What stands there for a message that has no such block does not matter.
fn blocks_of_all(messages: &[&[u8]], number: usize) -> [[u8; 64]; LANES_MAX] {
    let mut blocks = [[0; 64]; LANES_MAX];
    for (block, message) in blocks.iter_mut().zip(messages) {
        *block = block_of(message, number);
    }
    blocks
}

/// The hashes of those messages whose last block has this number, from the digests of all.
fn take_hashes(messages: &[&[u8]], number: usize, digests: &[[u8; 32]; LANES_MAX], hashes: &mut [Hash32]) {
    for ((message, hash), digest) in messages.iter().zip(hashes).zip(digests) {
        if blocks(message) == number + 1 {
            *hash = Hash32::from_bytes(*digest);
        }
    }
}

/// Hashes two messages.
#[cfg(target_arch = "x86_64")]
fn hash_two(unit: sha::Unit, messages: &[impl AsRef<[u8]>], hashes: &mut [Hash32]) {
    let [first, second] = messages else { return hash_one_by_one(messages, hashes) };
    let messages = [first.as_ref(), second.as_ref()];
    let mut states = [INITIAL; sha::LANES];
    for number in 0..most_blocks(&messages) {
        unit.compress(&mut states, &messages.map(|message| words_of(&block_of(message, number))));
        for ((message, hash), state) in messages.iter().zip(&mut *hashes).zip(states) {
            if blocks(message) == number + 1 {
                *hash = digest(state);
            }
        }
    }
}

/// How many blocks a message has with its padding: a set bit and eight bytes of length at least (section 5.1.1).
fn blocks(message: &[u8]) -> usize {
    (message.len() + 9).div_ceil(64)
}

fn most_blocks(messages: &[&[u8]]) -> usize {
    messages.iter().map(|message| blocks(message)).max().unwrap_or(0)
}

/// Block `number` of a padded message.
fn block_of(message: &[u8], number: usize) -> [u8; 64] {
    let rest = message.get(64 * number..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return *block;
    }
    let mut block = [0; 64];
    block[..rest.len()].copy_from_slice(rest);
    if message.len() >= 64 * number {
        block[rest.len()] = 0x80;
    }
    if number + 1 == blocks(message) {
        block[56..].copy_from_slice(&(8 * message.len() as u64).to_be_bytes());
    }
    block
}

/// The words of a block.
fn words_of(block: &[u8; 64]) -> [u32; 16] {
    let mut words = [0; 16];
    words.iter_mut().zip(block.as_chunks().0).for_each(|(word, bytes)| *word = u32::from_be_bytes(*bytes));
    words
}

fn digest(state: [u32; 8]) -> Hash32 {
    let mut digest = [0; 32];
    digest.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    Hash32::from_bytes(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of all lengths up to five blocks, in an order in which neighbours differ much and little.
    fn messages() -> Vec<Vec<u8>> {
        (0..700_usize)
            .map(|number| (0..number * 37 % 320).map(|at| (number + at * at) as u8).collect())
            .collect()
    }

    #[test]
    fn every_way_hashes_as_the_core_does() {
        let messages = messages();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let expected: Vec<Hash32> = messages.iter().map(|message| sha256(message)).collect();
        for way in SideBySide::all() {
            for count in (0..40).chain([messages.len()]) {
                for from in [0, messages.len() - count] {
                    let mut hashes = vec![Hash32::ZERO; count];
                    way.hash(&messages[from..from + count], &mut hashes);
                    assert_eq!(hashes, expected[from..from + count], "{} {count}", way.name());
                }
            }
        }
    }

    fn each_way_hashes_alike<const N: usize>() {
        let messages: Vec<[u8; N]> =
            (0..100).map(|number| std::array::from_fn(|at| (number * 7 + at * at) as u8)).collect();
        let expected: Vec<Hash32> = messages.iter().map(|message| sha256(message)).collect();
        for way in SideBySide::all() {
            for count in 0..messages.len() {
                assert_eq!(
                    way.hash_each(&messages[..count]),
                    expected[..count],
                    "{} {N} {count}",
                    way.name()
                );
            }
        }
    }

    #[test]
    fn every_way_hashes_messages_that_are_alike_as_the_core_does() {
        each_way_hashes_alike::<0>();
        each_way_hashes_alike::<33>();
        each_way_hashes_alike::<55>();
        each_way_hashes_alike::<56>();
        each_way_hashes_alike::<63>();
        each_way_hashes_alike::<64>();
        each_way_hashes_alike::<66>();
        each_way_hashes_alike::<119>();
    }

    #[test]
    fn lanes_do_not_see_each_other() {
        // The same length everywhere, and one bit of one message changes.
        let mut messages = vec![[7; 66]; 16];
        for way in SideBySide::all() {
            for lane in 0..messages.len() {
                messages[lane][65] ^= 1;
                let borrowed: Vec<&[u8]> = messages.iter().map(|message| &message[..]).collect();
                let mut hashes = vec![Hash32::ZERO; borrowed.len()];
                way.hash(&borrowed, &mut hashes);
                assert!(hashes.iter().zip(&borrowed).all(|(hash, message)| *hash == sha256(message)));
                messages[lane][65] ^= 1;
            }
        }
    }
}
