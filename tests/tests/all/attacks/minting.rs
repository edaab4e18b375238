//! Making coins from nothing, taking those of others, paying twice.

use mote_core::address::{Address, AddressPrefix};
use mote_core::keys::{PublicKey, Signature};
use mote_core::params::MEMO_MAX_BYTES;
use mote_core::rules::Rule;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::Amount;
use mote_core::wire::Message;
use mote_tests::fixtures::{
    Chain, FUNDED, SMALL_ORDER, VecBlock, account, key, mine, pay, pay_from_small_order,
};
use serde_json::{Value, json};

use super::node::{Node, add};
use super::peer::{Branch, Peer};

const MOTE: u64 = 1_000_000;

/// A node at height 3, where account 1 has 30 motes, and another one's open payment.
fn stage() -> (Node, Chain, Branch) {
    Node::with_chain("regtest", 3)
}

/// Offers a block on the tip to the node, which names the rule that it breaks and is unharmed.
#[track_caller]
fn breaks(node: &Node, branch: &Branch, block: VecBlock, rule: Rule) {
    let before = node.holdings();
    let reason = Peer::greeted(node.address(), &node.params).offer_in_vain(&branch.and(block));
    assert!(reason.starts_with(&format!("broke rule {}", rule.id())), "{rule:?}: {reason}");
    node.is_unharmed(&before);
}

/// A block without transactions whose miner grants itself this much, mined.
fn with_reward(chain: &Chain, grains: u64) -> VecBlock {
    let mut block = chain.block(account(3), Vec::new());
    let mut accounts = chain.accounts.clone();
    accounts.credit_blindly(&account(3), grains);
    block.header.state_root = accounts.root();
    mine(&mut block.header);
    block
}

#[test]
fn a_block_grants_its_miner_the_reward_and_nothing_else() {
    let (node, chain, branch) = stage();
    let (billion, fifty_rewards) = (1_000_000_000 * MOTE, 50 * 10 * MOTE);
    for grains in [billion, fifty_rewards, 10 * MOTE + 1, 10 * MOTE - 1, 0] {
        breaks(&node, &branch, with_reward(&chain, grains), Rule::BlockStateRoot);
    }
    // There is no payment from nobody, the form in which others grant rewards.
    let nobody = Transaction {
        sender: PublicKey::from_bytes([0; 32]),
        signature: Signature::from_bytes([0; 64]),
        ..pay_from_small_order(account(3), 1_000_000_000 * MOTE, 1_000, 0)
    };
    breaks(&node, &branch, chain.block(account(3), vec![nobody]), Rule::TransactionSender);
    assert_eq!(node.balance(account(3)), 0);
}

#[test]
fn a_payment_that_its_sender_did_not_sign_is_refused() {
    let (node, chain, branch) = stage();
    let stolen = Transaction {
        signature: Signature::from_bytes([0; 64]),
        ..pay(&node.params, 1, account(3), 29 * MOTE, 1_000, 0)
    };
    let signed_by_the_thief =
        Transaction { sender: account(1), ..pay(&node.params, 3, account(3), 29 * MOTE, 1_000, 0) };
    for theft in [stolen, signed_by_the_thief] {
        let before = node.holdings();
        node.submit(&theft).is_refused(422, Rule::TransactionSignature.id());
        let mut peer = Peer::greeted(node.address(), &node.params);
        peer.send(&Message::Transaction(theft.clone()));
        assert!(peer.refusal().starts_with("broke rule T5-signature"));
        node.is_unharmed(&before);
        breaks(&node, &branch, chain.block(account(3), vec![theft]), Rule::TransactionSignature);
    }
    assert_eq!((node.balance(account(1)), node.balance(account(3))), (30 * MOTE, 0));
}

#[test]
fn a_block_cannot_spend_more_than_there_is() {
    let (node, chain, branch) = stage();
    let make = |amount, nonce| pay(&node.params, 1, account(3), amount, 1_000, nonce);
    breaks(&node, &branch, chain.block(account(3), vec![make(30 * MOTE, 0)]), Rule::LedgerBalance);
    // Each is covered by the balance, both together are not.
    let twice = vec![make(20 * MOTE, 0), make(20 * MOTE, 1)];
    breaks(&node, &branch, chain.block(account(3), twice), Rule::LedgerBalance);
    let thrice = vec![make(MOTE, 0), make(MOTE, 0), make(MOTE, 0)];
    breaks(&node, &branch, chain.block(account(3), thrice), Rule::LedgerNonce);
}

