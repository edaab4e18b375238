//! Answers that stay as they are until the chain has another tip, or other open transactions come, kept as bytes: what
//! many ask for is read from the store and written as JSON once.
//!
//! A tip never comes back, since each has more work than the one before, nor does a version of the open transactions. So
//! an answer that was made while what is published of them was the same before and after belongs to it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mote_core::hash::Hash32;

use super::App;
use super::error::{Code, Problem};
use crate::store::disk::Disk;

/// How much is kept, in bytes: the answers with their paths.
const KEPT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The longest answer that is kept.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// The longest path that is kept, its query included: all that mean something are shorter.
const PATH_MAX_BYTES: usize = 200;

/// What the kept answers take besides their bytes, at the most: their places in the list and in the table.
const PLACE_BYTES: usize = 256;

/// The kept answers of one tip.
#[derive(Default)]
pub struct Answers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    tip: Option<Hash32>,
    by_path: HashMap<Arc<str>, Answer>,
    /// The paths, that of the oldest answer first.
    order: VecDeque<Arc<str>>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    kind: HeaderValue,
    body: Bytes,
    /// The version of the open transactions that it belongs to; none where it does not depend on them.
    open: Option<u64>,
}

/// What the answers of a route depend on besides the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depends {
    /// The tip alone.
    Tip,
    /// The tip and the open transactions.
    TipAndOpen,
}

impl Answers {
    fn get(&self, tip: &Hash32, open: u64, path: &str) -> Option<Answer> {
        let kept = self.kept();
        let answer = kept.by_path.get(path).filter(|_| kept.tip.as_ref() == Some(tip))?;
        answer.open.is_none_or(|made| made == open).then(|| answer.clone())
    }

    fn put(&self, tip: Hash32, path: &str, answer: Answer) {
        let mut kept = self.kept();
        if kept.tip != Some(tip) {
            *kept = Kept { tip: Some(tip), ..Kept::default() };
        }
        let path: Arc<str> = path.into();
        kept.bytes += size(&path, &answer);
        match kept.by_path.insert(path.clone(), answer) {
            // Somebody else has asked at the same time, or before open transactions came or went.
            Some(same) => kept.bytes -= size(&path, &same),
            None => kept.order.push_back(path),
        }
        while kept.bytes > KEPT_MAX_BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(answer) = kept.by_path.remove(&oldest) {
                kept.bytes -= size(&oldest, &answer);
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What is half-way after a panic is counted wrongly at the worst.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(path: &str, answer: &Answer) -> usize {
    path.len() + answer.body.len() + PLACE_BYTES
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, self.kind)], self.body).into_response()
    }
}

/// What there is to a request already.
pub fn kept<D: Disk>(app: &App<D>, request: &Request) -> Option<Response> {
    let path = request.uri().path_and_query().filter(|_| request.method() == Method::GET)?;
    let status = app.0.handle.status();
    let answer = app.0.answers.get(&status.tip, status.mempool_version, path.as_str());
    answer.map(IntoResponse::into_response)
}

/// The middleware of routes whose answers depend on the path and on this alone: keeps them.
pub async fn keep<D: Disk>(
    State((app, depends)): State<(App<D>, Depends)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path_and_query().filter(|path| path.as_str().len() <= PATH_MAX_BYTES).cloned();
    let Some(path) = path.filter(|_| request.method() == Method::GET) else {
        return next.run(request).await;
    };
    let belongs_to = || {
        let status = app.0.handle.status();
        (status.tip, (depends == Depends::TipAndOpen).then_some(status.mempool_version))
    };
    let (tip, open) = belongs_to();
    let response = next.run(request).await;
    let is_short = response.body().size_hint().upper().is_some_and(|bytes| bytes <= ANSWER_MAX_BYTES as u64);
    if response.status() != StatusCode::OK || !is_short || belongs_to() != (tip, open) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = match to_bytes(body, ANSWER_MAX_BYTES).await {
        Ok(body) => body,
        Err(error) => return Problem::new(Code::Internal, error).into_response(),
    };
    if let Some(kind) = parts.headers.remove(CONTENT_TYPE) {
        let answer = Answer { kind, body, open };
        app.0.answers.put(tip, path.as_str(), answer.clone());
        return answer.into_response();
    }
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(length: usize) -> Answer {
        Answer { kind: HeaderValue::from_static("text/plain"), body: vec![b'a'; length].into(), open: None }
    }

    #[test]
    fn an_answer_is_kept_until_there_is_another_tip() {
        let (answers, first, second) =
            (Answers::default(), Hash32::from_bytes([1; 32]), Hash32::from_bytes([2; 32]));
        answers.put(first, "/a", answer(1));
        assert_eq!(answers.get(&first, 0, "/a"), Some(answer(1)));
        assert_eq!((answers.get(&second, 0, "/a"), answers.get(&first, 0, "/b")), (None, None));
        answers.put(second, "/b", answer(2));
        assert_eq!((answers.get(&first, 0, "/a"), answers.get(&second, 0, "/a")), (None, None));
        assert_eq!(answers.get(&second, 0, "/b"), Some(answer(2)));
    }

    #[test]
    fn an_answer_may_belong_to_the_open_transactions_too() {
        let (answers, tip) = (Answers::default(), Hash32::from_bytes([1; 32]));
        let with_open = |open| Answer { open: Some(open), ..answer(1) };
        answers.put(tip, "/a", with_open(3));
        answers.put(tip, "/b", answer(1));
        assert_eq!(answers.get(&tip, 3, "/a"), Some(with_open(3)));
        assert_eq!((answers.get(&tip, 4, "/a"), answers.get(&tip, 4, "/b")), (None, Some(answer(1))));
        answers.put(tip, "/a", with_open(4));
        assert_eq!(answers.get(&tip, 4, "/a"), Some(with_open(4)));
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let (answers, tip) = (Answers::default(), Hash32::from_bytes([1; 32]));
        let count = 2 * KEPT_MAX_BYTES / ANSWER_MAX_BYTES;
        for number in 0..count {
            for _ in 0..2 {
                answers.put(tip, &number.to_string(), answer(ANSWER_MAX_BYTES));
            }
            let kept = answers.kept();
            let sum: usize = kept.by_path.iter().map(|(path, answer)| size(path, answer)).sum();
            assert_eq!((kept.bytes, kept.order.len()), (sum, kept.by_path.len()));
            assert!(sum <= KEPT_MAX_BYTES);
        }
        assert_eq!(answers.get(&tip, 0, "0"), None);
        assert!(answers.get(&tip, 0, &(count - 1).to_string()).is_some());
    }
}
