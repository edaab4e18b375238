use super::*;
use mote_core::hash::Hash32;
use mote_core::keys::SecretKey;
use mote_core::miner::{Job, template};
use mote_core::rules::Clock as RuleClock;

use crate::block::Block;

/// Adds an empty block on top of `parent`, mined by the key of this seed.
fn grow(ledger: &mut Ledger<MemoryDisk>, parent: Hash32, seed: u8) -> Hash32 {
    let params = Params::new(Chain::Regtest);
    let (tip, miner) =
        (ledger.tip_of(&parent).unwrap().unwrap(), SecretKey::from_seed(&[seed; 32]).public_key());
    let executed = ledger.execute(&tip, &[], miner).unwrap();
    let mut header = template(&params, &tip, miner, tip.median_time().plus(10), &executed);
    header.nonce = Job::new(&header).unwrap().search(0..u64::MAX).unwrap();
    let id = header.id();
    ledger.add(&Block { header, transactions: Vec::new() }, RuleClock::AcceptedBefore).unwrap();
    id
}

fn texts(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_and_siblings_are_found() {
    let mut ids = Vec::new();
    let node = Running::over(|ledger| {
        let genesis = ledger.tip().id();
        let first = grow(ledger, genesis, 1);
        let second = grow(ledger, first, 1);
        let third = grow(ledger, second, 1);
        // One branch of one block, and one that is longer than what is named of it.
        let other = grow(ledger, first, 2);
        let mut long = grow(ledger, genesis, 3);
        let lost = long;
        for _ in 0..40 {
            long = grow(ledger, long, 3);
        }
        // It was the main chain until another one had more work.
        let mut at = third;
        for _ in 0..40 {
            at = grow(ledger, at, 4);
        }
        ids = vec![first, second, third, other, lost, long, at];
    });
    let [first, second, _, other, lost, long, tip] = &ids[..] else { panic!("seven ids") };
    let branches = node.get("/api/v1/branches").await.ok(200);
    assert_eq!(texts(&branches, "id"), [tip, long, other].map(Hash32::to_string));
    assert_eq!(texts(&branches, "status"), ["main", "stale", "stale"]);
    let numbers = |branch: &Value| {
        let number = |name: &str| branch[name].as_u64().unwrap();
        (
            number("height"),
            number("fork_height"),
            number("length"),
            branch["blocks"].as_array().unwrap().len(),
        )
    };
    let found: Vec<_> = branches.as_array().unwrap().iter().map(numbers).collect();
    assert_eq!(found, [(43, 43, 0, 0), (41, 0, 41, 32), (2, 1, 1, 1)]);
    assert_eq!(branches[2]["blocks"], json!([other.to_string()]));
    assert_eq!(branches[1]["blocks"][0], long.to_string());
    let one = node.get("/api/v1/branches?limit=1").await.ok(200);
    assert_eq!(texts(&one, "status"), ["main"]);
    for query in ["limit=0", "limit=101", "limit=x", "before=1"] {
        node.get(&format!("/api/v1/branches?{query}")).await.problem(400, "malformed");
    }

    let siblings = async |name: &dyn std::fmt::Display| {
        node.get(&format!("/api/v1/blocks/{name}/siblings")).await.ok(200)
    };
    assert_eq!(texts(&siblings(&1).await, "id"), [lost.to_string()]);
    assert_eq!(siblings(first).await, siblings(&1).await);
    let of_lost = siblings(lost).await;
    assert_eq!(texts(&of_lost, "id"), [first.to_string()]);
    assert_eq!((&of_lost[0]["on_main_chain"], &of_lost[0]["confirmations"]), (&json!(true), &json!(43)));
    let of_other = siblings(other).await;
    assert_eq!((of_other.as_array().unwrap().len(), &of_other[0]["id"]), (2, &json!(second.to_string())));
    assert_eq!(of_other[1]["on_main_chain"], false);
    assert_eq!(siblings(&0).await, json!([]));
    node.get("/api/v1/blocks/44/siblings").await.problem(404, "not-found");
    node.get("/api/v1/blocks/x/siblings").await.problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_follow_the_chain() {
    let node = Running::over(|ledger| {
        for _ in 0..9 {
            grow(ledger, ledger.tip().id(), 1);
        }
    });
    let address = node.fund().await;
    node.post("/api/v1/wallet/send", &json!({"to": address, "amount": "1", "fee": "0.02"})).await.ok(201);
    node.mine().await;
    let points = node.get("/api/v1/charts").await.ok(200);
    let heights: Vec<_> =
        points.as_array().unwrap().iter().map(|point| point["height"].as_u64().unwrap()).collect();
    assert_eq!(heights, (1..=11).rev().collect::<Vec<_>>());
    let newest = &points[0];
    assert_eq!((&newest["fees"], &newest["transactions"]), (&json!("0.02"), &json!(1)));
    assert_eq!((&newest["blocks"], &newest["difficulty"]), (&json!(1), &json!(2.0)));
    assert_eq!((&points[10]["interval"], &points[10]["hash_rate"]), (&Value::Null, &Value::Null));
    let few = node.get("/api/v1/charts?blocks=6&points=2").await.ok(200);
    let few: Vec<_> =
        few.as_array().unwrap().iter().map(|point| (&point["height"], &point["fees"])).collect();
    assert_eq!(few, [(&json!(11), &json!("0.02")), (&json!(8), &json!("0"))]);
    // What was kept from the first time gives the same.
    assert_eq!(node.get("/api/v1/charts?blocks=5760&points=240").await.ok(200), points);
    for query in ["blocks=0", "blocks=5761", "points=0", "points=241", "points=x", "blocks=-1", "x=1"] {
        node.get(&format!("/api/v1/charts?{query}")).await.problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_found_whatever_it_names() {
    let node = Running::start();
    let address = node.fund().await;
    let sent = node.post("/api/v1/wallet/send", &json!({"to": address, "amount": "1"})).await.ok(201);
    let (open, block) = (sent["id"].as_str().unwrap(), node.get("/api/v1/blocks/1").await.ok(200));
    let block = block["id"].as_str().unwrap();
    let search = async |text: &str| node.get(&format!("/api/v1/search?text={text}")).await;
    for (text, kind, at) in [
        ("1".to_owned(), "block", "/block/1".to_owned()),
        ("%20%200%20".to_owned(), "block", "/block/0".to_owned()),
        (block.to_owned(), "block", format!("/block/{block}")),
        (block.to_uppercase(), "block", format!("/block/{block}")),
        (open.to_owned(), "transaction", format!("/transaction/{open}")),
        (address.clone(), "address", format!("/address/{address}")),
        (address.to_uppercase(), "address", format!("/address/{address}")),
    ] {
        assert_eq!(search(&text).await.ok(200), json!({"kind": kind, "at": at}), "{text}");
    }
    node.mine().await;
    assert_eq!(search(open).await.ok(200)["kind"], "transaction");
    for (text, expected) in [
        ("3", "the last is at 2"),
        (&"ab".repeat(32), "no block and no open or mined transaction has the id abab"),
        ("", "expected a height, an id"),
        ("hello%20world", "expected a height, an id"),
        (&address.replacen("lmote1", "lmote1q", 1), "checksum"),
        (&address.replacen("lmote1", "mote1", 1), "address"),
    ] {
        let detail = search(text).await.problem(404, "not-found");
        assert!(detail.contains(expected), "{text}: {detail}");
    }
    node.get("/api/v1/search").await.problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_become_pictures() {
    let node = Running::start();
    let answer = node.get("/api/v1/qr?text=mote%3Alocal%3Fpeer%3D192.0.2.7%3A7700").await;
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (StatusCode::OK, &json_type("image/svg+xml"))
    );
    let csp = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(csp.starts_with("default-src 'none'") && answer.headers["x-content-type-options"] == "nosniff");
    // Version 3 has 29 modules and the margin twice; its first corner is dark, behind the margin.
    assert!(answer.text.contains("viewBox=\"0 0 37 37\"") && answer.text.contains("d=\"M4,4h7v1h-7z"));
    assert!(!answer.text.contains("script") && !answer.text.contains("192"));
    assert_eq!(node.get(&format!("/api/v1/qr?text={}", "x".repeat(300))).await.status, StatusCode::OK);
    for query in ["text=", &format!("text={}", "x".repeat(301)), "", "text=a&x=1"] {
        node.get(&format!("/api/v1/qr?{query}")).await.problem(400, "malformed");
    }
}

fn json_type(text: &'static str) -> axum::http::HeaderValue {
    axum::http::HeaderValue::from_static(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_says_how_to_join() {
    let node = Running::start();
    let card = node.get("/api/v1/card").await.ok(200);
    assert_eq!((&card["network"], &card["reachable"]), (&json!("regtest"), &json!("this-computer")));
    assert_eq!(card["genesis"], node.params.genesis_id().to_string());
    assert_eq!(card["peers"], json!(["127.0.0.1:7700"]));
    assert_eq!(card["command"], "mote --network regtest --port 7701 --peer 127.0.0.1:7700");
    let digits = &card["genesis"].as_str().unwrap()[..16];
    assert_eq!(card["text"], format!("mote:regtest?genesis={digits}&peer=127.0.0.1:7700"));
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_say_what_was_left() {
    let node = Running::start();
    let address = node.fund().await;
    let other = Running::start().fund().await;
    node.post("/api/v1/wallet/send", &json!({"to": other, "amount": "4"})).await.ok(201);
    node.mine().await;
    node.mine().await;
    let history = node.get(&format!("/api/v1/accounts/{address}/history")).await.ok(200);
    // Two entries of one block have the balance after it.
    assert_eq!(texts(&history, "balance"), ["26", "16", "16", "10"]);
    let history = node.get(&format!("/api/v1/accounts/{other}/history")).await.ok(200);
    assert_eq!(texts(&history, "balance"), ["4"]);
}
