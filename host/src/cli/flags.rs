//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mote_core::hash::Hash32;

use super::device::flags::{DeviceVerb, EmulateArguments, NODE_PORT};
use super::error::CliError;
use super::output::Form;
use super::simulate::flags::SimulateArguments;
use crate::config::{Config, Flags, Surroundings};

/// Mote: a proof-of-work ledger that a microcontroller can check.
///
/// Without a verb it runs a node on the local network and prints the address of its page. The other
/// verbs ask that node, or work on its data folder while it does not run.
#[derive(Debug, Parser)]
#[command(name = "mote", version, after_long_help = SETTINGS)]
pub struct Cli {
    #[command(flatten)]
    node: NodeFlags,
    #[command(flatten)]
    run: RunFlags,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// Which node is meant.
#[derive(Args, Debug)]
struct NodeFlags {
    /// local, local:NAME, test, main or regtest [default: local]
    #[arg(long, global = true, value_name = "NETWORK")]
    network: Option<String>,
    /// Address to listen on, or of the node to ask; 0.0.0.0 opens a node to others [default: 127.0.0.1]
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// TCP port of the node; each port has data of its own [default: 7700]
    #[arg(long, global = true, value_name = "PORT")]
    port: Option<String>,
    /// Data folder [default: $XDG_DATA_HOME/mote, else ~/.local/share/mote]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<String>,
}

/// How a node runs.
#[derive(Args, Clone, Debug, Default)]
pub struct RunFlags {
    /// Keep a connection to this peer (may be repeated)
    #[arg(long, value_name = "HOST:PORT")]
    peer: Vec<String>,
    /// Mine from the start, for the wallet
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    mine: Option<String>,
    /// Threads that mine [default: 1]
    #[arg(long, value_name = "COUNT")]
    threads: Option<String>,
    /// Attempts a second of --mine at the most, or none; `mote mine` has no limit [default: 200000 on local networks]
    #[arg(long, value_name = "RATE")]
    mining_limit: Option<String>,
    /// off, error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Ask for the token also from this computer
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    require_token: Option<String>,
    /// Follow the signed checkpoints of this address, whatever chain has more work (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    checkpoint_key: Vec<String>,
    /// A web origin whose pages may connect as peers (may be repeated)
    #[arg(long, value_name = "ORIGIN")]
    peer_origin: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a node (what mote does without a verb)
    Run(RunFlags),
    /// Show how the node is doing
    Status(Form),
    /// Make, show and use the wallet
    #[command(subcommand)]
    Wallet(WalletVerb),
    /// Mine blocks for the wallet, one unless told otherwise
    Mine(MineArguments),
    /// List, add and remove peers
    #[command(subcommand)]
    Peers(PeersVerb),
    /// Show a block with its transactions
    Block(BlockArguments),
    /// Show a transaction and where it is
    Tx(TransactionArguments),
    /// Ask every peer for its chain now and follow the one of most work
    Resolve(Form),
    /// Vouch for blocks, and follow those that others vouch for
    #[command(subcommand)]
    Checkpoint(CheckpointVerb),
    /// Write the chain as text, one block a line
    Export(ExportArguments),
    /// Read a chain from such a text, checking every rule
    Import(ImportArguments),
    /// Check a receipt; without one, a whole data folder from the first block on, without changing it
    Verify(VerifyArguments),
    /// Run a world of many nodes that fail in every way, all from one seed, and check every step
    Simulate(SimulateArguments),
    /// Make and run devices: nodes on microcontrollers
    #[command(subcommand)]
    Device(DeviceVerb),
}

/// What to do with the wallet.
#[derive(Debug, Subcommand)]
pub enum WalletVerb {
    /// Make a wallet and show the 24 words that are its only backup
    New(SecretArguments),
    /// Show the wallet's address
    Show(Form),
    /// Make the wallet anew from its 24 words, which are asked for
    Restore(SecretArguments),
    /// Show what the wallet, or any account, has
    Balance(AccountArguments),
    /// Pay somebody
    Send(SendArguments),
    /// List the transactions of the wallet, or of any account
    History(HistoryArguments),
}

/// What to do with the peers.
#[derive(Debug, Subcommand)]
pub enum PeersVerb {
    /// List the peers
    List(Form),
    /// Keep a connection to a peer, over restarts
    Add(PeerArguments),
    /// Drop a peer and forget it
    Remove(PeerArguments),
}

/// What to do with signed checkpoints. What a device trusts from the start is another thing: see `device`.
#[derive(Debug, Subcommand)]
pub enum CheckpointVerb {
    /// Vouch for a block of the node's chain with a key of its wallet; prints the checkpoint
    Sign(SignCheckpointArguments),
    /// Follow a checkpoint of a key that `mote run --checkpoint-key` named
    Add(AddCheckpointArguments),
    /// List the checkpoints that the node keeps
    List(Form),
}

/// Which block to vouch for.
#[derive(Args, Debug)]
pub struct SignCheckpointArguments {
    /// Its height, a few blocks below the tip: what is signed cannot be taken back
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub height: u64,
    /// Address of the wallet whose key signs [default: the first]
    #[arg(long, value_name = "ADDRESS")]
    pub key: Option<String>,
    /// Take the passphrase of a locked wallet from the first line of a file instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// Which checkpoint to follow.
#[derive(Args, Debug)]
pub struct AddCheckpointArguments {
    /// File with the checkpoint, - for standard input
    pub file: PathBuf,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// How a wallet is made.
#[derive(Args, Debug)]
pub struct SecretArguments {
    /// Take the passphrase from the first line of a file instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which account.
#[derive(Args, Debug)]
pub struct AccountArguments {
    /// Address of the account [default: the wallet's]
    pub address: Option<String>,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// A payment.
#[derive(Args, Debug)]
pub struct SendArguments {
    /// Address to pay
    pub to: String,
    /// Motes to pay, such as 12.5
    pub amount: String,
    /// Motes for whoever mines the payment; the least is 0.001
    #[arg(long, value_name = "MOTES")]
    pub fee: Option<String>,
    /// A note of up to 64 bytes that everybody can read
    #[arg(long, value_name = "TEXT", conflicts_with = "memo_hex")]
    pub memo: Option<String>,
    /// The same as bytes
    #[arg(long, value_name = "HEX")]
    pub memo_hex: Option<String>,
    /// The payment's number: sending it twice with the same one never pays twice
    #[arg(long, value_name = "NUMBER")]
    pub nonce: Option<u64>,
    /// Take the passphrase of a locked wallet from the first line of a file instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which transactions.
#[derive(Args, Debug)]
pub struct HistoryArguments {
    /// Address of the account [default: the wallet's]
    pub address: Option<String>,
    /// How many, newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub limit: u8,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// How many blocks to mine.
#[derive(Args, Debug)]
pub struct MineArguments {
    /// How many blocks
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which peer.
#[derive(Args, Debug)]
pub struct PeerArguments {
    /// Where it listens, as host:port
    pub peer: String,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which block.
#[derive(Args, Debug)]
pub struct BlockArguments {
    /// Its height or its id
    pub block: String,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which transaction.
#[derive(Args, Debug)]
pub struct TransactionArguments {
    /// Its id
    pub id: String,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Where the chain goes.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// File to write, replaced only once all of it is there [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Where the chain comes from.
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// File to read, - for standard input
    pub file: PathBuf,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// What to check.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// File with the receipt of a transaction or an account, - for standard input [default: the data folder]
    pub receipt: Option<PathBuf>,
    /// Id of a block that you trust, to which the receipt must lead
    #[arg(long, value_name = "ID", requires = "receipt")]
    pub tip: Option<Hash32>,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// A command line with its settings.
#[derive(Debug)]
pub enum Invocation {
    /// Run a node.
    Run(Box<Config>),
    /// Run a device in an emulator.
    Emulate(Box<EmulateArguments>, Box<Config>),
    /// Do something else.
    Verb(Verb, Box<Config>),
}

impl Cli {
    /// Resolves the settings that the command line, the surroundings and the file give.
    pub fn resolve(self, surroundings: &Surroundings) -> Result<Invocation, CliError> {
        let mut flags = Flags::default();
        let NodeFlags { network, host, mut port, data } = self.node;
        if matches!(self.verb, Some(Verb::Device(DeviceVerb::Run(_)))) {
            // The node beside a device is not the one that variables and file speak of.
            port.get_or_insert_with(|| NODE_PORT.to_string());
        }
        for (key, value) in [("network", network), ("host", host), ("port", port), ("data", data)] {
            value.into_iter().for_each(|value| flags.push(key, value));
        }
        let had = self.run.push(&mut flags);
        match self.verb {
            None => Config::resolve(flags, surroundings).map(Box::new).map(Invocation::Run),
            Some(Verb::Run(run)) => {
                run.push(&mut flags);
                Config::resolve(flags, surroundings).map(Box::new).map(Invocation::Run)
            }
            Some(_) if had > 0 => {
                let reason = "flags that say how a node runs belong to `mote run`, not to another verb";
                return Err(CliError::Usage(reason.to_owned()));
            }
            Some(Verb::Device(DeviceVerb::Run(mut arguments))) => {
                let firmware = surroundings.variable("MOTE_FIRMWARE");
                arguments.firmware = arguments.firmware.or_else(|| firmware.map(PathBuf::from));
                Config::resolve(flags, surroundings)
                    .map(|config| Invocation::Emulate(Box::new(arguments), Box::new(config.for_device())))
            }
            Some(verb) => {
                Config::resolve(flags, surroundings).map(|config| Invocation::Verb(verb, Box::new(config)))
            }
        }
        .map_err(CliError::from)
    }
}

impl RunFlags {
    /// Adds the flags that are there and returns how many that were.
    fn push(self, flags: &mut Flags) -> usize {
        let Self { peer, mine, threads, mining_limit, log_level, require_token, checkpoint_key, peer_origin } =
            self;
        let lists = [("peer", peer), ("checkpoint_key", checkpoint_key), ("peer_origin", peer_origin)];
        let single = [
            ("mine", mine),
            ("threads", threads),
            ("mining_limit", mining_limit),
            ("log_level", log_level),
            ("require_token", require_token),
        ];
        let lists =
            lists.into_iter().flat_map(|(key, values)| values.into_iter().map(move |value| (key, value)));
        let single = single.into_iter().filter_map(|(key, value)| Some((key, value?)));
        lists.chain(single).map(|(key, value)| flags.push(key, value)).count()
    }
}

const SETTINGS: &str = "\
Settings
  Every flag above has a variable and, but for --data, a key in the file mote.toml in the data folder:
  --mining-limit, MOTE_MINING_LIMIT and mining_limit mean the same. A flag counts for more than a
  variable, and that for more than the file. A key that the file should not have is refused.

