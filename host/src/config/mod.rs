//! The node's settings.
//!
//! A setting is taken from the first of these that has it: a flag, an environment variable, the file
//! `mote.toml` in the data folder, the default. So `--port 7701`, `MOTE_PORT=7701` and `port = 7701`
//! mean the same. A key of the file that is not in the table is refused, so that no typing error goes
//! unnoticed; a wrong value is reported with the place that it came from.
//!
//! | key in `mote.toml` | flag | variable | value | default |
//! | --- | --- | --- | --- | --- |
//! | `network` | `--network` | `MOTE_NETWORK` | `local`, `local:NAME`, `test`, `main` or `regtest` | `local` |
//! | `host` | `--host` | `MOTE_HOST` | address to listen on, or of the node to talk to | `127.0.0.1` |
//! | `port` | `--port` | `MOTE_PORT` | TCP port of the node | 7700 |
//! | | `--data` | `MOTE_DATA` | data folder, see below | `$XDG_DATA_HOME/mote`, else `~/.local/share/mote` |
//! | `peer` | `--peer` | `MOTE_PEER` | list of `host:port` to keep connections to | none |
//! | `mine` | `--mine` | `MOTE_MINE` | whether to mine from the start: `true` or `false` | `false` |
//! | `threads` | `--threads` | `MOTE_THREADS` | threads that mine | 1 |
//! | `mining_limit` | `--mining-limit` | `MOTE_MINING_LIMIT` | attempts a second at the most, or `none` | 200000 on `local` and `local:NAME`, else `none` |
//! | `log_level` | `--log-level` | `MOTE_LOG_LEVEL` | `off`, `error`, `warn`, `info`, `debug` or `trace` | `info` |
//! | `require_token` | `--require-token` | `MOTE_REQUIRE_TOKEN` | whether wallet, miner and peer list ask for the token also from this computer | `false` |
//! | `checkpoint_key` | `--checkpoint-key` | `MOTE_CHECKPOINT_KEY` | list of addresses whose signed checkpoints this node follows | none |
//! | `peer_origin` | `--peer-origin` | `MOTE_PEER_ORIGIN` | list of web origins whose pages may connect as peers | none |
//!
//! Lists are arrays of strings in the file, repeated flags, and separated by commas in a variable.
//!
//! The data folder holds `mote.toml`, and one folder per network and port for what a node of that
//! network and port keeps: `local-7700`, `local-NAME-7700`; and `device-local-7710` for an emulated device
//! with the node that runs beside it at that port. So several nodes on one computer need
//! nothing but ports of their own, and none depends on the folder that it is started from.

mod folder;
mod layers;

use std::fs::DirBuilder;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use mote_core::address::Address;
use mote_core::keys::PublicKey;
use mote_core::params::{Network, Params};
use tracing::level_filters::LevelFilter;

pub use layers::{ConfigError, Flags, Given, Source, Surroundings};

use crate::api::guard::TokenPolicy;
use crate::miner::THREADS_MAX;
use crate::node::default_limit;
use crate::node::request::{PeerAddress, RateLimit, Switch};
use layers::Layers;

/// The port where nothing else is asked for.
pub const PORT: u16 = 7700;

/// All settings, resolved and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The network.
    pub network: Network,
    /// An IP address or a host name: what a node listens on, and where the other verbs look for it.
    pub host: String,
    /// The node's TCP port; 0 lets the system choose.
    pub port: u16,
    /// Where the node keeps everything: the folder of this network and port.
    pub folder: PathBuf,
    /// Whether somebody chose the data folder.
    pub folder_choice: FolderChoice,
    /// Peers to keep connections to.
    pub peers: Vec<PeerAddress>,
    /// Whether to mine from the start.
    pub mine: Switch,
    /// Threads that mine.
    pub threads: NonZeroUsize,
    /// Attempts a second that the miner makes at the most.
    pub mining_limit: RateLimit,
    /// The least important messages that are logged.
    pub log_level: LevelFilter,
    /// Who must show the token.
    pub token: TokenPolicy,
    /// Keys whose signed checkpoints the node follows.
    pub checkpoint_keys: Vec<PublicKey>,
    /// Web origins whose pages may connect as peers.
    pub peer_origins: Vec<String>,
}

/// Where the data folder comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderChoice {
    /// From a flag or a variable.
    Named,
    /// It is the default.
    Default,
}

