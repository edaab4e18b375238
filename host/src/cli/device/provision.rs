//! The card of a new device.

use std::io::Write;
use std::net::SocketAddrV4;

use mote_core::card::{Endpoint, Identity, Mines, NAME_MAX_BYTES, PEERS_MAX};
use mote_core::params::Network;

use super::flags::ProvisionArguments;
use super::show;
use crate::cli::error::CliError;
use crate::cli::secret;
use crate::config::Config;
use crate::device::image::{self, Existing};
use crate::device::secrets::{ENTROPY_MIN_BYTES, Secrets};

/// Writes the image of a card and shows whose it is.
pub fn provision(
    config: &Config,
    arguments: &ProvisionArguments,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let secrets = match &arguments.entropy {
        Some(path) => {
            let entropy = secret::hex(path, "the entropy")?;
            if entropy.len() < ENTROPY_MIN_BYTES {
                let reason = format!("expected at least {ENTROPY_MIN_BYTES} bytes, got {}", entropy.len());
                return Err(CliError::Input { what: "the entropy", reason });
            }
            Secrets::derived(&entropy)
        }
        None => random()?,
    };
    let peers: Vec<Endpoint> = arguments.peer.iter().map(endpoint).collect::<Result<_, _>>()?;
    let mines = if arguments.mine { Mines::FromTheStart } else { Mines::WhenTold };
    let mut identity = identity(&config.network, &peers, mines, &secrets)?;
    let name = &arguments.name;
    let named = is_shown(name).then(|| name.parse().ok()).flatten();
    identity.name = named.ok_or_else(|| {
        CliError::Usage(format!("--name: expected up to {NAME_MAX_BYTES} ASCII characters, got {name:?}"))
    })?;
    if arguments.no_key {
        identity.seed = None;
    }
    if let Some(path) = &arguments.key {
        let key = secret::hex(path, "the key")?;
        let reason = || format!("expected a seed of 32 bytes, got {}", key.len());
        let seed: Result<&[u8; 32], _> = key.as_slice().try_into();
        identity.seed = Some(*seed.map_err(|_| CliError::Input { what: "the key", reason: reason() })?);
    }
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    image::create(&arguments.image, &identity, existing)?;
    show::print(&arguments.image, &identity, arguments.form, out)
}

/// A device without a name.
pub fn identity(
    network: &Network,
    peers: &[Endpoint],
    mines: Mines,
    secrets: &Secrets,
) -> Result<Identity, CliError> {
    let network = network.to_string();
    let mut identity = Identity {
        network: network
            .parse()
            .map_err(|_| CliError::Usage(format!("the network's name {network} does not fit a card")))?,
        name: Default::default(),
        seed: Some(*secrets.seed),
        entropy: *secrets.entropy,
        peers: Default::default(),
        mines,
    };
    set_peers(&mut identity, peers)?;
    Ok(identity)
}

/// Puts these peers in the place of those that a device has.
pub fn set_peers(identity: &mut Identity, peers: &[Endpoint]) -> Result<(), CliError> {
    identity.peers.clear();
    identity.peers.extend_from_slice(peers).map_err(|_| {
        CliError::Usage(format!("expected --peer at most {PEERS_MAX} times, got {}", peers.len()))
    })
}

/// Secrets from this computer's random source.
pub fn random() -> Result<Secrets, CliError> {
    Secrets::random().map_err(|error| CliError::Failed(format!("the system gives no random number: {error}")))
}

fn endpoint(peer: &SocketAddrV4) -> Result<Endpoint, CliError> {
    if peer.port() == 0 {
        return Err(CliError::Usage(format!("--peer {peer}: expected a port from 1 to 65535")));
    }
    Ok(Endpoint { ip: peer.ip().octets(), port: peer.port() })
}

/// Whether the display of a device has these characters.
fn is_shown(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
