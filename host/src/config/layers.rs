//! Settings as text, each with the place that it came from, before anybody asks what they mean.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// The settings that may stand in the file, in the order of the documentation.
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

/// The settings of which there may be several values.
const LISTS: [&str; 3] = ["peer", "checkpoint_key", "peer_origin"];

/// A longer file is none that somebody wrote by hand.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// The values of flags, under the keys of their settings.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(&'static str, String)>);

impl Flags {
    /// Adds the value of a flag; the last one counts, except for lists.
    pub fn push(&mut self, key: &'static str, value: String) {
        self.0.push((key, value));
    }
}

/// What a process finds around it, as an argument so that tests can choose it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// The current folder.
    pub current: PathBuf,
}

impl Surroundings {
    /// The surroundings of this process.
    pub fn of_process() -> io::Result<Self> {
        // A variable that is not Unicode is none of ours.
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            current: std::env::current_dir()?,
        })
    }

    /// The value of a variable; an empty one counts as absent.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(other, value)| other == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

/// A value and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub text: String,
    /// Where it was given.
    pub source: Source,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// By the flag of this setting.
    Flag(String),
    /// By this environment variable.
    Variable(String),
    /// On a line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => formatter.write_str(name),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value does not mean anything.
    #[error("{}: got {:?}, {expected}", given.source, given.text)]
    Value {
        /// The value.
        given: Given,
        /// What was expected.
        expected: String,
    },
    /// A line of the file cannot be used.
    #[error("{place}: {reason}")]
    File {
        /// Where.
        place: Source,
        /// Why.
        reason: String,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Nothing says where data could be kept.
    #[error("neither XDG_DATA_HOME nor HOME names a folder for data: name one with --data")]
    NoHome,
}

/// What is given, nearest layer first; the text of a setting is that of the first layer that has it.
pub struct Layers {
    layers: Vec<BTreeMap<&'static str, Vec<Given>>>,
}

impl Layers {
    /// The layers above the file: flags, then variables.
    pub fn new(flags: Flags, surroundings: &Surroundings) -> Self {
        let mut layers = vec![BTreeMap::<_, Vec<Given>>::new(); 2];
        let [flag_layer, variable_layer] = layers.as_mut_slice() else {
            return Self { layers };
        };
        for (key, text) in flags.0 {
            let source = Source::Flag(format!("--{}", key.replace('_', "-")));
            flag_layer.entry(key).or_default().push(Given { text, source });
        }
        for key in KEYS.into_iter().chain(["data"]) {
            let name = format!("MOTE_{}", key.to_ascii_uppercase());
            let Some(value) = surroundings.variable(&name) else { continue };
            let parts: Vec<&str> =
                if LISTS.contains(&key) { value.split(',').collect() } else { vec![value] };
            let given =
                |text: &str| Given { text: text.trim().to_owned(), source: Source::Variable(name.clone()) };
            variable_layer.insert(key, parts.into_iter().map(given).collect());
        }
        Self { layers }
    }

    /// Adds the file as the farthest layer, where there is one.
    pub fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
        let mut text = String::new();
        match std::fs::File::open(path) {
            Ok(file) => file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(error)),
        };
        // Of the first part alone, what stands behind it would be left out without a word.
        if text.len() as u64 > FILE_MAX_BYTES {
            let reason = format!("expected at most {FILE_MAX_BYTES} bytes");
            return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, reason)));
        }
        self.layers.push(parse_file(path, &text)?);
        Ok(())
    }

    /// The last value that the nearest layer has for a setting.
    pub fn last(&self, key: &str) -> Option<Given> {
        self.all(key).last().cloned()
    }

    /// What a setting means, where it is given.
    pub fn parse<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.last(key).map(|given| parse_given(given, &parse)).transpose()
    }

    /// What the values of a list mean.
    pub fn parse_all<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        self.all(key).iter().cloned().map(|given| parse_given(given, &parse)).collect()
    }

    fn all(&self, key: &str) -> &[Given] {
        self.layers.iter().find_map(|layer| layer.get(key)).map_or(&[], Vec::as_slice)
    }
}

fn parse_given<T>(given: Given, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, ConfigError> {
    parse(&given.text).map_err(|expected| ConfigError::Value { given, expected })
}

fn parse_file(path: &Path, text: &str) -> Result<BTreeMap<&'static str, Vec<Given>>, ConfigError> {
    let at = |offset: usize| {
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Source::File { path: path.to_owned(), line }
    };
    let error = |offset: usize, reason: String| ConfigError::File { place: at(offset), reason };
    let table = DeTable::parse(text).map_err(|refused| {
        let offset = refused.span().map_or(0, |span| span.start);
        error(offset, refused.message().to_owned())
    })?;
    let mut layer = BTreeMap::new();
    for (name, value) in table.get_ref() {
        let line = name.span().start;
        let Some(key) = KEYS.into_iter().find(|key| key == name.get_ref()) else {
            let name = name.get_ref().escape_debug();
            return Err(error(line, format!("unknown key {name}, expected {}", KEYS.join(", "))));
        };
        let values = match value.get_ref() {
            DeValue::Array(values) if LISTS.contains(&key) => values.iter().collect(),
            DeValue::Array(_) => {
                return Err(error(line, format!("{key}: got an array, expected one value")));
            }
            _ => vec![value],
        };
        let mut given = Vec::new();
        for value in values {
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Boolean(truth) => truth.to_string(),
                other => {
                    let got = other.type_str();
                    let expected = "expected a string, an integer, true or false";
                    return Err(error(value.span().start, format!("{key}: got a {got}, {expected}")));
                }
            };
            given.push(Given { text, source: at(value.span().start) });
        }
        layer.insert(key, given);
    }
    Ok(layer)
}
