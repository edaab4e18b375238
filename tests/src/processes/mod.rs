//! Nodes as users run them: processes of the program `mote`, each with a folder and a port of its own,
//! driven over HTTP and from the command line.
//!
//! Only processes that were started here are ever signalled, and all of them end with their value.

mod api;
mod ports;
mod usage;
mod wire;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

pub use api::{
    Answer, Api, BlockJson, Created, Located, MinedBlock, PeerJson, Place, Resolved, Sent, Status,
    TransactionJson, WalletJson,
};
pub use ports::Port;
pub use usage::Usage;
pub use wire::Wire;

/// How long anything may take that is bound to happen. It only bounds how long a failure takes to show,
/// so it is far beyond what a busy computer needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a process has to answer after its start.
const START: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer; `describe` says what was seen instead where there is
/// none in time.
pub fn wait_until<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(value) => return value,
            Err(seen) if begun.elapsed() > deadline => {
                panic!("waited {deadline:?} until {what}, and last saw: {seen}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The program under test, which is built beside the tests.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its program");
    let folder = test.parent().and_then(Path::parent).expect("tests stand in target/PROFILE/deps");
    let path = folder.join("mote");
    assert!(path.is_file(), "{} is missing: build it with `cargo build -p mote`", path.display());
    path
}

/// How a node is run.
#[derive(Clone, Debug)]
pub struct Launch {
    network: String,
    host: &'static str,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    wrapper: Vec<String>,
    data: Option<PathBuf>,
    current: Option<PathBuf>,
    chain: Option<Chain>,
}

/// The chain that a node begins with.
#[derive(Clone, Debug)]
enum Chain {
    /// A copy of the files in this folder.
    Copy(PathBuf),
    /// The folder itself.
    Itself(PathBuf),
}

impl Launch {
    /// A node on the network where a block takes two attempts.
    pub fn regtest() -> Self {
        Self::on("regtest")
    }

    /// A node on this network.
    pub fn on(network: &str) -> Self {
        Self {
            network: network.to_owned(),
            host: "127.0.0.1",
            arguments: Vec::new(),
            variables: Vec::new(),
            wrapper: Vec::new(),
            data: None,
            current: None,
            chain: None,
        }
    }

    /// Passes further arguments to `mote run`.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|text| (*text).to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs the program by means of another one that ends by running its last arguments.
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    /// Keeps the data here instead of in a temporary folder.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Starts the program in this folder.
    pub fn current(mut self, folder: impl Into<PathBuf>) -> Self {
        self.current = Some(folder.into());
        self
    }

    /// Begins with a copy of the chain whose files are in this folder.
    pub fn with_chain(mut self, folder: impl Into<PathBuf>) -> Self {
        self.chain = Some(Chain::Copy(folder.into()));
        self
    }

    /// Takes this folder with the files of a chain for its own, which no other node may use meanwhile.
    pub fn over_chain(mut self, folder: impl Into<PathBuf>) -> Self {
        self.chain = Some(Chain::Itself(folder.into()));
        self
    }

    /// Listens at a loopback address of its own, so that other nodes reach it only through a [`Wire`].
    pub fn behind_wire(mut self) -> Self {
        self.host = "127.0.0.2";
        self
    }

    /// Starts the node and waits until it answers.
    pub fn start(self) -> Node {
        loop {
            let mut node = Node::new(self.clone());
            match &self.chain {
                None => {}
                Some(Chain::Copy(chain)) => {
                    copy_files(chain, &node.folder()).expect("the chain can be copied")
                }
                Some(Chain::Itself(chain)) => {
                    fs::create_dir_all(node.data()).expect("a folder can be made");
                    symlink(chain, node.folder()).expect("a link can be made");
                }
            }
            match node.try_start() {
                Ok(()) => return node,
                // Somebody else took the port since it was chosen.
                Err(failure) if failure.contains("is in use by another program") => {}
                Err(failure) => panic!("the node did not start: {failure}"),
            }
        }
    }

