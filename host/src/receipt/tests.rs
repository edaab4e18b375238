//! Receipts of a small chain: all that hold, and every way to change one.

mod changes;

use std::sync::Arc;

use mote_core::address::Address;
use mote_core::keys::SecretKey;
use mote_core::merkle::{leaf_hash, root_of_hashes};
use mote_core::miner::{Job, template};
use mote_core::params::Network;
use mote_core::rules::{Clock, Rule, RuleError};
use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;
use serde_json::{Value, json};

use super::form::{AccountReceipt, TransactionReceipt};
use super::*;
use crate::api::lookup::{account_proof, transaction_proof};
use crate::block::Block;
use crate::store::ledger::Ledger;
use crate::store::memory::MemoryDisk;

/// A chain on which account 7 mines and pays.
struct Chain {
    params: Arc<Params>,
    ledger: Ledger<MemoryDisk>,
    payments: u64,
}

impl Chain {
    /// A chain with one block for each number, which says how many payments there are in the block.
    fn of(blocks: &[u64]) -> Self {
        let params = Arc::new(Params::new(Network::Regtest));
        let (ledger, _) = Ledger::open(MemoryDisk::new(), params.clone(), 7, |_| {}).unwrap();
        let mut chain = Self { params, ledger, payments: 0 };
        blocks.iter().for_each(|payments| chain.grow(*payments));
        chain
    }

    fn grow(&mut self, payments: u64) {
        let (tip, miner) = (self.ledger.tip().clone(), key(7).public_key());
        let transactions: Vec<_> = (0..payments).map(|_| self.pay()).collect();
        let checked: Vec<_> = transactions
            .iter()
            .map(|transaction| mote_core::rules::check_transaction(&self.params, transaction).unwrap())
            .collect();
        let executed = self.ledger.execute(&tip, &checked, miner).unwrap();
        let mut header = template(&self.params, &tip, miner, tip.median_time().plus(10), &executed);
        seal(&mut header);
        self.ledger.add(&Block { header, transactions }, Clock::AcceptedBefore).unwrap();
    }

    fn pay(&mut self) -> Transaction {
        let nonce = self.payments;
        self.payments += 1;
        payment(nonce).sign(&self.params, &key(7))
    }

    fn ids(&self, height: u64) -> Vec<Hash32> {
        let id = self.ledger.id_at(height).unwrap().unwrap();
        self.ledger.block(&id).unwrap().unwrap().transactions.iter().map(Transaction::id).collect()
    }

    fn transaction(&self, id: &Hash32) -> Value {
        let proof = transaction_proof(&self.ledger, id).unwrap().unwrap();
        serde_json::to_value(TransactionReceipt::new(&self.params, &proof)).unwrap()
    }

