//! Receipts as JSON. A node writes them, anybody reads them.

use mote_core::address::AddressPrefix;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::state::Account;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AccountProof, BlockProof, TransactionProof};
use crate::forms::{HeaderJson, TransactionJson, address, hex};

/// That a receipt is about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OfTransaction {
    /// The only value.
    Transaction,
}

/// That a receipt is about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OfAccount {
    /// The only value.
    Account,
}

/// A receipt: what proves a transaction to whoever trusts the id of `tip`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TransactionReceipt {
    /// What the receipt is about.
    pub receipt: OfTransaction,
    /// The network's name.
    #[schema(example = "local")]
    pub network: String,
    /// Id of its genesis block, which the signature covers.
    pub genesis: String,
    /// The transaction; its id is the leaf.
    pub transaction: TransactionJson,
    /// Its place in the block, from 0.
    pub index: u32,
    /// The siblings from the leaf up to the header's `transactions_root` (RFC 6962).
    pub path: Vec<String>,
    /// The header of the transaction's block.
    pub header: HeaderJson,
    /// The work of the chain up to and including that block, in attempts, 64 hexadecimal digits; with
    /// the block's id it is the block's leaf in the log of all blocks. Null where the block is the tip,
    /// of which nothing would prove it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub work: Option<String>,
    /// The siblings from that leaf up to the tip's `history_root`, a log of `tip.height` leaves; null
    /// where the block is the tip itself.
    pub history_path: Option<Vec<String>>,
    /// The header of the last block.
    pub tip: HeaderJson,
}

/// A receipt: what proves what an account held, or that it was never used, to whoever trusts the id of
/// `tip`. See the design's account tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountReceipt {
    /// What the receipt is about.
    pub receipt: OfAccount,
    /// The network's name.
    #[schema(example = "local")]
    pub network: String,
    /// Id of its genesis block.
    pub genesis: String,
    /// The account's address.
    pub address: String,
    /// Its key in the account tree, which the proof is folded with.
    pub key: String,
    /// What it held, in motes.
    pub balance: String,
    /// How many of its transactions were mined.
    pub nonce: u64,
    /// The leaf that the search for the key ends in; another one than the key's proves its absence.
    pub leaf: Option<LeafJson>,
    /// The steps from the leaf up to the header's `state_root`.
    pub path: Vec<StepJson>,
    /// The header of the block after which the account stood so.
    pub header: HeaderJson,
    /// The work of the chain up to and including that block, in attempts, 64 hexadecimal digits; with
    /// the block's id it is the block's leaf in the log of all blocks. Null where the block is the tip,
    /// of which nothing would prove it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub work: Option<String>,
    /// The siblings from that leaf up to the tip's `history_root`, a log of `tip.height` leaves; null
    /// where the block is the tip itself.
    pub history_path: Option<Vec<String>>,
    /// The header of the last block.
    pub tip: HeaderJson,
}

/// A leaf of the account tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AccountLeaf)]
pub struct LeafJson {
    /// Its key.
    pub key: String,
    /// Its balance in motes.
    pub balance: String,
    /// Its nonce.
    pub nonce: u64,
}

/// A branch on the way up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AccountStep)]
pub struct StepJson {
    /// The bit of the key that decides the side: 0 is left.
    pub index: u8,
    /// The hash of the other side.
    pub sibling: String,
}

/// The forms of what leads from a block to the tip.
struct BlockForms {
    header: HeaderJson,
    work: Option<String>,
    history_path: Option<Vec<String>>,
    tip: HeaderJson,
}

impl BlockForms {
    fn new(prefix: AddressPrefix, block: &BlockProof) -> Self {
        Self {
            header: HeaderJson::new(prefix, &block.header),
            work: block.place.as_ref().map(|place| hex(&place.work.to_be_bytes())),
            history_path: block.place.as_ref().map(|place| texts(&place.path)),
            tip: HeaderJson::new(prefix, &block.tip),
        }
    }
}

impl TransactionReceipt {
    /// The receipt of a transaction.
    pub fn new(params: &Params, proof: &TransactionProof) -> Self {
        let prefix = params.address_prefix;
        let BlockForms { header, work, history_path, tip } = BlockForms::new(prefix, &proof.block);
        Self {
            receipt: OfTransaction::Transaction,
            network: params.network().to_string(),
            genesis: params.genesis_id().to_string(),
            transaction: TransactionJson::new(prefix, &proof.transaction.id(), &proof.transaction),
            index: proof.index,
            path: texts(&proof.path),
            header,
            work,
            history_path,
            tip,
        }
    }
}

impl AccountReceipt {
    /// The receipt of an account that stood so.
    pub fn new(params: &Params, proof: &AccountProof, account: Account) -> Self {
        let prefix = params.address_prefix;
        let BlockForms { header, work, history_path, tip } = BlockForms::new(prefix, &proof.block);
        let leaf = proof.proof.leaf.map(|leaf| LeafJson {
            key: leaf.key.to_string(),
            balance: leaf.account.balance.to_string(),
            nonce: leaf.account.nonce,
        });
        let steps = proof.proof.steps();
        let steps = steps.map(|step| StepJson { index: step.index, sibling: step.sibling.to_string() });
        Self {
            receipt: OfAccount::Account,
            network: params.network().to_string(),
            genesis: params.genesis_id().to_string(),
            address: address(prefix, proof.owner),
            key: proof.owner.account_key().to_string(),
            balance: account.balance.to_string(),
            nonce: account.nonce,
            leaf,
            path: steps.collect(),
            header,
            work,
            history_path,
            tip,
        }
    }
}

fn texts(path: &[Hash32]) -> Vec<String> {
    path.iter().map(Hash32::to_string).collect()
}
