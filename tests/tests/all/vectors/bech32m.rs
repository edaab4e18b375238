//! BIP-350: a text is refused for its checksum if and only if it is not bech32m.
//!
//! The published strings have other prefixes than ours, so a valid one is refused for its prefix.

use std::fs;

use mote_core::address::{Address, ParseAddressError};
use mote_tests::vectors::folder;

fn error(text: &str) -> ParseAddressError {
    text.parse::<Address>().expect_err("no network of ours has this prefix")
}

#[test]
fn bip_350_examples() {
    for valid in ["A1LQFN3A", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", "?1v759aa"] {
        assert_eq!(error(valid), ParseAddressError::Prefix, "{valid}");
    }
    for invalid in ["qyrz8wqd2c9m", "y1b0jsk6g", "in1muywd", "mm1crxm3i", "M1VUXWEZ", "16plkw9"] {
        assert_eq!(error(invalid), ParseAddressError::Checksum, "{invalid}");
    }
}

#[test]
fn bip_350_lists() {
    let Some(folder) = folder("bech32m") else {
        return;
    };
    let text = fs::read_to_string(folder.join("bip-0350.mediawiki")).expect("a readable file");
    for (heading, count, expected) in [
        ("The following strings are valid Bech32m:", 7, ParseAddressError::Prefix),
        ("The following string are not valid Bech32m", 14, ParseAddressError::Checksum),
    ] {
        let (_, list) = text.split_once(heading).expect("the heading of a list");
        let items: Vec<String> =
            list.lines().skip(1).map_while(|line| Some(item(line.strip_prefix("* ")?))).collect();
        assert_eq!(items.len(), count, "{heading}");
        for item in items {
            assert_eq!(error(&item), expected, "{item:?}");
        }
    }
}

/// The string of a list item such as `0x20 + <tt>1xj0phk</tt>: why`.
fn item(line: &str) -> String {
    let (before, rest) = line.split_once("<tt>").expect("a string");
    let (string, _) = rest.split_once("</tt>").expect("a string");
    let first = before.trim_end_matches(" + ").strip_prefix("0x");
    let first = first.map(|code| u8::from_str_radix(code, 16).expect("a character's code"));
    first.map(char::from).into_iter().chain(string.chars()).collect()
}
