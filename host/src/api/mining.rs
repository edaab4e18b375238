//! The miner, for the node's operator.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mote_core::address::AddressPrefix;
use mote_core::keys::PublicKey;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::Problem;
use super::extract;
use super::transactions::unexpected;
use crate::forms::{HeaderJson, address};
use crate::node::request::{MiningSettings, RateLimit, Reply, Request, Switch};
use crate::store::disk::Disk;
use crate::wallet::service::ServiceError;

/// More threads than any computer has only cost memory.
const THREADS_MAX: usize = 256;

/// The miner's settings.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MiningSettings)]
pub struct MiningJson {
    /// Whether the miner goes on from block to block.
    enabled: bool,
    /// How many threads it uses.
    threads: usize,
    /// How many attempts a second it makes at the most; null where nothing limits it.
    limit: Option<u64>,
    /// Address of the account that gets the rewards; null while there is nobody.
    miner: Option<String>,
}

/// The miner's settings and what it does.
#[derive(Serialize, ToSchema)]
#[schema(as = Mining)]
pub struct MiningStatus {
    /// The settings.
    #[serde(flatten)]
    settings: MiningJson,
    /// Attempts a second lately.
    hash_rate: f64,
}

/// What to change of the miner.
#[derive(Deserialize, ToSchema)]
#[schema(as = SetMining)]
#[serde(deny_unknown_fields)]
pub struct SetMining {
    /// Whether the miner goes on from block to block.
    enabled: Option<bool>,
    /// How many threads it uses, 1 to 256.
    #[schema(minimum = 1, maximum = 256)]
    threads: Option<usize>,
    /// How many attempts a second it makes at the most, at least 1; null for no limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    limit: Option<Option<u64>>,
}

/// Tells a null from a field that is not given.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl MiningJson {
    /// The form of `settings`.
    pub fn new(prefix: AddressPrefix, settings: &MiningSettings) -> Self {
        Self {
            enabled: settings.switch == Switch::On,
            threads: settings.threads,
            limit: match settings.limit {
                RateLimit::PerSecond(limit) => Some(limit),
                RateLimit::Unlimited => None,
            },
            miner: settings.miner.map(|miner| address(prefix, miner)),
        }
    }
}

/// The miner's settings and hash rate.
#[utoipa::path(get, path = "/api/v1/mining", tag = "mining", responses((status = 200, body = MiningStatus)))]
pub async fn mining<D: Disk>(State(app): State<App<D>>) -> Json<MiningStatus> {
    Json(app.mining_status(&app.0.handle.status().mining))
}

/// Changes the miner; what is not given stays as it is. Rewards go to the wallet's first address.
#[utoipa::path(
    post, path = "/api/v1/mining", tag = "mining", request_body = SetMining,
    responses(
        (status = 200, body = MiningStatus),
        (status = 400, description = "malformed"),
        (status = 404, description = "no-wallet: nobody would get the rewards"),
    )
)]
pub async fn set<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(SetMining { enabled, threads, limit }): extract::Json<SetMining>,
) -> Result<Json<MiningStatus>, Problem> {
    let mut settings = app.0.handle.status().mining.clone();
    if let Some(threads) = threads {
        if !(1..=THREADS_MAX).contains(&threads) {
            let reason = format!("expected a number from 1 to {THREADS_MAX}, got {threads}");
            return Err(Problem::malformed("threads", reason));
        }
        settings.threads = threads;
    }
    settings.limit = match limit {
        None => settings.limit,
        Some(None) => RateLimit::Unlimited,
        Some(Some(0)) => {
            return Err(Problem::malformed("limit", "expected at least 1 attempt a second, or null"));
        }
        Some(Some(limit)) => RateLimit::PerSecond(limit),
    };
    settings.switch = match enabled {
        None => settings.switch,
        Some(false) => Switch::Off,
        Some(true) => Switch::On,
    };
    if settings.switch == Switch::On {
        settings.miner = Some(app.reward_key().await?);
    }
    match app.0.handle.request(Request::SetMining(settings)).await? {
        Reply::MiningSet(settings) => Ok(Json(app.mining_status(&settings))),
        other => Err(unexpected(&other)),
    }
}

/// Mines one block now, whether the miner is on or not. Answered once the block is durable.
#[utoipa::path(
    post, path = "/api/v1/mining/block", tag = "mining",
    responses(
        (status = 201, body = HeaderJson),
        (status = 404, description = "no-wallet: nobody would get the reward"),
        (status = 429, description = "busy"),
        (status = 503, description = "clock-behind, read-only"),
    )
)]
pub async fn mine_block<D: Disk>(
    State(app): State<App<D>>,
) -> Result<(StatusCode, Json<HeaderJson>), Problem> {
    let miner = app.reward_key().await?;
    match app.0.handle.request(Request::MineBlock(miner)).await? {
        Reply::Mined(mined) => {
            let (_, header) = mined?;
            Ok((StatusCode::CREATED, Json(HeaderJson::new(app.0.params.address_prefix, &header))))
        }
        other => Err(unexpected(&other)),
    }
}

impl<D: Disk> App<D> {
    fn mining_status(&self, settings: &MiningSettings) -> MiningStatus {
        let settings = MiningJson::new(self.0.params.address_prefix, settings);
        MiningStatus { settings, hash_rate: self.0.handle.mining_rate() }
    }

    /// Who gets rewards: the wallet's first address, or whoever the node was started for.
    async fn reward_key(&self) -> Result<PublicKey, Problem> {
        let key = self.0.wallet.first_key().await?;
        Ok(key.or(self.0.handle.status().mining.miner).ok_or(ServiceError::NoWallet)?)
    }
}
