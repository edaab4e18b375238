//! A full node of which a test owns every word: a server of WebSockets that shows a [`Branch`] as an
//! honest node does, but for what its [`Script`] says otherwise.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;
use mote_core::units::Timestamp;
use mote_core::wire::{Message, SUBPROTOCOL};
use tungstenite::{Message as Frame, WebSocket};

use super::answers;
use super::branch::Branch;
use super::script::{Out, Script, Upgrade, say};
use super::websocket;
use crate::processes::{PATIENCE, wait_until};

/// How long a connection waits for the device before it looks whether the test has something to say.
const GLANCE: Duration = Duration::from_millis(5);

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Whether the other side had greeted.
    pub greeted: bool,
    /// Why the other side refused to go on, where it said so.
    pub refused: Option<String>,
    /// What was asked in this connection, by the names of the messages.
    pub heard: Vec<&'static str>,
}

/// A full node of which a test owns every word.
pub struct Host {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    branch: Branch,
    script: Script,
    /// How far its clock is off, in seconds.
    skew_seconds: i64,
    is_gone: bool,
    /// How often it has become another.
    life: usize,
    open: Vec<TcpStream>,
    connections: usize,
    /// How often it has ended or fallen silent by its own will.
    broken_off: usize,
    partings: Vec<Parting>,
    /// Transactions that were passed on to it.
    transactions: Vec<Transaction>,
}

