use super::*;

use crate::api::lookup::{account_proof, transaction_proof};
use crate::receipt::form::{AccountReceipt, TransactionReceipt};

/// The receipts of the payment in block 2 and of who made it, and the id of the tip.
fn receipts(place: &Place) -> (String, String, String) {
    let params = Arc::new(Params::new(Network::Regtest));
    let (ledger, _) = Ledger::open(FileDisk::new(place.node()).unwrap(), params.clone(), 7, |_| {}).unwrap();
    let id = ledger.id_at(2).unwrap().unwrap();
    let paid = ledger.block(&id).unwrap().unwrap().transactions[0].id();
    let payment = transaction_proof(&ledger, &paid).unwrap().unwrap();
    let account = account_proof(&ledger, SecretKey::from_seed(&[7; 32]).public_key(), None).unwrap().unwrap();
    let held = ledger.account(&account.owner.account_key()).unwrap();
    (
        serde_json::to_string_pretty(&TransactionReceipt::new(&params, &payment)).unwrap(),
        serde_json::to_string_pretty(&AccountReceipt::new(&params, &account, held)).unwrap(),
        ledger.tip().id().to_string(),
    )
}

#[test]
fn a_receipt_needs_no_data_and_holds_for_one_tip() {
    let place = Place::new();
    place.mine(4);
    let (payment, account, tip) = receipts(&place);
    // Somebody else, who never ran a node.
    let other = Place::new();
    let file = other.file("receipt.json");
    std::fs::write(&file, &payment).unwrap();
    let text = other.mote([&"verify", &file]).unwrap();
    for part in [
        "claimed    a payment of 0.0125 motes\n",
        "memo       \"memo\"\n",
        "by 3 blocks",
        &tip,
        "not anchored: to make up such a receipt takes 4 attempts",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let text = other.mote([&"verify", &file, &"--tip", &tip]).unwrap();
    assert!(
        text.starts_with("proven ")
            && text.contains("the tip is the block that you trust")
            && !text.contains("not anchored"),
        "{text}"
    );
    let found = other.mote([&"verify", &file, &"--tip", &tip, &"--json"]).unwrap();
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["receipt"], &found["anchored"]), (&"transaction".into(), &true.into()));
    assert_eq!((&found["height"], &found["transaction"]["amount"]), (&2.into(), &"0.0125".into()));

    let wrong = tip.replace(|digit: char| digit == tip.chars().next().unwrap(), "e");
    let error = other.mote([&"verify", &file, &"--tip", &wrong]).unwrap_err();
    assert!(error.contains(&format!("leads to the block {tip}, not to {wrong}")), "{error}");
    assert!(
        other
            .mote([&"verify", &file, &"--tip", &"7"])
            .unwrap_err()
            .contains("expected 64 hexadecimal digits")
    );
    assert!(other.mote([&"verify", &"--tip", &tip]).is_err(), "a tip is for a receipt");

    std::fs::write(&file, payment.replacen("\"0.0125\"", "\"0.0126\"", 1)).unwrap();
    let error = other.mote([&"verify", &file]).unwrap_err();
    assert!(
        error.contains("receipt.json: this receipt proves nothing: field transaction.id: got"),
        "{error}"
    );
    std::fs::write(&file, account).unwrap();
    let text = other.mote([&"verify", &file, &"--tip", &tip]).unwrap();
    assert!(text.contains("an account with 39.9625 motes"), "{text}");
    assert!(!other.node().exists(), "checking a receipt makes no data");
}

#[test]
fn what_is_no_receipt_is_refused() {
    let place = Place::new();
    let file = place.file("receipt.json");
    assert!(place.mote([&"verify", &file]).unwrap_err().contains("cannot read"));
    for (text, expected) in [
        (String::new(), "EOF while parsing"),
        ("{\"code\":\"not-found\"}".to_owned(), "missing field `receipt`"),
        (" ".repeat(1 << 20), "at most 131072 bytes"),
        ("{\"receipt\":\"\u{1b}[2J\"}".to_owned(), "control character"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = place.mote([&"verify", &file]).unwrap_err();
        assert!(error.contains(expected) && !error.contains('\u{1b}'), "{error}");
    }
}