#[test]
fn a_mined_payment_cannot_be_made_again() {
    let (node, mut chain, mut branch) = stage();
    let paid = pay(&node.params, 1, account(3), MOTE, 1_000, 0);
    let block = chain.block(account(2), vec![paid.clone()]);
    add(&mut chain, &mut branch, block);
    node.learn(&branch);
    assert_eq!(node.balance(account(3)), MOTE);
    let before = node.holdings();
    for _ in 0..3 {
        node.submit(&paid).is_refused(409, Rule::LedgerNonce.id());
        let mut peer = Peer::greeted(node.address(), &node.params);
        peer.send(&Message::Transaction(paid.clone()));
        // An honest peer may be a block behind, so this is no reason to part.
        peer.settle();
    }
    node.is_unharmed(&before);
    breaks(&node, &branch, chain.block(account(3), vec![paid]), Rule::LedgerNonce);
}

#[test]
fn amounts_are_decimal_strings_above_zero() {
    let (node, ..) = stage();
    let wallet = node.make_wallet();
    assert_eq!(node.mine()["miner"], wallet.as_str());
    let before = node.holdings();
    let balance = node.get("/api/v1/wallet").json()["balance"].clone();
    let recipient = node.text(account(3));
    let signed = node.json(&pay(&node.params, 1, account(3), MOTE, 1_000, 0)).to_string();
    let malformed = [
        "-5",
        "\"-5\"",
        "\"-0\"",
        "0",
        "5",
        "1e999",
        "-1e999",
        "0.1",
        "\"0.1e1\"",
        "\"1e3\"",
        "\"Infinity\"",
        "\"NaN\"",
        "true",
        "false",
        "null",
        "[]",
        "[\"5\"]",
        "{}",
        "\"\"",
        "\" 1\"",
        "\"1 \"",
        "\"+1\"",
        "\"0x10\"",
        "\"1,5\"",
        "\".5\"",
        "\"5.\"",
        "\"1.\"",
        "\"\u{661}\"",
        "\"0.0000001\"",
        "\"18446744073709.551616\"",
        "\"1_000\"",
    ];
    for amount in malformed {
        let order = format!("{{\"to\":\"{recipient}\",\"amount\":{amount}}}");
        node.post_text("/api/v1/wallet/send", &order).is_refused(400, "malformed");
        for field in ["\"amount\":\"1\"", "\"fee\":\"0.001\""] {
            let name = field.split(':').next().expect("a field has a name");
            assert!(signed.contains(field), "{signed}");
            let order = signed.replace(field, &format!("{name}:{amount}"));
            node.post_text("/api/v1/transactions", &order).is_refused(400, "malformed");
        }
    }
    for (field, value, code) in [
        ("amount", "0", "T1-amount"),
        ("amount", "0.000000", "T1-amount"),
        ("fee", "0", "T2-fee"),
        ("fee", "0.000999", "T2-fee"),
        ("amount", "18446744073709.551615", "L2-balance"),
    ] {
        let mut order = json!({"to": recipient, "amount": "1"});
        order[field] = Value::from(value);
        node.post("/api/v1/wallet/send", &order).is_refused(422, code);
    }
    // A megabyte of recipients for nothing: there is one recipient, and a body is small.
    let crowd = format!("{{\"to\":[{}\"\"],\"amount\":\"0\"}}", format!("\"{recipient}\",").repeat(20_000));
    node.post_text("/api/v1/wallet/send", &crowd).is_refused(413, "too-large");
    node.is_unharmed(&before);
    assert_eq!(node.get("/api/v1/wallet").json()["balance"], balance);
}

#[test]
fn a_block_with_an_amount_of_zero_is_refused() {
    let (node, chain, branch) = stage();
    let nothing = pay(&node.params, 1, account(3), 0, 1_000, 0);
    breaks(&node, &branch, chain.block(account(3), vec![nothing]), Rule::TransactionAmount);
    // What would be -1 in 64 bits is more than anybody has.
    let minus_one = pay(&node.params, 1, account(3), u64::MAX, 1_000, 0);
    breaks(&node, &branch, chain.block(account(3), vec![minus_one]), Rule::LedgerBalance);
}

#[test]
fn ten_tenths_are_one() {
    let (node, mut chain, mut branch) = stage();
    let wallet = node.make_wallet();
    let wallet_key = wallet.parse::<Address>().expect("an address").public_key();
    let mut receipts: Vec<Transaction> =
        (0..10).map(|nonce| pay(&node.params, 1, wallet_key, MOTE / 10, 1_000, nonce)).collect();
    receipts.push(pay(&node.params, 1, wallet_key, 1_000, 1_000, 10));
    let block = chain.block(account(2), receipts);
    add(&mut chain, &mut branch, block);
    node.learn(&branch);
    let sent = node.post("/api/v1/wallet/send", &json!({"to": node.text(account(3)), "amount": "1"}));
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(node.get("/api/v1/wallet").json()["pending"], "0");
    // However an amount is written, the signature covers the number.
    let payment = pay(&node.params, 1, account(3), MOTE, 1_000, 11);
    for (text, status) in [("1.0", 201), ("1", 409), ("1.000000", 409), ("01", 409)] {
        let mut order = node.json(&payment);
        order["amount"] = Value::from(text);
        assert_eq!(node.post("/api/v1/transactions", &order).status, status, "{text}");
    }
    assert_eq!(node.open().len(), 2);
    node.mine();
    assert_eq!(node.balance(account(3)), 2 * MOTE);
}

