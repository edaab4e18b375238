//! Log trees, exactly as RFC 6962 section 2.1 has them: the transactions of a block, and all blocks.
//!
//! A root needs no more memory than a [`Frontier`]: the roots of the perfect subtrees that a log of
//! the present size falls into, largest first.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::hash::{Hash32, Hashes, SIDE_BY_SIDE, Tag, hash_all_alike, preimage, sha256, tagged};
use crate::params::LOG_PATH_MAX_HASHES;

/// The siblings on the way from a leaf to the root, nearest first.
pub type Path = heapless::Vec<Hash32, LOG_PATH_MAX_HASHES>;

/// Hash of a leaf: `H(0x00 || data)`.
pub fn leaf_hash(data: &[u8]) -> Hash32 {
    tagged(Tag::LogLeaf, &[data])
}

/// Hash of an inner node: `H(0x01 || left || right)`.
pub fn node_hash(left: &Hash32, right: &Hash32) -> Hash32 {
    tagged(Tag::LogNode, &[left.as_bytes(), right.as_bytes()])
}

/// Root of the log of `leaves`, given as leaf data; `H("")` where there are none.
pub fn root<I>(leaves: I) -> Hash32
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    root_of_hashes(leaves.into_iter().map(|leaf| leaf_hash(leaf.as_ref())))
}

/// Root of the log whose leaves have these hashes; `H("")` where there are none.
pub fn root_of_hashes(leaves: impl IntoIterator<Item = Hash32>) -> Hash32 {
    let mut frontier = FrontierOf::<64>::new();
    leaves.into_iter().for_each(|leaf| frontier.append(leaf));
    frontier.root()
}

/// The same as [`root_of_hashes`], many nodes at a time. What comes of the leaves is written over them.
pub fn root_in_place(leaves: &mut [Hash32], hashes: &impl Hashes) -> Hash32 {
    let mut count = leaves.len();
    while count > 1 {
        for first in (0..count / 2).step_by(SIDE_BY_SIDE) {
            let mut preimages = heapless::Vec::new();
            let pairs = leaves.get(2 * first..count).unwrap_or_default().as_chunks().0;
            for [left, right] in pairs.iter().take(SIDE_BY_SIDE) {
                let _ = preimages.push(node_preimage(left, right));
            }
            let parents = hash_all_alike(hashes, &preimages);
            let places = leaves.iter_mut().skip(first).take(preimages.len());
            places.zip(parents).for_each(|(place, parent)| *place = parent);
        }
        // Without a sibling the last one is a level higher too.
        if let Some(last) = leaves.get(count - 1).copied().filter(|_| count % 2 == 1) {
            leaves.iter_mut().skip(count / 2).take(1).for_each(|place| *place = last);
        }
        count = count.div_ceil(2);
    }
    leaves.first().copied().unwrap_or_else(|| sha256(b""))
}

fn node_preimage(left: &Hash32, right: &Hash32) -> [u8; 65] {
    preimage(Tag::LogNode, &[left.as_bytes(), right.as_bytes()])
}

/// The log of all blocks.
pub type Frontier = FrontierOf<LOG_PATH_MAX_HASHES>;

/// A log of less than 2^N leaves, of which only its size and the roots of its perfect subtrees are kept:
/// enough to append to it and to know its root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontierOf<const N: usize> {
    size: u64,
    /// One root per bit that is set in `size`, highest bit first.
    peaks: heapless::Vec<Hash32, N>,
}

impl<const N: usize> FrontierOf<N> {
    /// The empty log.
    pub const fn new() -> Self {
        Self { size: 0, peaks: heapless::Vec::new() }
    }

    /// Becomes a copy of `other`, in place.
    pub fn copy_from(&mut self, other: &Self) {
        self.size = other.size;
        self.peaks.clear();
        // Both have the same capacity.
        let _ = self.peaks.extend_from_slice(&other.peaks);
    }

    /// Forgets all leaves.
    pub fn clear(&mut self) {
        self.size = 0;
        self.peaks.clear();
    }

