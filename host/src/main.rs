//! The composition root: the one place that names the concrete clock, store and transport and puts
//! the parts of a node together.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use mote::api::token::Token;
use mote::api::{App, AppParts, at_once, guarded, router};
use mote::cli::device::{self, flags::EmulateArguments};
use mote::cli::{Cli, CliError, Invocation, Progress, execute, refused, show_sync};
use mote::clock::Clock;
use mote::config::{Config, FolderChoice, Surroundings};
use mote::device::emulator::seen_by_guest;
use mote::driver::{self, DriverJoin};
use mote::net::admission::AdmissionLimits;
use mote::net::server::{Server, ServerLimits, Site};
use mote::net::{Network, PeerLimits, peer_route};
use mote::node::handle::Handle;
use mote::node::request::{MiningSettings, Reply, Request};
use mote::node::{MEMPOOL_TRANSACTIONS, Node, Options};
use mote::store::disk::FileDisk;
use mote::store::index::is_shielded;
use mote::store::journal::{Journal, JournalLimits};
use mote::store::ledger::Ledger;
use mote::store::lock::FolderLock;
use mote::store::log::Identity;
use mote::store::opening::IndexState;
use mote::wallet::service::WalletService;
use mote_core::params::{Network as ChainNetwork, Params};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::lookup_host;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> ExitCode {
    keep_memory_private();
    report_panics();
    let cli = Cli::parse();
    let done =
        Surroundings::of_process().map_err(CliError::Output).and_then(|here| match cli.resolve(&here)? {
            Invocation::Run(config) => run(&config),
            Invocation::Emulate(arguments, config) => run_device(&arguments, &config),
            Invocation::Verb(verb, config) => {
                let mut out = std::io::stdout().lock();
                execute(verb, &config, &mut out).and_then(|()| Ok(out.flush()?))
            }
        });
    let Err(error) = done else { return ExitCode::SUCCESS };
    let code = error.exit_code();
    if code != 0 {
        eprintln!("error: {error}");
    }
    ExitCode::from(code)
}

/// Runs a node until a signal ends it.
fn run(config: &Config) -> Result<(), CliError> {
    log(config.log_level);
    let runtime = Runtime::new().map_err(failed("cannot start threads"))?;
    let ended = runtime.block_on(serve(config, runtime.handle().clone()));
    // Work that blocks, such as a guess at a passphrase, is not worth waiting for.
    runtime.shutdown_background();
    ended
}

async fn serve(config: &Config, runtime: tokio::runtime::Handle) -> Result<(), CliError> {
    let mut signals = Signals::new().map_err(failed("cannot listen for signals"))?;
    let mut node = Running::start(config, runtime).await?;
    greet(config, node.address, node.has_wallet);
    let showing = tokio::spawn(show_sync(node.handle.clone()));
    let is_asked = tokio::select! {
        () = signals.next() => true,
        () = node.driver.ended() => false,
    };
    showing.abort();
    if is_asked {
        eprintln!("stopping; once more ends it at once");
    }
    signals.end_at_next();
    node.stop().await
}

/// Runs an emulated device, and a node for it unless a peer is named, until a signal or the device's end.
fn run_device(arguments: &EmulateArguments, config: &Config) -> Result<(), CliError> {
    log(config.log_level);
    let firmware = device::run::firmware(arguments)?;
    let _lock = take_folder(config)?;
    let runtime = Runtime::new().map_err(failed("cannot start threads"))?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::new().map_err(failed("cannot listen for signals"))?;
        let mut node = match arguments.peer.as_slice() {
            [] => Some(Running::start(&config.beside_device(), runtime.handle().clone()).await?),
            _ => None,
        };
        let ended = emulate(arguments, config, firmware, node.as_mut(), &mut signals).await;
        signals.end_at_next();
        let stopped = match node {
            Some(node) => node.stop().await,
            None => Ok(()),
        };
        ended.and(stopped)
    });
    runtime.shutdown_background();
    ended
}

