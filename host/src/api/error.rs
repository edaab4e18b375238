//! Errors as programs and people read them: RFC 9457 `application/problem+json`, with a `code` that
//! a program can match. Nothing else in the API makes an error response.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mote_core::mempool::MempoolError;
use mote_core::rules::{Rule, RuleError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::node::handle::Stopped;
use crate::node::request::{MineError, PeerError, SubmitError};
use crate::store::error::StoreError;
use crate::wallet::WalletError;
use crate::wallet::service::ServiceError;

/// What went wrong, for a program to match. It never changes its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A transaction breaks this rule of consensus.
    Rule(Rule),
    /// See [`Code::sentence`]; so for each.
    Malformed,
    /// No or a wrong token.
    TokenRequired,
    /// Another origin.
    ForeignOrigin,
    /// Not from this computer.
    LoopbackOnly,
    /// A wrong passphrase.
    WrongPassphrase,
    /// There is no such thing.
    NotFound,
    /// There is no wallet.
    NoWallet,
    /// Another method.
    MethodNotAllowed,
    /// A slow body.
    Timeout,
    /// The transaction is there.
    Known,
    /// A replacement that is too cheap.
    ReplacementFee,
    /// A wallet is there.
    WalletExists,
    /// The wallet is locked.
    WalletLocked,
    /// The wallet has no passphrase.
    WalletNotEncrypted,
    /// The wallet has all addresses.
    WalletFull,
    /// The wallet's file was changed.
    WalletChanged,
    /// All places for peers are taken.
    PeersFull,
    /// A large body.
    TooLarge,
    /// No JSON.
    MediaType,
    /// Another host.
    ForeignHost,
    /// A nonce too high.
    NonceGap,
    /// A balance that does not cover what is open.
    Uncovered,
    /// A checkpoint against this chain.
    CheckpointConflict,
    /// A checkpoint that is none.
    CheckpointInvalid,
    /// A checkpoint of a key that nobody named.
    CheckpointKey,
    /// No room for checkpoints.
    CheckpointsFull,
    /// This node itself.
    PeerItself,
    /// Too many wrong passphrases.
    TooManyAttempts,
    /// Too much at once.
    Busy,
    /// A fault of this computer.
    Internal,
    /// The wallet's file.
    WalletFile,
    /// No more is taken in.
    ReadOnly,
    /// A clock that is wrong.
    ClockBehind,
    /// A full mempool.
    MempoolFull,
    /// The node goes.
    Stopping,
}

impl Code {
    /// Every code that is not a rule's.
    pub const ALL: [Self; 35] = [
        Self::Malformed,
        Self::TokenRequired,
        Self::ForeignOrigin,
        Self::LoopbackOnly,
        Self::WrongPassphrase,
        Self::NotFound,
        Self::NoWallet,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Known,
        Self::ReplacementFee,
        Self::WalletExists,
        Self::WalletLocked,
        Self::WalletNotEncrypted,
        Self::WalletFull,
        Self::WalletChanged,
        Self::PeersFull,
        Self::TooLarge,
        Self::MediaType,
        Self::ForeignHost,
        Self::NonceGap,
        Self::Uncovered,
        Self::PeerItself,
        Self::CheckpointConflict,
        Self::CheckpointInvalid,
        Self::CheckpointKey,
        Self::CheckpointsFull,
        Self::TooManyAttempts,
        Self::Busy,
        Self::Internal,
        Self::WalletFile,
        Self::ReadOnly,
        Self::ClockBehind,
        Self::MempoolFull,
        Self::Stopping,
    ];

