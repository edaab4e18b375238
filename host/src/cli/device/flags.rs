//! What may be written behind `mote device`.

use std::ffi::OsString;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::output::Form;
use crate::node::request::PeerAddress;

/// The port of the node that runs beside an emulated device.
pub const NODE_PORT: u16 = 7710;

/// The port of this computer that leads to the page of an emulated device.
pub const HTTP_PORT: u16 = 7780;

/// What to do with a device.
#[derive(Debug, Subcommand)]
pub enum DeviceVerb {
    /// Write the image of a new card: network, key, name and peers of a device
    ///
    /// The key is made here, since a board may have no random source of its own; the emulated one has
    /// none. It is never shown. The image belongs on a card as it is, byte for byte.
    Provision(ProvisionArguments),
    /// Show whose card an image is
    Show(ShowArguments),
    /// Show a block as the checkpoint that a device can be built with
    ///
    /// Built with the line that this prints as MOTE_CHECKPOINT, a device starts at that block instead of
    /// genesis, trusts all below it, and refuses every chain that lacks it: choose a block that nothing
    /// will replace. The node whose data folder it comes from must be stopped; nothing is changed there.
    Checkpoint(CheckpointArguments),
    /// Run a device in QEMU, and a node for it to follow
    ///
    /// Its card, with a key of its own, is made when it first runs, and kept in the data folder. The node
    /// has a folder of its own there, listens at port 7710 unless --port says otherwise, and does not mine;
    /// with --peer there is none. The terminal is the device's console, and Ctrl-C stops both.
    Run(EmulateArguments),
}

/// Who a new device is.
#[derive(Args, Debug)]
pub struct ProvisionArguments {
    /// File to write
    pub image: PathBuf,
    /// A name of up to 24 ASCII characters, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    pub name: String,
    /// A full node to connect to, the first preferred (at most two)
    #[arg(long, value_name = "A.B.C.D:PORT")]
    pub peer: Vec<SocketAddrV4>,
    /// Take the 32-byte seed of the key (hex) from the first line of a file instead of making one
    #[arg(long, value_name = "FILE", conflicts_with = "no_key")]
    pub key: Option<PathBuf>,
    /// Make a device that checks and relays, and owns nothing
    #[arg(long)]
    pub no_key: bool,
    /// Make the key from the first line of a file, at least 32 random bytes (hex) that serve for this card
    /// alone, instead of this computer's random source
    #[arg(long, value_name = "FILE")]
    pub entropy: Option<PathBuf>,
    /// Mine from power-on
    #[arg(long)]
    pub mine: bool,
    /// Replace the file where there is one, and the key in it
    #[arg(long)]
    pub force: bool,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which card.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// The image
    pub image: PathBuf,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which block is a checkpoint.
#[derive(Args, Debug)]
pub struct CheckpointArguments {
    /// Height of the block [default: the highest multiple of 64 with 80 blocks or more above it]
    pub height: Option<u64>,
    /// How to print the result.
    #[command(flatten)]
    pub form: Form,
}

/// Which device is emulated.
#[derive(Args, Debug)]
pub struct EmulateArguments {
    /// A full node to follow instead of one that is started for it (at most two)
    #[arg(long, value_name = "HOST:PORT")]
    pub peer: Vec<PeerAddress>,
    /// The image of its card [default: one that is made when it first runs]
    #[arg(long, value_name = "CARD")]
    pub image_file: Option<PathBuf>,
    /// Its program [default: $MOTE_FIRMWARE, else what Cargo has built beside mote]
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    /// Port of this computer that leads to its page; 0 for any
    #[arg(long, value_name = "PORT", default_value_t = HTTP_PORT)]
    pub http: u16,
    /// Whether it mines from power-on [default: what its card says; true for a new one]
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    pub mine: Option<bool>,
    /// Further arguments for QEMU, such as -display gtk for a window with its display
    #[arg(last = true, value_name = "QEMU ARGUMENTS")]
    pub arguments: Vec<OsString>,
}