async fn emulate(
    arguments: &EmulateArguments,
    config: &Config,
    firmware: PathBuf,
    node: Option<&mut Running>,
    signals: &mut Signals,
) -> Result<(), CliError> {
    let peers = match &node {
        Some(node) => vec![seen_by_guest(node.address)?],
        None => arguments.peer.iter().map(device::run::endpoint).collect::<Result<_, _>>()?,
    };
    let device = device::run::prepare(config, arguments, firmware, &peers)?;
    let page = node.as_ref().map(|node| page_address(node.address));
    let mut emulator = device.machine.start()?;
    device.greet(page, &mut std::io::stdout().lock())?;
    let node_ended = async {
        match node {
            Some(node) => node.driver.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signals.next() => {}
        () = node_ended => {}
        ended = emulator.ended() => return Ok(ended?),
    }
    Ok(emulator.stop().await?)
}

/// The folder with its lock, made where there is none.
fn take_folder(config: &Config) -> Result<FolderLock, CliError> {
    let folder = &config.folder;
    config.make_folder().map_err(|source| CliError::File { action: "make", path: folder.clone(), source })?;
    FolderLock::acquire(folder)
        .map_err(|error| refused(error, "it runs already; a second node needs another --port"))
}

/// A node that runs, and has its folder to itself.
struct Running {
    _lock: FolderLock,
    address: SocketAddr,
    has_wallet: bool,
    handle: Handle<FileDisk>,
    driver: DriverJoin,
    app: App<FileDisk>,
    stop: tokio::sync::oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(config: &Config, runtime: tokio::runtime::Handle) -> Result<Self, CliError> {
        let lock = take_folder(config)?;
        let server = bind(config).await?;
        let address = server.address();
        let params = Arc::new(Params::new(config.network.clone()));
        let clock = Clock::start();
        let ticks = Arc::new(move || clock.elapsed());
        let wallet = WalletService::open(&config.wallet_path(), &config.network.to_string(), ticks)?;
        let miner = wallet.first_key().await.map_err(failed("cannot use the wallet"))?;
        let mining = MiningSettings {
            miner,
            switch: config.mine,
            threads: config.threads.get(),
            limit: config.mining_limit,
        };
        let node = open(config, &params, address.port(), mining)?;
        let (network, arrivals) = Network::new(runtime, PeerLimits::default(), config.peer_origins.clone());
        let started = driver::start(node, clock, network.clone(), arrivals);
        let (handle, driver) = started.map_err(failed("cannot start the node"))?;
        let app = App::new(AppParts {
            handle: handle.clone(),
            params,
            wallet,
            token: Token::create(&config.folder).map_err(failed("cannot make the token"))?,
            bind: address,
            token_policy: config.token,
        });
        let router = router(app.clone()).merge(guarded(peer_route::router(network)));
        let site = Site { at_once: Arc::new(at_once(app.clone())), router };
        add_peers(config, &handle).await?;
        let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(site, async {
            // The other end is dropped, never sent to.
            let _ = stopping.await;
        }));
        let has_wallet = miner.is_some();
        Ok(Self { _lock: lock, address, has_wallet, handle, driver, app, stop, serving })
    }

    async fn stop(self) -> Result<(), CliError> {
        self.app.close();
        drop(self.stop);
        let (_, stopped) = tokio::join!(self.serving, stop_driver(self.driver));
        stopped
    }
}

async fn stop_driver(driver: DriverJoin) -> Result<(), CliError> {
    driver.stop().await.map_err(|error| CliError::Failed(error.to_string()))
}

/// Takes the port before anything that takes long, so that a wrong one shows at once.
async fn bind(config: &Config) -> Result<Server, CliError> {
    let Config { host, port, .. } = config;
    let unknown = |reason: String| CliError::Failed(format!("--host {host}: {reason}"));
    let mut addresses =
        lookup_host((host.as_str(), *port)).await.map_err(|error| unknown(error.to_string()))?;
    let address = addresses.next().ok_or_else(|| unknown("the name has no address".to_owned()))?;
    let admission = AdmissionLimits::default().within(raise_file_limit());
    let limits = ServerLimits { admission, ..ServerLimits::default() };
    Server::bind(address, limits).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let other = port.checked_add(1).unwrap_or(mote::config::PORT);
            CliError::Failed(format!("port {port} is in use by another program: try --port {other}"))
        }
        _ => CliError::Failed(format!("cannot listen at {address}: {error}")),
    })
}

