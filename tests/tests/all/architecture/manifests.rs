//! Which packages exist, and which of them may depend on which.

use super::tree::{Source, Tree};

/// Each package of ours with its folder and those of ours that it may depend on. The host runs the portable
/// part of the firmware as devices of its simulated world.
const PACKAGES: [(&str, &str, &[&str]); 4] = [
    ("mote-core", "core/", &[]),
    ("mote", "host/", &["mote-core", "mote-firmware"]),
    ("mote-firmware", "firmware/", &["mote-core"]),
    ("mote-tests", "tests/", &["mote-core", "mote", "mote-firmware"]),
];

/// What the firmware may depend on, each with the place in its manifest: `BOARD` is compiled for the device
/// alone. All of it needs neither std nor alloc; its tests may use more.
const FIRMWARE: [(&str, &str); 10] = [
    ("base64ct", PORTABLE),
    ("cortex-m", BOARD),
    ("cortex-m-rt", BOARD),
    ("embedded-graphics", PORTABLE),
    ("embedded-io", PORTABLE),
    ("heapless", PORTABLE),
    ("mote-core", PORTABLE),
    ("serde", PORTABLE),
    ("smoltcp", PORTABLE),
    ("thiserror", PORTABLE),
];
const PORTABLE: &str = "dependencies";
const BOARD: &str = "target.cfg(target_os = \"none\").dependencies";

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub fn forbidden_dependencies(tree: &Tree) -> Vec<String> {
    tree.manifests().flat_map(forbidden_in).collect()
}

fn forbidden_in(manifest: &Source) -> Vec<String> {
    let table: toml::Table = match manifest.text.parse() {
        Ok(table) => table,
        Err(error) => return vec![manifest.violation(1, &error.to_string())],
    };
    let Some(name) = table.get("package").and_then(|p| p.get("name")?.as_str()) else {
        return Vec::new();
    };
    let Some((_, _, allowed)) = PACKAGES.iter().find(|(package, ..)| *package == name) else {
        return vec![manifest.violation(1, &format!("{name} is no package of the layout"))];
    };
    let for_targets = table.get("target").and_then(toml::Value::as_table);
    let for_targets = for_targets.into_iter().flat_map(toml::Table::values);
    for_targets
        .filter_map(toml::Value::as_table)
        .chain([&table])
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flatten()
        .map(|(key, value)| (key, dependency_name(key, value)))
        .filter(|(_, on)| PACKAGES.iter().any(|(package, ..)| package == on))
        .filter(|(_, on)| !allowed.contains(on))
        .map(|(key, on)| {
            manifest.violation(line_of(manifest, key), &format!("{name} must not depend on {on}"))
        })
        .collect()
}

pub fn foreign_in_firmware(tree: &Tree) -> Vec<String> {
    let manifest = tree.get("firmware/Cargo.toml").expect("the firmware has a manifest");
    let table: toml::Table = match manifest.text.parse() {
        Ok(table) => table,
        Err(error) => return vec![manifest.violation(1, &error.to_string())],
    };
    let targets = table.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let targets = targets.map(|(target, parts)| (format!("target.{target}."), parts.as_table()));
    let mut violations = Vec::new();
    for (prefix, parts) in targets.chain([(String::new(), Some(&table))]) {
        for kind in KINDS.iter().filter(|kind| **kind != "dev-dependencies") {
            let place = format!("{prefix}{kind}");
            let dependencies = parts.and_then(|parts| parts.get(*kind)?.as_table()).into_iter().flatten();
            for (key, value) in dependencies {
                let on = dependency_name(key, value);
                if !FIRMWARE.contains(&(on, &place)) {
                    let reason = format!("the firmware must not depend on {on} in [{place}]");
                    violations.push(manifest.violation(line_of(manifest, key), &reason));
                }
            }
        }
    }
    violations
}

/// The package behind a dependency, which `package = "…"` may have renamed.
fn dependency_name<'a>(key: &'a str, value: &'a toml::Value) -> &'a str {
    value.get("package").and_then(toml::Value::as_str).unwrap_or(key)
}

fn line_of(manifest: &Source, key: &str) -> usize {
    let header = format!(".{key}]");
    let names = |line: &str| match line.strip_prefix(key) {
        Some(rest) => rest.starts_with([' ', '.', '=']),
        None => line.ends_with(&header),
    };
    let found = manifest.lines().find(|(_, line)| names(line));
    found.map_or(1, |(line, _)| line)
}

pub fn code_outside_packages(tree: &Tree) -> Vec<String> {
    tree.rust_in("")
        .filter(|source| PACKAGES.iter().all(|(_, folder, _)| !source.path.starts_with(folder)))
        .map(|source| source.violation(1, "is in the folder of no package"))
        .collect()
}

#[test]
fn finds_forbidden_dependencies() {
    let manifest = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
    let check = |text: &str| forbidden_dependencies(&Tree::planted(&[("a/Cargo.toml", text)]));
    for (name, rest, line) in [
        ("mote-core", "[dependencies]\nmote.workspace = true", 4),
        ("mote-core", "[dev-dependencies.mote-tests]\npath = \"x\"", 3),
        ("mote-firmware", "[build-dependencies]\nmote = \"1\"", 4),
        ("mote", "[target.'cfg(unix)'.dependencies]\nmote-tests = \"1\"", 4),
        ("mote", "[dependencies]\nx = { package = \"mote-tests\", path = \"x\" }", 4),
        ("other", "", 1),
    ] {
        let found = check(&manifest(name, rest));
        assert_eq!(found.len(), 1, "{name} {rest}: {found:?}");
        assert!(found[0].starts_with(&format!("a/Cargo.toml:{line}: ")), "{found:?}");
    }
    assert_eq!(check("[package").len(), 1);
    assert!(check(&manifest("mote", "[dependencies]\nmote-core = \"1\"")).is_empty());
}

#[test]
fn finds_what_the_firmware_may_not_use() {
    let check = |text: &str| foreign_in_firmware(&Tree::planted(&[("firmware/Cargo.toml", text)]));
    let board = "[target.'cfg(target_os = \"none\")'.dependencies]";
    for (text, line) in [
        ("[dependencies]\nserde.workspace = true\ntokio = \"1\"".to_owned(), 3),
        ("[dependencies]\nserde = { package = \"rand\", version = \"1\" }".to_owned(), 2),
        ("[dependencies]\ncortex-m = \"1\"".to_owned(), 2),
        ("[build-dependencies]\nserde = \"1\"".to_owned(), 2),
        ("[target.'cfg(unix)'.dependencies]\ncortex-m = \"1\"".to_owned(), 2),
        (format!("{board}\ncortex-m = \"1\"\nrand = \"1\""), 3),
    ] {
        let found = check(&text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&format!("firmware/Cargo.toml:{line}: ")), "{found:?}");
    }
    let allowed = "[dependencies]\nserde = \"1\"\n[dev-dependencies]\nproptest = \"1\"\n";
    assert!(check(&format!("{allowed}{board}\ncortex-m = \"1\"")).is_empty());
}

#[test]
fn finds_code_outside_packages() {
    let tree = Tree::planted(&[("core/src/lib.rs", ""), ("extra/src/lib.rs", "")]);
    assert_eq!(code_outside_packages(&tree).len(), 1);
}
