use super::*;
use mote_core::hash::Hash32;
use mote_core::merkle::{leaf_hash, verify_inclusion};

fn hash(value: &Value) -> Hash32 {
    value.as_str().unwrap().parse().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash32> {
    value.as_array().unwrap().iter().map(hash).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_listed_and_found() {
    let node = Running::start();
    let genesis = node.get("/api/v1/blocks/0").await.ok(200);
    assert_eq!(genesis["id"], node.params.genesis_id().to_string());
    assert_eq!(genesis["transactions"], json!([]));
    let address = node.fund().await;
    let last = node.mine().await;
    let list = node.get("/api/v1/blocks").await.ok(200);
    let heights: Vec<_> =
        list.as_array().unwrap().iter().map(|block| block["height"].as_u64().unwrap()).collect();
    assert_eq!(heights, [2, 1, 0]);
    let list = node.get("/api/v1/blocks?before=2&limit=1").await.ok(200);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["height"]), (1, &json!(1)));
    let id = last["id"].as_str().unwrap();
    let by_id = node.get(&format!("/api/v1/blocks/{id}")).await.ok(200);
    assert_eq!(by_id, node.get("/api/v1/blocks/2").await.ok(200));
    assert_eq!(
        (&by_id["confirmations"], &by_id["on_main_chain"], &by_id["miner"]),
        (&json!(1), &json!(true), &json!(address))
    );
    assert_eq!(node.get("/api/v1/blocks/2/header").await.ok(200), last);
    let raw = node.get("/api/v1/blocks/0/raw").await;
    assert_eq!(raw.headers["content-type"], "application/octet-stream");
    let status = node.get("/api/v1/status").await.ok(200);
    assert_eq!(
        (&status["height"], &status["tip"], &status["network"]),
        (&json!(2), &json!(id), &json!("regtest"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_lead_to_the_tip() {
    let node = Running::start();
    let address = node.fund().await;
    let sent = node.post("/api/v1/wallet/send", &json!({"to": address, "amount": "1"})).await.ok(201);
    let path = format!("/api/v1/transactions/{}", sent["id"].as_str().unwrap());
    node.get(&format!("{path}/proof")).await.problem(404, "not-found");
    node.mine().await;
    assert_eq!(node.get(&format!("{path}/proof")).await.ok(200)["history_path"], Value::Null);
    node.mine().await;
    let receipt = node.get(&format!("{path}/proof")).await.ok(200);
    let (header, tip) = (&receipt["header"], &receipt["tip"]);
    let verify = |leaf, index: &Value, size: &Value, path: &Value, root: &Value| {
        let (index, size) = (index.as_u64().unwrap(), size.as_u64().unwrap());
        verify_inclusion(&leaf, index, size, &hashes(path), &hash(root)).unwrap();
    };
    let (index, count) = (&receipt["index"], &header["transaction_count"]);
    verify(hash(&sent["id"]), index, count, &receipt["path"], &header["transactions_root"]);
    let mut leaf = [0; 64];
    leaf[..32].copy_from_slice(hash(&header["id"]).as_bytes());
    leaf[32..].copy_from_slice(hash(&receipt["work"]).as_bytes());
    verify(
        leaf_hash(&leaf),
        &header["height"],
        &tip["height"],
        &receipt["history_path"],
        &tip["history_root"],
    );

    let proof = node.get(&format!("/api/v1/accounts/{address}/proof")).await.ok(200);
    assert_eq!(proof["leaf"]["key"], proof["key"]);
    assert_eq!((&proof["balance"], &proof["nonce"]), (&json!("30"), &json!(1)));
    assert_eq!(proof["header"]["id"], tip["id"]);

    // What the node says is what a reader without a node can check.
    let check = |answer: &Value| crate::receipt::check(answer.to_string().as_bytes()).unwrap();
    let trusted = hash(&tip["id"]);
    check(&receipt).anchored_at(&trusted).unwrap();
    check(&proof).anchored_at(&trusted).unwrap();
    let path = format!("/api/v1/accounts/{address}/proof");
    for (height, balance) in [(0, "0"), (1, "10"), (2, "20"), (3, "30")] {
        let older = node.get(&format!("{path}?block={height}")).await.ok(200);
        assert_eq!((&older["balance"], &older["header"]["height"]), (&json!(balance), &json!(height)));
        assert_eq!((&older["tip"], older["work"].is_null()), (tip, height == 3));
        check(&older).anchored_at(&trusted).unwrap();
    }
    node.get(&format!("{path}?block=4")).await.problem(404, "not-found");
    for query in ["block=x", "block=-1", "block=", "at=1"] {
        node.get(&format!("{path}?{query}")).await.problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_where_a_reader_left_off() {
    let node = Running::start();
    let read = async |last: Option<u64>, count: usize| {
        let mut request = Request::get("/api/v1/events").header("host", "localhost:7700");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = node.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut data = response.into_body().into_data_stream();
        let mut text = String::new();
        let all = async {
            while text.matches("\n\n").count() < count {
                let piece = futures_util::StreamExt::next(&mut data).await.unwrap().unwrap();
                text.push_str(std::str::from_utf8(&piece).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
        text
    };
    node.fund().await;
    node.mine().await;
    let all = read(Some(0), 2).await;
    // The reader's address is not known, so the miner's new settings are not for it.
    assert!(!all.contains("event: mining") && all.contains("event: block"), "{all}");
    let first = all.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap();
    let rest = read(Some(first), 1).await;
    assert!(rest.contains("\"height\":2") && !rest.contains("\"height\":1,"), "{rest}");
    node.ask(Request::get("/api/v1/events").header("last-event-id", "x"), Body::empty())
        .await
        .problem(400, "malformed");
    // A stream that was told to end does so.
    node.app.close();
    assert_eq!(node.get("/api/v1/events").await.text, "");
}
