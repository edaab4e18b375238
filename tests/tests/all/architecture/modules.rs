//! Every Rust file must be reached from the root of a crate: one that is not is never compiled.

use super::tree::{Source, Tree, code, is_word_character};
use std::collections::BTreeSet;

/// Where Cargo finds crate roots by itself, beside those that a manifest names.
const FOLDERS_OF_ROOTS: [(&str, &str); 4] = [
    ("src/bin/", "autobins"),
    ("tests/", "autotests"),
    ("benches/", "autobenches"),
    ("examples/", "autoexamples"),
];

pub fn orphans(tree: &Tree) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let roots = tree.manifests().flat_map(|m| crate_roots(tree, m));
    let mut open: Vec<(String, Children)> = roots.map(|root| (root, Children::Beside)).collect();
    while let Some((path, children)) = open.pop() {
        let Some(source) = tree.get(&path) else {
            continue;
        };
        let folder = match children {
            Children::Beside => path.rsplit_once('/').map_or("", |(folder, _)| folder),
            Children::Below => path.trim_end_matches(".rs"),
        };
        for module in declared_modules(&code(&source.text)) {
            open.push((format!("{folder}/{module}.rs"), Children::Below));
            open.push((format!("{folder}/{module}/mod.rs"), Children::Beside));
        }
        reached.insert(path);
    }
    tree.rust_in("")
        .filter(|source| !reached.contains(&source.path))
        .map(|source| source.violation(1, "no `mod name;` leads here from the root of a crate"))
        .collect()
}

/// Where the modules that a file declares are looked for.
enum Children {
    Beside,
    Below,
}

fn crate_roots(tree: &Tree, manifest: &Source) -> Vec<String> {
    let table: toml::Table = manifest.text.parse().unwrap_or_default();
    let folder = manifest.path.trim_end_matches("Cargo.toml");
    let mut roots: Vec<String> =
        ["src/lib.rs", "src/main.rs", "build.rs"].iter().map(|root| format!("{folder}{root}")).collect();
    let targets = ["lib", "bin", "test", "bench", "example"];
    let named = targets.iter().filter_map(|kind| table.get(*kind));
    for target in named.flat_map(|t| t.as_array().map_or(std::slice::from_ref(t), Vec::as_slice)) {
        if let Some(path) = target.get("path").and_then(toml::Value::as_str) {
            roots.push(format!("{folder}{path}"));
        }
    }
    for (below, switch) in FOLDERS_OF_ROOTS {
        let package = table.get("package");
        if package.and_then(|p| p.get(switch)?.as_bool()) == Some(false) {
            continue;
        }
        let below = format!("{folder}{below}");
        let is_root = |path: &str| match path.strip_prefix(&below).map(|p| p.split_once('/')) {
            Some(Some((_, file))) => file == "main.rs",
            Some(None) => true,
            None => false,
        };
        let found = tree.rust_in(&below).filter(|source| is_root(&source.path));
        roots.extend(found.map(|source| source.path.clone()));
    }
    roots
}

fn declared_modules(code: &str) -> Vec<&str> {
    let mut words = code.split_inclusive(|c| !is_word_character(c)).peekable();
    let mut modules = Vec::new();
    while let Some(word) = words.next() {
        if word.trim_end() == "mod"
            && let Some(module) = words.peek().and_then(|name| name.strip_suffix(';'))
        {
            modules.push(module);
        }
    }
    modules
}

#[test]
fn finds_orphans() {
    let manifest = "[package]\nname = \"a\"\nautotests = false\n[[test]]\npath = \"tests/all/main.rs\"";
    let tree = Tree::planted(&[
        ("a/Cargo.toml", manifest),
        ("a/src/lib.rs", "pub mod b;\n#[cfg(test)]\nmod c;\n// mod lost;\nmod inline {}"),
        ("a/src/b.rs", "mod inner;"),
        ("a/src/b/inner.rs", ""),
        ("a/src/c/mod.rs", "mod d;"),
        ("a/src/c/d.rs", "mod lost { }"),
        ("a/src/inner.rs", ""),
        ("a/src/lost.rs", ""),
        ("a/benches/speed.rs", ""),
        ("a/tests/all/main.rs", "mod topic;"),
        ("a/tests/all/topic.rs", ""),
        ("a/tests/other.rs", ""),
    ]);
    let found = orphans(&tree);
    let places: Vec<&str> = found.iter().filter_map(|v| v.split(':').next()).collect();
    assert_eq!(places, ["a/src/inner.rs", "a/src/lost.rs", "a/tests/other.rs"]);
}