    /// A log of `size` leaves with these subtree roots, largest first; `None` unless there is one for
    /// each bit that is set in `size`.
    pub fn from_peaks(size: u64, peaks: heapless::Vec<Hash32, N>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Becomes the frontier at the front of `bytes`, which then start behind it. After an error it is no
    /// particular one.
    pub(crate) fn take(&mut self, bytes: &mut &[u8]) -> Result<(), DecodeError> {
        self.size = codec::take(bytes)?;
        self.peaks.clear();
        for _ in 0..codec::take::<u64>(bytes)? {
            self.peaks.push(codec::take(bytes)?).map_err(|_| DecodeError::Malformed)?;
        }
        Ok(())
    }

    /// How many leaves have been appended.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Hash32] {
        &self.peaks
    }

    /// Appends the leaf with hash `leaf`.
    pub fn append(&mut self, leaf: Hash32) {
        self.append_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf and shows every perfect subtree that this completes, as its level (0 for the
    /// leaf), its index among the subtrees of that level, and its root.
    pub fn append_with(&mut self, leaf: Hash32, mut completed: impl FnMut(u32, u64, &Hash32)) {
        let mut subtree = leaf;
        completed(0, self.size, &subtree);
        for level in 1..=self.size.trailing_ones() {
            // A bit that is set in the size has its peak.
            let Some(left) = self.peaks.pop() else { break };
            subtree = node_hash(&left, &subtree);
            completed(level, self.size >> level, &subtree);
        }
        // A log that its owner keeps below 2^N leaves never has more peaks than there is room for.
        let _ = self.peaks.push(subtree);
        self.size = self.size.wrapping_add(1);
    }

    /// The root of the log.
    pub fn root(&self) -> Hash32 {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => sha256(b""),
            Some(smallest) => peaks.fold(*smallest, |right, left| node_hash(left, &right)),
        }
    }
}

/// Why a path does not prove that a leaf is in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The log has no leaf of that index.
    #[error("leaf {index} is not among the {size} leaves of the log")]
    Index {
        /// Index that was asked for.
        index: u64,
        /// Size of the log.
        size: u64,
    },
    /// The path is longer or shorter than the place of the leaf asks for.
    #[error("expected a path of {expected} hashes, got {got}")]
    PathLength {
        /// Length of the path.
        got: usize,
        /// Length that the place asks for.
        expected: usize,
    },
    /// The path leads to another root.
    #[error("the path leads to root {got}, expected {expected}")]
    Root {
        /// Root that the path leads to.
        got: Hash32,
        /// Root of the log.
        expected: Hash32,
    },
}