impl Config {
    /// Resolves the settings of the flags in their surroundings, the file included.
    pub fn resolve(flags: Flags, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let mut layers = Layers::new(flags, surroundings);
        let named = layers.last("data");
        let folder_choice = if named.is_some() { FolderChoice::Named } else { FolderChoice::Default };
        let base = folder::base(named, surroundings)?;
        layers.read_file(&base.join(FILE))?;
        let network = layers.parse("network", parse_network)?.unwrap_or(Network::Local);
        let port = layers.parse("port", parse_port)?.unwrap_or(PORT);
        let switched = |on| if on { Switch::On } else { Switch::Off };
        let token = |required| if required { TokenPolicy::Always } else { TokenPolicy::Remote };
        Ok(Self {
            host: layers.parse("host", parse_host)?.unwrap_or_else(|| "127.0.0.1".to_owned()),
            peers: layers.parse_all("peer", |text| text.parse().map_err(reason))?,
            mine: switched(layers.parse("mine", parse_bool)?.unwrap_or(false)),
            threads: layers.parse("threads", parse_threads)?.unwrap_or(NonZeroUsize::MIN),
            mining_limit: layers
                .parse("mining_limit", parse_limit)?
                .unwrap_or_else(|| default_limit(&Params::new(network.clone()))),
            log_level: layers.parse("log_level", parse_level)?.unwrap_or(LevelFilter::INFO),
            token: token(layers.parse("require_token", parse_bool)?.unwrap_or(false)),
            checkpoint_keys: layers.parse_all("checkpoint_key", |text| {
                let params = Params::new(network.clone());
                Address::parse_for(text, &params).map(|address| address.public_key()).map_err(reason)
            })?,
            peer_origins: layers.parse_all("peer_origin", parse_origin)?,
            folder: folder::of_node(&base, &network, port),
            folder_choice,
            network,
            port,
        })
    }

    /// The same network and port for an emulated device: a folder of its own, and nothing that would make the
    /// node beside it mine, dial, or talk into the device's console.
    pub fn for_device(self) -> Self {
        let folder = folder::of_device(&self.folder);
        let log_level = self.log_level.min(LevelFilter::WARN);
        Self { folder, peers: Vec::new(), mine: Switch::Off, log_level, ..self }
    }

    /// The settings of the node beside the device of these settings.
    pub fn beside_device(&self) -> Self {
        Self { folder: self.folder.join("node"), ..self.clone() }
    }

    /// Where the node's wallet is or will be.
    pub fn wallet_path(&self) -> PathBuf {
        self.folder.join(WALLET_FILE)
    }

    /// Makes the node's folder where there is none; nobody else may look into it.
    pub fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}

/// Name of the wallet file in a node's folder.
const WALLET_FILE: &str = "wallet.json";

/// Name of the file with settings in the data folder.
const FILE: &str = "mote.toml";

fn reason(error: impl ToString) -> String {
    error.to_string()
}

fn parse_network(text: &str) -> Result<Network, String> {
    text.parse().map_err(reason)
}

fn parse_port(text: &str) -> Result<u16, String> {
    parse_digits(text).ok_or_else(|| "expected a number from 0 to 65535".to_owned())
}

fn parse_host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = if bare.contains(':') { format!("[{bare}]:1") } else { format!("{bare}:1") };
    match with_port.parse::<PeerAddress>() {
        Ok(_) => Ok(bare.to_owned()),
        Err(_) => Err("expected an IP address or a host name".to_owned()),
    }
}

fn parse_bool(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "expected true or false".to_owned())
}

fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = parse_digits(text).filter(|threads| *threads <= THREADS_MAX).and_then(NonZeroUsize::new);
    threads.ok_or_else(|| format!("expected a number from 1 to {THREADS_MAX}"))
}

fn parse_limit(text: &str) -> Result<RateLimit, String> {
    if text == "none" {
        return Ok(RateLimit::Unlimited);
    }
    let limit = parse_digits(text).filter(|limit| *limit > 0);
    let limit = limit.ok_or_else(|| "expected attempts a second, at least 1, or none".to_owned())?;
    Ok(RateLimit::PerSecond(limit))
}

fn parse_level(text: &str) -> Result<LevelFilter, String> {
    match text {
        "off" | "error" | "warn" | "info" | "debug" | "trace" => text.parse().map_err(reason),
        _ => Err("expected off, error, warn, info, debug or trace".to_owned()),
    }
}

/// An origin as browsers send it (RFC 6454): scheme, host, and the port where it is not the default.
fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |host: &&str| {
        let authority = host.to_ascii_lowercase() == **host;
        let with_port = if host.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
            host.parse::<PeerAddress>()
        } else {
            format!("{host}:1").parse()
        };
        authority && with_port.is_ok()
    };
    match host.filter(is_plain) {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err("expected an origin such as https://example.org, lower-case and without a path".to_owned())
        }
    }
}

