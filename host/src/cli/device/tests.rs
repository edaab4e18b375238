//! Verbs on devices, from the command line to the card.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Parser;
use mote_core::card::{
    Endpoint, IDENTITY_KIND, IDENTITY_SECTORS, IMAGE_BYTES, Identity, Mines, SECTOR_BYTES, read_sector,
};
use mote_core::keys::SecretKey;
use serde_json::Value;

use super::run;
use crate::cli::{Cli, CliError, Invocation, execute};
use crate::config::{Config, Surroundings};

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn written(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.file(name), text).unwrap();
        self.file(name)
    }

    fn resolve(&self, arguments: &[&dyn AsRef<Path>]) -> Result<Invocation, CliError> {
        let arguments = arguments.iter().map(|argument| argument.as_ref().as_os_str().to_owned());
        let line = ["mote", "device"].map(OsString::from).into_iter().chain(arguments);
        let cli = Cli::try_parse_from(line).map_err(|error| CliError::Usage(error.to_string()))?;
        let variables = vec![("MOTE_DATA".to_owned(), self.0.path().display().to_string())];
        cli.resolve(&Surroundings { variables, current: "/".into() })
    }

    /// What a command line prints, or why it fails.
    fn device(&self, arguments: &[&dyn AsRef<Path>]) -> Result<String, String> {
        let invocation = self.resolve(arguments).map_err(|error| error.to_string())?;
        let Invocation::Verb(verb, config) = invocation else { panic!("no verb") };
        let mut out = Vec::new();
        execute(verb, &config, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// Prepares a device for these peers.
    fn prepared(&self, arguments: &[&dyn AsRef<Path>], peers: &[Endpoint]) -> Result<run::Prepared, String> {
        let invocation = self.resolve(arguments).map_err(|error| error.to_string())?;
        let Invocation::Emulate(arguments, config) = invocation else { panic!("nothing is emulated") };
        let config: Config = *config;
        config.make_folder().unwrap();
        run::prepare(&config, &arguments, "firmware".into(), peers).map_err(|error| error.to_string())
    }
}

/// Reads a card by the format's own definition.
fn identities(path: &Path) -> [Identity; 2] {
    let bytes = fs::read(path).unwrap();
    IDENTITY_SECTORS.map(|at| {
        let sector = &bytes[at as usize * SECTOR_BYTES..][..SECTOR_BYTES];
        read_sector(sector.try_into().unwrap(), IDENTITY_KIND).unwrap()
    })
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_card_holds_what_was_asked_for() {
    let place = Place::new();
    let (image, key) = (place.file("card.img"), place.written("key", &format!("{SEED}\n")));
    let answer = place
        .device(&[
            &"provision",
            &image,
            &"--network",
            &"local:lab",
            &"--name",
            &"attic 1",
            &"--peer",
            &"192.0.2.7:7700",
            &"--peer",
            &"10.0.2.2:7701",
            &"--key",
            &key,
            &"--mine",
            &"--json",
        ])
        .unwrap();
    let [identity, copy] = identities(&image);
    assert_eq!(identity, copy);
    assert_eq!((identity.network.as_str(), identity.name.as_str()), ("local:lab", "attic 1"));
    assert_eq!(
        (identity.seed.map(|seed| hex(&seed)), identity.mines),
        (Some(SEED.to_owned()), Mines::FromTheStart)
    );
    let peers = [([192, 0, 2, 7], 7700), ([10, 0, 2, 2], 7701)].map(|(ip, port)| Endpoint { ip, port });
    assert_eq!(identity.peers, peers);
    let metadata = fs::metadata(&image).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o7777, metadata.len()), (0o600, IMAGE_BYTES));

    // RFC 8032 has no vector for this seed, so the address is compared with the core's.
    let public = SecretKey::from_seed(&identity.seed.unwrap()).public_key();
    let prefix = mote_core::address::AddressPrefix::Local;
    let address = mote_core::address::Address::new(prefix, public).to_string();
    let expected = serde_json::json!({
        "image": image.display().to_string(), "network": "local:lab", "name": "attic 1", "address": address,
        "peers": ["192.0.2.7:7700", "10.0.2.2:7701"], "mines": true,
    });
    assert_eq!(json(&answer), expected);
    assert_eq!(json(&place.device(&[&"show", &image, &"--json"]).unwrap()), expected);
    let shown = place.device(&[&"show", &image]).unwrap();
    assert!(shown.contains(&format!("address  {address}\n")), "{shown}");
    for secret in [SEED, &hex(&identity.entropy)] {
        assert!(!answer.contains(secret) && !shown.contains(secret));
    }
}

