//! The wallet as its callers see it.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};

use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wallet.json");
    (folder, path)
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned().into()).unwrap()
}

/// The lowest cost there is, to be quick.
fn encrypted(passphrase: &Passphrase) -> Protection<'_> {
    Protection::Encrypted(passphrase, KdfCost::new(8, 1, 1).unwrap())
}

fn open(path: &Path) -> Wallet {
    Wallet::open(path, "local").unwrap().unwrap()
}

#[test]
fn a_plain_wallet_comes_back_with_all_its_addresses() {
    let (_folder, path) = folder();
    assert!(Wallet::open(&path, "local").unwrap().is_none());
    let (mut wallet, _) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    assert_eq!(wallet.address_count(), 1);
    assert_eq!(wallet.add_address().unwrap(), 1);
    assert_eq!(wallet.add_address().unwrap(), 2);

    let again = open(&path);
    assert!(!again.is_encrypted() && !again.is_locked());
    assert_eq!(again.public_keys(), wallet.public_keys());
    for (index, key) in (0..3).zip(again.public_keys()) {
        assert_eq!(keychain::public_key(&again.secret_seed(index).unwrap()), *key);
    }
    assert!(matches!(again.secret_seed(3), Err(WalletError::NoSuchAddress { index: 3, count: 3 })));
}

#[test]
fn an_encrypted_wallet_opens_locked_and_unlocks_with_its_passphrase_only() {
    let (_folder, path) = folder();
    let (right, wrong) = (passphrase("right"), passphrase("wrong"));
    let (mut wallet, _) = Wallet::create(&path, "local", encrypted(&right)).unwrap();
    assert!(wallet.is_encrypted() && !wallet.is_locked());
    wallet.add_address().unwrap();
    let seed = wallet.secret_seed(1).unwrap();

    let mut again = open(&path);
    assert!(again.is_locked());
    assert_eq!(again.public_keys(), wallet.public_keys());
    assert!(matches!(again.secret_seed(0), Err(WalletError::Locked)));
    assert!(matches!(again.add_address(), Err(WalletError::Locked)));
    assert!(matches!(again.unlock(&wrong), Err(WalletError::WrongPassphrase { .. })));
    assert!(again.is_locked());
    again.unlock(&right).unwrap();
    assert_eq!(again.secret_seed(1).unwrap(), seed);
    assert!(again.unlock(&wrong).is_err());
    assert!(!again.is_locked());
    again.lock().unwrap();
    assert!(again.is_locked());
    assert!(again.secret_seed(0).is_err());
}

#[test]
fn a_plain_wallet_can_be_neither_locked_nor_unlocked() {
    let (_folder, path) = folder();
    let (mut wallet, _) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    assert!(matches!(wallet.lock(), Err(WalletError::NotEncrypted { .. })));
    assert!(matches!(wallet.unlock(&passphrase("any")), Err(WalletError::NotEncrypted { .. })));
    assert!(wallet.secret_seed(0).is_ok());
}

#[test]
fn the_words_restore_the_same_keys_under_another_passphrase() {
    let (_folder, path) = folder();
    let (mut wallet, words) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    wallet.add_address().unwrap();
    let (_other_folder, other) = folder();
    let new = passphrase("new");
    let mut restored = Wallet::restore(&other, "local", words.expose(), encrypted(&new)).unwrap();
    assert_eq!(restored.public_keys(), &wallet.public_keys()[..1]);
    restored.add_address().unwrap();
    assert_eq!(restored.public_keys(), wallet.public_keys());
    assert!(matches!(Wallet::restore(&other, "local", "zoo", Protection::Plain), Err(WalletError::Words(_))));
}

#[test]
fn a_wallet_is_never_overwritten() {
    let (_folder, path) = folder();
    let (_, words) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    let before = fs::read(&path).unwrap();
    let secret = passphrase("any");
    for protection in [Protection::Plain, encrypted(&secret)] {
        assert!(matches!(Wallet::create(&path, "local", protection), Err(WalletError::Exists { .. })));
        assert!(matches!(
            Wallet::restore(&path, "test", words.expose(), protection),
            Err(WalletError::Exists { .. })
        ));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn one_of_many_concurrent_creations_wins() {
    let (_folder, path) = folder();
    let created: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Wallet::create(&path, "local", Protection::Plain))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let winners: Vec<_> = created.iter().filter_map(|r| r.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(open(&path).public_keys(), winners[0].0.public_keys());
}

#[test]
fn a_wallet_of_another_network_is_refused() {
    let (_folder, path) = folder();
    Wallet::create(&path, "test", Protection::Plain).unwrap();
    let error = Wallet::open(&path, "main").unwrap_err().to_string();
    assert_eq!(error, format!("{}: network: got \"test\", expected \"main\"", path.display()));
}

#[test]
fn a_stale_view_of_the_file_cannot_take_addresses_away() {
    let (_folder, path) = folder();
    let (mut one, _) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    let mut two = open(&path);
    one.add_address().unwrap();
    one.add_address().unwrap();
    assert!(matches!(two.add_address(), Err(WalletError::Changed { .. })));
    assert_eq!(open(&path).address_count(), 3);
    fs::remove_file(&path).unwrap();
    assert!(matches!(one.add_address(), Err(WalletError::Missing { .. })));
    assert_eq!(one.address_count(), 3);
}

#[test]
fn an_exposed_file_is_reported() {
    let (_folder, path) = folder();
    let (mut wallet, _) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    let expose = || fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).unwrap();
    expose();
    let warning = open(&path).warning().unwrap().to_string();
    assert!(warning.contains("the mode was 0664"), "{warning}");
    assert_eq!(open(&path).warning(), None);
    expose();
    wallet.add_address().unwrap();
    assert!(wallet.warning().is_some());
}

/// Every single-bit fault in the file is an error, at opening or at unlocking, never a panic
/// and never another key.
#[test]
fn every_flipped_bit_is_found() {
    let secret = passphrase("right");
    for protection in [Protection::Plain, encrypted(&secret)] {
        let (_folder, path) = folder();
        Wallet::create(&path, "local", protection).unwrap();
        let good = fs::read(&path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        for at in 0..good.len() * 8 {
            let (byte, bit) = (at / 8, at % 8);
            file.write_all_at(&[good[byte] ^ 1 << bit], byte as u64).unwrap();
            let used = Wallet::open(&path, "local").and_then(|wallet| {
                let mut wallet = wallet.expect("the file is there");
                match protection {
                    Protection::Plain => Ok(()),
                    Protection::Encrypted(..) => wallet.unlock(&secret),
                }
            });
            assert!(used.is_err(), "bit {bit} of byte {byte}");
            file.write_all_at(&good[byte..=byte], byte as u64).unwrap();
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let (_folder, path) = folder();
    let (wallet, words) = Wallet::create(&path, "local", Protection::Plain).unwrap();
    let shown = format!("{wallet:?}{words:?}");
    assert!(shown.contains("address_count: 1"), "{shown}");
    let seed = hex::encode(&*wallet.secret_seed(0).unwrap());
    assert!(!shown.contains(&*seed));
    assert!(!shown.contains(words.expose()));
}
