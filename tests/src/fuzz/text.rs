//! What people type and copy: addresses, amounts, networks, peers, ids. A text is refused or is the only one, or one of
//! few, that stand for its value; readers that were written apart agree.

use std::str::FromStr;

use mote::node::request::PeerAddress;
use mote_core::address::{Address, AddressPrefix};
use mote_core::hash::Hash32;
use mote_core::params::Network;
use mote_core::units::Amount;

use crate::fixtures::account;

/// The first byte says what the rest is read as.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match kind % 5 {
        0 => address(text),
        1 => amount(text),
        2 => comes_back::<Network>(text, true),
        3 => peer(text),
        _ => comes_back::<Hash32>(text, true),
    }
}

/// Texts of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let prefixes = [AddressPrefix::Main, AddressPrefix::Test, AddressPrefix::Local];
    let address = |number: u64| Address::new(prefixes[number as usize % 3], account(number)).to_string();
    let mut texts: Vec<(u8, String)> = (1..7).map(|number| (0, address(number))).collect();
    texts.push((0, address(1).to_uppercase()));
    for amount in
        ["12.5", "0.000001", "18446744073709.551615", "18446744073709.551616", "1.", ".5", "1e3", "-1", "007"]
    {
        texts.push((1, amount.to_owned()));
    }
    for network in ["main", "test", "local", "local:group-1", "regtest"] {
        texts.push((2, network.to_owned()));
    }
    for peer in [
        "127.0.0.1:7700",
        "[::1]:7700",
        "[::ffff:1.2.3.4]:80",
        "localhost:1",
        "node-1.example.org:65535",
        "127.1:80",
    ] {
        texts.push((3, peer.to_owned()));
    }
    texts.push((4, Hash32::from_bytes([0xab; 32]).to_string()));
    texts.into_iter().map(|(kind, text)| [&[kind][..], text.as_bytes()].concat()).collect()
}

/// What is read is written, and read again as the same. `is_only` where no other text stands for it.
fn comes_back<T: FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str, is_only: bool) {
    let Ok(value) = text.parse::<T>() else { return };
    let written = value.to_string();
    assert_eq!(written.parse::<T>().ok().as_ref(), Some(&value), "{text:?}");
    assert!(!is_only || written == text, "{text:?} and {written:?}");
}

fn peer(text: &str) {
    comes_back::<PeerAddress>(text, false);
    let Ok(peer) = text.parse::<PeerAddress>() else { return };
    let written = peer.to_string();
    assert!(peer.port() != 0 && written.is_ascii());
    assert!(!written.contains(['/', '?', '#', '@', ' ', '%']), "{written:?} is more than a host and a port");
}

fn amount(text: &str) {
    let plain = plain_amount(text);
    assert_eq!(text.parse::<Amount>().ok().map(Amount::grains), plain, "{text:?}");
    comes_back::<Amount>(text, false);
}

/// Grains by arithmetic in 128 bits: digits, and perhaps a point with up to six digits behind it.
fn plain_amount(text: &str) -> Option<u64> {
    let (motes, grains) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some((motes, grains)) => (motes, grains),
        None => (text, ""),
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if motes.is_empty() || grains.len() > 6 || !is_number(motes) || !is_number(grains) {
        return None;
    }
    let motes = motes.trim_start_matches('0');
    // 64 bits of grains are at most 14 digits of motes; what is left where all were zeros is no digit.
    let motes: u128 = if motes.len() > 14 { return None } else { motes.parse().unwrap_or_default() };
    let grains: u128 = format!("{grains:0<6}").parse().ok()?;
    u64::try_from(motes.checked_mul(1_000_000)?.checked_add(grains)?).ok()
}

fn address(text: &str) {
    let parsed = text.parse::<Address>();
    let plain = plain_address(text);
    let got = parsed
        .map(|address| (address.prefix().as_str().to_owned(), address.public_key().as_bytes().to_vec()));
    match (got, plain) {
        (Ok(got), Some(plain)) => {
            assert_eq!(got, plain);
            let written = text.parse::<Address>().map(|address| address.to_string());
            assert_eq!(written, Ok(text.to_lowercase()));
        }
        (Err(mote_core::address::ParseAddressError::SmallOrder), Some(_)) | (Err(_), None) => {}
        (got, plain) => panic!("{text:?}: {got:?} and {plain:?}"),
    }
}

/// The digits of bech32.
const DIGITS: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// An address by the text of BIP-173 and BIP-350: the prefix and 32 bytes.
fn plain_address(text: &str) -> Option<(String, Vec<u8>)> {
    if text.len() > 90 || (text.to_lowercase() != text && text.to_uppercase() != text) {
        return None;
    }
    let text = text.to_lowercase();
    let (prefix, data) = text.rsplit_once('1')?;
    if !["mote", "tmote", "lmote"].contains(&prefix) || data.len() < 6 {
        return None;
    }
    let digits: Vec<u8> =
        data.chars().map(|digit| DIGITS.find(digit).map(|place| place as u8)).collect::<Option<_>>()?;
    let expanded =
        prefix.bytes().map(|byte| byte >> 5).chain([0]).chain(prefix.bytes().map(|byte| byte & 31));
    let checksum = expanded.chain(digits.iter().copied()).fold(1_u32, |sum, value| {
        let generator = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let shifted = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        (0..5).filter(|bit| sum >> 25 >> bit & 1 == 1).fold(shifted, |sum, bit| sum ^ generator[bit as usize])
    });
    if checksum != 0x2bc8_30a3 {
        return None;
    }
    let bits: Vec<u8> = digits[..digits.len() - 6]
        .iter()
        .flat_map(|digit| (0..5).rev().map(move |bit| digit >> bit & 1))
        .collect();
    let (whole, rest) = bits.as_chunks::<8>();
    if whole.len() != 32 || rest.len() > 4 || rest.contains(&1) {
        return None;
    }
    let bytes = whole.iter().map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    Some((prefix.to_owned(), bytes))
}
