//! What a device starts with.

use mote_core::card::{Identity, Mines};
use mote_core::keys::SecretKey;
use mote_core::params::{Network, Params};

use crate::command::Mining;
use crate::node::Settings;
use crate::settings::CHECKPOINT;

/// The port at which a full node is tried on the way out of the network, where no other is known.
pub const DEFAULT_PORT: u16 = 7700;

/// The settings of the device that a card names. One without a network is on the local one.
#[inline(never)]
pub fn settings(identity: &Identity, nonce: u64) -> Settings {
    let network = identity.network.parse().unwrap_or(Network::Local);
    Settings {
        params: Params::new(network),
        key: identity.seed.as_ref().map(SecretKey::from_seed),
        nonce,
        mining: match identity.mines {
            Mines::FromTheStart => Mining::On,
            Mines::WhenTold => Mining::Off,
        },
        peers: identity.peers.len().max(1),
        checkpoint: CHECKPOINT,
    }
}
