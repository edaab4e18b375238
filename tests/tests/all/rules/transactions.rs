//! T1 to T5: what a transaction shows by itself.

use mote_core::hash::Hash32;
use mote_core::keys::{PublicKey, Signature};
use mote_core::rules::{Rule, RuleError, check_transaction};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::Amount;
use mote_tests::fixtures::{account, key, network, pay, pay_from_small_order, regtest};

use super::{Case, Refusal, refusal};

pub const CASES: [Case; 5] = [
    Case { rule: Rule::TransactionAmount, accept: one_grain, reject: nothing },
    Case { rule: Rule::TransactionFee, accept: the_least_fee, reject: less_than_the_least_fee },
    Case { rule: Rule::TransactionSender, accept: ordinary_keys, reject: small_order_senders },
    Case { rule: Rule::TransactionRecipient, accept: odd_recipients, reject: small_order_recipients },
    Case { rule: Rule::TransactionSignature, accept: signed, reject: signed_otherwise },
];

fn check(transaction: &Transaction) -> Result<(), RuleError> {
    check_transaction(&regtest(), transaction).map(drop)
}

fn payment(amount: u64, fee: u64) -> Transaction {
    pay(&regtest(), 1, account(2), amount, fee, 0)
}

fn one_grain() -> Vec<Result<(), RuleError>> {
    vec![check(&payment(1, 1_000)), check(&payment(u64::MAX, 1_000))]
}

fn nothing() -> Vec<Refusal> {
    let expected = RuleError::TransactionAmount { got: Amount::ZERO };
    vec![refusal(check(&payment(0, 1_000)), expected)]
}

fn the_least_fee() -> Vec<Result<(), RuleError>> {
    vec![check(&payment(1, 1_000)), check(&payment(1, u64::MAX))]
}

fn less_than_the_least_fee() -> Vec<Refusal> {
    let refuse = |fee| {
        let (got, expected) = (Amount::from_grains(fee), Amount::from_grains(1_000));
        refusal(check(&payment(1, fee)), RuleError::TransactionFee { got, expected })
    };
    vec![refuse(999), refuse(0)]
}

fn ordinary_keys() -> Vec<Result<(), RuleError>> {
    (1..20).map(|number| check(&pay(&regtest(), number, account(2), 1, 1_000, 0))).collect()
}

fn small_order_senders() -> Vec<Refusal> {
    let refuse = |sender: PublicKey| {
        let transaction = Transaction { sender, ..pay_from_small_order(account(2), 1, 1_000, 0) };
        // Nothing else speaks against it: the signature is one that ZIP-215 takes for any message.
        assert!(transaction.is_signed(&regtest()), "{sender:?}");
        let got = Hash32::from_bytes(*sender.as_bytes());
        refusal(check(&transaction), RuleError::TransactionSender { got })
    };
    small_order_keys().into_iter().map(refuse).collect()
}

/// A recipient need not be a point: what is sent there is lost, which harms nobody else.
fn odd_recipients() -> Vec<Result<(), RuleError>> {
    let to = |bytes| check(&pay(&regtest(), 1, PublicKey::from_bytes(bytes), 1, 1_000, 0));
    vec![to([2; 32]), to([0xff; 32]), to(*account(1).as_bytes())]
}

fn small_order_recipients() -> Vec<Refusal> {
    let refuse = |recipient: PublicKey| {
        let got = Hash32::from_bytes(*recipient.as_bytes());
        let transaction = pay(&regtest(), 1, recipient, 1, 1_000, 0);
        refusal(check(&transaction), RuleError::TransactionRecipient { got })
    };
    small_order_keys().into_iter().map(refuse).collect()
}

fn signed() -> Vec<Result<(), RuleError>> {
    let memo = |length| {
        let memo = Memo::from_slice(&vec![7; length]).expect("a memo has up to 64 bytes");
        let Transaction { recipient, amount, fee, nonce, .. } = payment(5, 1_000);
        let payment = Payment { recipient, amount, fee, nonce, memo };
        check(&payment.sign(&regtest(), &key(1)))
    };
    vec![memo(0), memo(1), memo(64)]
}

fn signed_otherwise() -> Vec<Refusal> {
    let refuse = |transaction: Transaction| {
        let expected = RuleError::TransactionSignature { transaction: transaction.id() };
        refusal(check(&transaction), expected)
    };
    let valid = payment(5, 1_000);
    let changed = |bytes: &mut [u8; 64], index: usize| {
        bytes[index] ^= 1;
        Signature::from_bytes(*bytes)
    };
    let mut signature = *valid.signature.as_bytes();
    let first = changed(&mut signature, 0);
    let last = changed(&mut { *valid.signature.as_bytes() }, 63);
    let memo = Memo::from_slice(b"x").expect("one byte fits");
    let group = network("local:other");
    [
        Transaction { sender: account(3), ..valid.clone() },
        Transaction { sender: PublicKey::from_bytes([2; 32]), ..valid.clone() },
        Transaction { recipient: account(3), ..valid.clone() },
        Transaction { amount: Amount::from_grains(6), ..valid.clone() },
        Transaction { fee: Amount::from_grains(1_001), ..valid.clone() },
        Transaction { nonce: 1, ..valid.clone() },
        Transaction { memo, ..valid.clone() },
        Transaction { signature: first, ..valid.clone() },
        Transaction { signature: last, ..valid.clone() },
        Transaction { signature: Signature::from_bytes([0; 64]), ..valid },
        pay(&group, 1, account(2), 5, 1_000, 0),
    ]
    .map(refuse)
    .into()
}

/// The 14 encodings of points of order 1, 2, 4 and 8 (Chalkias, Garillot, Nikolaenko: "Taming the
/// many EdDSAs", 2020, table 5): seven values of y, each with both signs of x.
pub fn small_order_keys() -> Vec<PublicKey> {
    let signless = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let mut keys = Vec::new();
    for text in signless {
        let mut bytes = *text.parse::<Hash32>().expect("64 digits").as_bytes();
        keys.push(PublicKey::from_bytes(bytes));
        bytes[31] |= 0x80;
        keys.push(PublicKey::from_bytes(bytes));
    }
    keys
}