#[test]
fn signed_fields_cannot_be_cut_elsewhere() {
    let (node, chain, branch) = stage();
    let memo = |text: &str| Memo::from_slice(text.as_bytes()).expect("it is short");
    let make = |amount, fee, nonce, text| {
        let (amount, fee) = (Amount::from_grains(amount), Amount::from_grains(fee));
        Payment { recipient: account(3), amount, fee, nonce, memo: memo(text) }.sign(&node.params, &key(1))
    };
    let (amount, fee) = (Amount::from_grains, Amount::from_grains);
    // Written one after another without separators, the fields of each pair are the same.
    let pairs = [
        (
            make(11, 1_000, 0, ""),
            Transaction { amount: amount(1), fee: fee(11_000), ..make(11, 1_000, 0, "") },
        ),
        (
            make(1, 11_000, 0, ""),
            Transaction { amount: amount(11), fee: fee(1_000), ..make(1, 11_000, 0, "") },
        ),
        (
            make(1, 1_000, 0, "1"),
            Transaction { fee: fee(10_000), nonce: 1, memo: memo(""), ..make(1, 1_000, 0, "1") },
        ),
        (
            make(1, 10_000, 0, "x"),
            Transaction { fee: fee(1_000), nonce: 0, memo: memo("0x"), ..make(1, 10_000, 0, "x") },
        ),
    ];
    let before = node.holdings();
    for (signed, recut) in pairs {
        assert!(signed.is_signed(&node.params));
        node.submit(&recut).is_refused(422, "T5-signature");
        if recut.nonce == 0 {
            breaks(&node, &branch, chain.block(account(3), vec![recut]), Rule::TransactionSignature);
        }
    }
    // A signature of another network is none here.
    let elsewhere = pay(&mote_tests::fixtures::network("local"), 1, account(3), 1, 1_000, 0);
    node.submit(&elsewhere).is_refused(422, "T5-signature");
    let long = "0".repeat(2 * MEMO_MAX_BYTES + 2);
    let mut order = node.json(&make(1, 1_000, 0, ""));
    order["memo"] = Value::from(long);
    node.post("/api/v1/transactions", &order).is_refused(400, "malformed");
    node.is_unharmed(&before);
}

#[test]
fn proof_of_work_covers_receiver_reward_time_and_content() {
    // 2^16 attempts a block: what was changed does not meet the target by luck.
    let (node, chain, branch) = Node::with_chain("local:aimed", 1);
    let honest = chain.block(account(1), vec![pay(&node.params, 1, account(2), MOTE, 1_000, 0)]);
    let re_aimed = VecBlock {
        header: mote_core::block::Header { nonce: honest.header.nonce, ..unmined(&chain, account(4)) },
        transactions: Vec::new(),
    };
    let mut later = honest.clone();
    later.header.time = later.header.time.plus(1);
    let mut richer = honest.clone();
    richer.header.state_root = with_reward_root(&chain);
    let mut emptied = honest.clone();
    (emptied.header.transactions_root, emptied.header.transaction_count) =
        (mote_core::block::transactions_root(&[]), 0);
    let mut never_mined = honest.clone();
    never_mined.header.nonce = honest.header.nonce ^ 1 << 40;
    for block in [re_aimed, later, richer, emptied, never_mined] {
        breaks(&node, &branch, block, Rule::HeaderProofOfWork);
    }
    node.learn(&branch.and(honest));
    assert_eq!((node.balance(account(2)), node.balance(account(4))), (MOTE, 0));
}

fn unmined(chain: &Chain, miner: PublicKey) -> mote_core::block::Header {
    let height = chain.tip.height().next();
    let executed = mote_tests::fixtures::execute_blindly(&mut chain.accounts.clone(), height, &miner, &[]);
    mote_core::miner::template(&chain.params, &chain.tip, miner, chain.now(), &executed)
}

fn with_reward_root(chain: &Chain) -> mote_core::hash::Hash32 {
    let mut accounts = chain.accounts.clone();
    accounts.credit_blindly(&account(4), 10 * MOTE);
    accounts.root()
}

