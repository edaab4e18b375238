//! What every request passes on its way in and every response on its way out, in one step: where the request ends
//! ([`super::framing`]), who may make it ([`super::guard`]), what is counted ([`super::metrics`]), and what browsers are
//! told. A request whose answer is there already ([`super::answers`]) passes the same before it gets to the routes.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::answers;
use super::framing;
use super::guard::{self, Class};
use crate::store::disk::Disk;

/// The response to a request of this client whose answer is there already, where it is.
pub fn at_once<D: Disk, B>(app: &App<D>, client: SocketAddr, request: &Request<B>) -> Option<Response> {
    let kept = answers::kept(app, request)?;
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let judge = || app.0.guard.check(Class::Public, method, uri, headers, Some(client));
    let refusal = framing::refusal(headers).or_else(|| judge().err().map(IntoResponse::into_response));
    let status = refusal.as_ref().map_or(StatusCode::OK, Response::status);
    app.0.metrics.count(method, Some(kept.route()), status);
    Some(refusal.map_or_else(|| kept.under(PROTECTION.clone()), protect))
}

/// The middleware of all routes but that of peers.
pub async fn pass<D: Disk>(State(app): State<App<D>>, mut request: Request, next: Next) -> Response {
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let response = match framing::refusal(request.headers()) {
        None => match guard::admit(&app.0.guard, Class::Public, &mut request) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        },
        Some(refusal) => refusal,
    };
    app.0.metrics.count(&method, route.as_ref().map(MatchedPath::as_str), response.status());
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
    headers.reserve(PROTECTION.len());
    for (name, value) in &*PROTECTION {
        // How long an answer may be kept is all that it can say better.
        if name != header::CACHE_CONTROL || !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
    response
}

static PROTECTION: LazyLock<HeaderMap> = LazyLock::new(|| {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                  frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_takes_nothing_back_that_protects_browsers() {
        let mut response = Response::default();
        for name in PROTECTION.keys() {
            response.headers_mut().insert(name, HeaderValue::from_static("own"));
        }
        let (own, mut expected) = (HeaderValue::from_static("own"), PROTECTION.clone());
        expected.insert(header::CACHE_CONTROL, own);
        assert_eq!(*protect(response).headers(), expected);
        assert_eq!(*protect(Response::default()).headers(), *PROTECTION);
    }
}
