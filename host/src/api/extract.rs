//! What handlers take from a request. Anything that cannot be read is a 400 that names its place.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::error::{Code, Problem};

/// The longest body, in bytes.
pub const BODY_MAX_BYTES: usize = 64 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many entries a list has where nobody says.
pub const LIMIT_DEFAULT: usize = 20;

/// How many entries a list has at most.
pub const LIMIT_MAX: usize = 100;

/// A body in JSON.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let mut body = Vec::new();
        read_body(request, &mut body).await?;
        parse_json(&body).map(Self)
    }
}

/// Reads a body behind what is in `body`, in one piece: chunks of a byte each would take many times its memory.
pub(super) async fn read_body(request: Request, body: &mut Vec<u8>) -> Result<(), Problem> {
    check_length(&request)?;
    let mut chunks = request.into_body().into_data_stream();
    let reading = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| Problem::malformed("body", error))?;
            if body.len() + chunk.len() > BODY_MAX_BYTES {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    };
    let timeout = |_| Problem::new(Code::Timeout, "the body did not arrive within 10 s");
    tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(timeout)?
}

/// Refuses a body that says itself that it is too long: a client that waits to be told to go on is not told to
/// send what is refused anyway.
fn check_length(request: &Request) -> Result<(), Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok());
    if length.and_then(parse_number).is_some_and(|length| length > BODY_MAX_BYTES as u64) {
        return Err(too_large());
    }
    Ok(())
}

fn too_large() -> Problem {
    Problem::new(Code::TooLarge, format_args!("expected a body of at most {BODY_MAX_BYTES} bytes"))
}

/// Every body is an object. Fields in the order of an array would be read as well, but are documented nowhere.
pub(super) fn refuse_array(body: &[u8]) -> Result<(), Problem> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::malformed("body", "expected an object, got an array"));
    }
    Ok(())
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    refuse_array(body)?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // The path of the whole body is a dot, which says nothing.
        match error.path().to_string().as_str() {
            "." | "?" => Problem::malformed("body", error.inner()),
            // The name of the field says where; a position in the text would add nothing.
            path => {
                let (text, inner) = (error.inner().to_string(), error.inner());
                let place = format!(" at line {} column {}", inner.line(), inner.column());
                Problem::malformed(path, text.strip_suffix(&place).unwrap_or(&text))
            }
        }
    })?;
    deserializer.end().map_err(|error| Problem::malformed("body", error))?;
    Ok(value)
}

/// The one variable part of a path, decoded.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(text)| Self(text))
            .map_err(|rejection| Problem::malformed("path", rejection.body_text()))
    }
}

/// Which part of a list is asked for.
#[derive(Debug, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// Only what is older than this: the last entry's place in the list before.
    pub before: Option<String>,
    /// How many entries at most, 1 to 100; 20 where it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

impl Paging {
    /// How many entries there may be.
    pub fn limit(&self) -> Result<usize, Problem> {
        number_within("limit", self.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)
    }

    /// The height that all entries must be below, where one is given.
    pub fn before_height(&self) -> Result<Option<u64>, Problem> {
        let Some(text) = &self.before else { return Ok(None) };
        parse_number(text)
            .map(Some)
            .ok_or_else(|| Problem::malformed("before", format_args!("expected a height, got {text:?}")))
    }
}

/// A number from 1 to `max` that a query has under this name, or the default where it has none.
pub fn number_within(name: &str, text: Option<&str>, default: usize, max: usize) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    let number = parse_number(text).and_then(|number| usize::try_from(number).ok());
    number.filter(|number| (1..=max).contains(number)).ok_or_else(|| {
        let got: String = text.chars().take(80).collect();
        Problem::malformed(name, format_args!("expected a number from 1 to {max}, got {got:?}"))
    })
}

/// A decimal number without a sign.
pub fn parse_number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What stands behind the question mark of a path.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Problem::malformed("query", rejection.body_text()))
    }
}