    /// Starts a node that cannot run, and returns its exit code and what it says.
    pub fn refused(self) -> (Option<i32>, String) {
        let node = Node::new(self);
        let output = node.command().stdin(Stdio::null()).output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A node and the process that runs it.
pub struct Node {
    launch: Launch,
    port: Port,
    own: TempDir,
    api: Api,
    wire: Option<Wire>,
    child: Option<Child>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// How long that took.
    pub took: Duration,
}

impl Node {
    fn new(launch: Launch) -> Self {
        let port = Port::reserve();
        let own = tempfile::Builder::new().prefix("mote-").tempdir().expect("a temporary folder");
        let api = Api::new(launch.host, port.number());
        let is_wired = launch.host != "127.0.0.1";
        let wire = is_wired.then(|| Wire::new(port.number(), (launch.host, port.number())));
        Self { launch, port, own, api, wire, child: None }
    }

    /// Starts the process again after it has ended, over the same data and on the same port.
    pub fn start(&mut self) {
        if let Err(failure) = self.try_start() {
            panic!("the node did not start again: {failure}");
        }
    }

    /// The same where it may fail; what the process said then.
    pub fn try_start(&mut self) -> Result<(), String> {
        assert!(self.child.is_none(), "the node runs already");
        let log =
            File::options().create(true).append(true).open(self.log_path()).expect("the log can be made");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().map_err(|error| format!("cannot run the program: {error}"))?);
        let begun = Instant::now();
        loop {
            if self.api.is_healthy() {
                return Ok(());
            }
            let child = self.child.as_mut().expect("it was just started");
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                self.child = None;
                return Err(format!("{status}\n{}", self.log()));
            }
            if begun.elapsed() > START {
                return Err(format!("no answer within {START:?}\n{}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn command(&self) -> Command {
        let mut command = match self.launch.wrapper.split_first() {
            None => Command::new(program()),
            Some((wrapper, rest)) => {
                let mut command = Command::new(wrapper);
                command.args(rest).arg(program());
                command
            }
        };
        self.settings(&mut command);
        command.arg("run").args(&self.launch.arguments);
        command
    }

    /// The flags that the node and the verbs that ask it share.
    fn settings(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            // What the surroundings of the tests say of nodes is not about these.
            if name.to_string_lossy().starts_with("MOTE_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.own.path()).env_remove("XDG_DATA_HOME");
        command.envs(self.launch.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.launch.current.as_deref().unwrap_or(self.own.path()));
        command.args(["--network", &self.launch.network, "--host", self.launch.host]);
        command.args(["--port", &self.port.number().to_string()]);
        if !self.launch.variables.iter().any(|(name, _)| name == "XDG_DATA_HOME") {
            command.arg("--data").arg(self.data());
        }
    }

    /// The data folder that the node is given.
    pub fn data(&self) -> PathBuf {
        self.launch.data.clone().unwrap_or_else(|| self.own.path().join("data"))
    }

    /// Where below the data folder this node keeps its files.
    pub fn folder(&self) -> PathBuf {
        let network = self.launch.network.replace(':', "-");
        self.data().join(format!("{network}-{}", self.port.number()))
    }

    /// Changes how the node is run from its next start on.
    pub fn relaunch(&mut self, change: impl FnOnce(Launch) -> Launch) {
        self.launch = change(self.launch.clone());
    }

    /// The address at which other nodes reach this one.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    /// The port at which other nodes reach this one.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// What stands between this node and those that dial it.
    pub fn wire(&self) -> &Wire {
        self.wire.as_ref().expect("the node was started behind a wire")
    }

    /// Its HTTP API, which may be used from any thread.
    pub fn api(&self) -> Api {
        self.api.clone()
    }

    /// Everything that the node has said on its standard error.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.own.path().join("log")
    }

    /// Runs a verb of the command line on this node.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        self.settings(&mut command);
        command.args(arguments).stdin(Stdio::null()).output().expect("the program starts")
    }

    /// Runs a verb that succeeds, and returns what it prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "mote {arguments:?}: {}\n{text}{said}", output.status);
        text
    }

    /// Runs a verb that succeeds, and returns the JSON that it prints.
    pub fn cli_json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.cli(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("mote {arguments:?}: {error}: {text}"))
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the node runs").id()
    }

    /// What the process takes of the computer.
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid())
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the node runs");
        kill_process(Pid::from_child(child), signal).expect("a child can be signalled");
    }

    /// Ends the process as a power cut would, were it not for the system's buffers.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the node runs");
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }

    /// Asks the process to end, and waits until it has.
    pub fn terminate(&mut self) -> Ended {
        let begun = Instant::now();
        self.signal(Signal::TERM);
        let log = self.log_path();
        let child = self.child.as_mut().expect("the node runs");
        let status = wait_until("the node ends", PATIENCE, || {
            let status = child.try_wait().expect("a child can be waited for");
            status.ok_or_else(|| fs::read_to_string(&log).unwrap_or_default())
        });
        let took = begun.elapsed();
        self.child = None;
        Ended { status, took }
    }

    /// Stops the process from doing anything, with its connections open.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Forbids the running process to write to any file beyond this many bytes. It has to be started
    /// [`Launch::through`] something that lets it ignore the signal that comes with it.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let child = self.child.as_ref().expect("the node runs");
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit).expect("limits can be set");
    }

    /// Adds another node as a peer.
    pub fn add_peer(&self, other: &Self) {
        self.api.add_peer(&other.address());
    }

    /// Waits until the node says something that `is_so`.
    pub fn wait(&self, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
        wait_until(what, PATIENCE, || {
            let status = self.api.status();
            if is_so(&status) { Ok(status) } else { Err(format!("{status:?}\n{}", self.log())) }
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4_000);
            let tail = log.get(from..).unwrap_or(&log);
            eprintln!("what the node at port {} said last:\n{tail}", self.port.number());
        }
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// Waits until all nodes have the same tip, and returns its height.
pub fn wait_for_one_tip(nodes: &[&Node]) -> u64 {
    wait_until("all nodes have one tip", PATIENCE, || {
        let all: Vec<Status> = nodes.iter().map(|node| node.api.status()).collect();
        match all.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other.tip == first.tip) => Ok(first.height),
            _ => Err(format!("{all:#?}")),
        }
    })
}