#[test]
fn every_card_has_its_own_key_unless_told_otherwise() {
    let place = Place::new();
    let made = |name: &str, more: &[&dyn AsRef<Path>]| {
        let image = place.file(name);
        let answer = place.device(&[&[&"provision" as &dyn AsRef<Path>, &image, &"--json"], more].concat());
        let [identity, _] = identities(&image);
        (identity, json(&answer.unwrap())["address"].clone())
    };
    let ((one, _), (two, address)) = (made("one", &[]), made("two", &[]));
    assert!(address.as_str().unwrap().starts_with("lmote1"));
    assert!(one.seed.is_some() && one.seed != two.seed && one.entropy != two.entropy);
    assert!((one.peers.is_empty(), one.mines) == (true, Mines::WhenTold));

    let (none, address) = made("none", &[&"--no-key"]);
    assert_eq!((none.seed, address), (None, Value::Null));
    assert!(place.device(&[&"show", &place.file("none")]).unwrap().contains("none: it has no key"));

    let entropy = place.written("entropy", &"5a".repeat(40));
    let ((one, _), (two, _)) =
        (made("three", &[&"--entropy", &entropy]), made("four", &[&"--entropy", &entropy]));
    assert_eq!(one, two);
    let key = place.written("key", SEED);
    let (keyed, _) = made("five", &[&"--entropy", &entropy, &"--key", &key]);
    assert_eq!((keyed.seed.map(|seed| hex(&seed)), keyed.entropy), (Some(SEED.to_owned()), one.entropy));
    let (test, address) = made("six", &[&"--network", &"test"]);
    assert!(test.network == "test" && address.as_str().unwrap().starts_with("tmote1"));
}

#[test]
fn wrong_wishes_are_refused_and_leave_no_file() {
    let place = Place::new();
    let image = place.file("card.img");
    let (short, long) = (place.written("short", &SEED[2..]), place.written("long", &format!("{SEED}00")));
    let upper = place.written("upper", &SEED.to_uppercase());
    let cases: [(&[&dyn AsRef<Path>], &str); 12] = [
        (&[&"--name", &"a name that has too many letters"], "up to 24 ASCII characters, got \"a name"),
        (&[&"--name", &"caf\u{e9}"], "up to 24 ASCII characters"),
        (&[&"--name", &"a\nb"], "up to 24 ASCII characters"),
        (&[&"--peer", &"localhost:7700"], "localhost:7700"),
        (&[&"--peer", &"1.2.3.4:0"], "--peer 1.2.3.4:0: expected a port from 1 to 65535"),
        (
            &[&"--peer", &"1.2.3.4:1", &"--peer", &"1.2.3.4:2", &"--peer", &"1.2.3.4:3"],
            "at most 2 times, got 3",
        ),
        (&[&"--key", &short], "cannot read the key: expected a seed of 32 bytes, got 31"),
        (&[&"--key", &long], "expected a seed of 32 bytes, got 33"),
        (&[&"--key", &upper], "upper is no lower-case hex"),
        (&[&"--key", &short, &"--no-key"], "cannot be used with"),
        (&[&"--entropy", &short], "cannot read the entropy: expected at least 32 bytes, got 31"),
        (&[&"--entropy", &place.file("absent")], "absent: No such file"),
    ];
    for (more, expected) in cases {
        let line = [&[&"provision" as &dyn AsRef<Path>, &image], more].concat();
        let error = place.device(&line).unwrap_err();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        assert!(!image.exists());
    }
    assert!(place.device(&[&"show", &short]).unwrap_err().contains("cannot read "));
    let blank = place.written("blank", &"\0".repeat(8_192));
    assert!(place.device(&[&"show", &blank]).unwrap_err().contains("nothing was ever written here"));
}

