//! SLIP-10 key derivation for ed25519.
//!
//! Source: [SLIP-10](https://github.com/satoshilabs/slips/blob/master/slip-0010.md), sections
//! "Master key generation" and "Private parent key -> private child key". For ed25519 only hardened
//! children exist, so [`HardenedIndex`] is the only kind of step that can be named here.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use zeroize::Zeroizing;

/// The key of the HMAC that makes the master key of the ed25519 curve.
const CURVE: &[u8] = b"ed25519 seed";

/// The bit that marks an index as hardened.
const HARDENED: u32 = 1 << 31;

/// One step of a derivation path: `i'`, with `i` below 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardenedIndex(u32);

impl HardenedIndex {
    /// The step `index'`, or none if `index` is 2^31 or more.
    pub const fn new(index: u32) -> Option<Self> {
        if index < HARDENED { Some(Self(index | HARDENED)) } else { None }
    }
}

/// A private key of the tree together with the chain code from which its children come.
///
/// Both halves are wiped when it is dropped.
pub struct ExtendedKey {
    secret: Zeroizing<[u8; 32]>,
    chain_code: Zeroizing<[u8; 32]>,
}

impl ExtendedKey {
    /// The key `m` of a seed; SLIP-10 asks for 16 to 64 bytes, BIP-39 gives 64.
    pub fn master(seed: &[u8]) -> Self {
        Self::from_hmac(CURVE, &[seed])
    }

    /// The key found by walking `path` from this one.
    pub fn derive(&self, path: &[HardenedIndex]) -> Self {
        let start = Self { secret: self.secret.clone(), chain_code: self.chain_code.clone() };
        path.iter().fold(start, |key, index| key.child(*index))
    }

    /// The 32-byte ed25519 seed (the secret key of RFC 8032) of this key.
    pub fn secret(&self) -> &Zeroizing<[u8; 32]> {
        &self.secret
    }

    fn child(&self, index: HardenedIndex) -> Self {
        let index = index.0.to_be_bytes();
        Self::from_hmac(&*self.chain_code, &[&[0], &*self.secret, &index])
    }

    fn from_hmac(key: &[u8], parts: &[&[u8]]) -> Self {
        let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part);
        }
        let digest: Zeroizing<[u8; 64]> = Zeroizing::new(mac.finalize().into_bytes().into());
        let (left, right) = digest.split_at(32);
        let mut extended = Self { secret: Zeroizing::default(), chain_code: Zeroizing::default() };
        extended.secret.copy_from_slice(left);
        extended.chain_code.copy_from_slice(right);
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::{hex, keychain::public_key};

    /// One row of the published vectors: path, chain code, private key, public key without its
    /// leading zero byte.
    type Row<'a> = (&'a [u32], &'a str, &'a str, &'a str);

    fn check(seed: &str, rows: &[Row<'_>]) {
        let seed: Vec<u8> =
            (0..seed.len()).step_by(2).map(|at| u8::from_str_radix(&seed[at..at + 2], 16).unwrap()).collect();
        for (path, chain_code, secret, public) in rows {
            let path: Vec<_> = path.iter().map(|i| HardenedIndex::new(*i).unwrap()).collect();
            let key = ExtendedKey::master(&seed).derive(&path);
            assert_eq!(*hex::encode(&*key.chain_code), *chain_code, "{path:?}");
            assert_eq!(*hex::encode(&**key.secret()), *secret, "{path:?}");
            assert_eq!(*hex::encode(&public_key(key.secret())), *public, "{path:?}");
        }
    }

    #[test]
    fn agrees_with_test_vector_1_for_ed25519() {
        check(
            "000102030405060708090a0b0c0d0e0f",
            &[
                (
                    &[],
                    "90046a93de5380a72b5e45010748567d5ea02bbf6522f979e05c0d8d8ca9fffb",
                    "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
                    "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed",
                ),
                (
                    &[0],
                    "8b59aa11380b624e81507a27fedda59fea6d0b779a778918a2fd3590e16e9c69",
                    "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
                    "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c",
                ),
                (
                    &[0, 1],
                    "a320425f77d1b5c2505a6b1b27382b37368ee640e3557c315416801243552f14",
                    "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
                    "1932a5270f335bed617d5b935c80aedb1a35bd9fc1e31acafd5372c30f5c1187",
                ),
                (
                    &[0, 1, 2, 2, 1_000_000_000],
                    "68789923a0cac2cd5a29172a475fe9e0fb14cd6adb5ad98a3fa70333e7afa230",
                    "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
                    "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a",
                ),
            ],
        );
    }

    #[test]
    fn agrees_with_test_vector_2_for_ed25519() {
        check(
            "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2\
             9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
            &[
                (
                    &[],
                    "ef70a74db9c3a5af931b5fe73ed8e1a53464133654fd55e7a66f8570b8e33c3b",
                    "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
                    "8fe9693f8fa62a4305a140b9764c5ee01e455963744fe18204b4fb948249308a",
                ),
                (
                    &[0],
                    "0b78a3226f915c082bf118f83618a618ab6dec793752624cbeb622acb562862d",
                    "1559eb2bbec5790b0c65d8693e4d0875b1747f4970ae8b650486ed7470845635",
                    "86fab68dcb57aa196c77c5f264f215a112c22a912c10d123b0d03c3c28ef1037",
                ),
                (
                    &[0, 2_147_483_647, 1, 2_147_483_646, 2],
                    "5d70af781f3a37b829f0d060924d5e960bdc02e85423494afc0b1a41bbe196d4",
                    "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
                    "47150c75db263559a70d5778bf36abbab30fb061ad69f69ece61a72b0cfa4fc0",
                ),
            ],
        );
    }

    #[test]
    fn an_index_of_two_to_the_thirty_one_is_no_step() {
        assert_eq!(HardenedIndex::new(1 << 31), None);
        assert!(HardenedIndex::new((1 << 31) - 1).is_some());
    }
}
