//! Accounts, what happened to them, and what proves them.

use axum::Json;
use axum::extract::State;
use mote_core::address::{Address, AddressPrefix};
use mote_core::keys::PublicKey;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::Problem;
use super::extract::{Paging, Query, Segment, parse_number};
use super::lookup::{self, AccountView};
use crate::forms::{TransactionJson, address};
use crate::receipt::form::AccountReceipt;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::history::{HistoryEntry, Role};
use crate::store::rows::Place;

/// An account, and what open transactions will make of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountJson {
    /// The account's address.
    #[schema(example = "lmote1…")]
    pub address: String,
    /// What it holds at the tip, in motes.
    #[schema(example = "12.5")]
    pub balance: String,
    /// What it will hold once all open transactions are mined: `balance - outgoing + incoming`.
    #[schema(example = "7.499")]
    pub pending: String,
    /// What open transactions of all senders bring it.
    #[schema(example = "0")]
    pub incoming: String,
    /// What its own open transactions take, fees included.
    #[schema(example = "5.001")]
    pub outgoing: String,
    /// How many of its transactions are mined.
    pub nonce: u64,
    /// The nonce that its next transaction needs: those that are open are counted.
    pub next_nonce: u64,
}

impl AccountJson {
    /// The form of the account of `key`.
    pub fn new(prefix: AddressPrefix, key: PublicKey, view: &AccountView) -> Self {
        Self {
            address: address(prefix, key),
            balance: view.account.balance.to_string(),
            pending: view.pending().to_string(),
            incoming: view.incoming.to_string(),
            outgoing: view.outgoing.to_string(),
            nonce: view.account.nonce,
            next_nonce: view.next_nonce,
        }
    }
}

/// What an account had to do with an entry of its history.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleJson {
    /// It paid.
    Sent,
    /// It was paid.
    Received,
    /// It paid itself.
    Itself,
    /// It got the reward and the fees of a block.
    Mined,
}

/// An entry of an account's history. Where the account mined a block, `id` is the block's and there
/// are no sender, nonce, memo and signature.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub struct HistoryJson {
    /// What the account had to do with it.
    role: RoleJson,
    /// Id of the transaction, or of the block that was mined.
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sender: Option<String>,
    /// Who was paid.
    recipient: String,
    /// What was paid, or the reward and the fees of the block that was mined, in motes.
    amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    nonce: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    memo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    signature: Option<String>,
    /// What the account held after the block, in motes.
    balance: String,
    /// Id of the block.
    block: String,
    /// The block's height.
    height: u64,
    /// The transaction's place in the block, from 0; null where the block was mined.
    index: Option<u32>,
    /// The block's time in Unix seconds.
    time: u64,
    /// How many blocks confirm it.
    confirmations: u64,
    /// The entry's place in the list, for `before`.
    #[schema(example = "120:0")]
    place: String,
}

impl HistoryJson {
    fn new(prefix: AddressPrefix, entry: HistoryEntry, confirmations: u64) -> Self {
        let HistoryEntry { block, header, place, role, transaction, amount, balance } = entry;
        let transaction = transaction.map(|t| TransactionJson::new(prefix, &t.id(), &t));
        let id = transaction.as_ref().map(|transaction| transaction.id.clone());
        let recipient = transaction.as_ref().map(|transaction| transaction.recipient.clone());
        Self {
            role: match role {
                Role::Sender => RoleJson::Sent,
                Role::Recipient => RoleJson::Received,
                Role::Both => RoleJson::Itself,
                Role::Miner => RoleJson::Mined,
            },
            id: id.unwrap_or_else(|| block.to_string()),
            sender: transaction.as_ref().map(|transaction| transaction.sender.clone()),
            recipient: recipient.unwrap_or_else(|| address(prefix, header.miner)),
            amount: amount.to_string(),
            fee: transaction.as_ref().map(|transaction| transaction.fee.clone()),
            nonce: transaction.as_ref().map(|transaction| transaction.nonce),
            memo: transaction.as_ref().map(|transaction| transaction.memo.clone()),
            signature: transaction.map(|transaction| transaction.signature),
            balance: balance.to_string(),
            block: block.to_string(),
            height: header.height.get(),
            index: place.index,
            time: header.time.seconds(),
            confirmations,
            place: place.to_string(),
        }
    }
}

