//! An emulated device: its card and its program, put together. What runs beside it is the business of the
//! program's composition root.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use mote_core::card::{Endpoint, Identity, Mines};
use mote_core::params::Network;

use super::flags::EmulateArguments;
use super::{provision, show};
use crate::cli::error::CliError;
use crate::config::Config;
use crate::device::emulator::{self, EmulatorError, Machine};
use crate::device::image::{self, Existing};
use crate::node::request::PeerAddress;

/// The name of the card in a device's folder.
const CARD_FILE: &str = "card.img";

/// A device that is about to be switched on.
pub struct Prepared {
    /// What is emulated.
    pub machine: Machine,
    identity: Identity,
}

/// What can be found out before anything is started: whether there is a program for the device.
pub fn firmware(arguments: &EmulateArguments) -> Result<PathBuf, CliError> {
    let program = std::env::current_exe()?;
    Ok(emulator::firmware(arguments.firmware.as_deref(), &program)?)
}

/// Where the device finds a peer.
pub fn endpoint(peer: &PeerAddress) -> Result<Endpoint, CliError> {
    let failed = |reason: String| CliError::Failed(format!("--peer {peer}: {reason}"));
    let addresses = peer.to_string().to_socket_addrs().map_err(|error| failed(error.to_string()))?;
    let mut seen: Vec<Result<Endpoint, EmulatorError>> = addresses.map(emulator::seen_by_guest).collect();
    // One that can be reached, else why the first one cannot.
    let index = seen.iter().position(Result::is_ok).unwrap_or_default();
    if seen.is_empty() {
        return Err(failed("the name has no address".to_owned()));
    }
    seen.swap_remove(index).map_err(|error| failed(error.to_string()))
}

/// Makes the card where there is none, and fills in the peers.
pub fn prepare(
    config: &Config,
    arguments: &EmulateArguments,
    firmware: PathBuf,
    peers: &[Endpoint],
) -> Result<Prepared, CliError> {
    let card = arguments.image_file.clone().unwrap_or_else(|| config.folder.join(CARD_FILE));
    let mines = arguments.mine.map(|on| if on { Mines::FromTheStart } else { Mines::WhenTold });
    let is_new = arguments.image_file.is_none() && !card.exists();
    let identity = if is_new {
        let mines = mines.unwrap_or(Mines::FromTheStart);
        let identity = provision::identity(&config.network, peers, mines, &provision::random()?)?;
        image::create(&card, &identity, Existing::Keep)?;
        identity
    } else {
        renew(&card, &config.network, peers, mines)?
    };
    let http = emulator::free_port(arguments.http)?;
    let machine = Machine { firmware, card, http, arguments: arguments.arguments.clone() };
    Ok(Prepared { machine, identity })
}

/// Fills in what may change from one run to the next.
fn renew(
    card: &Path,
    network: &Network,
    peers: &[Endpoint],
    mines: Option<Mines>,
) -> Result<Identity, CliError> {
    let before = image::read(card)?;
    if before.network != *network.to_string() {
        let (card, of) = (card.display(), &before.network);
        return Err(CliError::Failed(format!(
            "{card} is the card of a device on network {of}, expected {network}: --network {of} runs it"
        )));
    }
    let mut identity = before.clone();
    provision::set_peers(&mut identity, peers)?;
    identity.mines = mines.unwrap_or(before.mines);
    if identity != before {
        image::rewrite(card, &identity)?;
    }
    Ok(identity)
}

impl Prepared {
    /// Says where everything is; `node` is the one that was started for the device.
    pub fn greet(&self, node: Option<SocketAddr>, out: &mut impl Write) -> Result<(), CliError> {
        let Machine { http, card, .. } = &self.machine;
        let network = &self.identity.network;
        let address = show::address(&self.identity)?;
        writeln!(out, "A device runs in QEMU, its page is http://127.0.0.1:{http} (network {network})")?;
        if let Some(node) = node {
            writeln!(
                out,
                "  node     http://{node} is the node that it follows; the blocks that it mines are there"
            )?;
        }
        writeln!(out, "  account  {}", address.as_deref().unwrap_or("none: its card holds no key"))?;
        writeln!(out, "  card     {}", card.display())?;
        writeln!(out, "  next     this terminal is its console: type help; Ctrl-C stops everything")?;
        Ok(out.flush()?)
    }
}