    fn account(&self, seed: u8, height: u64) -> Value {
        let proof = account_proof(&self.ledger, key(seed).public_key(), Some(height)).unwrap().unwrap();
        let account = proof.check().unwrap().unwrap_or_default();
        serde_json::to_value(AccountReceipt::new(&self.params, &proof, account)).unwrap()
    }
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// Pays account 1, 2, 3 and so on.
fn payment(nonce: u64) -> Payment {
    let recipient = key(1 + nonce as u8 % 6).public_key();
    let (amount, fee) = (Amount::from_grains(12_500 + nonce), Amount::from_grains(1_000));
    Payment { recipient, amount, fee, nonce, memo: Memo::from_slice(b"invoice 7").unwrap() }
}

fn seal(header: &mut Header) {
    header.nonce = Job::new(header).unwrap().search(0..u64::MAX).unwrap();
}

fn judge(receipt: &Value) -> Result<Proven, ReceiptError> {
    check(receipt.to_string().as_bytes())
}

#[test]
fn every_transaction_of_a_chain_is_proven() {
    let chain = Chain::of(&[0, 1, 5, 0, 2, 3]);
    let tip = chain.ledger.tip().id();
    for height in 1..=6 {
        for (index, id) in (0..).zip(chain.ids(height)) {
            let receipt = chain.transaction(&id);
            assert_eq!(receipt["receipt"], "transaction");
            assert_eq!(
                (receipt["work"].is_null(), receipt["history_path"].is_null()),
                (height == 6, height == 6)
            );
            for text in [receipt.to_string(), format!("{receipt:#}\n")] {
                let proven = check(text.as_bytes()).unwrap();
                let Subject::Transaction { transaction, index: at } = &proven.subject else {
                    panic!("{text}")
                };
                assert_eq!((transaction.id(), *at), (id, index));
                assert_eq!((proven.block.header.height.get(), proven.confirmations()), (height, 7 - height));
                assert_eq!(Some(proven.id), chain.ledger.id_at(height).unwrap());
                assert_eq!(proven.shown_work().as_f64(), if height == 6 { 2.0 } else { 4.0 });
                proven.anchored_at(&tip).unwrap();
                let error = proven.anchored_at(&id).unwrap_err();
                assert_eq!(error, ReceiptError::Anchor { got: tip, expected: id });
            }
        }
    }
}

#[test]
fn accounts_are_proven_after_every_block() {
    let chain = Chain::of(&[0, 1, 5, 0, 2]);
    for height in 0..=5 {
        let id = chain.ledger.id_at(height).unwrap().unwrap();
        // Account 9 is never used; before height 3 none of account 3 to 5 is.
        for seed in [1, 3, 5, 7, 9] {
            let receipt = chain.account(seed, height);
            let proven = judge(&receipt).unwrap();
            let Subject::Account { owner, account } = proven.subject else { panic!("{receipt}") };
            assert_eq!((owner, proven.id), (key(seed).public_key(), id));
            let stored = chain.ledger.account_at(&id, &owner.account_key()).unwrap().unwrap();
            assert_eq!(account.unwrap_or_default(), stored);
            assert_eq!(account.is_none(), stored == Account::default(), "{seed} at {height}");
            proven.block.place.map_or_else(|| assert_eq!(height, 5), |_| assert!(height < 5));
        }
    }
    let first = judge(&chain.account(7, 0)).unwrap();
    assert_eq!((first.confirmations(), first.id), (6, chain.params.genesis_id()));
    assert_eq!(first.shown_work().as_f64(), 2.0);
    // A chain that is the genesis block alone.
    let new = Chain::of(&[]);
    let receipt = new.account(7, 0);
    assert_eq!(
        (&receipt["leaf"], &receipt["path"], &receipt["header"]),
        (&json!(null), &json!([]), &receipt["tip"])
    );
    judge(&receipt).unwrap().anchored_at(&new.params.genesis_id()).unwrap();
}

#[test]
fn what_is_no_receipt_is_named() {
    let chain = Chain::of(&[0, 2, 0]);
    let text = chain.transaction(&chain.ids(2)[1]).to_string();
    for end in 0..text.len() {
        check(&text.as_bytes()[..end]).unwrap_err();
    }
    let account = chain.account(7, 2).to_string();
    let cases = [
        (String::new(), "EOF"),
        ("[]".to_owned(), "expected struct"),
        ("{}".to_owned(), "missing field `receipt`"),
        (
            "{\"receipt\":\"moon\"}".to_owned(),
            "field receipt: expected \"transaction\" or \"account\", got \"moon\"",
        ),
        ("[".repeat(100_000), "invalid type"),
        (format!("{text}x"), "trailing characters"),
        (" ".repeat(RECEIPT_MAX_BYTES + 1), "at most 131072 bytes"),
        (text.replacen("\"index\":1", "\"index\":1,\"index\":1", 1), "duplicate field `index`"),
        (text.replacen("\"index\":1", "\"index\":-1", 1), "field index: invalid value"),
        (text.replacen("\"height\":2", "\"height\":\"2\"", 1), "field header.height: invalid type"),
        (
            text.replacen("\"network\":\"regtest\"", "\"network\":\"moon\"", 1),
            "field network: expected local,",
        ),
        (text.replacen("\"network\":\"regtest\"", "\"network\":\"local\"", 1), "field genesis: got"),
        (text.replacen("\"amount\":\"0.0125", "\"amount\":\"00.0125", 1), "field transaction.amount: got"),
        (text.replacen("\"amount\":\"0", "\"amount\":\"-0", 1), "field transaction.amount: character 0"),
        (
            text.replacen("\"difficulty\":2.0", "\"difficulty\":3.0", 1),
            "field header.difficulty: got 3.0, but",
        ),
        (
            text.replacen("\"difficulty\":2.0", "\"differences\":2.0", 1),
            "field header: missing field `difficulty`",
        ),
        (
            text.replacen("\"difficulty\":2.0", "\"difficulty\":2.0,\"a\\u001b\":1", 1),
            "field header.\"a\\u001b\": got 1",
        ),
        (account.replacen("\"nonce\":2,\"path\"", "\"nonce\":1,\"path\"", 1), "field nonce: got 1, but"),
        (account.replacen("\"balance\":\"", "\"balance\":\"1", 1), "field balance: got"),
    ];
    for (text, expected) in cases {
        let error = check(text.as_bytes()).unwrap_err().to_string();
        let start: String = text.chars().take(60).collect();
        assert!(error.contains(expected), "{start}: {error:?} lacks {expected:?}");
    }
    check(&[b'{', 0xff, b'}']).unwrap_err();
    // Programs with one kind of number write whole ones without a point.
    check(text.replace("\"difficulty\":2.0", "\"difficulty\":2").as_bytes()).unwrap();
}

/// What a forger changes in a receipt.
type Forgery<'a> = &'a dyn Fn(&mut TransactionProof);

#[test]
fn a_forger_gets_no_further_than_the_anchor() {
    let chain = Chain::of(&[0, 1, 0]);
    let honest = transaction_proof(&chain.ledger, &chain.ids(2)[0]).unwrap().unwrap();
    let judge = |forgery: Forgery<'_>| {
        let mut proof = honest.clone();
        forgery(&mut proof);
        let receipt = TransactionReceipt::new(&chain.params, &proof);
        check(serde_json::to_string(&receipt).unwrap().as_bytes())
    };
    // More money under the same signature; the id is made to fit.
    let more: Forgery<'_> = &|proof| proof.transaction.amount = Amount::from_grains(1_000_000);
    let error = judge(more).unwrap_err();
    assert!(
        matches!(&error, ReceiptError::Transaction(error) if error.rule() == Rule::TransactionSignature),
        "{error}"
    );
    // A payment of somebody else, signed as it should be, in place of the one in the block.
    let own: Forgery<'_> = &|proof| proof.transaction = payment(0).sign(&chain.params, &key(8));
    assert!(matches!(judge(own), Err(ReceiptError::TransactionPath(_))));
    // A block around it without work.
    let block: Forgery<'_> = &|proof| {
        own(proof);
        proof.block.header.transactions_root = root_of_hashes([proof.transaction.id()]);
        while proof.block.header.target.expand().unwrap().is_met_by(&proof.block.header.id()) {
            proof.block.header.nonce += 1;
        }
    };
    let error = judge(block).unwrap_err();
    assert!(
        matches!(
            &error,
            ReceiptError::Header { field: "header", error: RuleError::HeaderProofOfWork { .. } }
        ),
        "{error}"
    );
    // The same with work, which the tip does not know.
    let mined: Forgery<'_> = &|proof| {
        block(proof);
        seal(&mut proof.block.header);
    };
    assert!(matches!(judge(mined), Err(ReceiptError::HistoryPath(_))));
    let lonely: Forgery<'_> = &|proof| {
        mined(proof);
        proof.block.place = None;
    };
    assert!(matches!(judge(lonely), Err(ReceiptError::Below { .. })));
    // A tip that knows it, of an easier target than the network has.
    let easy: Forgery<'_> = &|proof| {
        mined(proof);
        let place = proof.block.place.as_mut().unwrap();
        let leaf = mote_core::block::history_leaf(&proof.block.header.id(), &place.work);
        place.path = vec![Hash32::ZERO, Hash32::ZERO];
        // Leaf 2 of 3 has the root of the first two as its only sibling.
        place.path.truncate(1);
        proof.block.tip.history_root = mote_core::merkle::node_hash(&Hash32::ZERO, &leaf_hash(&leaf));
        proof.block.tip.target = mote_core::pow::CompactTarget::from_bits(0x2100_ffff);
        seal(&mut proof.block.tip);
    };
    assert!(matches!(judge(easy), Err(ReceiptError::Floor { field: "tip", .. })));
    // All of it is a chain of its own: only who trusts another tip can tell.
    let whole: Forgery<'_> = &|proof| {
        easy(proof);
        proof.block.tip.target = chain.params.floor;
        seal(&mut proof.block.tip);
    };
    let proven = judge(whole).unwrap();
    let trusted = chain.ledger.tip().id();
    assert_eq!(
        proven.anchored_at(&trusted),
        Err(ReceiptError::Anchor { got: proven.tip_id, expected: trusted })
    );
}

#[test]
fn an_address_of_another_network_proves_nothing_here() {
    let chain = Chain::of(&[0]);
    let mut receipt = chain.account(7, 1);
    let foreign = Address::new(mote_core::address::AddressPrefix::Main, key(7).public_key());
    receipt["address"] = json!(foreign.to_string());
    let error = judge(&receipt).unwrap_err().to_string();
    assert_eq!(
        error,
        "field address: expected an address that starts with lmote1, got one that starts with mote1"
    );
}
