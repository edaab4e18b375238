//! Cards of devices, checkpoints for their programs, and a device in an emulator.

mod checkpoint;
pub mod flags;
mod provision;
pub mod run;
mod show;
#[cfg(test)]
mod tests;

use std::io::Write;

use super::error::CliError;
use crate::config::Config;
use flags::DeviceVerb;

/// Does what is asked of a device, but for running one, which is the program's composition root.
pub fn device(verb: DeviceVerb, config: &Config, out: &mut impl Write) -> Result<(), CliError> {
    match verb {
        DeviceVerb::Provision(arguments) => provision::provision(config, &arguments, out),
        DeviceVerb::Checkpoint(arguments) => checkpoint::checkpoint(config, &arguments, out),
        DeviceVerb::Show(arguments) => show::show(&arguments, out),
        DeviceVerb::Run(_) => Err(CliError::Usage("a device is no question to a node".to_owned())),
    }
}
