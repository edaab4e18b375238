//! Where data is kept.

use std::path::{Path, PathBuf};

use mote_core::params::Network;

use super::layers::{ConfigError, Given, Surroundings};

/// The data folder: the named one, or the one that the system has for programs' data. A relative name
/// counts from the current folder, the default never does.
pub fn base(named: Option<Given>, surroundings: &Surroundings) -> Result<PathBuf, ConfigError> {
    if let Some(given) = named {
        if given.text.is_empty() {
            let expected = "expected a folder".to_owned();
            return Err(ConfigError::Value { given, expected });
        }
        return Ok(surroundings.current.join(given.text));
    }
    // The XDG specification says that relative paths are to be ignored.
    let absolute = |name| surroundings.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data_home =
        absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    data_home.map(|folder| folder.join("mote")).ok_or(ConfigError::NoHome)
}

/// The folder of one node. Neither two networks nor two ports share one: the name of a group cannot be
/// empty, and the port is what follows the last hyphen.
pub fn of_node(base: &Path, network: &Network, port: u16) -> PathBuf {
    let network = network.to_string().replace(':', "-");
    base.join(format!("{network}-{port}"))
}

/// The folder of an emulated device whose node, were it not the device's, would have `node`. No network
/// has a name that starts like this.
pub fn of_device(node: &Path) -> PathBuf {
    let name = node.file_name().unwrap_or_default().to_string_lossy();
    node.with_file_name(format!("device-{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Surroundings { variables: variables.collect(), current: "/somewhere".into() }
    }

    #[test]
    fn the_default_does_not_depend_on_the_current_folder() {
        let base = |variables: &[_]| base(None, &surroundings(variables)).ok();
        assert_eq!(base(&[("HOME", "/h")]), Some("/h/.local/share/mote".into()));
        assert_eq!(base(&[("HOME", "/h"), ("XDG_DATA_HOME", "/x")]), Some("/x/mote".into()));
        assert_eq!(base(&[("HOME", "/h"), ("XDG_DATA_HOME", "x")]), Some("/h/.local/share/mote".into()));
        assert_eq!(base(&[]), None);
    }

    #[test]
    fn every_network_and_port_has_a_folder() {
        let name = |network: &str, port| {
            let path = of_node(Path::new("/b"), &network.parse().unwrap(), port);
            path.display().to_string()
        };
        assert_eq!(name("local", 1), "/b/local-1");
        assert_eq!(name("local:my-lab", 7700), "/b/local-my-lab-7700");
        assert_eq!(of_device(Path::new("/b/local-1")), Path::new("/b/device-local-1"));
    }
}
