//! The SHA-256 examples of NIST (FIPS 180-4, "Secure Hashing" examples).

use mote_core::hash::sha256;
use mote_tests::vectors::array;

#[test]
fn nist_examples() {
    for (message, digest) in [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ] {
        assert_eq!(*sha256(message.as_bytes()).as_bytes(), array(digest), "{message:?}");
    }
}
