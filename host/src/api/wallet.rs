//! The wallet of the node, for its operator.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mote_core::address::Address;
use mote_core::keys::PublicKey;
use mote_core::params::FEE_MIN_GRAINS;
use mote_core::transaction::Payment;
use mote_core::units::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::App;
use super::accounts::AccountJson;
use super::error::Problem;
use super::extract;
use super::json::{MemoInput, MemoSchema, public_key};
use super::lookup;
use super::secret::{OptionalSecretJson, Secret, SecretAnswer, SecretJson, reveal};
use super::transactions::unexpected;
use crate::forms::{Text, address};
use crate::node::request::{MiningSettings, Reply, Request};
use crate::store::disk::Disk;
use crate::wallet::passphrase::{EmptyPassphrase, Passphrase};
use crate::wallet::service::{ServiceError, WalletInfo};

/// The wallet: the account of its first address, and what concerns all of them.
#[derive(Serialize, ToSchema)]
#[schema(as = Wallet)]
pub struct WalletJson {
    /// The account of the first address.
    #[serde(flatten)]
    account: AccountJson,
    /// The balances of all addresses together, in motes.
    total: String,
    /// How many addresses are in use.
    addresses: usize,
    /// Whether paying needs the passphrase first.
    locked: bool,
    /// Whether the wallet has a passphrase.
    encrypted: bool,
}

/// How to make a wallet.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWallet {
    /// Encrypts the wallet file; without one, whoever reads the file has the coins.
    #[schema(value_type = Option<String>)]
    passphrase: Option<Secret>,
}

/// A wallet that was made.
#[derive(Serialize, ToSchema)]
pub struct CreatedWallet {
    /// Its first address.
    address: String,
    /// The 24 words from which everything can be restored. They are never shown again.
    #[schema(value_type = String)]
    #[serde(serialize_with = "reveal")]
    words: Zeroizing<String>,
}

/// How to make a wallet from the words of another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreWallet {
    /// The 24 words, with spaces between.
    #[schema(value_type = String)]
    words: Secret,
    /// Encrypts the wallet file; without one, whoever reads the file has the coins.
    #[schema(value_type = Option<String>)]
    passphrase: Option<Secret>,
}

/// A wallet that was restored.
#[derive(Serialize, ToSchema)]
pub struct RestoredWallet {
    /// Its first address.
    address: String,
}

/// How to unlock the wallet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockWallet {
    /// The passphrase that it was made with.
    #[schema(value_type = String)]
    passphrase: Secret,
}

/// An address of the wallet.
#[derive(Serialize, ToSchema)]
pub struct WalletAddress {
    /// Its number, from 0.
    index: usize,
    /// Its account.
    #[serde(flatten)]
    account: AccountJson,
}

/// A payment to make.
#[derive(Deserialize, ToSchema)]
#[schema(as = Send)]
#[serde(deny_unknown_fields)]
pub struct SendPayment {
    /// Who is paid.
    #[schema(value_type = String, example = "lmote1…")]
    to: Text<Address>,
    /// What they get, in motes.
    #[schema(value_type = String, example = "12.5")]
    amount: Text<Amount>,
    /// What the miner gets, in motes; the least fee of 0.001 where it is not given.
    #[schema(value_type = Option<String>, example = "0.001")]
    fee: Option<Text<Amount>>,
    /// Text, or bytes as `{"hex": "cafe01"}`; at most 64 bytes.
    #[schema(value_type = Option<MemoSchema>)]
    memo: Option<MemoInput>,
    /// The payment's nonce. Whoever repeats a request with the same nonce never pays twice; only a fee
    /// that is enough higher replaces an open payment.
    nonce: Option<u64>,
    /// The address of the wallet that pays; the first where it is not given.
    #[schema(value_type = Option<String>, example = "lmote1…")]
    from: Option<Text<Address>>,
}

/// A payment that was taken in.
#[derive(Serialize, ToSchema)]
pub struct Sent {
    /// The transaction's id.
    id: String,
    /// The nonce that it has.
    nonce: u64,
    /// The fee that it pays, in motes.
    fee: String,
}

/// The wallet and what it holds, also while it is locked.
#[utoipa::path(
    get, path = "/api/v1/wallet", tag = "wallet",
    responses((status = 200, body = WalletJson), (status = 404, description = "no-wallet"))
)]
pub async fn wallet<D: Disk>(State(app): State<App<D>>) -> Result<Json<WalletJson>, Problem> {
    let info = app.0.wallet.info().await?.ok_or(ServiceError::NoWallet)?;
    app.wallet_json(info).await.map(Json)
}

