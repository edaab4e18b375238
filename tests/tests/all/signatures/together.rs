//! Signatures that are judged together get the verdict that they get alone, by every kernel, whatever an attacker puts
//! among them; and what was judged before is not judged again.

use std::num::NonZero;

use mote::signatures::Verifier;
use mote::signatures::kernel::{Kernel, Sum, Term};
use mote_core::params::Params;
use mote_core::rules::{
    IdentifiedTransaction, InspectedTransaction, RuleError, Signatures, check_transaction, judge_together,
};
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use mote_tests::fixtures::{account, network, pay, regtest};
use proptest::collection::vec;
use proptest::prelude::*;

use super::edges::{CASES_PER_KEY, ENCODINGS, VALID_PER_KEY, keys};
use super::everywhere::payment;

/// Every kernel, on one core and on two.
fn verifiers() -> Vec<Verifier> {
    let cores = [1, 2].map(|cores| NonZero::new(cores).expect("it is not 0"));
    Kernel::all().into_iter().flat_map(|kernel| cores.map(|cores| Verifier::with(kernel, cores))).collect()
}

fn inspect(transactions: &[Transaction]) -> Vec<InspectedTransaction<'_>> {
    transactions
        .iter()
        .map(|transaction| IdentifiedTransaction::from(transaction).inspect().expect("it obeys T1 to T4"))
        .collect()
}

/// An honest payment from one of a few senders.
fn honest(params: &Params, from: u64, nonce: u64) -> Transaction {
    pay(params, from, account(2), 1, 1_000, nonce)
}

/// What is put among honest payments.
#[derive(Clone, Copy, Debug)]
enum Strange {
    /// A case of one of the crafted keys.
    Case { key: usize, number: usize },
    /// An honest payment with a bit of its signature changed.
    Changed { bit: usize },
    /// An honest payment on another network.
    Elsewhere,
    /// An honest payment with the signature of another one.
    Swapped,
}

impl Strange {
    fn transaction(self, params: &Params, nonce: u64) -> Transaction {
        let mut transaction = honest(params, 3, nonce);
        match self {
            Self::Case { key, number } => return payment(params, keys()[key], number, nonce).1,
            Self::Changed { bit } => {
                let mut bytes = *transaction.signature.as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                transaction.signature = mote_core::keys::Signature::from_bytes(bytes);
            }
            Self::Elsewhere => return honest(&network("local"), 3, nonce),
            Self::Swapped => transaction.signature = honest(params, 3, nonce + 1).signature,
        }
        transaction
    }
}

