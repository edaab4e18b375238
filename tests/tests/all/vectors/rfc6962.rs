//! RFC 6962 logs: the roots that Certificate Transparency's reference implementations share, and
//! inclusion proofs, good and bad.

use std::fs;
use std::path::Path;

use mote_core::hash::Hash32;
use mote_core::merkle::{leaf_hash, root, verify_inclusion};
use mote_tests::vectors::{array, bytes, folder};
use serde::Deserialize;

#[test]
fn roots_of_the_first_eight_sizes() {
    let leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .map(bytes);
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, expected) in roots.into_iter().enumerate() {
        assert_eq!(root(leaves.iter().take(size)).as_bytes(), &array(expected), "{size} leaves");
    }
    assert_eq!(leaf_hash(&leaves[0]).as_bytes(), &array(roots[1]));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

impl Inclusion {
    /// Whether it holds; a hash of another length than 32 bytes can prove nothing.
    fn holds(&self) -> bool {
        let path = self.proof.iter().flatten().map(|text| hash(text)).collect::<Option<Vec<_>>>();
        let (Some(root), Some(leaf), Some(path)) = (hash(&self.root), hash(&self.leaf_hash), path) else {
            return false;
        };
        verify_inclusion(&leaf, self.leaf_idx, self.tree_size, &path, &root).is_ok()
    }
}

#[test]
fn inclusion_proofs() {
    let Some(folder) = folder("rfc6962-merkle") else {
        return;
    };
    let mut holding = Vec::new();
    check_files(&folder.join("testdata/inclusion"), &mut holding);
    assert_eq!(holding.len(), 98);
    assert_eq!(holding.iter().filter(|holds| **holds).count(), 6);
}

fn check_files(folder: &Path, holding: &mut Vec<bool>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            check_files(&path, holding);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a readable file");
        let case: Inclusion = serde_json::from_str(&text).expect("an inclusion proof");
        assert_eq!(case.holds(), !case.want_err, "{}", path.display());
        holding.push(!case.want_err);
    }
}

/// The hash behind its base64 form.
fn hash(base64: &str) -> Option<Hash32> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0, 0, Vec::new());
    for digit in base64.trim_end_matches('=').chars() {
        let value = DIGITS.find(digit).expect("a base64 digit");
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes.try_into().ok().map(Hash32::from_bytes)
}
