//! The file of a node's settings: what is in it is taken as it stands or refused, and a variable and a flag count for
//! more.

use std::fs;
use std::sync::OnceLock;

use mote::config::{Config, ConfigError, Flags, Surroundings};
use mote_core::address::{Address, AddressPrefix};
use mote_core::params::Params;
use toml::{Table, Value};

use crate::fixtures::account;

/// Every key that there is.
const KEYS: [&str; 11] = [
    "network",
    "host",
    "port",
    "peer",
    "mine",
    "threads",
    "mining_limit",
    "log_level",
    "require_token",
    "checkpoint_key",
    "peer_origin",
];

/// The bytes are the file.
pub fn run(data: &[u8]) {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path();
    let folder = folder.join(format!("{:?}", std::thread::current().id()));
    fs::create_dir_all(&folder).expect("the folder is writable");
    fs::write(folder.join("mote.toml"), data).expect("the folder is writable");
    let resolve = |variables: &[(&str, &str)], port: Option<&str>| {
        let mut flags = Flags::default();
        flags.push("data", folder.display().to_string());
        port.into_iter().for_each(|port| flags.push("port", port.to_owned()));
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Config::resolve(flags, &Surroundings { variables, current: folder.clone() })
    };
    let config = match resolve(&[], None) {
        Ok(config) => config,
        Err(error) => return assert!(says_where(&error), "{error}"),
    };
    let text = std::str::from_utf8(data).expect("a file that is taken is text");
    let table: Table = text.parse().expect("a file that is taken is TOML");
    assert!(table.keys().all(|key| KEYS.contains(&key.as_str())), "an unknown key is taken");
    // A value is the text that a flag would have; one alone is a list of one.
    let all = |key: &str| match table.get(key) {
        Some(Value::Array(values)) => values.iter().map(text_of).collect(),
        value => value.map(text_of).into_iter().collect::<Vec<_>>(),
    };
    let one = |key: &str, default: &str| all(key).pop().unwrap_or(default.to_owned());
    assert_eq!(Ok(config.port), one("port", "7700").parse());
    assert_eq!(config.network.to_string(), one("network", "local"));
    assert_eq!(config.mine == mote::node::request::Switch::On, one("mine", "false") == "true");
    assert_eq!(config.peers.len(), all("peer").len());
    let keys = all("checkpoint_key").into_iter().map(|key| {
        let key: Address = key.parse().expect("a key is an address");
        assert_eq!(key.prefix(), Params::new(config.network.clone()).address_prefix);
        key.public_key()
    });
    assert_eq!(config.checkpoint_keys, keys.collect::<Vec<_>>());
    assert!(config.folder.starts_with(&folder), "data outside of the folder");
    // A key that is named belongs to a network.
    let other =
        if config.checkpoint_keys.is_empty() { "regtest".to_owned() } else { config.network.to_string() };
    let by_variable =
        resolve(&[("MOTE_PORT", "7701"), ("MOTE_NETWORK", &other)], None).expect("both are settings");
    assert_eq!((by_variable.port, by_variable.network.to_string()), (7_701, other));
    let by_flag = resolve(&[("MOTE_PORT", "7701")], Some("7702")).expect("both are settings");
    assert_eq!(by_flag.port, 7_702);
}

/// Files with every key.
pub fn seeds() -> Vec<Vec<u8>> {
    let key = |prefix| Address::new(prefix, account(1));
    let local = key(AddressPrefix::Local);
    let named = format!("checkpoint_key = [\"{local}\"]\n");
    let of_another = format!("checkpoint_key = [\"{}\"]\n", key(AddressPrefix::Main));
    let of_main = format!("network = \"main\"\n{of_another}");
    [
        named.as_str(),
        &of_another,
        &of_main,
        "network = \"local:group\"\nhost = \"0.0.0.0\"\nport = 7701\npeer = [\"127.0.0.1:7700\", \"node.example:7700\"]\n",
        "mine = true\nthreads = 2\nmining_limit = 1000\nlog_level = \"debug\"\n",
        "mining_limit = \"none\"\nrequire_token = true\npeer_origin = [\"https://example.org\"]\n",
        "# nothing\n",
        "port = \"7701\"\npeer = \"127.0.0.1:7700\"\nmine = \"true\"\n",
        "ports = 7700\n",
        "[port]\nx = 1\n",
        "port = 0\nhost = \"::1\"\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn says_where(error: &ConfigError) -> bool {
    error.to_string().contains("mote.toml")
}
