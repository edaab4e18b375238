//! Whatever is done with a wallet and however it goes wrong: what only its owner knows stands nowhere but in
//! the answer that shows the words, the file of the token, and the file of a wallet without a passphrase.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64ct::{Base64, Encoding};
use mote::wallet::seed::Entropy;
use mote::wallet::{Protection, Wallet};
use mote_tests::processes::{Launch, Node, PATIENCE, program, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, Request, exchange};

const PASSPHRASE: &str = "Quartz-Umbrella-90417-Right";
const MISTYPED: &str = "Quartz-Umbrella-90417-Wrong";

/// Everything that the programs under test have said, by where they said it.
#[derive(Default)]
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    fn add(&mut self, place: impl ToString, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.to_string(), bytes.into()));
    }

    fn answer(&mut self, place: &str, answer: Answer) -> Answer {
        self.add(place, format!("{:?}\n{}", answer.headers, answer.body));
        answer
    }

    fn output(&mut self, place: &str, output: &Output) {
        self.add(place, [&output.stdout[..], &output.stderr].concat());
    }

    /// All files below a folder.
    fn files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("it is readable") {
            let entry = entry.expect("it is readable");
            if entry.file_type().expect("it has a type").is_dir() {
                self.files(&entry.path());
            } else {
                self.add(entry.path().display(), fs::read(entry.path()).expect("it is readable"));
            }
        }
    }

    /// The places in which a secret stands in any of its forms.
    fn find(&self, secrets: &Secrets) -> Vec<String> {
        let holds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
        let mut found = Vec::new();
        for (place, bytes) in &self.0 {
            for (name, needle) in &secrets.0 {
                if holds(bytes, needle) {
                    found.push(format!("{name} in {place}"));
                }
            }
        }
        found
    }
}