/// Makes a wallet. Its words are shown this once.
#[utoipa::path(
    post, path = "/api/v1/wallet", tag = "wallet", request_body = Option<CreateWallet>,
    responses(
        (status = 201, body = CreatedWallet),
        (status = 400, description = "malformed"),
        (status = 409, description = "wallet-exists"),
    )
)]
pub async fn create<D: Disk>(
    State(app): State<App<D>>,
    OptionalSecretJson(CreateWallet { passphrase }): OptionalSecretJson<CreateWallet>,
) -> Result<SecretAnswer<CreatedWallet>, Problem> {
    let (info, words) = app.0.wallet.create(optional_passphrase(passphrase)?).await?;
    app.reward(info.first_key()).await?;
    let address = address(app.0.params.address_prefix, info.first_key());
    Ok(SecretAnswer(StatusCode::CREATED, CreatedWallet { address, words: words.into_text() }))
}

/// Makes a wallet from the words of another.
#[utoipa::path(
    post, path = "/api/v1/wallet/restore", tag = "wallet", request_body = RestoreWallet,
    responses(
        (status = 201, body = RestoredWallet),
        (status = 400, description = "malformed; the detail names a wrong word by its place"),
        (status = 409, description = "wallet-exists"),
    )
)]
pub async fn restore<D: Disk>(
    State(app): State<App<D>>,
    SecretJson(RestoreWallet { words, passphrase }): SecretJson<RestoreWallet>,
) -> Result<(StatusCode, Json<RestoredWallet>), Problem> {
    let passphrase = optional_passphrase(passphrase)?;
    let info = app.0.wallet.restore(words.into_text(), passphrase).await?;
    app.reward(info.first_key()).await?;
    let address = address(app.0.params.address_prefix, info.first_key());
    Ok((StatusCode::CREATED, Json(RestoredWallet { address })))
}

/// Makes the wallet's keys usable until it is locked or the node ends.
#[utoipa::path(
    post, path = "/api/v1/wallet/unlock", tag = "wallet", request_body = UnlockWallet,
    responses(
        (status = 200, body = WalletJson),
        (status = 400, description = "malformed"),
        (status = 403, description = "wrong-passphrase"),
        (status = 404, description = "no-wallet"),
        (status = 409, description = "wallet-not-encrypted"),
        (status = 429, description = "too-many-attempts; Retry-After says when the next is due"),
    )
)]
pub async fn unlock<D: Disk>(
    State(app): State<App<D>>,
    SecretJson(UnlockWallet { passphrase }): SecretJson<UnlockWallet>,
) -> Result<Json<WalletJson>, Problem> {
    let info = app.0.wallet.unlock(Passphrase::new(passphrase.into_text()).map_err(empty)?).await?;
    app.wallet_json(info).await.map(Json)
}

/// Forgets the wallet's keys until it is unlocked.
#[utoipa::path(
    post, path = "/api/v1/wallet/lock", tag = "wallet",
    responses(
        (status = 200, body = WalletJson),
        (status = 404, description = "no-wallet"),
        (status = 409, description = "wallet-not-encrypted"),
    )
)]
pub async fn lock<D: Disk>(State(app): State<App<D>>) -> Result<Json<WalletJson>, Problem> {
    let info = app.0.wallet.lock().await?;
    app.wallet_json(info).await.map(Json)
}

/// The wallet's addresses, newest first; none where there is no wallet.
#[utoipa::path(
    get, path = "/api/v1/wallet/addresses", tag = "wallet",
    responses((status = 200, body = Vec<WalletAddress>))
)]
pub async fn addresses<D: Disk>(State(app): State<App<D>>) -> Result<Json<Vec<WalletAddress>>, Problem> {
    match app.0.wallet.info().await? {
        Some(info) => app.wallet_addresses(info).await.map(Json),
        None => Ok(Json(Vec::new())),
    }
}

/// Takes the next address (`m/44'/7700'/i'` of the words) into use.
#[utoipa::path(
    post, path = "/api/v1/wallet/addresses", tag = "wallet",
    responses(
        (status = 201, body = WalletAddress),
        (status = 404, description = "no-wallet"),
        (status = 409, description = "wallet-locked, wallet-full, wallet-changed"),
    )
)]
pub async fn add_address<D: Disk>(
    State(app): State<App<D>>,
) -> Result<(StatusCode, Json<WalletAddress>), Problem> {
    let info = app.0.wallet.add_address().await?;
    let newest = app.wallet_addresses(info).await?.into_iter().next().ok_or(ServiceError::NoWallet)?;
    Ok((StatusCode::CREATED, Json(newest)))
}

