//! What people read and type: it comes back, and what is malformed is refused.

use mote_core::address::{Address, AddressPrefix, ParseAddressError};
use mote_core::hash::Hash32;
use mote_core::params::{Network, Params};
use mote_core::pow::Work;
use mote_core::units::{Amount, Height, Timestamp};
use mote_tests::fixtures::{account, network};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::wire_values::{hash, number};

/// The value of a decimal text in grains, by long division with schoolbook digits.
fn grains_of(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > 6 || whole.len() > 20 {
        return None;
    }
    let fraction = format!("{fraction:0<6}");
    let grains = whole.parse::<u128>().ok()? * 1_000_000 + fraction.parse::<u128>().ok()?;
    Some(grains).filter(|grains| *grains <= u128::from(u64::MAX))
}

fn prefix() -> impl Strategy<Value = AddressPrefix> {
    select(vec![AddressPrefix::Main, AddressPrefix::Test, AddressPrefix::Local])
}

proptest! {
    #[test]
    fn amounts_come_back(grains in number()) {
        let amount = Amount::from_grains(grains);
        let text = amount.to_string();
        prop_assert_eq!(text.parse(), Ok(amount));
        prop_assert_eq!(grains_of(&text), Some(u128::from(grains)));
        prop_assert!(!text.contains('.') || !text.ends_with('0'), "superfluous digits: {}", text);
    }

    #[test]
    fn texts_are_amounts_by_their_digits(text in prop_oneof![
        "[0-9]{0,15}\\.?[0-9]{0,8}", "[0-9.]{0,8}", "[-+]?[0-9]{1,3}(\\.[0-9]{1,7})?[eE,]?[0-9]?", "\\PC{0,12}",
        "(18446744073709|18446744073710)\\.[0-9]{1,6}",
    ]) {
        let parsed = text.parse::<Amount>().ok().map(|amount| u128::from(amount.grains()));
        prop_assert_eq!(parsed, grains_of(&text), "{:?}", text);
    }

    #[test]
    fn heights_and_times_are_their_numbers(value in number()) {
        prop_assert_eq!(Height::new(value).to_string().parse(), Ok(value));
        prop_assert_eq!(Timestamp::from_seconds(value).to_string().parse(), Ok(value));
        prop_assert_eq!(Height::new(value).get(), value);
    }

    #[test]
    fn hashes_come_back(hash in hash(), at in any::<Index>(), character in "[^0-9a-f]") {
        let text = hash.to_string();
        prop_assert_eq!(text.parse(), Ok(hash));
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        characters[at] = character.chars().next().unwrap_or('x');
        let changed: String = characters.iter().collect();
        prop_assert!(changed.parse::<Hash32>().is_err());
        prop_assert!(text[1..].parse::<Hash32>().is_err());
        let longer = text + "0";
        prop_assert!(longer.parse::<Hash32>().is_err());
    }

    #[test]
    fn work_is_shown_in_hexadecimal(value in number()) {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&value.to_be_bytes());
        prop_assert_eq!(Work::from_be_bytes(&bytes).to_string(), format!("{value:x}"));
    }

    #[test]
    fn addresses_come_back(number in any::<u64>(), prefix in prefix()) {
        let address = Address::new(prefix, account(number));
        let text = address.to_string();
        let start = format!("{}1", prefix.as_str());
        prop_assert!(text.starts_with(&start));
        prop_assert_eq!(text.parse(), Ok(address));
        // As BIP-173 has it: all in capitals is the same address, and a mixture is none.
        prop_assert_eq!(text.to_uppercase().parse(), Ok(address));
        let mixed = text.replacen(prefix.as_str(), &prefix.as_str().to_uppercase(), 1);
        prop_assert_eq!(mixed.parse::<Address>(), Err(ParseAddressError::Checksum));
    }

    /// The checksum finds up to four wrong characters, always.
    #[test]
    fn typing_errors_are_found(
        number in any::<u64>(), prefix in prefix(),
        errors in proptest::collection::btree_map(0_usize..58, "[qpzry9x8gf2tvdw0s3jn54khce6mua7l]", 1..=4),
    ) {
        let text = Address::new(prefix, account(number)).to_string();
        let start = prefix.as_str().len() + 1;
        let mut characters: Vec<char> = text.chars().collect();
        for (at, character) in errors {
            characters[start + at] = character.chars().next().unwrap_or('q');
        }
        let changed: String = characters.iter().collect();
        prop_assume!(changed != text);
        prop_assert_eq!(changed.parse::<Address>(), Err(ParseAddressError::Checksum));
    }

    #[test]
    fn lost_and_added_characters_are_found(number in any::<u64>(), at in any::<Index>(), character in "[a-z0-9]") {
        let text = Address::new(AddressPrefix::Local, account(number)).to_string();
        let at = at.index(text.len());
        let mut shorter = text.clone();
        shorter.remove(at);
        prop_assert!(shorter.parse::<Address>().is_err());
        let mut longer = text.clone();
        longer.insert_str(at, &character);
        prop_assert!(longer.parse::<Address>().is_err());
    }

    #[test]
    fn addresses_belong_to_their_network(number in any::<u64>(), prefix in prefix()) {
        let text = Address::new(prefix, account(number)).to_string();
        for name in ["main", "test", "local", "local:group", "regtest"] {
            let params = network(name);
            let expected = params.address_prefix;
            let parsed = Address::parse_for(&text, &params);
            if prefix == expected {
                prop_assert_eq!(parsed, Ok(Address::new(prefix, account(number))));
            } else {
                let (got, expected) = (prefix.as_str(), expected.as_str());
                prop_assert_eq!(parsed, Err(ParseAddressError::Network { got, expected }));
            }
        }
    }

    #[test]
    fn names_of_networks_come_back(name in "[a-z0-9-]{1,32}", wrong in "[^a-z0-9-]") {
        let text = format!("local:{name}");
        let parsed = text.parse::<Network>();
        prop_assert_eq!(parsed.as_ref().map(Network::to_string), Ok(text.clone()));
        prop_assert_ne!(network(&text).genesis_id(), network("local").genesis_id());
        let wrong = format!("local:{wrong}{name}");
        prop_assert!(wrong.parse::<Network>().is_err());
    }
}

#[test]
fn other_names_are_no_networks() {
    for text in ["", "Local", "local:", "local:A", "mainnet", " main", "regtest:x", "local:a b"] {
        assert!(text.parse::<Network>().is_err(), "{text:?}");
    }
    assert!(format!("local:{}", "a".repeat(32)).parse::<Network>().is_ok());
    assert!(format!("local:{}", "a".repeat(33)).parse::<Network>().is_err());
    let ids = ["main", "test", "local", "local:a", "regtest"]
        .map(|name| Params::new(name.parse().expect("a network")).genesis_id());
    let different: std::collections::BTreeSet<Hash32> = ids.into();
    assert_eq!(different.len(), ids.len());
}
