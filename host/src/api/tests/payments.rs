use super::*;
use mote_core::address::Address;
use mote_core::keys::SecretKey;
use mote_core::transaction::{Memo, Payment};
use mote_core::units::Amount;

const SEND: &str = "/api/v1/wallet/send";

fn other(node: &Running) -> String {
    let key = SecretKey::from_seed(&[9; 32]).public_key();
    Address::new(node.params.address_prefix, key).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_made_shown_once_and_never_replaced() {
    let node = Running::start();
    let made = node.post("/api/v1/wallet", &json!({"passphrase": "correct horse"})).await.ok(201);
    let words = made["words"].as_str().unwrap();
    assert_eq!(words.split(' ').count(), 24);
    node.post("/api/v1/wallet", &json!({})).await.problem(409, "wallet-exists");
    node.post("/api/v1/wallet/restore", &json!({"words": words})).await.problem(409, "wallet-exists");
    let locked = node.ask(Request::post("/api/v1/wallet/lock"), Body::empty()).await.ok(200);
    assert_eq!(
        (&locked["locked"], &locked["address"], &locked["balance"]),
        (&json!(true), &made["address"], &json!("0"))
    );
    assert!(locked.get("words").is_none());
    node.post(SEND, &json!({"to": other(&node), "amount": "1"})).await.problem(409, "wallet-locked");
    node.post("/api/v1/wallet/unlock", &json!({"passphrase": "wrong"}))
        .await
        .problem(403, "wrong-passphrase");
    let open = node.post("/api/v1/wallet/unlock", &json!({"passphrase": "correct horse"})).await.ok(200);
    assert_eq!(open["locked"], false);
    let second = node.ask(Request::post("/api/v1/wallet/addresses"), Body::empty()).await.ok(201);
    assert_eq!(second["index"], 1);
    let list = node.get("/api/v1/wallet/addresses").await.ok(200);
    assert_eq!((&list[0]["address"], &list[1]["address"]), (&second["address"], &made["address"]));

    let again = Running::start();
    again
        .post("/api/v1/wallet/restore", &json!({"words": "abandon abandon"}))
        .await
        .problem(400, "malformed");
    let restored = again.post("/api/v1/wallet/restore", &json!({"words": words})).await.ok(201);
    assert_eq!(restored["address"], made["address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_made_once() {
    let node = Running::start();
    node.post(SEND, &json!({"to": other(&node), "amount": "1"})).await.problem(404, "no-wallet");
    let address = node.fund().await;
    let payment = json!({"to": other(&node), "amount": "2.5", "memo": "invoice 7", "nonce": 0});
    let sent = node.post(SEND, &payment).await.ok(201);
    assert_eq!((&sent["nonce"], &sent["fee"]), (&json!(0), &json!("0.001")));
    node.post(SEND, &payment).await.problem(409, "known");
    let dearer = json!({"to": other(&node), "amount": "3", "nonce": 0});
    node.post(SEND, &dearer).await.problem(409, "replacement-fee");

    let open = node.get("/api/v1/mempool").await.ok(200);
    assert_eq!(open.as_array().unwrap().len(), 1);
    let keys: Vec<_> = open[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 8, "{keys:?}");
    assert_eq!(
        (&open[0]["id"], &open[0]["memo"], &open[0]["sender"]),
        (&sent["id"], &json!("696e766f6963652037"), &json!(address))
    );
    let wallet = node.get("/api/v1/wallet").await.ok(200);
    assert_eq!(wallet["balance"], "10");
    assert_eq!((&wallet["outgoing"], &wallet["pending"]), (&json!("2.501"), &json!("7.499")));
    assert_eq!((&wallet["nonce"], &wallet["next_nonce"]), (&json!(0), &json!(1)));
    let paid = node.get(&format!("/api/v1/accounts/{}", other(&node))).await.ok(200);
    assert_eq!(
        (&paid["balance"], &paid["pending"], &paid["incoming"]),
        (&json!("0"), &json!("2.5"), &json!("2.5"))
    );

    node.mine().await;
    node.post(SEND, &payment).await.problem(409, "L1-nonce");
    let path = format!("/api/v1/transactions/{}", sent["id"].as_str().unwrap());
    let mined = node.get(&path).await.ok(200);
    assert_eq!(
        (&mined["status"], &mined["height"], &mined["index"], &mined["confirmations"]),
        (&json!("mined"), &json!(2), &json!(0), &json!(1))
    );
    let history = node.get(&format!("/api/v1/accounts/{address}/history")).await.ok(200);
    let roles: Vec<_> =
        history.as_array().unwrap().iter().map(|entry| entry["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["mined", "sent", "mined"]);
    assert_eq!((&history[0]["amount"], &history[1]["id"]), (&json!("10.001"), &sent["id"]));
    let place = history[1]["place"].as_str().unwrap();
    let older = node.get(&format!("/api/v1/accounts/{address}/history?before={place}")).await.ok(200);
    assert_eq!(older, json!([history[2]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_at_once_have_different_nonces() {
    let node = Running::start();
    node.fund().await;
    let payment = json!({"to": other(&node), "amount": "0.5"});
    let sends = futures_util::future::join_all((0..8).map(|_| node.post(SEND, &payment))).await;
    let mut nonces: Vec<_> = sends.iter().map(|sent| sent.ok(201)["nonce"].as_u64().unwrap()).collect();
    nonces.sort_unstable();
    assert_eq!(nonces, [0, 1, 2, 3, 4, 5, 6, 7]);
    node.post(SEND, &json!({"to": other(&node), "amount": "9"})).await.problem(422, "uncovered");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_make_no_sense_are_refused() {
    let node = Running::start();
    node.fund().await;
    let to = other(&node);
    let foreign = to.replacen("lmote1", "mote1", 1);
    for (order, field) in [
        (json!({"to": to, "amount": 5}), "amount"),
        (json!({"to": to, "amount": true}), "amount"),
        (json!({"to": to, "amount": "-5"}), "amount"),
        (json!({"to": to, "amount": "Infinity"}), "amount"),
        (json!({"to": to, "amount": "1e3"}), "amount"),
        (json!({"to": to, "amount": "0.0000001"}), "amount"),
        (json!({"to": "", "amount": "1"}), "to"),
        (json!({"to": null, "amount": "1"}), "to"),
        (json!({"to": {}, "amount": "1"}), "to"),
        (json!({"to": foreign, "amount": "1"}), "to"),
        (json!({"to": to, "amount": "1", "nonce": 1.5}), "nonce"),
        (json!({"to": to, "amount": "1", "nonce": -1}), "nonce"),
        (json!({"to": to, "amount": "1", "memo": "x".repeat(65)}), "memo"),
        (json!({"to": to, "amount": "1", "memo": {"hex": "zz"}}), "memo"),
        (json!({"to": to, "amount": "1", "from": to}), "from"),
        (json!({"to": to}), "body"),
        (json!({"to": to, "amount": "1", "x": 1}), "x"),
    ] {
        let detail = node.post(SEND, &order).await.problem(400, "malformed");
        assert!(detail.starts_with(field) || detail.contains("unknown field"), "{order}: {detail}");
    }
    node.post(SEND, &json!({"to": to, "amount": "0"})).await.problem(422, "T1-amount");
    node.post(SEND, &json!({"to": to, "amount": "1", "fee": "0.0001"})).await.problem(422, "T2-fee");
    node.post(SEND, &json!({"to": to, "amount": "10"})).await.problem(422, "L2-balance");
    node.post(SEND, &json!({"to": to, "amount": "1", "nonce": 7})).await.problem(422, "nonce-gap");
    assert_eq!(node.get("/api/v1/mempool").await.ok(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_transactions_come_from_anywhere() {
    let node = Running::start();
    let address = node.fund().await;
    let key = SecretKey::from_seed(&[9; 32]);
    node.post(SEND, &json!({"to": other(&node), "amount": "5"})).await.ok(201);
    node.mine().await;
    let payment = Payment {
        recipient: address.parse::<Address>().unwrap().public_key(),
        amount: Amount::from_grains(1_000_000),
        fee: Amount::from_grains(1_000),
        nonce: 0,
        memo: Memo::from_slice(b"<b>").unwrap(),
    };
    let signed = payment.sign(&node.params, &key);
    let form = crate::forms::TransactionJson::new(node.params.address_prefix, &signed.id(), &signed);
    let form = serde_json::to_value(form).unwrap();
    let changed = |field: &str, value: Value| {
        let mut changed = form.clone();
        changed[field] = value;
        changed.as_object_mut().unwrap().remove("id");
        changed
    };
    let path = "/api/v1/transactions";
    node.post(path, &changed("amount", json!("2"))).await.problem(422, "T5-signature");
    node.post(path, &changed("amount", json!(1))).await.problem(400, "malformed");
    node.post(path, &changed("signature", json!("00"))).await.problem(400, "malformed");
    let mut wrong = form.clone();
    wrong["id"] = json!("00".repeat(32));
    let detail = node.post(path, &wrong).await.problem(400, "malformed");
    assert!(detail.starts_with("id: "), "{detail}");
    let accepted = node.post(path, &form).await.ok(201);
    assert_eq!(accepted["id"], form["id"]);
    node.post(path, &form).await.problem(409, "known");
    node.mine().await;
    node.post(path, &form).await.problem(409, "L1-nonce");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_miner_and_the_peers_obey() {
    let node = Running::start();
    node.ask(Request::post("/api/v1/mining/block"), Body::empty()).await.problem(404, "no-wallet");
    node.post("/api/v1/mining", &json!({"enabled": true})).await.problem(404, "no-wallet");
    let address = node.fund().await;
    let set =
        node.post("/api/v1/mining", &json!({"enabled": false, "threads": 2, "limit": 50})).await.ok(200);
    assert_eq!((&set["threads"], &set["limit"], &set["miner"]), (&json!(2), &json!(50), &json!(address)));
    let set = node.post("/api/v1/mining", &json!({"limit": null})).await.ok(200);
    assert_eq!((&set["threads"], &set["limit"], &set["enabled"]), (&json!(2), &Value::Null, &json!(false)));
    for wrong in [json!({"threads": 0}), json!({"limit": 0}), json!({"enabled": 1}), json!({"x": 1})] {
        node.post("/api/v1/mining", &wrong).await.problem(400, "malformed");
    }
    let added = node.post("/api/v1/peers", &json!({"peer": "127.0.0.1:9"})).await.ok(201);
    assert_eq!(added["address"], "127.0.0.1:9");
    let removed = node.ask(Request::delete("/api/v1/peers/127.0.0.1:9"), Body::empty()).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let removed = node.ask(Request::delete("/api/v1/peers/127.0.0.1%3A9"), Body::empty()).await;
    removed.problem(404, "not-found");
    let resolved = node.ask(Request::post("/api/v1/resolve"), Body::empty()).await.ok(200);
    assert_eq!((&resolved["replaced"], &resolved["from"]), (&json!(false), &resolved["to"]));
}