    /// The text of the code.
    pub const fn as_str(self) -> &'static str {
        self.describe().1
    }

    /// The status that goes with it. That of L1-nonce is 409 where the nonce was used before.
    pub const fn status(self) -> StatusCode {
        self.describe().0
    }

    /// What it says, in a few words that are the same each time.
    pub const fn sentence(self) -> &'static str {
        self.describe().2
    }

    const fn describe(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Rule(rule) => (S::UNPROCESSABLE_ENTITY, rule.id(), rule.sentence()),
            Self::Malformed => (S::BAD_REQUEST, "malformed", "the request is malformed"),
            Self::TokenRequired => {
                (S::UNAUTHORIZED, "token-required", "the access token is missing or wrong")
            }
            Self::ForeignOrigin => {
                (S::FORBIDDEN, "foreign-origin", "the request comes from a page of another origin")
            }
            Self::LoopbackOnly => {
                (S::FORBIDDEN, "loopback-only", "this is only done from the computer that the node runs on")
            }
            Self::WrongPassphrase => (S::FORBIDDEN, "wrong-passphrase", "the passphrase is wrong"),
            Self::NotFound => (S::NOT_FOUND, "not-found", "there is no such thing"),
            Self::NoWallet => (S::NOT_FOUND, "no-wallet", "there is no wallet yet"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "the route does not have this method")
            }
            Self::Timeout => (S::REQUEST_TIMEOUT, "timeout", "the body did not arrive in time"),
            Self::Known => (S::CONFLICT, "known", "the transaction is open already"),
            Self::ReplacementFee => (
                S::CONFLICT,
                "replacement-fee",
                "the nonce is taken, and the fee is too low to replace what has it",
            ),
            Self::WalletExists => (S::CONFLICT, "wallet-exists", "there is a wallet already"),
            Self::WalletLocked => (S::CONFLICT, "wallet-locked", "the wallet is locked"),
            Self::WalletNotEncrypted => (S::CONFLICT, "wallet-not-encrypted", "the wallet has no passphrase"),
            Self::WalletFull => {
                (S::CONFLICT, "wallet-full", "the wallet has all the addresses that it can have")
            }
            Self::WalletChanged => (S::CONFLICT, "wallet-changed", "another program changed the wallet file"),
            Self::PeersFull => (S::CONFLICT, "peers-full", "no more peers can be added"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "too-large", "the body is too large"),
            Self::MediaType => (S::UNSUPPORTED_MEDIA_TYPE, "media-type", "a body must be application/json"),
            Self::ForeignHost => {
                (S::MISDIRECTED_REQUEST, "foreign-host", "the request names a host that is not this node")
            }
            Self::NonceGap => {
                (S::UNPROCESSABLE_ENTITY, "nonce-gap", "transactions that come before this one are missing")
            }
            Self::Uncovered => (
                S::UNPROCESSABLE_ENTITY,
                "uncovered",
                "the balance does not cover the sender's open transactions",
            ),
            Self::CheckpointConflict => (
                S::CONFLICT,
                "checkpoint-conflict",
                "the checkpoint stands against this node's chain or another",
            ),
            Self::CheckpointInvalid => (
                S::UNPROCESSABLE_ENTITY,
                "checkpoint-invalid",
                "the checkpoint is of another network, or not signed by its key",
            ),
            Self::CheckpointKey => {
                (S::UNPROCESSABLE_ENTITY, "checkpoint-key", "the operator has not named the checkpoint's key")
            }
            Self::CheckpointsFull => (S::CONFLICT, "checkpoints-full", "no more checkpoints can be kept"),
            Self::PeerItself => (S::UNPROCESSABLE_ENTITY, "peer-itself", "the address is that of this node"),
            Self::TooManyAttempts => {
                (S::TOO_MANY_REQUESTS, "too-many-attempts", "too many wrong passphrases")
            }
            Self::Busy => (S::TOO_MANY_REQUESTS, "busy", "too many of these requests wait already"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "this computer failed to do it"),
            Self::WalletFile => (S::INTERNAL_SERVER_ERROR, "wallet-file", "the wallet file cannot be used"),
            Self::ReadOnly => (S::SERVICE_UNAVAILABLE, "read-only", "the node takes nothing in any more"),
            Self::ClockBehind => {
                (S::SERVICE_UNAVAILABLE, "clock-behind", "this computer's clock is behind the chain")
            }
            Self::MempoolFull => {
                (S::SERVICE_UNAVAILABLE, "mempool-full", "the mempool is full of transactions that pay more")
            }
            Self::Stopping => (S::SERVICE_UNAVAILABLE, "stopping", "the node is stopping"),
        }
    }
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    status: StatusCode,
    detail: String,
    retry_after_seconds: Option<u64>,
}

/// The body of an error, `application/problem+json` (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemJson {
    /// Where the code is described: `/docs#` and the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs#L2-balance")]
    kind: String,
    /// What the code says, the same each time.
    #[schema(example = "the sender's balance covers amount and fee")]
    title: &'static str,
    /// The status of the response.
    #[schema(example = 422)]
    status: u16,
    /// What happened this time: where, what was got and what was expected.
    #[schema(example = "L2-balance: amount and fee need 5.001, the balance is 0")]
    detail: String,
    /// What a program can match: the id of a broken rule, or one of the codes listed in `/docs`.
    #[schema(example = "L2-balance")]
    code: &'static str,
}

