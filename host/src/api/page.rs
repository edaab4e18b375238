//! The pages that browsers are given. They are part of the program and need nothing from elsewhere.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use mote_core::rules::Rule;
use serde_json::Value;

use super::error::Code;
use super::openapi::document;

/// Says how to show an embedded file, which changes with the program only.
fn embedded(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text)
}

/// The page of the node: wallet, chain, miner and peers.
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn index() -> impl IntoResponse {
    embedded("text/html; charset=utf-8", include_str!("../web/index.html"))
}

/// The look of the pages.
#[utoipa::path(get, path = "/style.css", tag = "pages", responses((status = 200, body = String, content_type = "text/css")))]
pub async fn style() -> impl IntoResponse {
    embedded("text/css; charset=utf-8", include_str!("../web/style.css"))
}

/// What the page of the node does.
#[utoipa::path(get, path = "/script.js", tag = "pages", responses((status = 200, body = String, content_type = "text/javascript")))]
pub async fn script() -> impl IntoResponse {
    embedded("text/javascript; charset=utf-8", include_str!("../web/script.js"))
}

/// This API for people to read, with all codes of errors.
#[utoipa::path(get, path = "/docs", tag = "pages", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn docs() -> impl IntoResponse {
    static PAGE: LazyLock<String> =
        LazyLock::new(|| render(&serde_json::to_value(document()).unwrap_or_default()));
    embedded("text/html; charset=utf-8", PAGE.as_str())
}

/// The document as a page without a script.
fn render(document: &Value) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mote API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/style.css\"></head><body>\
         <header><h1>Mote API</h1><nav><a href=\"/\">Node</a> <a href=\"/api/v1/openapi.json\">OpenAPI</a></nav></header><main>",
    );
    // Writing to a string cannot fail.
    let _ = write!(page, "<p>{}</p>", escape(text(document, "/info/description")));
    let entries = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    for (path, item) in entries(document.get("paths")) {
        for (method, operation) in entries(Some(&item)) {
            let _ = write!(
                page,
                "<section><h2><code>{} {}</code></h2><p>{}</p><p class=\"text\">{}</p>",
                escape(&method.to_uppercase()),
                escape(&path),
                escape(text(&operation, "/summary")),
                escape(text(&operation, "/description"))
            );
            for part in ["parameters", "requestBody", "responses"] {
                if let Some(value) = operation.get(part) {
                    let _ = write!(page, "<details><summary>{part}</summary>{}</details>", pretty(value));
                }
            }
            page.push_str("</section>");
        }
    }
    page.push_str("<section><h2>Schemas</h2>");
    for (name, schema) in entries(document.pointer("/components/schemas")) {
        let _ = write!(page, "<details><summary>{}</summary>{}</details>", escape(&name), pretty(&schema));
    }
    page.push_str("</section><section><h2>Codes of errors</h2><dl>");
    for code in Code::ALL.into_iter().chain(Rule::ALL.map(Code::Rule)) {
        let (id, status) = (code.as_str(), code.status().as_u16());
        let _ = write!(
            page,
            "<dt id=\"{id}\"><code>{id}</code> {status}</dt><dd>{}</dd>",
            escape(code.sentence())
        );
    }
    page.push_str("</dl></section></main></body></html>");
    page
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    format!("<pre>{}</pre>", escape(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
