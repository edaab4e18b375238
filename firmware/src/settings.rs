//! What is fixed when the program is built.
//!
//! | variable | what it is |
//! | --- | --- |
//! | `MOTE_ADDRESS` | the device's own address and the length of its network, such as 192.168.7.20/24; by DHCP without it |
//! | `MOTE_ROUTER` | the way out of that network, such as 192.168.7.1 |
//! | `MOTE_CHECKPOINT` | a block to start at instead of genesis, and never to go back below, as `mote device checkpoint` prints it: lower-case hex; a device on another network starts at genesis |

use core::net::Ipv4Addr;

/// The address, the length of the network's prefix and the way out; none where DHCP tells them.
pub const STATIC_ADDRESS: Option<(Ipv4Addr, u8, Option<Ipv4Addr>)> = match option_env!("MOTE_ADDRESS") {
    None => None,
    Some(text) => {
        let (ip, rest) = parse_ip(text.as_bytes());
        let router = match option_env!("MOTE_ROUTER") {
            None => None,
            Some(router) => Some(parse_ip(router.as_bytes()).0),
        };
        Some((ip, parse_prefix(rest), router))
    }
};

/// The checkpoint: its network's genesis id (32 bytes) and the [`mote_core::codec`]'s form of the
/// [`mote_core::chain::Tip`] to start at.
pub const CHECKPOINT: Option<&[u8]> = if CHECKPOINT_TEXT.is_empty() { None } else { Some(&CHECKPOINT_BYTES) };

const CHECKPOINT_TEXT: &[u8] = match option_env!("MOTE_CHECKPOINT") {
    None => &[],
    Some(text) => text.as_bytes(),
};

static CHECKPOINT_BYTES: [u8; CHECKPOINT_TEXT.len() / 2] = parse_hex(CHECKPOINT_TEXT);

/// Reads `N` bytes; a wrong digit, or one too many or too few, ends the build.
const fn parse_hex<const N: usize>(mut text: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut left: &mut [u8] = &mut bytes;
    while let ([byte, others @ ..], [high, low, rest @ ..]) = (left, text) {
        *byte = digit(*high) << 4 | digit(*low);
        (left, text) = (others, rest);
    }
    assert!(text.is_empty(), "MOTE_CHECKPOINT has two digits for every byte, so an even number of them");
    bytes
}

const fn digit(character: u8) -> u8 {
    let is_digit = matches!(character, b'0'..=b'9' | b'a'..=b'f');
    assert!(is_digit, "MOTE_CHECKPOINT is lower-case hex, as `mote device checkpoint` prints it");
    if character <= b'9' { character - b'0' } else { character - b'a' + 10 }
}

/// Reads four numbers with points between them from the front; a wrong text ends the build.
const fn parse_ip(text: &[u8]) -> (Ipv4Addr, &[u8]) {
    let (a, text) = parse_number(text);
    let (b, text) = parse_number(skip(text, b'.'));
    let (c, text) = parse_number(skip(text, b'.'));
    let (d, text) = parse_number(skip(text, b'.'));
    (Ipv4Addr::new(a, b, c, d), text)
}

const fn parse_prefix(text: &[u8]) -> u8 {
    let (length, rest) = parse_number(skip(text, b'/'));
    assert!(rest.is_empty() && length <= 32, "MOTE_ADDRESS ends in /0 to /32");
    length
}

const fn skip(text: &[u8], byte: u8) -> &[u8] {
    let [first, rest @ ..] = text else { return skip(b" ", byte) };
    assert!(*first == byte, "an address is written like 192.168.7.20/24");
    rest
}

const fn parse_number(mut text: &[u8]) -> (u8, &[u8]) {
    let mut value = 0_u16;
    let mut digits = 0;
    while let [digit @ b'0'..=b'9', rest @ ..] = text {
        value = 10 * value + (*digit - b'0') as u16;
        digits += 1;
        text = rest;
        assert!(value <= 255, "a number of an address is at most 255");
    }
    assert!(digits > 0, "an address is written like 192.168.7.20/24");
    (value as u8, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::panic::catch_unwind;
    use std::string::String;

    #[test]
    fn addresses_are_read() {
        let (ip, rest) = parse_ip(b"192.168.7.20/24");
        assert_eq!((ip, parse_prefix(rest)), (Ipv4Addr::new(192, 168, 7, 20), 24));
    }
    proptest! {
        #[test]
        fn a_checkpoint_is_read(bytes: [u8; 40]) {
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(parse_hex(text.as_bytes()), bytes);
        }

        #[test]
        fn a_wrong_digit_ends_the_build(
            text in "[0-9a-f]{16}",
            at in 0_usize..16,
            wrong in any::<u8>().prop_filter("a digit", |byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        ) {
            let mut text = text.into_bytes();
            text[at] = wrong;
            prop_assert!(catch_unwind(|| parse_hex::<8>(&text)).is_err());
        }
    }

    #[test]
    fn an_odd_number_of_digits_ends_the_build() {
        assert_eq!(parse_hex(b"00ff"), [0x00, 0xff]);
        for text in ["0", "00f", "00ff0"] {
            assert!(catch_unwind(|| parse_hex::<1>(text.as_bytes())).is_err(), "{text}");
        }
        assert_eq!(parse_hex(b""), [0; 0]);
    }
}
