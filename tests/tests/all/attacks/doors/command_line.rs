//! The doors of the command line: what each verb gets with and without the file of the token.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use mote_tests::fixtures::account;
use tempfile::TempDir;

use super::super::access::stage;
use super::super::node::{Node, outer_address, program};
use super::{held, token_of};

/// What a verb asks the node for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What everybody may know.
    Read,
    /// What is the operator's.
    Operators,
    /// It works on files alone.
    Files,
}

use Kind::{Files, Operators, Read};

/// Every verb, with arguments that make it ask the node. `ADDRESS` is that of an account, `CHECKPOINT` a file.
const VERBS: [(Kind, &[&str]); 25] = [
    (Read, &["status"]),
    (Operators, &["wallet", "new"]),
    (Operators, &["wallet", "show"]),
    (Operators, &["wallet", "restore"]),
    (Operators, &["wallet", "balance"]),
    (Read, &["wallet", "balance", "ADDRESS"]),
    (Operators, &["wallet", "send", "ADDRESS", "1"]),
    (Operators, &["wallet", "history"]),
    (Read, &["wallet", "history", "ADDRESS"]),
    (Operators, &["mine"]),
    (Operators, &["peers", "list"]),
    (Operators, &["peers", "add", "127.0.0.1:9"]),
    (Operators, &["peers", "remove", "127.0.0.1:9"]),
    (Read, &["block", "0"]),
    (Read, &["tx", "0000000000000000000000000000000000000000000000000000000000000000"]),
    (Operators, &["resolve"]),
    (Operators, &["checkpoint", "sign", "1"]),
    (Operators, &["checkpoint", "add", "CHECKPOINT"]),
    (Read, &["checkpoint", "list"]),
    (Read, &["export"]),
    (Files, &["run"]),
    (Files, &["import"]),
    (Files, &["verify"]),
    (Files, &["simulate"]),
    (Files, &["device"]),
];

/// A data folder of its own for the command line, with what lies where the token should.
struct Home(TempDir);

impl Home {
    fn new(node: &Node, token: Option<&str>) -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir_all(home.folder(node)).expect("a folder");
        if let Some(token) = token {
            fs::write(home.folder(node).join("api-token"), token).expect("the folder is writable");
        }
        home
    }

    fn folder(&self, node: &Node) -> std::path::PathBuf {
        self.0.path().join(format!("mote/regtest-{}", node.address().port()))
    }

    /// What the program says of a verb about the node at this address.
    fn say(&self, to: SocketAddr, node: &Node, verb: &[&str], wrapper: &[&str]) -> String {
        let program = program();
        let mut line: Vec<&std::ffi::OsStr> = wrapper.iter().map(std::ffi::OsStr::new).collect();
        line.push(program.as_os_str());
        let (first, rest) = line.split_first().expect("there is the program");
        let address = node.text(account(3));
        let file = self.0.path().join("checkpoint.json");
        fs::write(&file, "{}").expect("the folder is writable");
        let verb = verb.iter().map(|word| match *word {
            "ADDRESS" => address.as_str(),
            "CHECKPOINT" => file.to_str().expect("it is text"),
            other => other,
        });
        let mut command = Command::new(first);
        command.args(rest).args(verb).args(["--network", "regtest", "--host", &to.ip().to_string()]);
        command.args(["--port", &to.port().to_string()]);
        command.env_clear().env("XDG_DATA_HOME", self.0.path()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let output = command.current_dir(self.0.path()).stdin(Stdio::null()).output();
        let output = output.expect("the program runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Every verb that asks a node gets through, or those of the operator are refused.
    fn expect(&self, to: SocketAddr, node: &Node, gets_through: bool, wrapper: &[&str]) {
        for (kind, verb) in VERBS.iter().filter(|(kind, _)| *kind != Files) {
            let said = self.say(to, node, verb, wrapper);
            let is_refused = said.contains("(token-required)");
            assert_eq!(is_refused, *kind == Operators && !gets_through, "{verb:?}: {said}");
            assert!(!said.contains("no node answers"), "{verb:?}: {said}");
        }
    }
}

#[test]
fn the_command_line_asks_with_the_token_and_for_nothing_without_it() {
    let mut node = stage(&[]);
    node.restart_with(&["--require-token"]);
    let (here, token) = (node.address(), token_of(&node));
    let before = held(&node, &token);
    for given in [None, Some("0".repeat(64))] {
        Home::new(&node, given.as_deref()).expect(here, &node, false, &[]);
    }
    // A file that another user owns cannot be read; nobody is another user here, so nobody is what root
    // can do without the right to read everything.
    let unreadable = Home::new(&node, Some(&token));
    let file = unreadable.folder(&node).join("api-token");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).expect("it is ours");
    let powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    match fs::read(&file) {
        Err(_) => unreadable.expect(here, &node, false, &[]),
        Ok(_) => unreadable.expect(here, &node, false, &powerless),
    }
    // What is no token, or no file at all, is named, and nobody is asked anything.
    let mut strange: Vec<Home> =
        ["", "\n", &token[..63], "\u{e9}"].iter().map(|text| Home::new(&node, Some(text))).collect();
    strange.push(Home::new(&node, None));
    fs::create_dir(strange[4].folder(&node).join("api-token")).expect("a folder");
    for home in strange {
        for (_, verb) in VERBS.iter().filter(|(kind, _)| *kind != Files) {
            let said = home.say(here, &node, verb, &[]);
            assert!(said.contains("cannot read") && said.contains("api-token: "), "{verb:?}: {said}");
        }
    }
    assert_eq!(held(&node, &token), before);
    // With the token everything gets through; a peer and a block are what shows it.
    Home::new(&node, Some(&format!("{token}\n"))).expect(here, &node, true, &[]);
    assert_ne!(held(&node, &token), before);
}

#[test]
fn the_command_line_of_another_computer_needs_the_token() {
    let mut node = stage(&[]);
    node.restart_with(&["--host", "0.0.0.0"]);
    let Some(outer) = outer_address() else {
        eprintln!("this computer is in no network, so there is no outside to ask from");
        return;
    };
    let (outside, token) = (SocketAddr::new(outer, node.address().port()), token_of(&node));
    let before = held(&node, &token);
    Home::new(&node, None).expect(outside, &node, false, &[]);
    Home::new(&node, Some(&"0".repeat(64))).expect(outside, &node, false, &[]);
    assert_eq!(held(&node, &token), before);
    Home::new(&node, Some(&token)).expect(outside, &node, true, &[]);
}

#[test]
fn no_verb_is_missing_in_the_table() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let verbs_of = |verb: &[&str]| {
        let mut command = Command::new(program());
        command.args(verb).arg("--help").env_clear().env("XDG_DATA_HOME", home.path());
        let help = command.output().expect("the program runs").stdout;
        let help = String::from_utf8(help).expect("it is text");
        let (_, verbs) = help.split_once("Commands:\n").expect("it has verbs");
        let (verbs, _) = verbs.split_once("\n\n").expect("it has options too");
        let names = verbs.lines().filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect::<Vec<_>>()
    };
    for group in [&[][..], &["wallet"], &["peers"], &["checkpoint"]] {
        for name in verbs_of(group) {
            let path = [group, &[name.as_str()]].concat();
            assert!(VERBS.iter().any(|(_, verb)| verb.starts_with(&path)), "{path:?} is not in the table");
        }
    }
}