/// A number written with decimal digits alone: the standard library also takes a leading plus.
fn parse_digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    struct Case {
        folder: tempfile::TempDir,
        variables: Vec<(String, String)>,
        flags: Flags,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let variables = vec![("MOTE_DATA".to_owned(), folder.path().display().to_string())];
            Self { folder, variables, flags: Flags::default() }
        }

        fn file(self, text: &str) -> Self {
            std::fs::write(self.folder.path().join("mote.toml"), text).unwrap();
            self
        }

        fn variable(mut self, name: &str, value: &str) -> Self {
            self.variables.push((name.to_owned(), value.to_owned()));
            self
        }

        fn flag(mut self, key: &'static str, value: &str) -> Self {
            self.flags.push(key, value.to_owned());
            self
        }

        fn resolve(self) -> Result<Config, String> {
            let surroundings = Surroundings { variables: self.variables, current: Path::new("/").into() };
            Config::resolve(self.flags, &surroundings).map_err(|error| error.to_string())
        }
    }

    #[test]
    fn defaults_need_nothing() {
        let config = Case::new().resolve().unwrap();
        assert_eq!((config.network, config.port), (Network::Local, 7700));
        assert_eq!((config.host.as_str(), config.mine), ("127.0.0.1", Switch::Off));
        assert_eq!(config.mining_limit, RateLimit::PerSecond(200_000));
        assert!(config.folder.ends_with("local-7700"));
        let main = Case::new().flag("network", "main").resolve().unwrap();
        assert_eq!(main.mining_limit, RateLimit::Unlimited);
    }

    #[test]
    fn nearer_layers_win() {
        let file = "port = 1\nhost = \"::1\"\nmine = true\npeer = [\"a:1\", \"b:2\"]\nnetwork = 'local:lab'";
        let case = || Case::new().file(file).variable("MOTE_PORT", "2").variable("MOTE_PEER", "c:3,d:4");
        let config = case().resolve().unwrap();
        assert_eq!((config.port, config.host.as_str(), config.mine), (2, "::1", Switch::On));
        assert_eq!(config.peers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["c:3", "d:4"]);
        assert!(config.folder.ends_with("local-lab-2"));
        let config = case().flag("port", "3").flag("peer", "e:5").flag("mine", "false").resolve().unwrap();
        assert_eq!((config.port, config.peers.len(), config.mine), (3, 1, Switch::Off));
    }

    #[test]
    fn wrong_values_name_their_source() {
        for (case, expected) in [
            (Case::new().flag("port", "65536"), "--port: got \"65536\", expected a number from 0 to 65535"),
            (Case::new().variable("MOTE_THREADS", "0"), "MOTE_THREADS: got \"0\", expected a number from 1"),
            (Case::new().file("\nmine = \"yes\""), "mote.toml:2: got \"yes\", expected true or false"),
            (
                Case::new().file("# a\n\nprot = 7700"),
                "mote.toml:3: unknown key prot, expected network, host,",
            ),
            (Case::new().file("data = '/tmp'"), "mote.toml:1: unknown key data"),
            (Case::new().file("port = 1.5"), "mote.toml:1: port: got a float"),
            (Case::new().file("port = [1]"), "mote.toml:1: port: got an array, expected one value"),
            (Case::new().file("host = 'a'\nhost = 'b'"), "mote.toml:2: "),
            (Case::new().file("[a"), "mote.toml:1: "),
            (Case::new().flag("host", "http://a"), "--host: got"),
            (Case::new().flag("mining_limit", "fast"), "--mining-limit: got"),
            (Case::new().flag("peer_origin", "https://a.org/"), "--peer-origin: got"),
            (Case::new().flag("log_level", "mote=debug"), "--log-level: got"),
        ] {
            let error = case.resolve().unwrap_err();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        }
    }

    #[test]
    fn a_file_is_taken_whole_or_not_at_all() {
        let long = |text: &str| Case::new().file(&format!("{text}\n{}\nport = 1\n", "#".repeat(1 << 20)));
        let error = long("port = 2").resolve().unwrap_err();
        assert!(error.contains("mote.toml") && error.contains("expected at most 1048576 bytes"), "{error}");
    }

    #[test]
    fn origins_are_those_that_browsers_send() {
        for text in ["https://example.org", "http://localhost:8080", "http://[::1]:80"] {
            assert_eq!(parse_origin(text), Ok(text.to_owned()));
        }
        for text in ["*", "null", "example.org", "https://", "ftp://a", "https://a b", "https://A.org"] {
            assert!(parse_origin(text).is_err(), "{text}");
        }
    }
}
