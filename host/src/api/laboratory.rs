//! The laboratory: experiments for everybody who reaches the node. They read and change nothing of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::App;
use super::error::{Code, Problem};
use super::extract;
use crate::laboratory::Unfit;
use crate::laboratory::block::{self, BlockRequest, JudgedBlock, MinedBlock};
use crate::laboratory::chain::{self, ChainAnswer, ChainRequest};
use crate::laboratory::difficulty::{self, DifficultyAnswer, DifficultyRequest};
use crate::laboratory::hash::{self, HashAnswer, HashRequest};
use crate::laboratory::moments::PeersAnswer;
use crate::laboratory::peers::{self, PeersError};
use crate::laboratory::proofs::{self, ProofsAnswer, ProofsError, ProofsRequest};
use crate::laboratory::scenario::Scenario;
use crate::store::disk::Disk;

/// How many experiments run at once: the node has better things to do with the other processors.
const RUNNING_MAX: usize = 1;

/// How many experiments may run or wait.
const ADMITTED_MAX: usize = 16;

/// Keeps experiments from taking the computer over.
#[derive(Debug)]
pub struct Benches {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Benches {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { admitted: places(ADMITTED_MAX), running: places(RUNNING_MAX) }
    }
}

impl Benches {
    /// Carries an experiment out when it is its turn.
    async fn run<T, E>(
        &self,
        experiment: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Json<T>, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
    {
        let busy = |_| Problem::new(Code::Busy, format_args!("{ADMITTED_MAX} experiments wait already"));
        let _admitted = self.admitted.clone().try_acquire_owned().map_err(busy)?;
        let stopping = |_| Problem::new(Code::Stopping, "the laboratory is closed");
        let running = self.running.clone().acquire_owned().await.map_err(stopping)?;
        // The bench is free once the work is done, not once nobody waits for it any more.
        let work = spawn_blocking(move || {
            let answer = experiment();
            drop(running);
            answer
        });
        let failed = |error| Problem::new(Code::Internal, format_args!("the experiment failed: {error}"));
        Ok(Json(work.await.map_err(failed)??))
    }
}

impl From<Unfit> for Problem {
    fn from(error: Unfit) -> Self {
        Self::malformed(error.part, error.reason)
    }
}

impl From<PeersError> for Problem {
    fn from(error: PeersError) -> Self {
        match error {
            PeersError::Unfit(error) => error.into(),
            PeersError::Store(error) => error.into(),
        }
    }
}

impl From<ProofsError> for Problem {
    fn from(error: ProofsError) -> Self {
        match error {
            ProofsError::Unfit(error) => error.into(),
            ProofsError::Store(error) => error.into(),
        }
    }
}

/// Hashes a text, and makes one attempt of a miner with it, or as many as it takes.
#[utoipa::path(
    post, path = "/api/v1/laboratory/hash", tag = "laboratory", request_body = HashRequest,
    responses(
        (status = 200, body = HashAnswer),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn try_hash<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<HashRequest>,
) -> Result<Json<HashAnswer>, Problem> {
    app.0.benches.run(move || hash::hash(&request)).await
}

/// Judges a block of the laboratory's chain or of this node's, changed or not: its fields, every rule that it
/// breaks, and what mining it again takes.
#[utoipa::path(
    post, path = "/api/v1/laboratory/block", tag = "laboratory", request_body = BlockRequest,
    responses(
        (status = 200, body = JudgedBlock),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn judge_block<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<BlockRequest>,
) -> Result<Json<JudgedBlock>, Problem> {
    let params = app.0.params.clone();
    app.0.benches.run(move || block::show(&request, &params)).await
}

/// Searches a nonce for a block as it stands.
#[utoipa::path(
    post, path = "/api/v1/laboratory/block/mine", tag = "laboratory", request_body = BlockRequest,
    responses(
        (status = 200, body = MinedBlock),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn mine_block<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<BlockRequest>,
) -> Result<Json<MinedBlock>, Problem> {
    let params = app.0.params.clone();
    app.0.benches.run(move || block::mine(&request, &params)).await
}

/// Changes or mines a block of a short chain, and judges all of them.
#[utoipa::path(
    post, path = "/api/v1/laboratory/chain", tag = "laboratory", request_body = ChainRequest,
    responses(
        (status = 200, body = ChainAnswer),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn change_chain<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<ChainRequest>,
) -> Result<Json<ChainAnswer>, Problem> {
    app.0.benches.run(move || chain::chain(&request)).await
}

/// Replays what happens to one to five real nodes in a world of their own.
#[utoipa::path(
    post, path = "/api/v1/laboratory/peers", tag = "laboratory", request_body = Scenario,
    responses(
        (status = 200, body = PeersAnswer),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn replay<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<Scenario>,
) -> Result<Json<PeersAnswer>, Problem> {
    app.0.benches.run(move || peers::peers(&request)).await
}

/// Builds a tree of hashes, proves one of its leaves, and verifies the proof, spoilt or not.
#[utoipa::path(
    post, path = "/api/v1/laboratory/proofs", tag = "laboratory", request_body = ProofsRequest,
    responses(
        (status = 200, body = ProofsAnswer),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn prove<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<ProofsRequest>,
) -> Result<Json<ProofsAnswer>, Problem> {
    app.0.benches.run(move || proofs::proofs(&request)).await
}

/// Follows the difficulty of a chain whose hash rate changes at once.
#[utoipa::path(
    post, path = "/api/v1/laboratory/difficulty", tag = "laboratory", request_body = DifficultyRequest,
    responses(
        (status = 200, body = DifficultyAnswer),
        (status = 400, description = "malformed; the detail names the part"),
        (status = 429, description = "busy"),
    )
)]
pub async fn follow_difficulty<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(request): extract::Json<DifficultyRequest>,
) -> Result<Json<DifficultyAnswer>, Problem> {
    app.0.benches.run(move || difficulty::difficulty(&request)).await
}