/// Checks that the log of `size` leaves with `root` has `leaf` (a leaf's hash) at `index`, by the
/// algorithm of RFC 9162 section 2.1.3.2.
pub fn verify_inclusion(
    leaf: &Hash32,
    index: u64,
    size: u64,
    path: &[Hash32],
    root: &Hash32,
) -> Result<(), InclusionError> {
    if index >= size {
        return Err(InclusionError::Index { index, size });
    }
    let expected = path_length(index, size);
    if path.len() != expected {
        return Err(InclusionError::PathLength { got: path.len(), expected });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A right edge without siblings of its own rises to where it has one.
            let risen = node.trailing_zeros().min(63);
            (node, last) = (node >> risen, last >> risen);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if hash == *root { Ok(()) } else { Err(InclusionError::Root { got: hash, expected: *root }) }
}

/// Length of the path of leaf `index` in a log of `size` leaves.
fn path_length(index: u64, size: u64) -> usize {
    // Below the height where the paths of the leaf and of the last leaf part, every level has a
    // sibling; above it, those to the left only.
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    (inner + border) as usize
}

/// The path of leaf `index` in the log of `size` leaves, whose perfect subtrees `subtree` looks up by
/// level and index; `None` where the index is outside or a subtree is missing.
pub fn path<E>(
    index: u64,
    size: u64,
    mut subtree: impl FnMut(u32, u64) -> Result<Option<Hash32>, E>,
) -> Result<Option<Path>, E> {
    let mut path = Path::new();
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    // Walks from the root down (RFC 6962 section 2.1.1), so the siblings come farthest first.
    while end - start > 1 {
        let split = start + largest_power_below(end - start);
        let sibling = if index < split {
            let sibling = range_root(split, end, &mut subtree)?;
            end = split;
            sibling
        } else {
            let sibling = range_root(start, split, &mut subtree)?;
            start = split;
            sibling
        };
        let Some(sibling) = sibling else { return Ok(None) };
        let _ = path.push(sibling);
    }
    path.reverse();
    Ok(Some(path))
}

/// The frontier of the first `size` leaves, from the same look-up as [`path`].
pub fn frontier<E>(
    size: u64,
    mut subtree: impl FnMut(u32, u64) -> Result<Option<Hash32>, E>,
) -> Result<Option<Frontier>, E> {
    let mut peaks = Path::new();
    for level in (0..64).rev().filter(|level| size >> level & 1 == 1) {
        let Some(peak) = subtree(level, (size >> level) - 1)? else { return Ok(None) };
        let _ = peaks.push(peak);
    }
    Ok(Frontier::from_peaks(size, peaks))
}

/// The largest power of two below `size`, which is at least 2.
fn largest_power_below(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Root of the leaves from `start` up to `end`, where `start` is a multiple of a power of two that is
/// at least the range's length.
fn range_root<E>(
    start: u64,
    end: u64,
    subtree: &mut impl FnMut(u32, u64) -> Result<Option<Hash32>, E>,
) -> Result<Option<Hash32>, E> {
    let length = end - start;
    let mut root = None;
    // The range falls into perfect subtrees like a log of its own, smallest last.
    for level in (0..64).filter(|level| length >> level & 1 == 1) {
        let first = start + (((length >> level) ^ 1) << level);
        let Some(peak) = subtree(level, first >> level)? else { return Ok(None) };
        root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct OneByOne;

    impl Hashes for OneByOne {
        fn hash(&self, messages: &[&[u8]], hashes: &mut [Hash32]) {
            messages.iter().zip(hashes).for_each(|(message, hash)| *hash = sha256(message));
        }

        fn hash_alike<const N: usize>(&self, messages: &[[u8; N]], hashes: &mut [Hash32]) {
            messages.iter().zip(hashes).for_each(|(message, hash)| *hash = sha256(message));
        }
    }

    /// RFC 6962's recursive definition.
    fn reference_root(leaves: &[Hash32]) -> Hash32 {
        match leaves {
            [] => sha256(b""),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(largest_power_below(leaves.len() as u64) as usize);
                node_hash(&reference_root(left), &reference_root(right))
            }
        }
    }

    #[test]
    fn roots_and_paths_agree_with_the_definition() {
        let leaves: Vec<Hash32> = (0_u8..70).map(|byte| leaf_hash(&[byte])).collect();
        for size in 0..leaves.len() {
            let leaves = &leaves[..size];
            let expected = reference_root(leaves);
            assert_eq!(root_of_hashes(leaves.iter().copied()), expected);
            assert_eq!(root_in_place(&mut leaves.to_vec(), &OneByOne), expected);
            let subtree = |level: u32, index: u64| {
                let range = (index as usize) << level..(index as usize + 1) << level;
                Ok::<_, ()>(leaves.get(range).map(reference_root))
            };
            assert_eq!(frontier(size as u64, subtree).unwrap().unwrap().root(), expected);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = path(index as u64, size as u64, subtree).unwrap().unwrap();
                assert_eq!(verify_inclusion(leaf, index as u64, size as u64, &path, &expected), Ok(()));
                for other in (0..size).filter(|other| *other != index) {
                    let moved = verify_inclusion(leaf, other as u64, size as u64, &path, &expected);
                    assert!(moved.is_err());
                }
            }
        }
    }
}
