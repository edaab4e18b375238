//! Where a request ends, and for whom it is, must be beyond doubt: what a proxy takes for the body of one
//! request could be the next one to this server, with the proxy's good name (RFC 9112 section 11.2). What two
//! readers could take differently is refused, and its connection is closed.
//!
//! Most of that does not get here: the HTTP library refuses lengths that contradict each other or are no
//! numbers, lines that are folded, and white space before a colon, and closes the connection.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::error::Problem;

/// The response to a request that is not beyond doubt.
pub fn refusal(headers: &HeaderMap) -> Option<Response> {
    let what = ambiguity(headers)?;
    let mut response = Problem::malformed("header", what).into_response();
    close(&mut response);
    Some(response)
}

/// Has the connection closed behind the response.
pub fn close(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// What two readers could take differently, if anything.
fn ambiguity(headers: &HeaderMap) -> Option<&'static str> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Some("expected no transfer coding but chunked, once");
        }
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Some("expected a transfer coding or a length, got both");
        }
    }
    let is_repeated = headers.get_all(header::CONTENT_LENGTH).iter().count() > 1;
    is_repeated.then_some("expected one length, got several")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_framing_is_clear_and_others_are_not() {
        let is_clear = |lines: &[(&str, &str)]| {
            let line = |(name, value): &(&str, &str)| (name.parse().unwrap(), value.parse().unwrap());
            ambiguity(&lines.iter().map(line).collect()).is_none()
        };
        assert!(is_clear(&[]));
        assert!(is_clear(&[("content-length", "5")]));
        assert!(is_clear(&[("transfer-encoding", "Chunked")]));
        assert!(!is_clear(&[("content-length", "5"), ("content-length", "5")]));
        assert!(!is_clear(&[("transfer-encoding", "chunked"), ("content-length", "5")]));
        assert!(!is_clear(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]));
        for coding in ["chunked, chunked", "gzip, chunked", "identity", "xchunked", "chunked;a", ""] {
            assert!(!is_clear(&[("transfer-encoding", coding)]), "{coding}");
        }
    }
}
