//! Signatures: RFC 8032 section 7.1 for making them, ZIP-215 for judging them.

use std::fs;

use mote_core::keys::{PublicKey, SecretKey, Signature, verify};
use mote_tests::vectors::{array, bytes, folder};
use serde::Deserialize;

#[test]
fn rfc_8032_tests_1_to_3() {
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let secret = SecretKey::from_seed(&array(seed));
        let mut message = bytes(message);
        let signature = array(signature);
        assert_eq!(secret.public_key().as_bytes(), &array(public));
        assert_eq!(secret.sign(&message).as_bytes(), &signature);
        let (public, signature) = (secret.public_key(), Signature::from_bytes(signature));
        assert!(verify(&public, &message, &signature));
        message.push(0);
        assert!(!verify(&public, &message, &signature));
    }
}

#[derive(Deserialize)]
struct SmallOrderCase {
    desc: String,
    pk: String,
    r: String,
    s: String,
    msg: String,
}

#[test]
fn zip_215_accepts_small_order_points_in_every_encoding() {
    let Some(folder) = folder("zip215-jam") else {
        return;
    };
    let text = fs::read_to_string(folder.join("vectors.json")).expect("a readable file");
    let cases: Vec<SmallOrderCase> = serde_json::from_str(&text).expect("a list of cases");
    assert_eq!(cases.len(), 196);
    for case in cases {
        let key = PublicKey::from_bytes(array(&case.pk));
        let signature = Signature::from_bytes(array(&(case.r + &case.s)));
        assert!(verify(&key, &bytes(&case.msg), &signature), "{}", case.desc);
        assert!(key.is_small_order(), "{}", case.desc);
    }
}
