//! The pages that browsers are given. They are part of the program and need nothing from elsewhere.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mote_core::rules::Rule;
use serde_json::Value;

use super::error::{Code, Problem};
use super::extract::Segment;
use super::openapi::document;
use crate::web::{self, Asset};

/// An asset, which changes with the program only: a browser that has it asks whether it still is the same.
fn embedded(asset: Asset, headers: &HeaderMap) -> Response {
    let tag = asset.tag();
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let description =
        [(CONTENT_TYPE, asset.kind().to_owned()), (ETAG, tag), (CACHE_CONTROL, "no-cache".into())];
    if is_known {
        (StatusCode::NOT_MODIFIED, description).into_response()
    } else {
        (description, asset.text).into_response()
    }
}

/// Every page: what is on it depends on its address, and is made by the browser.
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn index(headers: HeaderMap) -> Response {
    embedded(web::INDEX, &headers)
}

/// What pages consist of.
#[utoipa::path(
    get, path = "/web/{path}", tag = "pages", params(("path" = String, Path, description = "a file's path")),
    responses((status = 200, content((String = "text/javascript"), (String = "text/css"), (String = "image/svg+xml"), (String = "text/html"), (String = "text/plain"))), (status = 304, description = "still the same"), (status = 404, description = "not-found"))
)]
pub async fn asset(Segment(path): Segment, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = web::asset(&path).ok_or_else(|| Problem::not_found("there is no such file"))?;
    Ok(embedded(asset, &headers))
}

/// The browser wallet as one file, to be opened from a disk.
#[utoipa::path(get, path = "/offline-wallet.html", tag = "pages", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn offline_wallet() -> impl IntoResponse {
    let saved = "attachment; filename=\"mote-wallet.html\"";
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_DISPOSITION, saved)], web::offline_wallet())
}

/// This API for people to read, with all codes of errors.
#[utoipa::path(get, path = "/docs", tag = "pages", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn docs() -> impl IntoResponse {
    static PAGE: LazyLock<String> =
        LazyLock::new(|| render(&serde_json::to_value(document()).unwrap_or_default()));
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")], PAGE.as_str())
}

/// The document as a page without a script.
fn render(document: &Value) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mote API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"icon\" href=\"/web/icon.svg\"><link rel=\"stylesheet\" href=\"/web/style.css\"></head><body>\
         <header><a class=\"brand\" href=\"/\">Mote</a><nav aria-label=\"Pages\"><a href=\"/\">Home</a> \
         <a href=\"/api/v1/openapi.json\">OpenAPI</a></nav></header><main><h1>Mote API</h1>",
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
