//! Every way to search for a nonce finds what the plain one finds.

use std::ops::Range;

use mote::miner::kernel::Kernel;
use mote_core::hash::Hash32;
use mote_core::miner::Job;
use mote_core::pow::CompactTarget;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_kernel_finds_what_the_plain_search_finds(
        commitment: [u8; 32],
        bits in prop::sample::select(vec![0x207f_ffff, 0x2000_ffff, 0x1f7f_ffff, 0x1f00_ffff, 0x0300_0001]),
        start in prop_oneof![any::<u64>(), Just(u64::from(u32::MAX) - 40), 0..100_u64],
        count in 0..600_u64,
    ) {
        let job = Job::from_parts(Hash32::from_bytes(commitment), CompactTarget::from_bits(bits)).unwrap();
        let end = start.saturating_add(count);
        let expected = job.search(start..end);
        for kernel in Kernel::all() {
            prop_assert_eq!(kernel.search(&job, start..end), expected, "{}", kernel.name());
        }
    }
}

#[test]
fn every_find_of_a_long_search_is_the_same() {
    let job = Job::from_parts(Hash32::from_bytes([7; 32]), CompactTarget::from_bits(0x1f7f_ffff)).unwrap();
    let finds = |kernel: Option<Kernel>| {
        let (mut finds, mut start) = (Vec::new(), u64::from(u32::MAX) - 20_000);
        while let Some(found) = match kernel {
            Some(kernel) => kernel.search(&job, start..start + 40_000),
            None => job.search(start..start + 40_000),
        } {
            finds.push(found);
            start = found + 1;
            if finds.len() == 200 {
                break;
            }
        }
        finds
    };
    let expected = finds(None);
    assert_eq!(expected.len(), 200);
    for kernel in Kernel::all() {
        assert_eq!(finds(Some(kernel)), expected, "{}", kernel.name());
    }
}

#[test]
fn nothing_is_found_in_an_empty_range() {
    let job = Job::from_parts(Hash32::ZERO, CompactTarget::from_bits(0x207f_ffff)).unwrap();
    for kernel in Kernel::all() {
        for nonces in [0..0, 100..100, u64::MAX..u64::MAX, Range { start: 90, end: 3 }] {
            assert_eq!(kernel.search(&job, nonces), None, "{}", kernel.name());
        }
    }
}