impl Problem {
    /// An error of this kind, with what happened this time.
    pub fn new(code: Code, detail: impl ToString) -> Self {
        Self { code, status: code.status(), detail: detail.to_string(), retry_after_seconds: None }
    }

    /// A part of the request that cannot be read.
    pub fn malformed(part: &str, reason: impl ToString) -> Self {
        Self::new(Code::Malformed, format_args!("{part}: {}", reason.to_string()))
    }

    /// Something that was asked for does not exist.
    pub fn not_found(what: impl ToString) -> Self {
        Self::new(Code::NotFound, what)
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { code, status, detail, retry_after_seconds } = self;
        if status.is_server_error() {
            tracing::warn!(code = code.as_str(), detail, "request failed");
        }
        let (kind, title, code) = (format!("/docs#{}", code.as_str()), code.sentence(), code.as_str());
        let body = ProblemJson { kind, title, status: status.as_u16(), detail, code };
        // Strings and a number always serialise.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Stopped> for Problem {
    fn from(error: Stopped) -> Self {
        Self::new(Code::Stopping, error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(Code::Internal, error)
    }
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        let mut problem = Self::new(Code::Rule(error.rule()), error);
        // A nonce that was used is in conflict with what the sender did before; one that is too high
        // is only early.
        if matches!(error, RuleError::LedgerNonce { got, expected } if got < expected) {
            problem.status = StatusCode::CONFLICT;
        }
        problem
    }
}

impl From<MempoolError> for Problem {
    fn from(error: MempoolError) -> Self {
        let code = match error {
            MempoolError::Rule(error) => return error.into(),
            MempoolError::Known { .. } => Code::Known,
            MempoolError::NonceGap { .. } => Code::NonceGap,
            MempoolError::Uncovered { .. } => Code::Uncovered,
            MempoolError::ReplacementFee { .. } => Code::ReplacementFee,
            MempoolError::Full { .. } => Code::MempoolFull,
        };
        Self::new(code, error)
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rule(error) => error.into(),
            SubmitError::Mempool(error) => error.into(),
            SubmitError::ReadOnly(_) => Self::new(Code::ReadOnly, error),
        }
    }
}

impl From<PeerError> for Problem {
    fn from(error: PeerError) -> Self {
        let code = match error {
            PeerError::Itself(_) => Code::PeerItself,
            PeerError::Unknown(_) => Code::NotFound,
            PeerError::Full { .. } => Code::PeersFull,
            PeerError::NotWritten(_) => Code::Internal,
        };
        Self::new(code, error)
    }
}

impl From<MineError> for Problem {
    fn from(error: MineError) -> Self {
        let code = match error {
            MineError::Busy { .. } => Code::Busy,
            MineError::Checkpoint { .. } => Code::CheckpointConflict,
            MineError::ClockBehind => Code::ClockBehind,
            MineError::ReadOnly(_) => Code::ReadOnly,
        };
        Self::new(code, error)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let code = match &error {
            ServiceError::NoWallet => Code::NoWallet,
            ServiceError::TooSoon(early) => {
                let mut problem = Self::new(Code::TooManyAttempts, &error);
                problem.retry_after_seconds = Some(early.wait.as_secs_f64().ceil() as u64);
                return problem;
            }
            ServiceError::Interrupted => Code::Internal,
            ServiceError::Wallet(error) => match error {
                WalletError::Exists { .. } => Code::WalletExists,
                WalletError::Missing { .. } => Code::NoWallet,
                WalletError::WrongPassphrase { .. } => Code::WrongPassphrase,
                WalletError::Words(_) => Code::Malformed,
                WalletError::Locked => Code::WalletLocked,
                WalletError::NotEncrypted { .. } => Code::WalletNotEncrypted,
                WalletError::NoSuchAddress { .. } => Code::NotFound,
                WalletError::Full => Code::WalletFull,
                WalletError::Changed { .. } => Code::WalletChanged,
                WalletError::NotAFile { .. }
                | WalletError::Io { .. }
                | WalletError::Format { .. }
                | WalletError::Network { .. }
                | WalletError::PublicKey { .. } => Code::WalletFile,
                WalletError::Kdf(_) | WalletError::Random(_) => Code::Internal,
            },
        };
        Self::new(code, error)
    }
}
