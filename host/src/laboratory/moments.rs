//! What came of a scenario: the form of an answer.

use serde::Serialize;
use utoipa::ToSchema;

/// Everything that came of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryPeers)]
pub struct PeersAnswer {
    /// Every block that was on some node's chain at some time, the lowest first.
    pub blocks: Vec<BlockSeen>,
    /// Every payment that was made, in the order of the steps.
    pub payments: Vec<PaymentSeen>,
    /// The nodes at the start, and after each step.
    pub moments: Vec<MomentSeen>,
}

/// A block of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryBlockSeen)]
pub struct BlockSeen {
    /// Its id.
    pub id: String,
    /// Its parent's id.
    pub parent: String,
    /// Its height.
    pub height: u64,
    /// Who got the reward; null for the genesis block.
    pub miner: Option<String>,
    /// The ids of its payments.
    pub payments: Vec<String>,
}

/// A payment of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryPaymentSeen)]
pub struct PaymentSeen {
    /// Its id.
    pub id: String,
    /// The step that made it, from 0.
    pub step: usize,
    /// Who pays.
    pub from: String,
    /// Who is paid.
    pub to: String,
    /// What the recipient gets, in motes.
    pub amount: String,
    /// What the miner gets, in motes.
    pub fee: String,
    /// Its nonce.
    pub nonce: u64,
}

/// The nodes at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryMoment)]
pub struct MomentSeen {
    /// Seconds since the start.
    pub seconds: u64,
    /// The nodes by their numbers.
    pub nodes: Vec<NodeSeen>,
    /// What happened in the step before.
    pub happened: Vec<Happening>,
}

/// A node at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryNode)]
pub struct NodeSeen {
    /// The last block's id.
    pub tip: String,
    /// Its height.
    pub height: u64,
    /// The work of the chain, in attempts, hexadecimal.
    pub work: String,
    /// The nodes that it is connected to.
    pub peers: Vec<usize>,
    /// The ids of the open payments, the one to be mined first in front.
    pub mempool: Vec<String>,
    /// What everybody has by this node's chain, in the order Ada, Ben, Cleo, Dora, Emil.
    pub accounts: Vec<AccountSeen>,
}

/// An account at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryAccount)]
pub struct AccountSeen {
    /// What it can spend, in motes.
    pub balance: String,
    /// The nonce of its next payment.
    pub nonce: u64,
}

/// Something that happened at a node.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LaboratoryHappening)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Happening {
    /// A block became the tip.
    Block {
        /// The node.
        node: usize,
        /// The block's id.
        id: String,
        /// Its height.
        height: u64,
    },
    /// Another branch won.
    Reorganisation {
        /// The node.
        node: usize,
        /// The tip before.
        from: String,
        /// The tip after.
        to: String,
        /// How many blocks were undone.
        depth: u64,
    },
    /// Payments that had been mined are open again.
    Returned {
        /// The node.
        node: usize,
        /// The payments' ids.
        payments: Vec<String>,
    },
    /// Payments that had been open or mined are neither any more.
    Dropped {
        /// The node.
        node: usize,
        /// The payments' ids.
        payments: Vec<String>,
    },
    /// A payment was taken in.
    Taken {
        /// The node.
        node: usize,
        /// The payment's id.
        payment: String,
    },
    /// A payment was refused.
    Refused {
        /// The node.
        node: usize,
        /// The payment's id.
        payment: String,
        /// Why.
        #[serde(flatten)]
        refusal: Refusal,
    },
}

/// Why a payment was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryRefusal)]
pub struct Refusal {
    /// The rule or the code, as a submitted payment would get it.
    #[schema(example = "L2-balance")]
    pub code: &'static str,
    /// What it demands.
    pub sentence: &'static str,
    /// Why, where it is a rule of consensus.
    pub reason: Option<&'static str>,
    /// What was got and what was expected.
    pub detail: String,
}
