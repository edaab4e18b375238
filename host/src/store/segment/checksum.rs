//! The checksum of records by the instruction that works it out, where the processor has it.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "an instruction that not every processor has")
)]

use mote_core::frame;

/// As [`frame::feed`].
pub fn feed(register: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { feed_eights(register, bytes) };
    }
    frame::feed(register, bytes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn feed_eights(register: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks();
    let register = eights.iter().fold(u64::from(register), |register, eight| {
        std::arch::x86_64::_mm_crc32_u64(register, u64::from_le_bytes(*eight))
    });
    frame::feed(register as u32, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_agrees_with_the_core() {
        let bytes: Vec<u8> = (0..3_000_usize).map(|at| (at * at + 3 * at) as u8).collect();
        for from in 0..20 {
            for count in (0..200).chain([1_000, 2_980]) {
                let bytes = &bytes[from..from + count];
                for register in [0, 1, u32::MAX, 0x1edc_6f41] {
                    assert_eq!(
                        feed(register, bytes),
                        frame::feed(register, bytes),
                        "{from} {count} {register}"
                    );
                }
            }
        }
    }
}
