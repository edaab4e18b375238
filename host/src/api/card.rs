//! The network card: all that a second machine needs in order to join this node's network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use mote_core::params::Params;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Code, Problem};
use super::guard::Caller;
use crate::config::PORT;
use crate::node::request::PeerAddress;
use crate::store::disk::Disk;

/// How many digits of the genesis id stand in the text: enough to notice another network.
const GENESIS_DIGITS: usize = 16;

/// Who can reach a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reachable {
    /// Only programs on the same computer.
    ThisComputer,
    /// Other computers too.
    Network,
}

/// All that a second machine needs in order to join.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Card)]
pub struct CardJson {
    /// The network's name.
    #[schema(example = "local:class")]
    network: String,
    /// Id of its genesis block.
    genesis: String,
    /// Where others reach this node, the likeliest first.
    #[schema(example = json!(["192.0.2.7:7700"]))]
    peers: Vec<String>,
    /// Who reaches it there.
    reachable: Reachable,
    /// The command that runs a node which joins this one.
    #[schema(example = "mote --network local:class --peer 192.0.2.7:7700")]
    command: String,
    /// The same as one line, for a QR code or a message.
    #[schema(example = "mote:local:class?genesis=0123456789abcdef&peer=192.0.2.7:7700")]
    text: String,
}

impl CardJson {
    fn new(params: &Params, bind: SocketAddr, peers: &[PeerAddress]) -> Self {
        let (network, genesis) = (params.network().to_string(), params.genesis_id().to_string());
        let is_near = |peer: &PeerAddress| peer.ip().is_some_and(|ip| ip.is_loopback());
        let reachable = if peers.iter().all(is_near) { Reachable::ThisComputer } else { Reachable::Network };
        // On the same computer the second node needs a port of its own.
        let port = match (reachable, bind.port().checked_add(1)) {
            (Reachable::ThisComputer, next) => format!(" --port {}", next.unwrap_or(PORT)),
            (Reachable::Network, _) => String::new(),
        };
        let peers: Vec<String> = peers.iter().map(PeerAddress::to_string).collect();
        let first = peers.first().map(String::as_str).unwrap_or_default();
        let digits = genesis.get(..GENESIS_DIGITS).unwrap_or(&genesis);
        Self {
            command: format!("mote --network {network}{port} --peer {first}"),
            text: format!("mote:{network}?genesis={digits}&peer={first}"),
            network,
            genesis,
            peers,
            reachable,
        }
    }
}

/// What a second machine needs in order to join this node's network. The operator sees every address at
/// which the node can be reached, a stranger the one that it came by.
#[utoipa::path(get, path = "/api/v1/card", tag = "chain", responses((status = 200, body = CardJson)))]
pub async fn card<D: Disk>(
    State(app): State<App<D>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Json<CardJson>, Problem> {
    let bind = app.0.bind;
    let peers = match came_by(&headers) {
        Some(peer) if caller == Caller::Stranger => vec![peer],
        _ => addresses(bind)
            .map_err(|error| {
                Problem::new(Code::Internal, format_args!("the system names no addresses: {error}"))
            })?
            .into_iter()
            .map(|ip| PeerAddress::from_ip(ip, bind.port()))
            .collect(),
    };
    Ok(Json(CardJson::new(&app.0.params, bind, &peers)))
}

/// Where the request says that it found this node.
fn came_by(headers: &HeaderMap) -> Option<PeerAddress> {
    let host = headers.get(HOST)?.to_str().ok()?;
    host.parse().or_else(|_| format!("{host}:80").parse()).ok()
}

/// The addresses at which a node that listens at `bind` can be reached.
fn addresses(bind: SocketAddr) -> std::io::Result<Vec<IpAddr>> {
    if !bind.ip().is_unspecified() {
        return Ok(vec![bind.ip()]);
    }
    let interfaces = if_addrs::get_if_addrs()?;
    let up = interfaces.iter().filter(|interface| interface.is_oper_up()).map(if_addrs::Interface::ip);
    // A socket for all addresses of IPv6 also takes what comes by IPv4.
    let mut found: Vec<IpAddr> =
        up.filter(|ip| bind.is_ipv6() || ip.is_ipv4()).filter(is_of_others).collect();
    let outward = outward();
    found.sort_by_key(|ip| (Some(*ip) != outward, ip.is_ipv6(), *ip));
    found.dedup();
    if found.is_empty() {
        found.push(match bind.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Ok(found)
}

/// The address by which this computer reaches others, where it does: of several networks, such as those of
/// containers, it is the one where other computers are. Connecting a datagram socket sends nothing.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address for documentation (RFC 5737), which only the default route leads to.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Whether others may reach a computer by this address: an address of one link needs more than itself.
fn is_of_others(ip: &IpAddr) -> bool {
    let is_of_link = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast() && !is_of_link
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::params::Network;

    #[test]
    fn a_card_says_how_to_join() {
        let params = Params::new("local:class".parse::<Network>().unwrap());
        let bind = "0.0.0.0:7700".parse().unwrap();
        let card = CardJson::new(&params, bind, &["192.0.2.7:7700".parse().unwrap()]);
        assert_eq!(card.reachable, Reachable::Network);
        assert_eq!(card.command, "mote --network local:class --peer 192.0.2.7:7700");
        let digits = &params.genesis_id().to_string()[..16];
        assert_eq!(card.text, format!("mote:local:class?genesis={digits}&peer=192.0.2.7:7700"));

        let near =
            CardJson::new(&params, "127.0.0.1:7700".parse().unwrap(), &["127.0.0.1:7700".parse().unwrap()]);
        assert_eq!(near.reachable, Reachable::ThisComputer);
        assert_eq!(near.command, "mote --network local:class --port 7701 --peer 127.0.0.1:7700");
    }

    #[test]
    fn a_node_on_all_addresses_names_those_of_its_interfaces() {
        let bound = |text: &str| addresses(text.parse().unwrap()).unwrap();
        assert_eq!(bound("192.0.2.7:7700"), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        let all = bound("0.0.0.0:7700");
        if let Some(outward) = outward().filter(|ip| all.contains(ip)) {
            assert_eq!(all.first(), Some(&outward));
        }
        for ip in all {
            assert!(ip.is_ipv4(), "{ip}");
            assert!(!ip.is_unspecified() && (is_of_others(&ip) || ip.is_loopback()), "{ip}");
        }
        assert!(!bound("[::]:7700").is_empty());
        for text in ["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "0.0.0.0", "224.0.0.1"] {
            assert!(!is_of_others(&text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_stranger_is_told_where_it_came_in() {
        let came = |host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            came_by(&headers).map(|peer| peer.to_string())
        };
        assert_eq!(came("192.0.2.7:7700").as_deref(), Some("192.0.2.7:7700"));
        assert_eq!(came("[2001:db8::7]:7700").as_deref(), Some("[2001:db8::7]:7700"));
        assert_eq!(came("mote.example").as_deref(), Some("mote.example:80"));
        assert_eq!(came("\"; rm"), None);
    }
}