/// Secrets in every form in which a program might let them out.
#[derive(Default)]
struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    fn text(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), text.as_bytes().to_vec()));
        self.0.push((format!("{name} in hex"), hex(text.as_bytes()).into_bytes()));
        self.0.push((format!("{name} as numbers"), numbers(text.as_bytes())));
        self.0.push((format!("{name} in base64"), base64(text.as_bytes())));
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.0.push((name.to_owned(), bytes.to_vec()));
        self.0.push((format!("{name} in hex"), hex(bytes).into_bytes()));
        self.0.push((format!("{name} in upper-case hex"), hex(bytes).to_uppercase().into_bytes()));
        self.0.push((format!("{name} as numbers"), numbers(bytes)));
        self.0.push((format!("{name} in base64"), base64(bytes)));
    }

    /// What 24 words lead to; any three of them in a row are too much.
    fn words(&mut self, words: &str) {
        let list: Vec<&str> = words.split(' ').collect();
        assert_eq!(list.len(), 24, "there are words");
        for (at, three) in list.windows(3).enumerate() {
            self.0.push((format!("the words from {at} on"), three.join(" ").into_bytes()));
            self.0.push((format!("the quoted words from {at} on"), three.join("\", \"").into_bytes()));
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("wallet.json");
        let mut wallet =
            Wallet::restore(&path, "regtest", words, Protection::Plain).expect("the words are right");
        wallet.add_address().expect("there is room");
        let file: Value = serde_json::from_slice(&fs::read(path).expect("it is there")).expect("it is JSON");
        let entropy = file["secret"]["plain"]["entropy"].as_str().expect("hex");
        self.bytes("the entropy", &mote_tests::vectors::bytes(entropy));
        self.bytes("the seed", &*Entropy::from_words(words).expect("the words are right").seed());
        for index in 0..2 {
            self.bytes("a key", &*wallet.secret_seed(index).expect("it is unlocked"));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As `{:?}` shows bytes.
fn numbers(bytes: &[u8]) -> Vec<u8> {
    format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec()
}

/// Without its end, which depends on what comes behind.
fn base64(bytes: &[u8]) -> Vec<u8> {
    Base64::encode_string(&bytes[..bytes.len() / 3 * 3]).into_bytes()
}

/// A node that logs everything, keeps its standard output, and may dump as much core as it likes.
struct Stage {
    node: Node,
    folder: TempDir,
}

impl Stage {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = folder.path().join("stdout");
        let shell = format!("ulimit -S -c \"$(ulimit -H -c)\"; exec \"$@\" >>'{}'", output.display());
        let launch = Launch::regtest().with(&["--log-level", "trace"]).through(&["sh", "-c", &shell, "sh"]);
        let launch = launch.data(folder.path().join("data")).current(folder.path());
        let launch = launch.variable("RUST_BACKTRACE", "full").variable("RUST_LOG", "trace");
        Self { node: launch.start(), folder }
    }

    fn address(&self) -> SocketAddr {
        self.node.address().parse().expect("an address")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        Request::new("POST", &format!("/api/v1{path}")).json(body).send(self.address())
    }

    fn wallet_file(&self) -> PathBuf {
        self.node.folder().join("wallet.json")
    }

    fn token(&self) -> String {
        fs::read_to_string(self.node.folder().join("api-token")).expect("there is a token").trim().to_owned()
    }

    /// Runs a verb, with these lines to read and this passphrase in a file.
    fn run(&self, verb: &[&str], lines: &str, passphrase: Option<&str>) -> Output {
        let mut command = Command::new(program());
        command.args(verb).args(["--network", "regtest", "--port", &self.node.port().to_string()]);
        command.arg("--data").arg(self.node.data());
        let file = self.folder.path().join("passphrase");
        if let Some(passphrase) = passphrase {
            fs::write(&file, format!("{passphrase}\n")).expect("the folder is writable");
            command.arg("--passphrase-file").arg(&file);
        }
        command.env("RUST_BACKTRACE", "full").env("RUST_LOG", "trace");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        // A verb that fails early reads nothing.
        let _ = child.stdin.take().expect("it is piped").write_all(lines.as_bytes());
        let output = child.wait_with_output().expect("the program ends");
        let _ = fs::remove_file(file);
        output
    }
}

/// A wrong body for each way in which one can be wrong, with a secret in it.
fn malformed(secret: &str) -> Vec<String> {
    vec![
        format!("\"{secret}\""),
        secret.to_owned(),
        format!("{{\"{secret}\": 1}}"),
        format!("{{\"passphrase\": {{\"{secret}\": 1}}}}"),
        format!("{{\"passphrase\": [\"{secret}\"]}}"),
        format!("{{\"passphrase\": \"{secret}"),
        format!("{{\"passphrase\": \"{secret}\", \"passphrase\": \"{secret}\"}}"),
        format!("{{\"passphrase\": \"{secret}\\x\"}}"),
        format!("{{\"words\": \"{secret}\", \"passphrase\": 1}}"),
        format!("{{\"passphrase\": \"{secret}\"}} {secret}"),
        format!("[\"{secret}\", 1, 2]"),
    ]
}

/// Everything that goes wrong with a passphrase or with words at the door of the API.
fn knock_with(stage: &Stage, said: &mut Said, words: &str) {
    for path in ["/wallet", "/wallet/unlock", "/wallet/restore"] {
        for secret in [PASSPHRASE, words] {
            for body in malformed(secret) {
                let request = Request::new("POST", &format!("/api/v1{path}"));
                let request = request.header("Content-Type", "application/json").body(&body);
                let answer = said.answer(path, request.send(stage.address()));
                assert!((400..500).contains(&answer.status), "{path} {body}: {answer:?}");
            }
        }
    }
    let swapped = words.rsplit(' ').collect::<Vec<_>>().join(" ");
    let unknown = format!("{} {}", words.rsplit_once(' ').expect("words").0, "xylograph");
    for wrong in [words, &swapped, &unknown, words.split_once(' ').expect("words").1] {
        let body = json!({"words": wrong, "passphrase": PASSPHRASE});
        said.answer("restore", stage.post("/wallet/restore", &body));
    }
    said.answer("create", stage.post("/wallet", &json!({"passphrase": PASSPHRASE})))
        .is_refused(409, "wallet-exists");
    let body = json!({"to": "nobody", "amount": "1", "passphrase": PASSPHRASE, "words": words});
    said.answer("send", stage.post("/wallet/send", &body)).is_refused(400, "malformed");
    // In a place where nothing of the kind belongs, and with what makes each guard refuse.
    let body = json!({"passphrase": PASSPHRASE, "words": words});
    let unlock = || Request::new("POST", "/api/v1/wallet/unlock").json(&body);
    let query = format!("/api/v1/blocks?passphrase={PASSPHRASE}");
    for request in [
        Request::new("GET", &query),
        Request::new("POST", "/api/v1/wallet/unlock")
            .header("Content-Type", "text/plain")
            .body(&body.to_string()),
        unlock().header("Origin", "http://evil.example"),
        unlock().host("evil.example"),
        unlock().header("Via", "1.1 proxy"),
        unlock().header("Authorization", &format!("Basic {}", stage.token())).header("Via", "1.1 proxy"),
        unlock().header("Authorization", &format!("Bearer {}", stage.token())).header("Via", "1.1 proxy"),
        unlock().header("Authorization", &format!("Bearer {}x", stage.token())).header("Via", "1.1 proxy"),
    ] {
        let answer = said.answer("a guard", request.send(stage.address()));
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    // What is no HTTP either; the log says that a connection ended early.
    let garbage = format!("{PASSPHRASE} {words} {}\r\n\r\n", stage.token());
    if let Some(answer) = exchange(stage.address(), garbage.as_bytes()) {
        said.answer("garbage", answer);
    }
}

fn use_wallet(stage: &Stage, said: &mut Said, address: &str) {
    let pay = || stage.post("/wallet/send", &json!({"to": address, "amount": "1", "memo": "a note"}));
    said.answer("lock", stage.post("/wallet/lock", &json!({})));
    said.answer("send", pay()).is_refused(409, "wallet-locked");
    said.answer("addresses", stage.post("/wallet/addresses", &json!({}))).is_refused(409, "wallet-locked");
    let unlock = |passphrase| stage.post("/wallet/unlock", &json!({"passphrase": passphrase}));
    said.answer("unlock", unlock(MISTYPED)).is_refused(403, "wrong-passphrase");
    assert_eq!(said.answer("unlock", unlock(PASSPHRASE)).status, 200);
    assert_eq!(said.answer("addresses", stage.post("/wallet/addresses", &json!({}))).status, 201);
    let sent = said.answer("send", pay());
    assert_eq!(sent.status, 201, "{sent:?}");
    for path in ["wallet", "wallet/addresses", "mining", "peers", "status", "mempool", "card", "openapi.json"]
    {
        let request = Request::new("GET", &format!("/api/v1/{path}"));
        said.answer(path, request.send(stage.address()));
    }
    said.answer("metrics", Request::new("GET", "/metrics").send(stage.address()));
    assert_eq!(said.answer("lock", stage.post("/wallet/lock", &json!({}))).status, 200);
}

fn use_command_line(stage: &Stage, said: &mut Said, address: &str, words: &str) {
    for (verb, lines, passphrase, succeeds) in [
        (&["wallet", "new"][..], "", Some(PASSPHRASE), false),
        (&["wallet", "restore"], words, Some(PASSPHRASE), false),
        (&["wallet", "show"], "", None, true),
        (&["wallet", "history", "--json"], "", None, true),
        (&["wallet", "send", address, "1"], "", Some(MISTYPED), false),
        (&["wallet", "send", address, "1"], PASSPHRASE, None, true),
        (&["wallet", "send", address, "1", "--json"], "", Some(PASSPHRASE), true),
        (&["wallet", "send", address, "1000"], "", Some(PASSPHRASE), false),
    ] {
        let output = stage.run(verb, lines, passphrase);
        assert_eq!(output.status.success(), succeeds, "{verb:?}: {output:?}");
        said.output(&verb.join(" "), &output);
    }
}

#[test]
fn what_only_the_owner_knows_is_said_nowhere() {
    let (mut said, mut secrets) = (Said::default(), Secrets::default());
    let mut stage = Stage::start();
    secrets.text("the passphrase", PASSPHRASE);
    secrets.text("the mistyped passphrase", MISTYPED);
    secrets.text("the token", &stage.token());
    let made = stage.post("/wallet", &json!({"passphrase": PASSPHRASE}));
    assert_eq!(made.status, 201, "{made:?}");
    let (words, address) = (made.json()["words"].clone(), made.json()["address"].clone());
    let (words, address) = (words.as_str().expect("words"), address.as_str().expect("an address"));
    secrets.words(words);
    for _ in 0..2 {
        said.answer("mine", stage.post("/mining/block", &json!({})));
    }
    use_wallet(&stage, &mut said, address);
    knock_with(&stage, &mut said, words);
    use_command_line(&stage, &mut said, address, words);
    wait_until("the log tells of small things", PATIENCE, || {
        let log = stage.node.log();
        if log.contains("DEBUG") { Ok(()) } else { Err(log) }
    });
    // Over a restart, with another token.
    stage.node.terminate();
    stage.node.start();
    secrets.text("the second token", &stage.token());
    use_wallet(&stage, &mut said, address);
    // Words where something else belongs in the file: the node says where, and what it expected.
    stage.node.terminate();
    let whole = fs::read_to_string(stage.wallet_file()).expect("there is a wallet");
    let document: Value = serde_json::from_str(&whole).expect("it is JSON");
    for plant in [
        json!({"version": 1, "network": "regtest", "secret": {"plain": {"entropy": words}}, "public_keys": document["public_keys"]}),
        json!({"version": 1, words: 1}),
        json!(words),
    ] {
        fs::write(stage.wallet_file(), plant.to_string()).expect("it is ours");
        said.add("a start", stage.node.try_start().expect_err("this is no wallet"));
        fs::remove_file(stage.wallet_file()).expect("it is there");
    }
    // A wallet that is made anew from its words, by the command line, while no node runs.
    let restored = stage.run(&["wallet", "restore"], words, Some(PASSPHRASE));
    assert!(restored.status.success(), "{restored:?}");
    said.output("wallet restore", &restored);
    stage.node.start();
    use_wallet(&stage, &mut said, address);
    // A crash at last. The node may have said anything then, and left anything behind.
    let pid = Pid::from_raw(i32::try_from(stage.node.pid()).expect("a number")).expect("it runs");
    let limits = fs::read_to_string(format!("/proc/{}/limits", stage.node.pid())).expect("Linux has it");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("Linux has it");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    secrets.text("the third token", &stage.token());
    kill_process(pid, Signal::ABORT).expect("it runs");
    stage.node.kill();

    fs::remove_file(stage.node.folder().join("api-token")).expect("the token is there");
    assert!(secrets.0.len() > 60);
    said.add("the log", stage.node.log());
    said.files(stage.folder.path());
    assert!(said.0.iter().any(|(place, _)| place.ends_with("wallet.json")), "the files are looked through");
    assert!(said.0.iter().any(|(place, bytes)| place.ends_with("/stdout") && !bytes.is_empty()));
    assert_eq!(said.find(&secrets), [""; 0]);
    for (place, _) in &said.0 {
        assert!(!place.contains("/core"), "{place}");
    }
}

#[test]
fn the_search_finds_what_is_there() {
    let stage = Stage::start();
    let made = stage.post("/wallet", &json!({}));
    let (mut said, mut secrets) = (Said::default(), Secrets::default());
    secrets.words(made.json()["words"].as_str().expect("words"));
    secrets.text("the token", &stage.token());
    said.answer("the answer", made);
    said.files(&stage.node.folder());
    let found = said.find(&secrets);
    let in_file =
        |name: &str, file: &str| found.iter().any(|place| place.starts_with(name) && place.ends_with(file));
    assert!(found.contains(&"the words from 21 on in the answer".to_owned()), "{found:?}");
    assert!(in_file("the entropy in hex", "/wallet.json") && in_file("the token", "/api-token"), "{found:?}");
    assert_eq!(found.len(), 22 + 2, "{found:?}");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&stage.wallet_file()), mode(&stage.node.folder())), (0o600, 0o700));
}
