//! What is fixed when the program is built.
//!
//! | variable | what it is |
//! | --- | --- |
//! | `MOTE_ADDRESS` | the device's own address and the length of its network, such as 192.168.7.20/24; by DHCP without it |
//! | `MOTE_ROUTER` | the way out of that network, such as 192.168.7.1 |

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

    #[test]
    fn addresses_are_read() {
        let (ip, rest) = parse_ip(b"192.168.7.20/24");
        assert_eq!((ip, parse_prefix(rest)), (Ipv4Addr::new(192, 168, 7, 20), 24));
    }
}