/// Pays. Answered once the transaction is durable; it is mined later.
#[utoipa::path(
    post, path = "/api/v1/wallet/send", tag = "wallet", request_body = SendPayment,
    responses(
        (status = 201, body = Sent),
        (status = 400, description = "malformed; the detail names the field"),
        (status = 404, description = "no-wallet"),
        (status = 409, description = "wallet-locked; known, L1-nonce or replacement-fee where the nonce is used"),
        (status = 422, description = "the id of the broken rule, nonce-gap, uncovered"),
        (status = 503, description = "read-only, mempool-full"),
    )
)]
pub async fn send<D: Disk>(
    State(app): State<App<D>>,
    extract::Json(order): extract::Json<SendPayment>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let params = app.0.params.clone();
    let SendPayment { to, amount, fee, memo, nonce, from } = order;
    let recipient = public_key("to", to, &params)?;
    let from = from.map(|from| public_key("from", from, &params)).transpose()?;
    let info = app.0.wallet.info().await?.ok_or(ServiceError::NoWallet)?;
    let (index, sender) = find_sender(&info, from)?;
    let fee = fee.map_or(Amount::from_grains(FEE_MIN_GRAINS), |fee| fee.0);
    let memo = memo.map(|memo| memo.0).unwrap_or_default();

    // A client that goes away must not leave a payment half made, so this goes on without it.
    let payment = tokio::spawn(async move {
        let _spending = app.0.wallet.spending().await;
        let nonce = match nonce {
            Some(nonce) => nonce,
            None => app.0.handle.view(move |node| node.pending(&sender)).await??.nonce,
        };
        let payment = Payment { recipient, amount: amount.0, fee, nonce, memo };
        let transaction = app.0.wallet.sign(index, payment, params).await?;
        let id = app.submit(transaction).await?.to_string();
        Ok(Sent { id, nonce, fee: fee.to_string() })
    });
    let sent: Result<Sent, Problem> = payment.await.map_err(|_| ServiceError::Interrupted)?;
    Ok((StatusCode::CREATED, Json(sent?)))
}

pub(super) fn find_sender(info: &WalletInfo, from: Option<PublicKey>) -> Result<(u32, PublicKey), Problem> {
    let Some(from) = from else { return Ok((0, info.first_key())) };
    let found = (0..).zip(&info.public_keys).find(|(_, key)| **key == from);
    found
        .map(|(index, key)| (index, *key))
        .ok_or_else(|| Problem::malformed("from or key", "the wallet does not have this address"))
}

fn optional_passphrase(text: Option<Secret>) -> Result<Option<Passphrase>, Problem> {
    text.map(|text| Passphrase::new(text.into_text())).transpose().map_err(empty)
}

fn empty(error: EmptyPassphrase) -> Problem {
    Problem::malformed("passphrase", error)
}

impl<D: Disk> App<D> {
    async fn wallet_json(&self, info: WalletInfo) -> Result<WalletJson, Problem> {
        let WalletInfo { is_locked: locked, is_encrypted: encrypted, .. } = info;
        let (first, keys) = (info.first_key(), info.public_keys);
        let addresses = keys.len();
        let views = self.0.handle.view(move |node| lookup::accounts(node, &keys)).await??;
        let total = views.iter().map(|view| view.account.balance).fold(Amount::ZERO, lookup::sum).to_string();
        let view = views.first().copied().unwrap_or_default();
        let account = AccountJson::new(self.0.params.address_prefix, first, &view);
        Ok(WalletJson { account, total, addresses, locked, encrypted })
    }

    async fn wallet_addresses(&self, info: WalletInfo) -> Result<Vec<WalletAddress>, Problem> {
        let keys = info.public_keys.clone();
        let views = self.0.handle.view(move |node| lookup::accounts(node, &keys)).await??;
        let prefix = self.0.params.address_prefix;
        let accounts = info.public_keys.into_iter().zip(&views).enumerate();
        let addresses = accounts.map(|(index, (key, view))| WalletAddress {
            index,
            account: AccountJson::new(prefix, key, view),
        });
        let mut addresses: Vec<_> = addresses.collect();
        addresses.reverse();
        Ok(addresses)
    }

    /// Lets the rewards of mining go to this account from now on.
    async fn reward(&self, miner: PublicKey) -> Result<(), Problem> {
        let settings = MiningSettings { miner: Some(miner), ..self.0.handle.status().mining.clone() };
        match self.0.handle.request(Request::SetMining(settings)).await? {
            Reply::MiningSet(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}
