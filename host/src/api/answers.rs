//! Answers that stay as they are until the chain has another tip, other open transactions come, or the node publishes
//! another status, kept as bytes: what many ask for is read from the store and written as JSON once.
//!
//! A tip never comes back, since each has more work than the one before, nor does a version of the open transactions. So
//! an answer that was made while what is published of them was the same before and after belongs to it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mote_core::hash::Hash32;

use super::App;
use super::error::{Code, Problem};
use crate::node::status::Status;
use crate::store::disk::Disk;

/// How much is kept, in bytes: the answers with their paths.
const KEPT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The longest answer that is kept.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// The longest path that is kept, its query included: all that mean something are shorter.
const PATH_MAX_BYTES: usize = 200;

/// What the kept answers take besides their bytes, at the most: their places in the list and in the table.
const PLACE_BYTES: usize = 512;

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

/// An answer, whatever its path.
#[derive(Clone, Debug)]
pub struct Answer {
    route: &'static str,
    kind: HeaderValue,
    body: Bytes,
    /// What it belongs to besides the tip.
    made_of: MadeOf,
}

/// What an answer was made of besides the tip.
#[derive(Clone, Debug)]
enum MadeOf {
    Tip,
    /// This version of the open transactions.
    Open(u64),
    /// All of this status, whose place in memory is no other's as long as somebody knows of it.
    Status(Weak<Status>),
}

impl MadeOf {
    /// Whether it would be made of the same with this status.
    fn is(&self, status: &Arc<Status>) -> bool {
        match self {
            Self::Tip => true,
            Self::Open(version) => *version == status.mempool_version,
            Self::Status(made) => std::ptr::eq(made.as_ptr(), Arc::as_ptr(status)),
        }
    }
}

/// What the answers of a route depend on besides the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depends {
    /// The tip alone.
    Tip,
    /// The tip and the open transactions.
    TipAndOpen,
    /// What is published of the node.
    Status,
}

impl Depends {
    fn made_of(self, status: &Arc<Status>) -> MadeOf {
        match self {
            Self::Tip => MadeOf::Tip,
            Self::TipAndOpen => MadeOf::Open(status.mempool_version),
            Self::Status => MadeOf::Status(Arc::downgrade(status)),
        }
    }
}

