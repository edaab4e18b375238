//! Which file may name which foreign crate, and what core and firmware may not name at all.

use super::tree::{Tree, has_word};

/// A foreign crate, the only module that may name it, and the folders in which this holds.
struct Owned {
    name: &'static str,
    owner: &'static str,
    folders: &'static [&'static str],
}

const PROGRAMS: &[&str] = &["core/src/", "host/src/", "firmware/src/"];

const OWNED: [Owned; 8] = [
    Owned { name: "postcard", owner: "core/src/codec", folders: PROGRAMS },
    Owned { name: "curve25519_dalek", owner: "core/src/keys", folders: &["core/src/", "firmware/src/"] },
    // The host judges signatures in batches.
    Owned { name: "curve25519_dalek", owner: "host/src/signatures", folders: &["host/src/"] },
    Owned { name: "ed25519_dalek", owner: "core/src/keys", folders: PROGRAMS },
    Owned { name: "ed25519_zebra", owner: "core/src/keys", folders: PROGRAMS },
    Owned { name: "bech32", owner: "core/src/address", folders: PROGRAMS },
    Owned { name: "cortex_m", owner: "firmware/src/board/lm3s6965", folders: PROGRAMS },
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

/// Packages whose library runs where there is neither std nor alloc, by their folder.
const BARE: [&str; 2] = ["core/src/", "firmware/src/"];

pub fn std_or_alloc_in_bare(tree: &Tree) -> Vec<String> {
    BARE.iter().flat_map(|folder| std_or_alloc_in(tree, folder)).collect()
}

fn std_or_alloc_in(tree: &Tree, folder: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let root = tree.get(&format!("{folder}lib.rs")).expect("the package has a library");
    if !root.code_lines().iter().any(|(_, code)| code.trim() == "#![no_std]") {
        violations.push(root.violation(1, "#![no_std] must stand here without condition"));
    }
    for source in tree.rust_in(folder) {
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

/// Where code is free of `unsafe`, but for the files of one board, whose registers are nobody else's, and for those
/// of the kernels that hash, search for a nonce, judge signatures or work out checksums, whose instructions not every
/// processor has.
const SAFE: [&str; 3] = ["core/", "firmware/", "host/"];
const BOARD: &str = "firmware/src/board/lm3s6965/";
const KERNELS: [&str; 6] = [
    "host/src/miner/kernel/sha.rs",
    "host/src/sha256/avx2.rs",
    "host/src/sha256/avx512.rs",
    "host/src/sha256/sha.rs",
    "host/src/signatures/kernel/avx512/mod.rs",
    "host/src/store/segment/checksum.rs",
];

pub fn unsafe_elsewhere(tree: &Tree) -> Vec<String> {
    SAFE.iter()
        .flat_map(|folder| tree.rust_in(folder))
        .filter(|source| !source.path.starts_with(BOARD) && !KERNELS.contains(&source.path.as_str()))
        .flat_map(|source| source.code_lines().into_iter().map(move |line| (source, line)))
        .filter(|(_, (_, code))| has_word(code, "unsafe"))
        .map(|(source, (line, _))| {
            source.violation(line, "only a board's own files and kernels have unsafe code")
        })
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
fn finds_std_and_alloc() {
    let check = |text: &str| {
        let both = BARE.map(|folder| format!("{folder}lib.rs"));
        let bare = "#![no_std]";
        let [core, firmware] = both.each_ref().map(String::as_str);
        let found = std_or_alloc_in_bare(&Tree::planted(&[(core, text), (firmware, bare)]));
        let in_firmware = std_or_alloc_in_bare(&Tree::planted(&[(core, bare), (firmware, text)]));
        assert_eq!(found.len(), in_firmware.len(), "{text}");
        found
    };
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
fn finds_unsafe_elsewhere() {
    let text = "#![forbid(unsafe_code)]\n// unsafe\nfn f() { unsafe { g() } }";
    let files = [
        "core/src/a.rs",
        "firmware/src/main.rs",
        "firmware/src/board/lm3s6965/b.rs",
        "host/src/c.rs",
        "host/src/miner/kernel/sha.rs",
        "tests/src/d.rs",
    ];
    let found = unsafe_elsewhere(&Tree::planted(&files.map(|file| (file, text))));
    let reason = "only a board's own files and kernels have unsafe code";
    let expected = ["core/src/a.rs:3", "firmware/src/main.rs:3", "host/src/c.rs:3"];
    assert_eq!(found, expected.map(|place| format!("{place}: {reason}")));
}