/// An account at the tip; one that was never used has nothing and nonce 0.
#[utoipa::path(
    get, path = "/api/v1/accounts/{address}", tag = "accounts",
    params(("address" = String, Path, pattern = "^[a-z]+1[0-9a-z]{58}$", description = "an address of this network")),
    responses((status = 200, body = AccountJson), (status = 400, description = "malformed"))
)]
pub async fn account<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
) -> Result<Json<AccountJson>, Problem> {
    let key = app.parse_address(&text)?;
    let view = app.0.handle.view(move |node| lookup::account(node, &key)).await??;
    Ok(Json(AccountJson::new(app.0.params.address_prefix, key, &view)))
}

/// What happened to an account on the main chain, newest first. `before` is the `place` of an entry,
/// or a height.
#[utoipa::path(
    get, path = "/api/v1/accounts/{address}/history", tag = "accounts",
    params(("address" = String, Path, pattern = "^[a-z]+1[0-9a-z]{58}$", description = "an address of this network"), Paging),
    responses((status = 200, body = Vec<HistoryJson>), (status = 400, description = "malformed"))
)]
pub async fn history<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
    Query(paging): Query<Paging>,
) -> Result<Json<Vec<HistoryJson>>, Problem> {
    let key = app.parse_address(&text)?;
    let before = paging.before.as_deref().map(parse_place).transpose()?;
    let limit = paging.limit()?;
    let entries = app.0.handle.view(move |node| lookup::history(node, &key, before, limit)).await??;
    let prefix = app.0.params.address_prefix;
    Ok(Json(entries.into_iter().map(|(entry, count)| HistoryJson::new(prefix, entry, count)).collect()))
}

/// After which block an account is to be proven.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// A height on the main chain; the last block's where it is not given.
    #[param(value_type = Option<u64>)]
    block: Option<String>,
}

/// The receipt of what an account held after a block, or that it was never used until then, which
/// `mote verify` and anybody else can check without a node.
#[utoipa::path(
    get, path = "/api/v1/accounts/{address}/proof", tag = "accounts",
    params(("address" = String, Path, pattern = "^[a-z]+1[0-9a-z]{58}$", description = "an address of this network"), After),
    responses(
        (status = 200, body = AccountReceipt),
        (status = 400, description = "malformed"),
        (status = 404, description = "not-found: there is no such block"),
    )
)]
pub async fn proof<D: Disk>(
    State(app): State<App<D>>,
    Segment(text): Segment,
    Query(After { block }): Query<After>,
) -> Result<Json<AccountReceipt>, Problem> {
    let owner = app.parse_address(&text)?;
    let malformed = |text: &String| {
        let got: String = text.chars().take(80).collect();
        Problem::malformed("block", format_args!("expected a height, got {got:?}"))
    };
    let height = block.map(|text| parse_number(&text).ok_or_else(|| malformed(&text))).transpose()?;
    let found = app.0.handle.view(move |node| lookup::account_proof(node.ledger(), owner, height)).await??;
    let proof = found.ok_or_else(|| Problem::not_found("there is no block at that height"))?;
    let key = owner.account_key();
    let account = proof.proof.get(&proof.block.header.state_root, &key);
    let account = account.map_err(|error| StoreError::Proof { key, error })?.unwrap_or_default();
    Ok(Json(AccountReceipt::new(&app.0.params, &proof, account)))
}

/// The place of an entry of a history: a height, or height and index.
fn parse_place(text: &str) -> Result<Place, Problem> {
    let (height, index) = text.split_once(':').unwrap_or((text, "0"));
    let index = parse_number(index).and_then(|index| u32::try_from(index).ok());
    let place = parse_number(height).zip(index).map(|(height, index)| Place::of_parts(height, index));
    place.ok_or_else(|| {
        Problem::malformed("before", format_args!("expected the place of an entry or a height, got {text:?}"))
    })
}

impl<D: Disk> App<D> {
    fn parse_address(&self, text: &str) -> Result<PublicKey, Problem> {
        let address = Address::parse_for(text, &self.0.params);
        address.map(|address| address.public_key()).map_err(|error| Problem::malformed("address", error))
    }
}