#[test]
fn a_card_is_replaced_only_by_force() {
    let place = Place::new();
    let image = place.file("card.img");
    place.device(&[&"provision", &image, &"--name", &"one"]).unwrap();
    let before = fs::read(&image).unwrap();
    let error = place.device(&[&"provision", &image, &"--name", &"two"]).unwrap_err();
    assert!(error.contains("card.img is there already") && error.contains("--force"), "{error}");
    assert!(fs::read(&image).unwrap() == before);
    place.device(&[&"provision", &image, &"--name", &"two", &"--force"]).unwrap();
    assert_eq!(identities(&image)[0].name, "two");
}

#[test]
fn an_emulated_device_keeps_its_card() {
    let place = Place::new();
    let card = place.file("device-local-7710/card.img");
    let peers = [1, 2].map(|port| Endpoint { ip: [10, 0, 2, 2], port });
    let mut printed = Vec::new();
    let prepared = place.prepared(&[&"run", &"--http", &"0"], &peers[..1]).unwrap();
    let node: SocketAddr = (Ipv4Addr::LOCALHOST, 7710).into();
    prepared.greet(Some(node), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let first = identities(&card)[0].clone();
    assert_eq!((&first.peers[..], first.mines), (&peers[..1], Mines::FromTheStart));
    let expected = format!("http://127.0.0.1:{}", prepared.machine.http);
    for expected in [expected.as_str(), "http://127.0.0.1:7710", "lmote1"] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert!(!printed.contains(&hex(&first.seed.unwrap())));

    // Another peer and another wish change those, and neither the key nor what else is on the card.
    let mut bytes = fs::read(&card).unwrap();
    bytes[32 * SECTOR_BYTES..][..5].copy_from_slice(b"state");
    fs::write(&card, &bytes).unwrap();
    place.prepared(&[&"run", &"--http", &"0", &"--mine", &"false"], &peers).unwrap();
    let second = identities(&card)[1].clone();
    assert_eq!((&second.peers[..], second.mines, second.seed), (&peers[..], Mines::WhenTold, first.seed));
    assert_eq!(&fs::read(&card).unwrap()[32 * SECTOR_BYTES..][..5], b"state");
    // Without a wish the card's own counts.
    place.prepared(&[&"run", &"--http", &"0"], &peers).unwrap();
    assert_eq!(identities(&card)[0], second);

    let error =
        place.prepared(&[&"run", &"--image-file", &card, &"--network", &"test"], &peers).err().unwrap();
    assert!(error.contains("is the card of a device on network local, expected test"), "{error}");
    let absent = place.file("absent.img");
    let error = place.prepared(&[&"run", &"--image-file", &absent], &peers).err().unwrap();
    assert!(error.contains("cannot read ") && error.contains("absent.img"), "{error}");
    let error = place.prepared(&[&"run"], &[peers[0]; 3]).err().unwrap();
    assert!(error.contains("at most 2 times, got 3"), "{error}");
}

#[test]
fn peers_are_named_as_the_device_finds_them() {
    let endpoint = |text: &str| run::endpoint(&text.parse().unwrap()).map_err(|error| error.to_string());
    for text in ["127.0.0.1:7700", "localhost:7700"] {
        assert_eq!(endpoint(text), Ok(Endpoint { ip: [10, 0, 2, 2], port: 7700 }));
    }
    assert_eq!(endpoint("192.0.2.7:1"), Ok(Endpoint { ip: [192, 0, 2, 7], port: 1 }));
    let error = endpoint("127.0.0.2:7700").unwrap_err();
    assert!(error.starts_with("--peer 127.0.0.2:7700: the device cannot reach 127.0.0.2:7700"), "{error}");
}
