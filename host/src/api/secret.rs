//! Passphrases and words on their way through the API: in buffers that are wiped, and in no error. What the
//! HTTP library has read or is about to write, and the system's sockets, are beyond reach here.

use std::fmt;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::error::{Code, Problem};
use super::extract::{BODY_MAX_BYTES, read_body, refuse_array};

/// A text that nobody but its owner may know: wiped when dropped, never shown.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text, which is wiped too when it is dropped.
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}

/// Writes the one secret that an answer shows.
pub fn reveal<S: Serializer>(text: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Reader)
    }
}

/// Copies a string once, to where it is wiped.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Secret, E> {
        Ok(Secret(Zeroizing::new(text)))
    }
}

/// A body in JSON that holds secrets.
pub struct SecretJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for SecretJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?).map(Self)
    }
}

/// The same, or the default where there is no body or it is null.
pub struct OptionalSecretJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalSecretJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        parse::<Option<T>>(&body).map(|value| Self(value.unwrap_or_default()))
    }
}

async fn read(request: Request) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // The room is reserved at once: a growing buffer would leave copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(BODY_MAX_BYTES));
    read_body(request, &mut body).await?;
    Ok(body)
}

/// An error says where, and never what is there: the library's own words quote the text.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    refuse_array(body)?;
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            Category::Syntax => "no JSON",
            Category::Eof | Category::Io => "it ends too early",
            Category::Data => "a field is unknown, repeated or missing, or a value is no string",
        };
        let (line, column) = (error.line(), error.column());
        Problem::malformed("body", format_args!("line {line}, column {column}: {what}"))
    })
}

/// An answer in JSON that holds secrets.
pub struct SecretAnswer<T>(pub StatusCode, pub T);

/// The longest answer: 24 words and an address.
const ANSWER_MAX_BYTES: usize = 4 * 1024;

impl<T: Serialize> IntoResponse for SecretAnswer<T> {
    fn into_response(self) -> Response {
        let Self(status, value) = self;
        let mut text = Zeroizing::new(Vec::with_capacity(ANSWER_MAX_BYTES));
        if let Err(error) = serde_json::to_writer(&mut *text, &value) {
            return Problem::new(Code::Internal, error).into_response();
        }
        let mut response = (status, Body::from(Bytes::from_owner(text))).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        passphrase: Option<Secret>,
    }

    #[test]
    fn a_secret_is_read_and_not_shown() {
        for (text, expected) in [("plain \u{e9}", "plain \u{e9}"), (r"es\\caped \u0041", r"es\caped A")] {
            let form: Form = parse(format!("{{\"passphrase\": \"{text}\"}}").as_bytes()).unwrap();
            assert!(!format!("{form:?}").contains(expected), "{form:?}");
            assert_eq!(form.passphrase.unwrap().into_text().as_str(), expected);
        }
    }

    #[test]
    fn errors_quote_nothing() {
        for text in [
            r#""hunter2""#,
            "hunter2",
            r#"{"hunter2": "x"}"#,
            r#"{"passphrase": hunter2}"#,
            r#"{"passphrase": {"hunter2": 1}}"#,
            r#"{"passphrase": "hunter2", "passphrase": "hunter2"}"#,
            r#"{"passphrase": "hunter2"} hunter2"#,
            r#"{"passphrase": "hunter2\x"}"#,
            r#"{"passphrase": 22222}"#,
            r#"{"passphrase": -2222.5}"#,
            r#"["hunter2", 1]"#,
        ] {
            let problem = parse::<Form>(text.as_bytes()).unwrap_err();
            let shown = format!("{problem:?}");
            assert_eq!(problem.code(), Code::Malformed);
            assert!(!shown.contains("hunter2") && !shown.contains("2222"), "{text}: {shown}");
        }
    }
}
