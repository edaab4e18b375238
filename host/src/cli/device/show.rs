//! Whose card an image is.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use mote_core::address::Address;
use mote_core::card::{Identity, Mines};
use mote_core::keys::SecretKey;
use mote_core::params::{Network, Params};
use serde_json::json;

use super::flags::ShowArguments;
use crate::cli::error::CliError;
use crate::cli::output::{Facts, Form, field, optional};
use crate::device::image;

/// Shows whose card an image is.
pub fn show(arguments: &ShowArguments, out: &mut impl Write) -> Result<(), CliError> {
    let identity = image::read(&arguments.image)?;
    print(&arguments.image, &identity, arguments.form, out)
}

/// Prints what others may know of a device.
pub fn print(image: &Path, identity: &Identity, form: Form, out: &mut impl Write) -> Result<(), CliError> {
    let peer = |peer: &_| {
        let mote_core::card::Endpoint { ip, port } = *peer;
        SocketAddrV4::new(Ipv4Addr::from(ip), port).to_string()
    };
    let peers: Vec<String> = identity.peers.iter().map(peer).collect();
    let answer = json!({
        "image": image.display().to_string(),
        "network": identity.network.as_str(),
        "name": identity.name.as_str(),
        "address": address(identity)?,
        "peers": peers,
        "mines": identity.mines == Mines::FromTheStart,
    });
    Ok(form.print(out, &answer, |out| {
        Facts::default()
            .add("image", field(&answer, "image"))
            .add("network", field(&answer, "network"))
            .add_some("name", optional(&answer, "name").filter(|name| !name.is_empty()))
            .add("address", optional(&answer, "address").unwrap_or_else(|| "none: it has no key".to_owned()))
            .add("peers", if peers.is_empty() { "none".to_owned() } else { peers.join(", ") })
            .add("mines", field(&answer, "mines"))
            .write(out)
    })?)
}

/// The address of the device's account, where it has one.
pub fn address(identity: &Identity) -> Result<Option<String>, CliError> {
    let network: Network = identity.network.parse().map_err(|error| {
        CliError::Failed(format!("the card names the network {}: {error}", identity.network))
    })?;
    let prefix = Params::new(network).address_prefix;
    let key = identity.seed.as_ref().map(|seed| SecretKey::from_seed(seed).public_key());
    Ok(key.map(|key| Address::new(prefix, key).to_string()))
}