  mote.toml, with the defaults of the local network:

    network = \"local\"         # or local:NAME, test, main, regtest
    host = \"127.0.0.1\"        # 0.0.0.0 opens the node to others
    port = 7700
    peer = []                 # [\"192.0.2.7:7700\"]; in MOTE_PEER separated by commas
    mine = false
    threads = 1
    mining_limit = 200000     # attempts a second, or \"none\"
    log_level = \"info\"        # off, error, warn, info, debug, trace
    require_token = false     # ask for the file api-token also from this computer
    checkpoint_key = []       # addresses whose signed checkpoints to follow
    peer_origin = []          # web origins whose pages may connect as peers

  A node keeps its data in one folder per network and port below the data folder, such as local-7700.

First steps
  mote                        run a node and open the page that it prints
  mote wallet new             make a wallet (in a second terminal)
  mote mine                   mine a block for it
  mote --port 7701 --peer 127.0.0.1:7700
                              run a second node that follows the first
  mote device run             run a device in QEMU that checks every block, and mines";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::request::Switch;
    use clap::CommandFactory;

    fn resolve(line: &[&str]) -> Result<Invocation, String> {
        let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().unwrap();
        let variables = vec![("MOTE_DATA".to_owned(), folder.path().display().to_string())];
        let surroundings = Surroundings { variables, current: "/".into() };
        cli.resolve(&surroundings).map_err(|error| error.to_string())
    }

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_is_the_default() {
        for line in [&["mote", "--mine", "--port", "1"][..], &["mote", "--port", "1", "run", "--mine=true"]] {
            let Ok(Invocation::Run(config)) = resolve(line) else { panic!("{line:?}") };
            assert_eq!((config.port, config.mine), (1, Switch::On));
        }
    }

    #[test]
    fn verbs_take_the_flags_that_find_a_node_and_no_others() {
        let Ok(Invocation::Verb(Verb::Status(_), config)) =
            resolve(&["mote", "status", "--port", "2", "--json"])
        else {
            panic!("status takes a port");
        };
        assert_eq!(config.port, 2);
        assert!(resolve(&["mote", "--mine", "status"]).unwrap_err().contains("mote run"));
        assert!(resolve(&["mote", "status", "--mine"]).is_err());
        assert!(resolve(&["mote", "dance"]).is_err());
    }

    #[test]
    fn a_device_has_a_node_of_its_own() {
        let line = ["mote", "device", "run", "--network", "test", "--http", "0", "--", "-S"];
        let Ok(Invocation::Emulate(arguments, config)) = resolve(&line) else { panic!("{line:?}") };
        assert_eq!((config.port, config.mine), (NODE_PORT, Switch::Off));
        assert!(config.folder.ends_with("device-test-7710"));
        assert_eq!((arguments.http, arguments.arguments.len(), arguments.mine), (0, 1, None));
        assert!(config.beside_device().folder.ends_with("device-test-7710/node"));
        assert!(resolve(&["mote", "--mine", "device", "run"]).is_err());
    }
}
