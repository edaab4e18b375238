//! What every request passes on its way in and every response on its way out, in one step: where the request ends
//! ([`super::framing`]), who may make it ([`super::guard`]), whether the answer is there already
//! ([`super::answers`]), what is counted ([`super::metrics`]), and what browsers are told.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::answers;
use super::framing;
use super::guard::{self, Class};
use crate::store::disk::Disk;

/// The middleware of all routes but that of peers.
pub async fn pass<D: Disk>(State(app): State<App<D>>, mut request: Request, next: Next) -> Response {
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let response = match framing::refusal(request.headers()) {
        None => match guard::admit(&app.0.guard, Class::Public, &mut request) {
            Ok(()) => match answers::kept(&app, &request) {
                Some(kept) => kept,
                None => next.run(request).await,
            },
            Err(problem) => problem.into_response(),
        },
        Some(refusal) => refusal,
    };
    app.0.metrics.count(&method, route.as_ref(), response.status());
    protect(response)
}

/// The middleware of the route of peers. Which origins may connect is for the route to say, since the operator may
/// allow some. Under which host a peer knows this node is nobody's business: it may come through a forwarded port,
/// and a page always sends its origin.
pub async fn pass_peer(request: Request, next: Next) -> Response {
    protect(match framing::refusal(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    })
}

/// What every response tells browsers, errors included.
fn protect(mut response: Response) -> Response {
    // A connection that leads to another host than its user thinks is of no use to it.
    if response.status() == StatusCode::MISDIRECTED_REQUEST {
        framing::close(&mut response);
    }
    let headers = response.headers_mut();
    headers.reserve(PROTECTION.len() + 1);
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

const PROTECTION: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];
