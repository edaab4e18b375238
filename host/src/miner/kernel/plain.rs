//! One attempt after another, with whatever instructions the hash library finds.

use sha2::block_api::compress256;

use super::prepared::Prepared;
use crate::sha256::constants::INITIAL;

/// So many blocks are written before the first is read: a processor that reads what has not left its store buffer
/// yet, and in other widths than it was written, waits for it, and with it the next attempt waits for this one.
const BLOCKS: u32 = 16;

/// As [`super::search::Search`].
pub fn search(prepared: &Prepared, first: u32, count: u32, limit: u32) -> Option<u32> {
    let mut block = [0; 64];
    for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(&prepared.words) {
        *bytes = word.to_be_bytes();
    }
    let mut blocks = [block; BLOCKS as usize];
    for group in 0..count / BLOCKS {
        let first = first.wrapping_add(group * BLOCKS);
        for (nonce, block) in (first..=u32::MAX).zip(&mut blocks) {
            block[32..36].copy_from_slice(&nonce.to_le_bytes());
        }
        for (lane, block) in (0..).zip(&blocks) {
            let mut state = INITIAL;
            compress256(&mut state, std::slice::from_ref(block));
            if state[0] <= limit {
                return Some(first.wrapping_add(lane));
            }
        }
    }
    None
}
