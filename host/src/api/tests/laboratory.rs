use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_experiment_answers_strangers_too() {
    let node = Running::start();
    let stranger = |path: &str, body: &Value| {
        let request = Request::post(format!("/api/v1/laboratory/{path}"))
            .header("content-type", "application/json")
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 9], 5000))));
        node.ask(request, Body::from(body.to_string()))
    };
    for (path, body) in [
        ("hash", json!({"text": "abc", "zero_bits": 8, "search": "on"})),
        ("block", json!({})),
        ("block", json!({"place": "alone"})),
        ("block/mine", json!({})),
        ("chain", json!({"action": {"do": "memo", "height": 3, "payment": 0, "text": "<b>"}})),
        ("peers", json!({"nodes": 2, "steps": [{"do": "mine", "node": 1}]})),
        ("proofs", json!({"tree": "payments", "leaves": 5, "index": 4, "spoil": 0})),
        ("difficulty", json!({"before": 1e5, "after": 1e6, "step": 5, "blocks": 10})),
    ] {
        let first = stranger(path, &body).await.ok(200);
        assert_eq!(stranger(path, &body).await.ok(200), first, "{path}: the same request, the same answer");
    }
    // Nothing of it reaches the node.
    let status = node.get("/api/v1/status").await.ok(200);
    assert_eq!((&status["height"], &status["mempool"]), (&json!(0), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_laboratory_does_not_offer_is_a_problem() {
    let node = Running::start();
    let long = "00".repeat(32_001);
    for (path, body, part) in [
        ("hash", json!({"text": 1}), "text"),
        ("hash", json!({"text": "", "zero_bits": 21}), "zero_bits"),
        ("block", json!({"bytes": "0g"}), "bytes"),
        ("block", json!({"bytes": long}), "bytes"),
        ("block/mine", json!({"bytes": "00"}), "bytes"),
        ("chain", json!({"blocks": []}), "blocks"),
        ("chain", json!({"action": {"do": "mine", "height": 0}}), "height"),
        ("peers", json!({"nodes": 6, "steps": []}), "nodes"),
        ("peers", json!({"nodes": 1, "steps": [{"do": "explode"}]}), "steps"),
        ("proofs", json!({"tree": "payments", "leaves": 129, "index": 0}), "leaves"),
        ("difficulty", json!({"before": 0, "after": 1, "step": 0, "blocks": 1}), "before"),
    ] {
        let answer = node.post(&format!("/api/v1/laboratory/{path}"), &body).await;
        let detail = answer.problem(400, "malformed");
        assert!(detail.starts_with(part), "{path}: {detail}");
    }
    node.get("/api/v1/laboratory/hash").await.problem(405, "method-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_experiments_wait() {
    let node = Arc::new(Running::start());
    let body = json!({"nodes": 5, "steps": vec![json!({"do": "wait", "seconds": 60}); 10]});
    let asked = (0..40).map(|_| {
        let (node, body) = (node.clone(), body.clone());
        tokio::spawn(async move { node.post("/api/v1/laboratory/peers", &body).await })
    });
    let mut busy = 0;
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            answer.problem(429, "busy");
            busy += 1;
        } else {
            answer.ok(200);
        }
    }
    assert!((1..40).contains(&busy), "{busy}");
}
