//! What comes from elsewhere: every package from the one registry and with its checksum, under a licence that
//! allows what ours allows, in one version, and without a known fault.
//!
//! `cargo deny` asks the same and takes minutes to build; the answers here need no network. Known faults are
//! those of a snapshot of the RustSec database, of which `tests/advisories.toml` has what concerns the
//! packages in `Cargo.lock`. A package that the snapshot was not made for fails the test. To make it anew, get
//! the database (github.com/rustsec/advisory-db) and run, with its folder,
//!
//! ```text
//! MOTE_ADVISORIES=FOLDER cargo test -p mote-tests --test all supply
//! ```
//!
//! which writes the file where it differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SNAPSHOT: &str = "tests/advisories.toml";

/// Licences that allow anybody to use, change and pass on, and ask for no more than a note.
const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Packages that are here in two versions, and who still needs the older one.
const TWICE: [(&str, &str); 7] = [
    ("bitflags", "smoltcp needs the first version"),
    ("embedded-hal", "cortex-m implements both"),
    ("hashbrown", "ed25519-zebra needs the older one"),
    ("nb", "the first embedded-hal is made of the first"),
    ("rustc_version", "bare-metal, of cortex-m, needs the first"),
    ("semver", "that rustc_version needs the first"),
    ("syn", "some macros are still built with the second version"),
];

/// Known faults that concern nothing here, each with its reason.
const HARMLESS: [(&str, &str); 1] =
    [("RUSTSEC-2026-0110", "bare-metal is cortex-m's, which names its types and nobody here does")];

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: Version,
    source: Option<String>,
    checksum: Option<String>,
}

/// What is known of the packages of one `Cargo.lock`.
#[derive(Deserialize, PartialEq, Serialize)]
struct Snapshot {
    /// The newest advisory of the whole database: how old the snapshot is.
    newest: String,
    packages: BTreeSet<String>,
    #[serde(default)]
    advisory: Vec<Advisory>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Advisory {
    id: String,
    package: String,
    /// `unmaintained` or `unsound`, where it is no vulnerability.
    #[serde(skip_serializing_if = "Option::is_none")]
    informational: Option<String>,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
}

impl Advisory {
    fn concerns(&self, name: &str, version: &Version) -> bool {
        let is_free = |ranges: &[VersionReq]| ranges.iter().any(|range| range.matches(version));
        self.package == name && !is_free(&self.patched) && !is_free(&self.unaffected)
    }
}

fn foreign() -> Vec<Locked> {
    let text = fs::read_to_string(format!("{ROOT}/Cargo.lock")).expect("the lock file is committed");
    let mut lock: Lock = toml::from_str(&text).expect("cargo wrote it");
    lock.package.retain(|package| package.source.is_some() || !package.name.starts_with("mote"));
    assert!(lock.package.len() > 100, "the packages are seen");
    lock.package
}

fn snapshot() -> Snapshot {
    let text = fs::read_to_string(format!("{ROOT}/{SNAPSHOT}")).expect("the snapshot is committed");
    toml::from_str(&text).expect("it was written here")
}

#[test]
fn every_package_is_from_one_registry_and_has_its_checksum() {
    let packages = foreign();
    let registry = packages.first().and_then(|package| package.source.clone()).expect("there is one");
    assert!(registry.starts_with("registry+https://"), "{registry}");
    for Locked { name, version, source, checksum } in packages {
        assert_eq!(source.as_ref(), Some(&registry), "{name} {version}");
        assert!(checksum.is_some_and(|sum| sum.len() == 64), "{name} {version}");
    }
}

#[test]
fn no_package_is_here_twice_without_reason() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in foreign() {
        versions.entry(package.name).or_default().push(package.version.to_string());
    }
    versions.retain(|_, versions| versions.len() > 1);
    for (name, versions) in &versions {
        let reason = TWICE.iter().find(|(twice, _)| twice == name);
        assert!(reason.is_some(), "{name} is here as {versions:?}");
    }
    for (name, reason) in TWICE {
        assert!(versions.contains_key(name), "{name} is here once; {reason} no more");
    }
}

#[test]
fn no_package_has_a_known_fault() {
    let (snapshot, packages) = (snapshot(), foreign());
    for Locked { name, version, .. } in &packages {
        assert!(snapshot.packages.contains(name), "{SNAPSHOT} was made without {name}: make it anew");
        for advisory in snapshot.advisory.iter().filter(|advisory| advisory.concerns(name, version)) {
            let is_harmless = HARMLESS.iter().any(|(id, _)| *id == advisory.id);
            assert!(is_harmless, "{name} {version}: {advisory:?}");
        }
    }
    for (id, reason) in HARMLESS {
        let advisory = snapshot.advisory.iter().find(|advisory| advisory.id == id);
        let concerns = |advisory: &Advisory| {
            packages.iter().any(|package| advisory.concerns(&package.name, &package.version))
        };
        assert!(advisory.is_some_and(concerns), "{id} concerns nothing any more: {reason}");
    }
}

