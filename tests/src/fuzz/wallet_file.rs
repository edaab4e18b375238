//! The file of a wallet: whatever is in it, it is refused with the file untouched, or opens to a wallet whose file can be
//! written and read again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

use mote::wallet::{KdfCost, Passphrase, Protection, Wallet};

/// The bytes are a file.
pub fn run(data: &[u8]) {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path();
    let path = folder.join(format!("{:?}.json", std::thread::current().id()));
    fs::write(&path, data).expect("the folder is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is this test's own");
    let opened = Wallet::open(&path, "regtest");
    let Ok(Some(mut wallet)) = opened else {
        assert!(opened.is_err(), "there is a file");
        assert_eq!(fs::read(&path).ok().as_deref(), Some(data), "a file that is refused is changed");
        return;
    };
    assert_eq!(wallet.network(), "regtest");
    assert_eq!(wallet.public_keys().len(), wallet.address_count() as usize);
    if wallet.is_locked() {
        assert!(wallet.is_encrypted());
        assert!(wallet.secret_seed(0).is_err());
        // A real derivation takes a tenth of a second, so it is not for every input.
        return;
    }
    let before = wallet.public_keys().to_vec();
    if before.len() < 4 && wallet.add_address().is_ok() {
        assert_eq!(wallet.public_keys()[..before.len()], before);
        let again =
            Wallet::open(&path, "regtest").expect("what was written can be read").expect("there is a file");
        assert_eq!(again.public_keys(), wallet.public_keys());
    }
}

/// Plain and encrypted files.
pub fn seeds() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("wallet.json");
    let mut seeds = Vec::new();
    let passphrase = Passphrase::new("open".to_owned().into()).expect("the passphrase is not empty");
    let cheap = KdfCost::new(8, 1, 1).expect("the least cost");
    for protection in [Protection::Plain, Protection::Encrypted(&passphrase, cheap)] {
        let mut wallet = Wallet::restore(&path, "regtest", WORDS, protection).expect("the file can be made");
        seeds.push(fs::read(&path).expect("the file is there"));
        wallet.add_address().expect("the file can be written");
        seeds.push(fs::read(&path).expect("the file is there"));
        fs::remove_file(&path).expect("the file is there");
    }
    seeds
}

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";