#[test]
fn one_coin_is_spent_once() {
    let (node, mut chain, mut branch) = stage();
    let waiting = pay(&node.params, 1, account(3), 25 * MOTE, 1_000, 0);
    let mined = pay(&node.params, 1, account(4), 25 * MOTE, 1_000, 0);
    breaks(&node, &branch, chain.block(account(2), vec![waiting.clone(), mined.clone()]), Rule::LedgerNonce);
    assert_eq!(node.submit(&waiting).status, 201);
    node.submit(&mined).is_refused(409, "replacement-fee");
    assert_eq!(node.open(), [waiting.id().to_string()]);
    let block = chain.block(account(2), vec![mined.clone()]);
    add(&mut chain, &mut branch, block);
    node.learn(&branch);
    assert!(node.open().is_empty(), "the other spend has become impossible");
    node.submit(&waiting).is_refused(409, "L1-nonce");
    breaks(&node, &branch, chain.block(account(2), vec![waiting]), Rule::LedgerNonce);
    node.make_wallet();
    assert_eq!(node.mine()["transaction_count"], 0);
    assert_eq!((node.balance(account(3)), node.balance(account(4))), (0, 25 * MOTE));
    assert_eq!(node.balance(account(1)), 5 * MOTE - 1_000);
}

#[test]
fn a_recipient_is_an_address_of_this_network() {
    let (node, chain, branch) = stage();
    node.make_wallet();
    node.mine();
    let before = node.holdings();
    let balance = node.get("/api/v1/wallet").json()["balance"].clone();
    let right = node.text(account(3));
    let typo = format!("{}{}", &right[..right.len() - 1], if right.ends_with('q') { 'p' } else { 'q' });
    let main = Address::new(AddressPrefix::Main, account(3)).to_string();
    let mixed = format!("L{}", &right[1..]);
    let wrong = [
        json!(""),
        json!(null),
        json!(typo),
        json!({"address": right}),
        json!([right]),
        json!(7),
        json!(true),
        json!(main),
        json!(mixed),
        json!(format!(" {right}")),
        json!(format!("{right}\u{0}")),
        json!("bob"),
    ];
    for recipient in wrong {
        let order = json!({"to": recipient, "amount": "1"});
        node.post("/api/v1/wallet/send", &order).is_refused(400, "malformed");
        let mut order = node.json(&pay(&node.params, 1, account(3), MOTE, 1_000, 0));
        order["recipient"] = recipient;
        node.post("/api/v1/transactions", &order).is_refused(400, "malformed");
    }
    node.post("/api/v1/wallet/send", &json!({"amount": "1"})).is_refused(400, "malformed");
    // A key that anybody can sign for has no address, and is no account in a block either.
    let order = json!({"to": node.text(SMALL_ORDER), "amount": "1"});
    node.post("/api/v1/wallet/send", &order).is_refused(400, "malformed");
    node.is_unharmed(&before);
    assert_eq!(node.get("/api/v1/wallet").json()["balance"], balance);
    let lost = pay(&node.params, 1, SMALL_ORDER, MOTE, 1_000, 0);
    let (fresh, ..) = stage();
    breaks(&fresh, &branch, chain.block(account(3), vec![lost]), Rule::TransactionRecipient);
}

#[test]
fn every_rule_holds_at_the_peers_door() {
    let (node, mut chain, mut branch) = stage();
    // The account that fills the block which is too large needs something to fill it with.
    let fund = pay(&node.params, 1, account(FUNDED), 5 * MOTE, 1_000, 0);
    let block = chain.block(account(1), vec![fund]);
    add(&mut chain, &mut branch, block);
    node.learn(&branch);
    let honest = chain.block(account(2), vec![pay(&node.params, 1, account(2), MOTE, 1_000, 1)]);
    for rule in Rule::ALL {
        match rule {
            // No chain that begins at genesis has enough coins to break it.
            Rule::LedgerOverflow => continue,
            // Time heals it; that it is no offence is tested with the other times.
            Rule::HeaderTimeFuture => continue,
            _ => {}
        }
        let forged = branch.and(chain.broken(&honest, rule));
        let before = node.holdings();
        let peer = Peer::greeted(node.address(), &node.params);
        let (reason, expected) = match rule {
            // Whose parent is not known cannot be placed at all; an honest peer's may be late.
            Rule::HeaderPrevious => (peer.insist(&forged), "headers that do not connect".to_owned()),
            _ => (peer.offer_in_vain(&forged), format!("broke rule {}", rule.id())),
        };
        assert!(reason.starts_with(&expected), "{rule:?}: {reason}");
        node.is_unharmed(&before);
    }
    node.learn(&branch.and(honest));
}