impl Answers {
    fn get(&self, status: &Arc<Status>, path: &str) -> Option<Answer> {
        let kept = self.kept();
        let answer = kept.by_path.get(path).filter(|_| kept.tip == Some(status.tip))?;
        answer.made_of.is(status).then(|| answer.clone())
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

impl Answer {
    /// The route that it is of.
    pub fn route(&self) -> &'static str {
        self.route
    }

    /// The response with these headers and its own, which says what kind of answer it is.
    pub fn under(self, mut headers: HeaderMap) -> Response {
        headers.insert(CONTENT_TYPE, self.kind);
        let mut response = Response::new(Body::from(self.body));
        *response.headers_mut() = headers;
        response
    }
}

/// The answer that there is to a request already.
pub fn kept<D: Disk, B>(app: &App<D>, request: &Request<B>) -> Option<Answer> {
    let path = request.uri().path_and_query().filter(|_| request.method() == Method::GET)?;
    app.0.answers.get(&app.0.handle.status(), path.as_str())
}

/// The middleware of routes whose answers depend on the path and on this alone: keeps them.
pub async fn keep<D: Disk>(
    State((app, depends, route)): State<(App<D>, Depends, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path_and_query().filter(|path| path.as_str().len() <= PATH_MAX_BYTES).cloned();
    let Some(path) = path.filter(|_| request.method() == Method::GET) else {
        return next.run(request).await;
    };
    let before = app.0.handle.status();
    let response = next.run(request).await;
    let (made_of, after) = (depends.made_of(&before), app.0.handle.status());
    let is_current = after.tip == before.tip && made_of.is(&after);
    let is_short = response.body().size_hint().upper().is_some_and(|bytes| bytes <= ANSWER_MAX_BYTES as u64);
    if response.status() != StatusCode::OK || !is_short || !is_current {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = match to_bytes(body, ANSWER_MAX_BYTES).await {
        Ok(body) => body,
        Err(error) => return Problem::new(Code::Internal, error).into_response(),
    };
    if let Some(kind) = parts.headers.remove(CONTENT_TYPE) {
        let answer = Answer { route, kind, body, made_of };
        app.0.answers.put(before.tip, path.as_str(), answer.clone());
        return answer.under(HeaderMap::new());
    }
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::request::{MiningSettings, RateLimit, Switch};
    use mote_core::chain::Tip;
    use mote_core::params::{Network, Params};
    use mote_core::units::{Height, Timestamp};

    /// What is published with this tip and this version of the open transactions.
    fn status(tip: u8, mempool_version: u64) -> Arc<Status> {
        let params = Params::new(Network::Regtest);
        let genesis = Tip::genesis(&params);
        Arc::new(Status {
            tip: Hash32::from_bytes([tip; 32]),
            height: Height::GENESIS,
            tip_time: Timestamp::from_seconds(0),
            work: genesis.work(),
            target: genesis.next_target(&params),
            block_work: genesis.work(),
            hash_rate: 0.0,
            mempool: 0,
            mempool_version,
            peers: Vec::new(),
            syncing: None,
            mining: MiningSettings {
                miner: None,
                switch: Switch::Off,
                threads: 1,
                limit: RateLimit::Unlimited,
            },
            read_only: None,
            clock_skew_seconds: None,
            checkpoint_conflict: None,
            blocks_stored: 1,
            log_bytes: 0,
        })
    }

    fn answer(length: usize) -> Answer {
        of(length, MadeOf::Tip)
    }

    fn of(length: usize, made_of: MadeOf) -> Answer {
        Answer {
            route: "/",
            kind: HeaderValue::from_static("text/plain"),
            body: vec![b'a'; length].into(),
            made_of,
        }
    }

    /// How long the kept answer is.
    fn length(answers: &Answers, status: &Arc<Status>, path: &str) -> Option<usize> {
        answers.get(status, path).map(|answer| answer.body.len())
    }

    #[test]
    fn an_answer_is_kept_until_there_is_another_tip() {
        let (answers, first, second) = (Answers::default(), status(1, 0), status(2, 0));
        answers.put(first.tip, "/a", answer(1));
        assert_eq!(length(&answers, &first, "/a"), Some(1));
        assert_eq!(length(&answers, &status(1, 5), "/a"), Some(1), "it is made of the tip alone");
        assert_eq!((length(&answers, &second, "/a"), length(&answers, &first, "/b")), (None, None));
        answers.put(second.tip, "/b", answer(2));
        assert_eq!((length(&answers, &first, "/a"), length(&answers, &second, "/a")), (None, None));
        assert_eq!(length(&answers, &second, "/b"), Some(2));
    }

    #[test]
    fn an_answer_may_belong_to_the_open_transactions_too() {
        let (answers, third, fourth) = (Answers::default(), status(1, 3), status(1, 4));
        answers.put(third.tip, "/a", of(1, Depends::TipAndOpen.made_of(&third)));
        answers.put(third.tip, "/b", answer(2));
        assert_eq!(length(&answers, &third, "/a"), Some(1));
        assert_eq!(length(&answers, &status(1, 3), "/a"), Some(1), "nothing else counts");
        assert_eq!((length(&answers, &fourth, "/a"), length(&answers, &fourth, "/b")), (None, Some(2)));
        answers.put(fourth.tip, "/a", of(3, Depends::TipAndOpen.made_of(&fourth)));
        assert_eq!(length(&answers, &fourth, "/a"), Some(3));
    }

    #[test]
    fn an_answer_may_belong_to_all_that_is_published() {
        let (answers, first, second) = (Answers::default(), status(1, 0), status(1, 0));
        answers.put(first.tip, "/a", of(1, Depends::Status.made_of(&first)));
        assert_eq!((length(&answers, &first, "/a"), length(&answers, &second, "/a")), (Some(1), None));
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let (answers, status) = (Answers::default(), status(1, 0));
        let count = 2 * KEPT_MAX_BYTES / ANSWER_MAX_BYTES;
        for number in 0..count {
            for _ in 0..2 {
                answers.put(status.tip, &number.to_string(), answer(ANSWER_MAX_BYTES));
            }
            let kept = answers.kept();
            let sum: usize = kept.by_path.iter().map(|(path, answer)| size(path, answer)).sum();
            assert_eq!((kept.bytes, kept.order.len()), (sum, kept.by_path.len()));
            assert!(sum <= KEPT_MAX_BYTES);
        }
        assert_eq!(length(&answers, &status, "0"), None);
        assert!(length(&answers, &status, &(count - 1).to_string()).is_some());
    }
}
