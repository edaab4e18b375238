//! The command line: every verb but `run` itself, which is the program's composition root.
//!
//! A verb asks the running node over HTTP, or works on the data folder where no node runs and the verb
//! makes sense without one. Facts and tables are aligned for people; `--json` prints what programs
//! read. The exit code is 0 where a verb did what it was asked to, 1 where it failed, and 2 where the
//! command line or a setting is wrong.
//!
//! | file | purpose |
//! | --- | --- |
//! | `flags` | what may be written on the command line |
//! | `client` | HTTP to the running node |
//! | `folder`, `overlay` | the data folder while no node runs; the same without changing it |
//! | `output`, `progress`, `secret` | tables, progress, passphrases |
//! | `sync` | the progress of a running node |
//! | `status`, `wallet`, `mine`, `peers`, `chain`, `checkpoint` | verbs that ask the node |
//! | `export`, `import`, `verify` | verbs that work on files |
//! | `simulate` | the verb that needs neither |
//! | `device` | verbs that make and run devices |

mod chain;
mod checkpoint;
mod client;
pub mod device;
mod error;
mod export;
mod flags;
mod folder;
mod import;
mod mine;
mod output;
mod overlay;
mod peers;
mod progress;
mod secret;
mod simulate;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod verify;
mod wallet;

use std::io::Write;

pub use error::CliError;
pub use flags::{Cli, Invocation, Verb};
pub use folder::refused;
pub use progress::Progress;
pub use sync::show_sync;

use crate::config::Config;
use client::Client;

/// Does what `verb` asks for and writes its result to `out`.
pub fn execute(verb: Verb, config: &Config, out: &mut impl Write) -> Result<(), CliError> {
    match verb {
        Verb::Run(_) => Err(CliError::Usage("run is not a question to a node".to_owned())),
        Verb::Status(form) => status::status(&Client::new(config)?, form, out),
        Verb::Wallet(verb) => wallet::wallet(verb, config, out),
        Verb::Mine(arguments) => mine::mine(&Client::new(config)?, &arguments, out),
        Verb::Peers(verb) => peers::peers(&Client::new(config)?, verb, out),
        Verb::Checkpoint(verb) => checkpoint::checkpoint(&Client::new(config)?, verb, out),
        Verb::Block(arguments) => chain::block(&Client::new(config)?, &arguments, out),
        Verb::Tx(arguments) => chain::transaction(&Client::new(config)?, &arguments, out),
        Verb::Resolve(form) => chain::resolve(&Client::new(config)?, form, out),
        Verb::Export(arguments) => export::export(config, &arguments, out),
        Verb::Import(arguments) => import::import(config, &arguments, out),
        Verb::Simulate(arguments) => simulate::simulate(&arguments, out),
        Verb::Device(verb) => device::device(verb, config, out),
        Verb::Verify(arguments) => verify::verify(config, &arguments, out),
    }
}