impl Host {
    /// A node that shows this branch.
    pub fn start(branch: Branch, script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("some port is free");
        let address = listener.local_addr().expect("it listens");
        let state = State {
            branch,
            script,
            skew_seconds: 0,
            is_gone: false,
            life: 0,
            open: Vec::new(),
            connections: 0,
            broken_off: 0,
            partings: Vec::new(),
            transactions: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if look(&shared).is_gone {
                    return;
                }
                let shared = shared.clone();
                thread::spawn(move || Connection::serve(stream, shared));
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port at which it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes what it says from the next connection on, and the branch that it shows, and forgets what
    /// was. Connections are closed.
    pub fn become_another(&self, branch: Branch, script: Script) {
        let mut state = look(&self.state);
        (state.branch, state.script, state.skew_seconds) = (branch, script, 0);
        close_all(&mut state);
        state.life += 1;
        state.broken_off = 0;
        state.partings.clear();
        state.transactions.clear();
    }

    /// Puts its clock ahead of the true time, or behind it.
    pub fn skew(&self, seconds: i64) {
        look(&self.state).skew_seconds = seconds;
    }

    /// Shows another branch from now on, and announces its tip.
    pub fn announce(&self, branch: Branch) {
        look(&self.state).branch = branch;
    }

    /// The branch that it shows.
    pub fn branch(&self) -> Branch {
        look(&self.state).branch.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        look(&self.state).connections
    }

    /// How often it has ended a connection or fallen silent by its own will.
    pub fn broken_off(&self) -> usize {
        look(&self.state).broken_off
    }

    /// How the connections ended that have.
    pub fn partings(&self) -> Vec<Parting> {
        look(&self.state).partings.clone()
    }

    /// Waits until a connection has ended; how.
    #[track_caller]
    pub fn parting(&self) -> Parting {
        wait_until("the other side parts", PATIENCE, || {
            self.partings().first().cloned().ok_or("nothing of that kind".to_owned())
        })
    }

    /// Transactions that were passed on to it.
    pub fn transactions(&self) -> Vec<Transaction> {
        look(&self.state).transactions.clone()
    }

    /// What the time is, for somebody who asks this host.
    pub fn now(&self) -> Timestamp {
        look(&self.state).now()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let mut state = look(&self.state);
        state.is_gone = true;
        close_all(&mut state);
        drop(state);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn now(&self) -> Timestamp {
        let seconds = UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs();
        Timestamp::from_seconds(seconds.saturating_add_signed(self.skew_seconds))
    }
}

fn look(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no thread of a host panics with the lock held")
}

fn close_all(state: &mut State) {
    for stream in state.open.drain(..) {
        // It may have ended by itself.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// One connection to a host.
struct Connection {
    socket: WebSocket<TcpStream>,
    shared: Arc<Mutex<State>>,
    script: Script,
    announced: Hash32,
    parting: Parting,
    is_silent: bool,
}

/// The connection is over.
struct Over;

impl Connection {
    fn serve(stream: TcpStream, shared: Arc<Mutex<State>>) {
        let (script, life) = {
            let mut state = look(&shared);
            state.connections += 1;
            state.open.extend(stream.try_clone());
            (state.script.clone(), state.life)
        };
        let parting = Parting { greeted: false, refused: None, heard: Vec::new() };
        // Whatever fails here is the end of the connection, and that is noted below.
        let _ = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
        let held = stream.try_clone();
        let is_odd = matches!(script.upgrade, Upgrade::Bytes(_) | Upgrade::Closed | Upgrade::Silent);
        look(&shared).broken_off += usize::from(is_odd);
        let parting = match upgrade(stream, &script.upgrade) {
            None => parting,
            Some(socket) => {
                let announced = look(&shared).branch.tip().id();
                let shared = shared.clone();
                let mut connection = Self { socket, shared, script, announced, parting, is_silent: false };
                let _ = connection.talk();
                connection.hear_the_rest();
                connection.parting
            }
        };
        // The other side may have ended it.
        let _ = held.and_then(|stream| stream.shutdown(Shutdown::Both));
        let mut state = look(&shared);
        if state.life == life {
            state.partings.push(parting);
        }
    }

    fn talk(&mut self) -> Result<(), Over> {
        self.socket.get_ref().set_read_timeout(Some(GLANCE)).map_err(|_| Over)?;
        let hello = {
            let mut state = look(&self.shared);
            let nonce = 0x5ca1_ab1e + state.connections as u64;
            state.open.retain(|stream| stream.peer_addr().is_ok());
            answers::hello(&state.branch, state.now(), nonce)
        };
        let greeting = (self.script.greeting)(hello);
        self.send_all(greeting)?;
        loop {
            match self.socket.read() {
                Ok(Frame::Binary(bytes)) => self.hear(&bytes)?,
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Over),
            }
            self.announce()?;
        }
    }

    /// What the other side said while this one still spoke, or before it closed.
    fn hear_the_rest(&mut self) {
        while let Ok(frame) = self.socket.read() {
            if let Frame::Binary(bytes) = frame
                && let Ok(Message::Refused(reason)) = decode::<Message<'_>>(&bytes)
            {
                self.parting.refused = Some(reason.to_owned());
            }
        }
    }

    /// Says what is new.
    fn announce(&mut self) -> Result<(), Over> {
        let tip = look(&self.shared).branch.tip().clone();
        if self.parting.greeted && tip.id() != self.announced {
            self.announced = tip.id();
            self.send(say(&Message::Tip(tip)))?;
        }
        Ok(())
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let Ok(message) = decode::<Message<'_>>(bytes) else {
            self.parting.heard.push("nonsense");
            return Ok(());
        };
        self.parting.heard.push(answers::name(&message));
        let answer = self.answer(message);
        self.send_all(answer)
    }

    fn answer(&mut self, message: Message<'_>) -> Vec<Out> {
        let mut state = look(&self.shared);
        match message {
            Message::Hello(_) => {
                self.parting.greeted = true;
                self.script.greeted.clone()
            }
            Message::Refused(reason) => {
                self.parting.refused = Some(reason.to_owned());
                Vec::new()
            }
            Message::Transaction(transaction) => {
                state.transactions.push(transaction);
                Vec::new()
            }
            message => answers::answer(&self.script, &state.branch, message, state.now()),
        }
    }

    fn send_all(&mut self, outs: Vec<Out>) -> Result<(), Over> {
        outs.into_iter().try_for_each(|out| self.send(out))
    }

    fn send(&mut self, out: Out) -> Result<(), Over> {
        if self.is_silent {
            return Ok(());
        }
        if matches!(out, Out::End | Out::Silence) {
            look(&self.shared).broken_off += 1;
        }
        let sent = match out {
            Out::Message(bytes) => self.socket.send(Frame::Binary(bytes.into())),
            Out::Text(text) => self.socket.send(Frame::Text(text.into())),
            Out::Raw(bytes) => self.socket.get_mut().write_all(&bytes).map_err(Into::into),
            Out::Pieces(bytes, length) => websocket::send_pieces(&mut self.socket, &bytes, length),
            Out::End => return Err(Over),
            Out::Silence => {
                self.is_silent = true;
                Ok(())
            }
        };
        match sent {
            // The device takes its time; what is written is on its way.
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            sent => sent.map_err(|_| Over),
        }
    }
}

/// Answers the request to open a WebSocket; none where that comes to nothing.
fn upgrade(mut stream: TcpStream, upgrade: &Upgrade) -> Option<WebSocket<TcpStream>> {
    let protocol = match upgrade {
        Upgrade::Honest => Some(SUBPROTOCOL),
        Upgrade::Subprotocol(protocol) => *protocol,
        Upgrade::Closed => return None,
        Upgrade::Silent => {
            read_until_end(&mut stream);
            return None;
        }
        Upgrade::Bytes(bytes) => {
            read_request(&mut stream);
            // What the device thinks of it shows in what it does next.
            let _ = stream.write_all(bytes);
            read_until_end(&mut stream);
            return None;
        }
    };
    websocket::accept(stream, protocol)
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        request.extend(byte);
    }
}

fn read_until_end(stream: &mut TcpStream) {
    let mut buffer = [0; 1_024];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}