fn strange() -> impl Strategy<Value = Strange> {
    prop_oneof![
        4 => (0..8_usize, 0..VALID_PER_KEY).prop_map(|(key, number)| Strange::Case { key, number }),
        1 => (0..8_usize, VALID_PER_KEY..CASES_PER_KEY).prop_map(|(key, number)| Strange::Case { key, number }),
        1 => (0..512_usize).prop_map(|bit| Strange::Changed { bit }),
        1 => Just(Strange::Elsewhere),
        1 => Just(Strange::Swapped),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_batch_is_refused_where_one_signature_is(
        strangers in vec((strange(), any::<prop::sample::Index>()), 0..4),
        count in prop_oneof![0..12_u64, 60..72_u64],
        senders in 1..70_u64,
    ) {
        let params = regtest();
        let mut transactions: Vec<_> =
            (0..count).map(|number| honest(&params, 10 + number % senders, number)).collect();
        for (nonce, (stranger, place)) in strangers.iter().enumerate() {
            transactions.insert(place.index(transactions.len() + 1), stranger.transaction(&params, nonce as u64));
        }
        let inspected = inspect(&transactions);
        let first_bad = transactions.iter().position(|transaction| !transaction.is_signed(&params));
        for verifier in verifiers() {
            prop_assert_eq!(verifier.are_signed(&params, &inspected), first_bad.is_none());
            // The rules name the first that is none, as they do one by one.
            match judge_together(&params, &inspected, &verifier) {
                Ok(checked) => {
                    prop_assert!(first_bad.is_none());
                    let ids: Vec<_> = checked.map(|checked| checked.id()).collect();
                    let expected: Vec<_> = transactions.iter().map(Transaction::id).collect();
                    prop_assert_eq!(ids, expected);
                }
                Err((place, error)) => {
                    prop_assert_eq!(Some(place), first_bad);
                    let transaction = transactions[place].id();
                    prop_assert_eq!(error, RuleError::TransactionSignature { transaction });
                }
            }
        }
    }

    #[test]
    fn kernels_agree_on_sums(
        encodings in vec((encoding(), any::<[u8; 32]>()), 1..24),
        repeated in prop_oneof![Just(1_usize), Just(10), Just(40)],
        changed in any::<Option<prop::sample::Index>>(),
    ) {
        // Each point as often as its opposite, so that where all are points the sum is zero.
        let half = |number: [u8; 32]| {
            let mut scalar = [0; 32];
            scalar[..16].copy_from_slice(&number[..16]);
            scalar[15] &= 0x7f;
            scalar
        };
        let mut sum = Sum::default();
        for (point, number) in encodings.iter().flat_map(|term| std::iter::repeat_n(*term, repeated)) {
            let short = half(number);
            sum.short.push(Term { point, scalar: short });
            sum.long.push(Term { point, scalar: opposite(short) });
        }
        if let Some(changed) = changed {
            let term = changed.get(&sum.short);
            sum.long.push(Term { point: term.point, scalar: [1; 32].map(|byte| byte & 0x0f) });
        }
        let verdicts: Vec<_> = Kernel::all().into_iter().map(|kernel| kernel.vanishes(&sum)).collect();
        prop_assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", verdicts);
        let is_point = |(point, _): &([u8; 32], _)| {
            curve25519_dalek::edwards::CompressedEdwardsY(*point).decompress().is_some()
        };
        if !encodings.iter().all(is_point) {
            prop_assert!(!verdicts[0]);
        } else if changed.is_none() {
            prop_assert!(verdicts[0]);
        }
    }

    #[test]
    fn nothing_vouches_for_another_transaction(field in 0..7_usize, bit in 0..512_usize) {
        let params = regtest();
        let original = honest(&params, 1, 5);
        let mut other = original.clone();
        let flip = |bytes: &mut [u8]| bytes[bit / 8 % bytes.len()] ^= 1 << (bit % 8);
        let number = |number: u64| number ^ 1 << (bit % 20);
        match field {
            0 | 1 => {
                let mut key = *if field == 0 { &other.sender } else { &other.recipient }.as_bytes();
                flip(&mut key);
                let key = mote_core::keys::PublicKey::from_bytes(key);
                if field == 0 { other.sender = key } else { other.recipient = key }
            }
            2 => other.amount = Amount::from_grains(2 + number(other.amount.grains())),
            3 => other.fee = Amount::from_grains(2_000 + number(other.fee.grains())),
            4 => other.nonce = number(other.nonce),
            5 => other.memo.push(bit as u8).expect("there is room for a byte"),
            _ => {
                let mut signature = *other.signature.as_bytes();
                flip(&mut signature);
                other.signature = mote_core::keys::Signature::from_bytes(signature);
            }
        }
        prop_assert_ne!(&original, &other);
        let kept = check_transaction(&params, &original).expect("it is valid").keep();
        prop_assert!(IdentifiedTransaction::from(&other).vouched_for_by(&kept.checked()).is_none());
        let again = original.clone();
        let vouched = IdentifiedTransaction::from(&again).vouched_for_by(&kept.checked()).map(|checked| checked.id());
        prop_assert_eq!(vouched, Some(original.id()));
    }
}

/// Encodings of points of all kinds, and some of none.
fn encoding() -> impl Strategy<Value = [u8; 32]> {
    let beyond = (0_u8..19, any::<bool>()).prop_map(|(low, sign)| {
        // From p to 2^255 - 1.
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xed + low, if sign { 0xff } else { 0x7f });
        bytes
    });
    prop_oneof![
        3 => (0..8_usize).prop_map(|key| keys()[key]),
        3 => (0..ENCODINGS.len()).prop_map(|place| ENCODINGS[place]),
        10 => (0..1_000_u64).prop_map(|number| *account(number).as_bytes()),
        1 => beyond,
        1 => any::<[u8; 32]>(),
    ]
}

/// What makes zero with this number modulo the order of the base point.
fn opposite(scalar: [u8; 32]) -> [u8; 32] {
    (-curve25519_dalek::scalar::Scalar::from_bytes_mod_order(scalar)).to_bytes()
}

#[test]
fn every_case_alone_and_among_others() {
    let params = regtest();
    let others: Vec<_> = (0..8).map(|number| honest(&params, 10 + number, 0)).collect();
    for verifier in verifiers() {
        for key in keys() {
            let valid: Vec<_> = (0..VALID_PER_KEY).map(|number| payment(&params, key, number, 0).1).collect();
            assert!(verifier.are_signed(&params, &inspect(&valid)));
            for number in VALID_PER_KEY..CASES_PER_KEY {
                let (name, bad) = payment(&params, key, number, 0);
                assert!(!verifier.are_signed(&params, &inspect(std::slice::from_ref(&bad))), "{name}");
                let mut among = others.clone();
                among.insert(number % 9, bad);
                assert!(!verifier.are_signed(&params, &inspect(&among)), "{name}");
            }
        }
    }
}
