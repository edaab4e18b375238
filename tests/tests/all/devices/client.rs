//! The simplest client that checks everything, to hold the hosts of these tests against: one
//! connection, one peer, as much memory as it likes.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::peer::{Asked, Greeting, Session, Verdict};
use mote_core::pow::Work;
use mote_core::rules::{Clock, Execution, check_header, check_transaction};
use mote_core::state::{ProofOf, WitnessAccounts};
use mote_core::units::{Height, Moment, Timestamp};
use mote_core::wire::{Hello, Message, PROTOCOL_VERSION, SUBPROTOCOL, Services};
use mote_tests::devices::branch::with_list;
use mote_tests::fixtures::wire;
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message as Frame, WebSocket};

/// The largest message that the client takes, as a small device would say.
pub const MESSAGE_MAX: usize = 8 * 1_024;

/// How long the client waits for whatever comes next.
const PATIENCE: Duration = Duration::from_secs(2);

struct Client<'a> {
    params: &'a Params,
    now: Timestamp,
    socket: WebSocket<TcpStream>,
    session: Session,
    begun: Instant,
    tip: Tip,
}

/// Connects, follows the headers and checks every block; the tip, or why not.
pub fn follow(address: SocketAddr, params: &Params, now: Timestamp) -> Result<Tip, String> {
    follow_from(Tip::genesis(params), address, params, now)
}

/// The same from a block on that the client believes in.
pub fn follow_from(tip: Tip, address: SocketAddr, params: &Params, now: Timestamp) -> Result<Tip, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(address).map_err(|error| text(&error))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| text(&error))?;
    let mut request = format!("ws://{address}/peer").into_client_request().map_err(|error| text(&error))?;
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().expect("a header"));
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX));
    let opened = tungstenite::client::client_with_config(request, stream, Some(config));
    let (socket, _) = opened.map_err(|error| text(&error))?;
    let greeting = Greeting { genesis: params.genesis_id(), nonce: 1, message_max: MESSAGE_MAX };
    let session = Session::new(greeting, Moment::default());
    let mut client = Client { params, now, socket, session, begun: Instant::now(), tip };
    let done = client.run();
    if let Err(reason) = &done {
        let reason: String = reason.chars().take(200).collect();
        client.send(&Message::Refused(&reason));
    }
    // What was said still arrives.
    let _ = client.socket.close(None);
    let _ = client.socket.flush();
    done.map(|()| client.tip)
}

impl Client<'_> {
    fn run(&mut self) -> Result<(), String> {
        self.send(&Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            genesis: self.params.genesis_id(),
            tip: self.params.genesis_id(),
            height: Height::GENESIS,
            work: Work::ZERO,
            time: self.now,
            services: Services::default(),
            witness_from: Height::GENESIS,
            message_max: MESSAGE_MAX as u32,
            nonce: 1,
            port: 0,
        }));
        self.next(|verdict, _| (verdict == Verdict::Greeting).then_some(()))?;
        let claimed = self.session.remote().map(|hello| hello.work).unwrap_or_default();
        let headers = self.headers()?;
        for header in &headers {
            self.check_block(header)?;
        }
        // Whatever comes unasked for comes before the answer to this.
        let tip = self.tip.id();
        self.ask(Asked::Headers, |client| client.ask_for_headers(tip));
        self.next(is_headers)??;
        if self.tip.work() < claimed {
            return Err(format!("claimed work {claimed}, showed {}", self.tip.work()));
        }
        Ok(())
    }

    /// All headers, checked.
    fn headers(&mut self) -> Result<Vec<Header>, String> {
        let mut tip = self.tip.clone();
        let mut all = Vec::new();
        loop {
            let last = tip.id();
            self.ask(Asked::Headers, |client| client.ask_for_headers(last));
            let headers = self.next(is_headers)??;
            if headers.is_empty() {
                return Ok(all);
            }
            if headers.first().is_some_and(|first| first.previous != last) && !all.is_empty() {
                return Err("headers that follow from nothing".to_owned());
            }
            for header in headers {
                let checked = check_header(self.params, &tip, &header, Clock::Now(self.now));
                tip.extend(&checked.map_err(|error| error.to_string())?);
                all.push(header);
            }
        }
    }

    fn check_block(&mut self, header: &Header) -> Result<(), String> {
        let id = header.id();
        self.ask(Asked::Witness(id), |client| client.send(&Message::GetWitness(id)));
        let mut execution = Execution::new(self.params, header.height, header.miner);
        let mut root = self.tip.state_root();
        let mut begun = false;
        loop {
            let bytes = self.next(|verdict, message| match verdict {
                Verdict::Answer(Asked::Witness(_)) => Some(wire(message)),
                _ => None,
            })?;
            match decode::<Message<'_>>(&bytes).map_err(|error| error.to_string())? {
                Message::WitnessStart(got) if !begun && got == *header => begun = true,
                Message::WitnessTransaction { transaction, sender, recipient } if begun => {
                    let checked =
                        check_transaction(self.params, &transaction).map_err(|error| error.to_string())?;
                    let mut accounts = WitnessAccounts::new(root, [sender, recipient].into_iter());
                    execution.apply(&mut accounts, &checked).map_err(|error| error.to_string())?;
                    root = accounts.root();
                }
                Message::WitnessEnd(miner) if begun => {
                    let mut accounts = WitnessAccounts::new(
                        root,
                        miner.into_iter().map(|proof| ProofOf { leaf: proof.leaf, path: proof.path }),
                    );
                    let executed = execution.finish(&mut accounts).map_err(|error| error.to_string())?;
                    executed.check(header).map_err(|error| error.to_string())?;
                    let checked = check_header(self.params, &self.tip, header, Clock::Now(self.now));
                    self.tip.extend(&checked.map_err(|error| error.to_string())?);
                    return Ok(());
                }
                _ => return Err("witness out of order".to_owned()),
            }
        }
    }

    fn ask(&mut self, asked: Asked, send: impl FnOnce(&mut Self)) {
        assert!(self.session.ask(asked, self.moment()), "one thing is asked at a time");
        send(self);
    }

    fn ask_for_headers(&mut self, after: Hash32) {
        with_list(&[after], |locator| self.send(&Message::GetHeaders { locator, limit: 512 }));
    }

    fn send(&mut self, message: &Message<'_>) {
        // What the other side thinks of it shows in what it says next.
        let _ = self.socket.send(Frame::Binary(wire(message).into()));
    }

    fn moment(&self) -> Moment {
        Moment::from_millis(self.begun.elapsed().as_millis() as u64)
    }

    /// The next thing of which `want` makes something.
    fn next<T>(&mut self, want: impl Fn(Verdict, &Message<'_>) -> Option<T>) -> Result<T, String> {
        loop {
            let bytes = match self.socket.read() {
                Ok(Frame::Binary(bytes)) => bytes,
                Ok(Frame::Text(_)) => return Err("text".to_owned()),
                Ok(_) => continue,
                Err(error) => return Err(error.to_string()),
            };
            let moment = self.moment();
            let received = self.session.receive(&bytes, moment);
            let (verdict, message) = received.map_err(|offence| offence.to_string())?;
            if let Some(found) = want(verdict, &message) {
                return Ok(found);
            }
        }
    }
}

fn is_headers(verdict: Verdict, message: &Message<'_>) -> Option<Result<Vec<Header>, String>> {
    match (verdict, message) {
        (Verdict::Answer(_), Message::Headers(headers)) => {
            Some(headers.iter().collect::<Result<_, _>>().map_err(|error| error.to_string()))
        }
        _ => None,
    }
}
