//! What the outside asks of a node, and what it answers: the vocabulary between the one task that
//! owns the chain and everybody else.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::mempool::MempoolError;
use mote_core::rules::{KeptTransaction, RuleError};
use mote_core::transaction::Transaction;
use mote_core::units::Height;

use super::checkpoints::{CheckpointError, Standing};
use crate::checkpoint::{Checkpoint, ReadCheckpoint};

/// Something that changes the node. Reading goes through published snapshots and views instead.
#[derive(Debug)]
pub enum Request {
    /// Take in a signed transaction and pass it on.
    Submit(Transaction),
    /// The same for one whose signature was checked elsewhere, so that the task that owns the chain need not.
    SubmitChecked(Box<KeptTransaction>),
    /// Keep a connection to this peer, over restarts.
    AddPeer(PeerAddress),
    /// Drop this peer and forget its address.
    RemovePeer(PeerAddress),
    /// Ask every peer for its chain now.
    Resolve,
    /// Follow this checkpoint, over restarts.
    AddCheckpoint(ReadCheckpoint),
    /// Mine one block for this account now.
    MineBlock(PublicKey),
    /// Change the continuous miner.
    SetMining(MiningSettings),
}

/// The answer to a [`Request`], given once what it acknowledges is durable.
#[derive(Debug)]
pub enum Reply {
    /// To [`Request::Submit`] and [`Request::SubmitChecked`]: the transaction's id.
    Submitted(Result<Hash32, SubmitError>),
    /// To [`Request::AddPeer`] and [`Request::RemovePeer`].
    PeerChanged(Result<(), PeerError>),
    /// To [`Request::Resolve`].
    Resolved(Resolved),
    /// To [`Request::AddCheckpoint`]: the checkpoint and what became of it.
    CheckpointAdded(Result<(Checkpoint, Standing), CheckpointError>),
    /// To [`Request::MineBlock`]: the block's id and header.
    Mined(Result<(Hash32, Header), MineError>),
    /// To [`Request::SetMining`].
    MiningSet(MiningSettings),
}

/// Why a transaction was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It breaks a rule that needs no accounts.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// It does not fit among the open ones.
    #[error(transparent)]
    Mempool(#[from] MempoolError),
    /// It cannot be made durable.
    #[error("the node is read-only: {0}")]
    ReadOnly(String),
}

/// Why the list of peers was not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The address leads to this node.
    #[error("{0} is this node itself")]
    Itself(PeerAddress),
    /// There is no such peer.
    #[error("{0} is not among the peers")]
    Unknown(PeerAddress),
    /// The list is full.
    #[error("there are already {limit} added peers")]
    Full {
        /// How many there may be.
        limit: usize,
    },
    /// It cannot be kept over a restart.
    #[error("the list of peers cannot be written: {0}")]
    NotWritten(String),
}

/// Why no block was mined.
#[derive(Debug, thiserror::Error)]
pub enum MineError {
    /// Too many requests to mine wait already.
    #[error("{limit} requests to mine a block wait already")]
    Busy {
        /// How many may wait.
        limit: usize,
    },
    /// The clock is so far behind the chain that others would refuse the block.
    #[error("the chain's median time is more than two minutes ahead of this computer's clock")]
    ClockBehind,
    /// The operator's checkpoints name the next block, which somebody else has: any other would be refused.
    #[error("a checkpoint names the block at height {height}, which has to come from a peer")]
    Checkpoint {
        /// The height.
        height: Height,
    },
    /// The block cannot be made durable.
    #[error("the node is read-only: {0}")]
    ReadOnly(String),
}

/// What came of asking every peer for its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Whether the tip changed.
    pub replaced: bool,
    /// The tip's id and height before.
    pub from: (Hash32, Height),
    /// The tip's id and height after.
    pub to: (Hash32, Height),
}

/// How the continuous miner works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiningSettings {
    /// Who gets the rewards; the miner rests while there is nobody.
    pub miner: Option<PublicKey>,
    /// Whether it is on.
    pub switch: Switch,
    /// How many threads it uses, at least 1.
    pub threads: usize,
    /// How many attempts a second all threads make together at the most.
    pub limit: RateLimit,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// How fast something may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// This many a second at the most.
    PerSecond(u64),
    /// As fast as it can.
    Unlimited,
}

/// Where a peer listens: `host:port`, and nothing but a host name or an IP address and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Host {
    Ip(IpAddr),
    Name(String),
}

/// Why a text is not the address of a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a peer as host:port, such as 192.0.2.7:7700 or [2001:db8::7]:7700, got {got:?}: {reason}")]
pub struct ParsePeerError {
    /// The text, shortened.
    pub got: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl PeerAddress {
    /// The peer at this IP address and port.
    pub fn from_ip(ip: IpAddr, port: u16) -> Self {
        Self { host: Host::Ip(ip.to_canonical()), port }
    }

    /// The IP address, unless the host is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Ip(ip) => Some(*ip),
            Host::Name(_) => None,
        }
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(formatter, "[{ip}]:{}", self.port),
            Host::Ip(ip) => write!(formatter, "{ip}:{}", self.port),
            Host::Name(name) => write!(formatter, "{name}:{}", self.port),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| ParsePeerError { got: text.chars().take(80).collect(), reason };
        let (host, port) = text.rsplit_once(':').ok_or(error("there is no port"))?;
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|port| is_number && *port != 0);
        let port = port.ok_or(error("the port is not a number from 1 to 65535"))?;
        if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            let ip = inner.parse::<Ipv6Addr>().map_err(|_| error("the brackets hold no IPv6 address"))?;
            return Ok(Self::from_ip(ip.into(), port));
        }
        if let Ok(ip) = host.parse::<IpAddr>() {
            return match ip {
                IpAddr::V4(_) => Ok(Self::from_ip(ip, port)),
                IpAddr::V6(_) => Err(error("an IPv6 address needs brackets")),
            };
        }
        let is_label = |label: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(is_allowed)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A name that ends in a number would be read as an IPv4 address in some other notation.
        let host = host.to_ascii_lowercase();
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_name = host.len() <= 253
            && host.split('.').all(is_label)
            && !last.bytes().all(|byte| byte.is_ascii_digit());
        if !is_name || last.starts_with("0x") {
            return Err(error("the host is neither an IP address nor a host name"));
        }
        Ok(Self { host: Host::Name(host), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_a_host_and_a_port() {
        for text in ["127.0.0.1:7700", "[::1]:7700", "localhost:1", "node-1.example.org:65535"] {
            assert_eq!(text.parse::<PeerAddress>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let wrong = [
            "",
            ":",
            "localhost",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "localhost:+80",
            "http://localhost:80",
            "localhost:80/",
            "0x7f000001:80",
            "127.0.0.0X1:80",
            "localhost/x:80",
            "user@localhost:80",
            "localhost?x:80",
            "::1:80",
            "[::1:80",
            "[::1]80",
            "1.2.3:80",
            "0x7f.1:80",
            "127.1:80",
            "a b:80",
            "a..b:80",
            "-a:80",
            "\u{e4}:80",
            "localhost:80\r\nX: y",
        ];
        for text in wrong {
            assert!(text.parse::<PeerAddress>().is_err(), "{text:?}");
        }
    }
}