fn open(
    config: &Config,
    params: &Arc<Params>,
    port: u16,
    mining: MiningSettings,
) -> Result<Node<FileDisk>, CliError> {
    let disk = FileDisk::new(&config.folder).map_err(|source| CliError::File {
        action: "use",
        path: config.folder.clone(),
        source,
    })?;
    let random = |error| CliError::Failed(format!("the system gives no random number: {error}"));
    let (salt, nonce) = (getrandom::u32().map_err(random)?, getrandom::u64().map_err(random)?);
    let mut bar = Progress::new("catching up the index");
    let (ledger, opened) = Ledger::open(disk.clone(), params.clone(), salt, |progress| {
        bar.update(progress.done, progress.total, "");
    })?;
    bar.finish();
    if let IndexState::Rebuilt { reason } = &opened.index {
        tracing::warn!(%reason, "the index could not be used and was built anew from the log");
    }
    let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
    let (limits, reaches) = (JournalLimits::default(), ledger.journal_end());
    let (journal, found) = Journal::open(disk.clone(), &identity, limits, salt, reaches)
        .map_err(mote::store::error::StoreError::from)?;
    if found.is_missing {
        tracing::warn!("the open transactions are given up: no open-*.seg file is there any more");
    }
    for cut in opened.cut.iter().chain(&found.cut) {
        tracing::warn!("{cut}");
    }
    let options = Options { port, nonce, mining, mempool_capacity: MEMPOOL_TRANSACTIONS };
    let mut node = Node::new(disk, ledger, (journal, found.transactions), params.clone(), options)?;
    node.name_checkpoint_keys(config.checkpoint_keys.clone()).map_err(failed("cannot follow checkpoints"))?;
    Ok(node)
}

async fn add_peers(config: &Config, handle: &Handle<FileDisk>) -> Result<(), CliError> {
    for peer in &config.peers {
        let reply = handle.request(Request::AddPeer(peer.clone())).await;
        if let Reply::PeerChanged(Err(error)) = reply.map_err(failed("cannot add a peer"))? {
            return Err(CliError::Failed(format!("--peer {peer}: {error}")));
        }
    }
    Ok(())
}

fn greet(config: &Config, address: SocketAddr, has_wallet: bool) {
    let page = page_address(address);
    let reach = address.ip().is_unspecified().then_some("open to other computers");
    let mut lines = vec![
        format!("Mote is running at http://{page} (network {})", config.network),
        format!("  data  {}", config.folder.display()),
    ];
    lines.extend(reach.map(|reach| format!("  note  {reach}, at port {}", address.port())));
    let flags = flags_of(config, address.port());
    lines.push(match has_wallet {
        true => format!("  next  open the page, or `mote{flags} status` in a second terminal; Ctrl-C stops the node"),
        false => format!("  next  open the page to make a wallet, or `mote{flags} wallet new` in a second terminal; Ctrl-C stops the node"),
    });
    // Whoever started the node may have closed its output since; it runs all the same.
    let _ = writeln!(std::io::stdout().lock(), "{}", lines.join("\n"));
}

/// What other verbs must be told to find this node, and its token in its folder.
fn flags_of(config: &Config, port: u16) -> String {
    let mut flags = String::new();
    if config.network != ChainNetwork::Local {
        flags += &format!(" --network {}", config.network);
    }
    if port != mote::config::PORT {
        flags += &format!(" --port {port}");
    }
    if let (FolderChoice::Named, Some(base)) = (config.folder_choice, config.folder.parent()) {
        flags += &format!(" --data {}", base.display());
    }
    flags
}

/// Where this computer finds the page of a node that listens at `address`.
fn page_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// Keeps passphrases and keys, while they are in memory, out of core dumps and from other programs of the
/// same user. Where the system refuses, the program runs all the same.
fn keep_memory_private() {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, nothing);
    // A dump that the system pipes into a program heeds no limit.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Tells of panics as usual, but for those that the store turns into errors which say what to do.
fn report_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_shielded() {
            report(panic);
        }
    }));
}

/// Lets the process have as many files open as the system allows, since each connection is one; how many.
fn raise_file_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = if raised.is_ok() { maximum } else { current };
    files.and_then(|files| files.try_into().ok()).unwrap_or(usize::MAX)
}

/// Logs to standard error. Of foreign crates only warnings: their finer messages may show what
/// passes through them.
fn log(level: LevelFilter) {
    let targets = Targets::new()
        .with_target("mote", level)
        .with_target("mote_core", level)
        .with_default(level.min(LevelFilter::WARN));
    let format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(targets).with(format).init();
}

/// What ends a node from outside.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Lets the next one end the process at once.
    fn end_at_next(mut self) {
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }
}

fn failed<E: Display>(what: &'static str) -> impl Fn(E) -> CliError {
    move |error| CliError::Failed(format!("{what}: {error}"))
}
