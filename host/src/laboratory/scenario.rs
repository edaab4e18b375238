//! What happens to nodes, step by step: the form of a request.

use mote_core::units::Amount;
use serde::Deserialize;
use utoipa::ToSchema;

use super::people::Person;
use crate::forms::Text;

/// The most nodes of one experiment.
pub const NODES_MAX: usize = 5;

/// The most steps of one experiment.
pub const STEPS_MAX: usize = 40;

/// The longest wait of one step, in seconds.
pub const WAIT_MAX_SECONDS: u64 = 60;

/// Nodes that are connected to each other, and what happens to them.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryScenario)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How many nodes there are, 1 to 5. Node 0 mines for Ada, node 1 for Ben, and so on.
    #[schema(minimum = 1, maximum = 5)]
    pub nodes: usize,
    /// What happens, one after another; at most 40 steps.
    pub steps: Vec<Step>,
}

/// Something that happens. Nodes are numbered from 0.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryStep)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// A node mines a block.
    Mine {
        /// The node.
        node: usize,
        /// Who gets the reward; the node's own person where it is not given.
        person: Option<Person>,
    },
    /// The network between two nodes is cut.
    Cut {
        /// One node.
        a: usize,
        /// The other.
        b: usize,
    },
    /// The network between two nodes is mended.
    Join {
        /// One node.
        a: usize,
        /// The other.
        b: usize,
    },
    /// Time passes.
    Wait {
        /// How many seconds, at most 60.
        #[schema(maximum = 60)]
        seconds: u64,
    },
    /// Somebody sends a payment to a node.
    Pay(PayStep),
    /// A payment of an earlier step is sent to a node again, byte for byte.
    Replay {
        /// The earlier step, from 0.
        step: usize,
        /// The node.
        at: usize,
    },
}

/// A payment that somebody sends to a node, well made or not.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = LaboratoryPayStep)]
#[serde(deny_unknown_fields)]
pub struct PayStep {
    /// Whose account pays.
    pub from: Person,
    /// Who is paid.
    pub to: Person,
    /// What the recipient gets, in motes.
    #[schema(value_type = String, example = "2.5")]
    pub amount: Text<Amount>,
    /// What the miner gets, in motes; 0.001 where it is not given.
    #[schema(value_type = Option<String>, example = "0.001")]
    pub fee: Option<Text<Amount>>,
    /// The nonce; the next one of the account as the node knows it where it is not given.
    pub nonce: Option<u64>,
    /// The node that the payment is sent to.
    #[serde(default)]
    pub at: usize,
    /// Who signs; whose account pays where it is not given.
    pub signer: Option<Person>,
    /// For which network it is signed.
    #[serde(default)]
    pub signed_for: SignedFor,
}

/// The network that a signature is meant for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = LaboratorySignedFor)]
#[serde(rename_all = "lowercase")]
pub enum SignedFor {
    /// The one of the nodes.
    #[default]
    Here,
    /// The main network.
    Main,
}
