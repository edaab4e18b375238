//! Which file may name which foreign crate, and what the consensus core may not name at all.

use super::tree::{Tree, has_word};

/// A foreign crate, the only module that may name it, and the folders in which this holds.
struct Owned {
    name: &'static str,
    owner: &'static str,
    folders: &'static [&'static str],
}

const PROGRAMS: &[&str] = &["core/src/", "host/src/", "firmware/src/"];

const OWNED: [Owned; 5] = [
    Owned { name: "postcard", owner: "core/src/codec", folders: PROGRAMS },
    Owned { name: "ed25519_dalek", owner: "core/src/keys", folders: PROGRAMS },
    Owned { name: "ed25519_zebra", owner: "core/src/keys", folders: PROGRAMS },
    Owned { name: "bech32", owner: "core/src/address", folders: PROGRAMS },
    // The host's wallet derives keys with HMAC over SHA-512.
    Owned { name: "sha2", owner: "core/src/hash", folders: &["core/src/"] },
];

impl Owned {
    fn is_home(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.owner);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }
}

pub fn named_outside_owner(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for owned in &OWNED {
        let reason = format!("only {} may name {}", owned.owner, owned.name);
        for folder in owned.folders {
            let strangers = tree.rust_in(folder).filter(|s| !owned.is_home(&s.path));
            for source in strangers {
                for (line, code) in source.code_lines() {
                    if has_word(&code, owned.name) {
                        violations.push(source.violation(line, &reason));
                    }
                }
            }
        }
    }
    violations
}

pub fn std_or_alloc_in_core(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    let root = tree.get("core/src/lib.rs").expect("the core has a root");
    if !root.code_lines().iter().any(|(_, code)| code.trim() == "#![no_std]") {
        violations.push(root.violation(1, "#![no_std] must stand here without condition"));
    }
    for source in tree.rust_in("core/src/") {
        let mut previous = String::new();
        for (line, code) in source.code_lines() {
            let code = code.trim().to_owned();
            let linked =
                ["std", "alloc"].iter().any(|library| has_word(&code, &format!("extern crate {library}")));
            if linked && previous != "#[cfg(test)]" && !code.starts_with("#[cfg(test)]") {
                violations.push(source.violation(line, "only tests may link std or alloc"));
            }
            if !code.is_empty() {
                previous = code;
            }
        }
    }
    violations
}

pub fn unsafe_in_core(tree: &Tree) -> Vec<String> {
    tree.rust_in("core/")
        .flat_map(|source| source.code_lines().into_iter().map(move |line| (source, line)))
        .filter(|(_, (_, code))| has_word(code, "unsafe"))
        .map(|(source, (line, _))| source.violation(line, "the core has no unsafe code"))
        .collect()
}

#[test]
fn finds_crates_named_by_strangers() {
    let tree = Tree::planted(&[
        ("core/src/codec.rs", "use postcard::Error;"),
        ("core/src/keys/verify.rs", "use ed25519_zebra::Signature;"),
        ("core/src/keys_extra.rs", "// why\nuse ed25519_zebra::Signature;"),
        ("core/src/merkle.rs", "/// Not sha2.\nfn f() { sha2::Sha256::new(); }"),
        ("host/src/wallet.rs", "use sha2::Sha512;\nuse postcard::to_slice;"),
        ("tests/src/oracle.rs", "use sha2::Sha256;"),
    ]);
    let mut found = named_outside_owner(&tree);
    found.sort();
    let places: Vec<&str> = found.iter().filter_map(|v| v.split(": ").next()).collect();
    let expected = ["core/src/keys_extra.rs:2", "core/src/merkle.rs:2", "host/src/wallet.rs:2"];
    assert_eq!(places, expected);
}

#[test]
fn finds_std_and_alloc_in_core() {
    let check = |text: &str| std_or_alloc_in_core(&Tree::planted(&[("core/src/lib.rs", text)]));
    assert!(check("#![no_std]\n#[cfg(test)]\nextern crate std;").is_empty());
    for text in [
        "#![cfg_attr(not(test), no_std)]",
        "// #![no_std]",
        "#![no_std]\nextern crate alloc;",
        "#![no_std]\n#[cfg(feature = \"std\")]\npub extern crate std;",
    ] {
        assert_eq!(check(text).len(), 1, "{text}");
    }
}

#[test]
fn finds_unsafe_in_core() {
    let text = "#![forbid(unsafe_code)]\n// unsafe\nfn f() { unsafe { g() } }";
    let tree = Tree::planted(&[("core/src/a.rs", text), ("firmware/src/b.rs", text)]);
    let found = unsafe_in_core(&tree);
    assert_eq!(found, ["core/src/a.rs:3: the core has no unsafe code"]);
}
