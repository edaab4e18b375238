use super::*;
use axum::http::Method;

#[tokio::test(flavor = "multi_thread")]
async fn every_response_protects_the_browser() {
    let node = Running::start();
    for path in
        ["/", "/web/style.css", "/web/app.js", "/docs", "/api/v1/status", "/nowhere", "/api/v1/wallet"]
    {
        let headers = node.get(path).await.headers;
        assert!(
            headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
    }
    assert_eq!(node.get("/api/v1/wallet").await.headers["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_origins_and_forms_are_refused() {
    let node = Running::start();
    for path in ["/", "/api/v1/status", "/api/v1/wallet", "/nowhere"] {
        let foreign = node.ask(Request::get(path).header("host", "evil.example"), Body::empty()).await;
        foreign.problem(421, "foreign-host");
    }
    let create = || Request::post("/api/v1/wallet").header("content-type", "application/json");
    let foreign = node.ask(create().header("origin", "http://evil.example"), Body::from("{}")).await;
    foreign.problem(403, "foreign-origin");
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        let form = Request::post("/api/v1/wallet").header("content-type", kind);
        node.ask(form, Body::from("{}")).await.problem(415, "media-type");
    }
    node.ask(Request::post("/api/v1/wallet"), Body::from("{}")).await.problem(415, "media-type");
    let options = Request::builder()
        .method(Method::OPTIONS)
        .uri("/api/v1/wallet")
        .header("origin", "http://evil.example");
    assert!(!node.ask(options, Body::empty()).await.status.is_success());
    node.get("/api/v1/wallet").await.problem(404, "no-wallet");
    assert!(!node.folder.path().join("wallet").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_need_the_token_and_never_make_wallets() {
    let node = Running::start();
    let token = std::fs::read_to_string(node.folder.path().join(token::TOKEN_FILE)).unwrap();
    let remote = |request: axum::http::request::Builder| {
        request.extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 9], 5000))))
    };
    for path in ["wallet", "wallet/addresses", "mining", "peers"] {
        let request = remote(Request::get(format!("/api/v1/{path}")));
        let answer = node.ask(request, Body::empty()).await;
        answer.problem(401, "token-required");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    let bearer = format!("Bearer {}", token.trim_end());
    let known = remote(Request::get("/api/v1/peers")).header("authorization", &bearer);
    node.ask(known, Body::empty()).await.ok(200);
    for path in ["wallet", "wallet/restore", "wallet/unlock"] {
        let request = remote(Request::post(format!("/api/v1/{path}")))
            .header("authorization", &bearer)
            .header("content-type", "application/json");
        node.ask(request, Body::from("{}")).await.problem(403, "loopback-only");
    }
    assert!(node.ask(remote(Request::get("/api/v1/status")), Body::empty()).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_paths_methods_and_bodies_are_problems() {
    let node = Running::start();
    node.get("/nowhere").await.problem(404, "not-found");
    node.get("/%ff%fe/..%2f").await.problem(404, "not-found");
    node.get("/api/v1/blocks/%ff").await.problem(400, "malformed");
    node.get("/api/v1/blocks/%00%0a%3Cscript%3E").await.problem(400, "malformed");
    node.get("/api/v1/blocks/99999999999999999999").await.problem(400, "malformed");
    node.get("/api/v1/blocks/77").await.problem(404, "not-found");
    for query in
        ["limit=0", "limit=101", "limit=-1", "limit=x", "before=x", "before=-1", "x=1", "limit=1&limit=2"]
    {
        node.get(&format!("/api/v1/blocks?{query}")).await.problem(400, "malformed");
    }
    let answer = node.ask(Request::delete("/api/v1/status"), Body::empty()).await;
    answer.problem(405, "method-not-allowed");
    assert!(answer.headers["allow"].to_str().unwrap().contains("GET"));
    let head = node.ask(Request::head("/api/v1/status"), Body::empty()).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));

    let path = "/api/v1/transactions";
    let large = format!("{{\"id\":\"{}\"}}", "0".repeat(extract::BODY_MAX_BYTES));
    node.post_text(path, &large).await.problem(413, "too-large");
    node.post_text(path, &"[".repeat(60_000)).await.problem(400, "malformed");
    node.post_text(path, "{\"memo\":\"\\ud800\"}").await.problem(400, "malformed");
    node.post_text(path, "").await.problem(400, "malformed");
    node.post_text(path, "{}x").await.problem(400, "malformed");
    let detail = node.post_text(path, "{\"sender\":5}").await.problem(400, "malformed");
    assert!(detail.starts_with("sender: "), "{detail}");
    let detail = node
        .post_text("/api/v1/peers", "{\"peer\":\"http://localhost:1/x\"}")
        .await
        .problem(400, "malformed");
    assert!(detail.starts_with("peer: "), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_has_every_route() {
    let node = Running::start();
    let document = node.get("/api/v1/openapi.json").await.ok(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut documented: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.push((method.to_uppercase(), path.clone()));
            assert!(operation["summary"].is_string(), "{path}");
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
        }
    }
    let name = |method| match method {
        MethodFilter::GET => "GET",
        MethodFilter::POST => "POST",
        _ => "DELETE",
    };
    let routes = Routes::all(&node.app).list;
    // Pages are for people: all of them are the same answer as the first.
    let routes = routes.into_iter().filter(|(_, path)| *path == "/" || !web::PAGES.contains(path));
    let mut routes: Vec<_> =
        routes.map(|(method, path)| (name(method).to_owned(), path.replace("{*", "{"))).collect();
    routes.sort();
    documented.sort();
    assert_eq!(routes, documented);
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let docs = node.get("/docs").await.text;
    assert!(docs.contains("/api/v1/wallet/send") && docs.contains("id=\"T5-signature\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_get_their_numbers() {
    let node = Running::start();
    node.fund().await;
    assert_eq!(node.get("/healthz").await.text, "ok\n");
    node.get("/a/b").await;
    let text = node.get("/metrics").await.text;
    for line in [
        "mote_height 1",
        "mote_blocks_stored 2",
        "mote_http_requests_total{method=\"POST\",route=\"/api/v1/mining/block\",status=\"201\"} 1",
        "mote_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|got| got == line), "{line} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_at_once_passes_the_same_as_all_else() {
    let node = Running::start();
    let path = "/api/v1/blocks/0";
    let is_kept = || {
        let request = Request::get(path).header("host", "localhost:7700").body(()).unwrap();
        at_once(node.app.clone())(([127, 0, 0, 1], 5000).into(), &request).is_some()
    };
    assert!(!is_kept());
    let mut first = node.get(path).await;
    // The server tells every length by itself.
    first.headers.remove("content-length");
    assert!(is_kept());
    let again = node.get(path).await;
    assert_eq!((first.status, &first.headers, &first.text), (again.status, &again.headers, &again.text));
    let foreign = node.ask(Request::get(path).header("host", "evil.example"), Body::empty()).await;
    foreign.problem(421, "foreign-host");
    assert_eq!(foreign.headers["connection"], "close");
    assert_eq!(foreign.headers["x-frame-options"], again.headers["x-frame-options"]);
    let twice = Request::get(path).header("content-length", "0").header("content-length", "0");
    node.ask(twice, Body::empty()).await.problem(400, "malformed");
    for target in ["http://evil.example/api/v1/blocks/0", "http://localhost:7701/api/v1/blocks/0"] {
        node.ask(Request::get(target), Body::empty()).await.problem(421, "foreign-host");
    }
    let text = node.get("/metrics").await.text;
    // Whether one is there was asked in the same way.
    for (status, count) in [(200, 3), (421, 3), (400, 1)] {
        let labels = format!("method=\"GET\",route=\"/api/v1/blocks/{{block}}\",status=\"{status}\"");
        let line = format!("mote_http_requests_total{{{labels}}} {count}");
        assert!(text.lines().any(|got| got == line), "{line} in {text}");
    }
    node.fund().await;
    assert!(!is_kept());
}