#[test]
fn a_known_fault_would_be_found() {
    let advisories = snapshot().advisory;
    assert!(advisories.len() > 20, "the snapshot has advisories");
    // Every one of them would be found in the oldest version of its package.
    let zero = Version::new(0, 0, 0);
    let found = advisories.iter().filter(|advisory| advisory.concerns(&advisory.package, &zero));
    assert!(found.count() > 10);
    let text = "id = 'X'\npackage = 'a'\npatched = ['>= 1.2.3', '^1.1.5']\nunaffected = ['< 1.0.0']";
    let advisory: Advisory = toml::from_str(text).expect("it is an advisory");
    for (version, is_concerned) in [
        ("0.9.9", false),
        ("1.0.0", true),
        ("1.1.4", true),
        ("1.1.5", false),
        ("1.2.2", false),
        ("1.2.3", false),
    ] {
        assert_eq!(advisory.concerns("a", &version.parse().expect("a version")), is_concerned, "{version}");
    }
    assert!(!advisory.concerns("b", &Version::new(1, 0, 0)));
}

#[test]
fn every_package_has_a_licence_that_allows_what_ours_allows() {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        license: Option<String>,
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--locked", "--format-version", "1"]).current_dir(ROOT);
    // What other systems would need is neither built nor fetched here.
    command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    command.args(["--filter-platform", "thumbv7m-none-eabi"]);
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo wrote it");
    assert!(metadata.packages.len() > 100);
    for package in metadata.packages {
        let licence = package.license.unwrap_or_default();
        assert!(allows(&licence), "{}: {licence:?}", package.name);
    }
}

/// Whether an SPDX expression can be met with the licences above alone.
fn allows(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest).is_some_and(|allowed| allowed && rest.is_empty())
}

/// Whether what stands before the next bracket or end is allowed; none where it is no expression.
fn either(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = both(rest)?;
    while let Some((&"OR", after)) = rest.split_first() {
        *rest = after;
        allowed |= both(rest)?;
    }
    Some(allowed)
}

fn both(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(rest)?;
    while let Some((&"AND", after)) = rest.split_first() {
        *rest = after;
        allowed &= one(rest)?;
    }
    Some(allowed)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    match (*first, after) {
        ("(", _) => {
            let allowed = either(rest)?;
            let (end, after) = rest.split_first()?;
            *rest = after;
            (*end == ")").then_some(allowed)
        }
        (")" | "OR" | "AND" | "WITH", _) => None,
        (licence, ["WITH", exception, after @ ..]) => {
            *rest = after;
            Some(LICENCES.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        (licence, _) => Some(LICENCES.contains(&licence)),
    }
}

#[test]
fn licences_are_read_as_they_are_written() {
    for expression in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
        "MIT AND (GPL-3.0-only OR Zlib)",
    ] {
        assert!(allows(expression), "{expression}");
    }
    for expression in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR Apache-2.0) AND MPL-2.0",
        "MIT OR",
        "(MIT",
        "MIT Apache-2.0",
        "Apache-2.0 WITH Classpath-exception-2.0",
    ] {
        assert!(!allows(expression), "{expression}");
    }
}

#[test]
fn the_snapshot_of_the_supply_is_made_anew_where_the_database_is() {
    let Some(folder) = env::var_os("MOTE_ADVISORIES") else { return };
    let packages: BTreeSet<String> = foreign().into_iter().map(|package| package.name).collect();
    let (mut newest, mut advisory) = (String::new(), Vec::new());
    for package in fs::read_dir(Path::new(&folder).join("crates")).expect("it is the database") {
        let package = package.expect("it is readable");
        for file in fs::read_dir(package.path()).expect("it is readable") {
            let text = fs::read_to_string(file.expect("it is readable").path()).expect("it is text");
            let (_, rest) = text.split_once("```toml").expect("it starts with a table");
            let (table, _) = rest.split_once("```").expect("the table ends");
            let table: toml::Table = toml::from_str(table).expect("it is a table");
            let (about, versions) = (&table["advisory"], &table["versions"]);
            let text = |name: &str| about.get(name).and_then(toml::Value::as_str).map(str::to_owned);
            newest = newest.max(text("date").expect("it has a date"));
            let name = text("package").expect("it names a package");
            if text("withdrawn").is_some() || !packages.contains(&name) {
                continue;
            }
            let ranges = |name: &str| -> Vec<VersionReq> {
                let ranges = versions.get(name).cloned().unwrap_or(toml::Value::Array(Vec::new()));
                ranges.try_into().expect("ranges of versions")
            };
            let (id, informational) = (text("id").expect("it has an id"), text("informational"));
            let (patched, unaffected) = (ranges("patched"), ranges("unaffected"));
            advisory.push(Advisory { id, package: name, informational, patched, unaffected });
        }
    }
    advisory.sort_by(|one, other| one.id.cmp(&other.id));
    let made = Snapshot { newest, packages, advisory };
    let text = toml::to_string(&made).expect("it can be written");
    let path = format!("{ROOT}/{SNAPSHOT}");
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return;
    }
    fs::write(&path, text).expect("the project is writable");
    panic!("{SNAPSHOT} was made anew: look at what changed, and commit it");
}
