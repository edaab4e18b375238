//! A peer that says what a test wants it to say, over a real WebSocket.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use mote_core::block::Header;
use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::pow::Work;
use mote_core::units::{Height, Timestamp};
use mote_core::wire::{Hello, List, ListWriter, Message, PROTOCOL_VERSION, SUBPROTOCOL, Services};
use mote_tests::fixtures::{VecBlock, wire};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::{Message as Frame, WebSocket};

use super::http::open;

/// A chain of blocks above genesis, as a peer shows it.
#[derive(Clone, Default)]
pub struct Branch {
    blocks: Vec<VecBlock>,
    places: BTreeMap<Hash32, usize>,
}

/// A connection to a node.
pub struct Peer {
    socket: WebSocket<TcpStream>,
    genesis: Hash32,
    farewell: String,
}

/// The ping that follows on the last block of a branch.
const LAST: u64 = 78;

/// How a peer was parted from.
#[derive(Debug)]
pub enum End {
    /// The node said why.
    Refused(String),
    /// The node closed the connection.
    Closed,
    /// The node has the block that was offered as its tip.
    Taken,
    /// The node has got the last block and thinks nothing of it.
    Passed,
    /// The node asks for nothing more.
    Settled {
        /// How often it asked for headers.
        headers_asked: usize,
        /// How often it asked for a block.
        blocks_asked: usize,
    },
}

impl Branch {
    /// Adds a block, whether it follows on the last or not.
    pub fn push(&mut self, block: VecBlock) {
        self.places.insert(block.header.id(), self.blocks.len());
        self.blocks.push(block);
    }

    /// The branch with one more block.
    pub fn and(&self, block: VecBlock) -> Self {
        let mut longer = self.clone();
        longer.push(block);
        longer
    }

    /// The last block's id.
    pub fn tip(&self) -> Hash32 {
        self.blocks.last().expect("a branch has blocks").header.id()
    }

    /// The last block.
    pub fn last(&self) -> &VecBlock {
        self.blocks.last().expect("a branch has blocks")
    }

    /// The blocks.
    pub fn blocks(&self) -> &[VecBlock] {
        &self.blocks
    }

    fn headers_after(&self, locator: &[Hash32], limit: usize) -> Vec<Header> {
        let start = locator.iter().find_map(|id| self.places.get(id)).map_or(0, |index| index + 1);
        self.blocks[start..].iter().take(limit).map(|block| block.header.clone()).collect()
    }

    fn block(&self, id: &Hash32) -> Option<&VecBlock> {
        self.places.get(id).map(|index| &self.blocks[*index])
    }
}

/// The items of a list on the wire.
pub fn list<T: serde::Serialize>(items: &[T], buffer: &mut Vec<u8>, send: impl FnOnce(List<'_, T>)) {
    buffer.resize(items.iter().map(|item| wire(item).len()).sum(), 0);
    let mut writer = ListWriter::new(buffer);
    items.iter().for_each(|item| writer.push(item).expect("the buffer is as long as the items"));
    send(writer.finish());
}

/// The request with which a peer connects.
pub fn handshake(address: SocketAddr) -> Request {
    let mut request = format!("ws://{address}/peer").into_client_request().expect("an address");
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().expect("a header"));
    request
}

impl Peer {
    /// Connects and says nothing.
    #[track_caller]
    pub fn connect(address: SocketAddr, params: &Params) -> Self {
        let (socket, _) = tungstenite::client(handshake(address), open(address)).expect("a node takes peers");
        Self { socket, genesis: params.genesis_id(), farewell: String::new() }
    }

    /// Connects and greets without claiming anything.
    #[track_caller]
    pub fn greeted(address: SocketAddr, params: &Params) -> Self {
        let mut peer = Self::connect(address, params);
        let hello = peer.hello();
        peer.greet(hello);
        peer
    }

    /// A greeting that claims nothing.
    pub fn hello(&self) -> Hello {
        // The nonce names the connection, since two peers with one nonce are taken for one node.
        let port = self.socket.get_ref().local_addr().expect("it is connected").port();
        Hello {
            version: PROTOCOL_VERSION,
            genesis: self.genesis,
            tip: self.genesis,
            height: Height::GENESIS,
            work: Work::ZERO,
            time: Timestamp::from_seconds(
                std::time::UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs(),
            ),
            services: Services::FULL,
            witness_from: Height::GENESIS,
            message_max: mote_core::wire::MESSAGE_MAX_BYTES as u32,
            nonce: u64::from(port) << 32 | u64::from(std::process::id()),
            port: 0,
        }
    }

    /// Greets.
    pub fn greet(&mut self, hello: Hello) {
        self.send(&Message::Hello(hello));
    }

    /// Sends a message, unless the node has gone away.
    pub fn send(&mut self, message: &Message<'_>) {
        self.send_bytes(wire(message));
    }

    /// Sends a binary message of any bytes, unless the node has gone away.
    pub fn send_bytes(&mut self, bytes: Vec<u8>) {
        // What the node thinks of it shows in what it says next.
        let _ = self.socket.send(Frame::Binary(bytes.into()));
    }

    /// Writes bytes past the WebSocket; whether the node still takes them.
    pub fn write_raw(&mut self, bytes: &[u8]) -> bool {
        self.socket.get_mut().write_all(bytes).is_ok()
    }

    /// The next message, none once the node has closed the connection.
    #[track_caller]
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.read() {
                Ok(Frame::Binary(bytes)) => return Some(bytes.into()),
                Ok(Frame::Close(last)) => {
                    self.farewell = last.map(|last| last.reason.to_string()).unwrap_or_default();
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("the node neither answers nor closes")
                }
                Err(_) => return None,
            }
        }
    }

    /// Why the node closes the connection.
    #[track_caller]
    pub fn refusal(&mut self) -> String {
        match self.serve(&Branch::default()) {
            End::Refused(reason) => reason,
            other => panic!("expected a reason, got {other:?}"),
        }
    }

    /// What the node said last when it closed the connection.
    pub fn farewell(&self) -> &str {
        &self.farewell
    }

    /// The node closes the connection, with or without a reason.
    #[track_caller]
    pub fn is_closed(&mut self) {
        while self.receive().is_some() {}
    }

    /// Answers what the node asks about a branch until it parts or takes the branch.
    #[track_caller]
    pub fn serve(&mut self, branch: &Branch) -> End {
        while let Some(bytes) = self.receive() {
            match decode::<Message<'_>>(&bytes).expect("a node sends messages") {
                Message::GetHeaders { locator, limit } => {
                    let ids: Vec<Hash32> = locator.iter().map(|id| id.expect("ids")).collect();
                    let headers = branch.headers_after(&ids, usize::from(limit));
                    list(&headers, &mut Vec::new(), |list| self.send(&Message::Headers(list)));
                }
                Message::GetBlock(id) => match branch.block(&id) {
                    Some(block) => {
                        self.send(&Message::Block(&wire(block)));
                        if id == branch.tip() {
                            self.send(&Message::Ping(LAST));
                        }
                    }
                    None => self.send(&Message::NotFound(id)),
                },
                Message::Pong(LAST) => return End::Passed,
                Message::GetAddresses => {
                    list(&[], &mut Vec::new(), |list| self.send(&Message::Addresses(list)))
                }
                Message::Ping(nonce) => self.send(&Message::Pong(nonce)),
                Message::Refused(reason) => return End::Refused(reason.to_owned()),
                Message::Tip(header) if branch.blocks.last().is_some_and(|last| last.header == header) => {
                    return End::Taken;
                }
                _ => {}
            }
        }
        End::Closed
    }

    /// Claims to have a branch and shows it.
    #[track_caller]
    fn show(&mut self, branch: &Branch) -> End {
        self.send(&Message::Tip(branch.last().header.clone()));
        self.serve(branch)
    }

    /// Offers a branch that the node takes.
    #[track_caller]
    pub fn offer(mut self, branch: &Branch) {
        match self.show(branch) {
            End::Taken => {}
            End::Passed => match self.serve(branch) {
                End::Taken => {}
                other => panic!("the branch is not taken: {other:?}"),
            },
            other => panic!("the branch is not taken: {other:?}"),
        }
    }

    /// Offers a branch that the node refuses; why.
    #[track_caller]
    pub fn offer_in_vain(mut self, branch: &Branch) -> String {
        let mut end = self.show(branch);
        if let End::Passed = end {
            end = self.serve(branch);
        }
        match end {
            End::Refused(reason) => reason,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    /// Offers a branch again and again until the node closes the connection; why.
    #[track_caller]
    pub fn insist(mut self, branch: &Branch) -> String {
        let tip = Message::Tip(branch.last().header.clone());
        self.send(&tip);
        while let Some(bytes) = self.receive() {
            match decode::<Message<'_>>(&bytes).expect("a node sends messages") {
                Message::GetHeaders { locator, limit } => {
                    let ids: Vec<Hash32> = locator.iter().map(|id| id.expect("ids")).collect();
                    let headers = branch.headers_after(&ids, usize::from(limit));
                    list(&headers, &mut Vec::new(), |list| self.send(&Message::Headers(list)));
                    self.send(&tip);
                }
                Message::Refused(reason) => return reason.to_owned(),
                _ => {}
            }
        }
        self.farewell
    }

    /// Offers a branch that the node may not refuse and does not follow either.
    #[track_caller]
    pub fn offer_to_no_effect(mut self, branch: &Branch) {
        match self.show(branch) {
            End::Passed => {}
            other => panic!("expected nothing to come of it, got {other:?}"),
        }
    }

    /// Shows the headers of a branch and has none of its blocks, until the node asks for nothing more.
    #[track_caller]
    pub fn show_headers_only(&mut self, branch: &Branch) -> End {
        self.send(&Message::Tip(branch.last().header.clone()));
        let (mut headers_asked, mut blocks_asked, mut asked_before) = (0, 0, None);
        self.send(&Message::Ping(LAST));
        while let Some(bytes) = self.receive() {
            match decode::<Message<'_>>(&bytes).expect("a node sends messages") {
                Message::GetHeaders { locator, limit } => {
                    let ids: Vec<Hash32> = locator.iter().map(|id| id.expect("ids")).collect();
                    let headers = branch.headers_after(&ids, usize::from(limit));
                    list(&headers, &mut Vec::new(), |list| self.send(&Message::Headers(list)));
                    headers_asked += 1;
                }
                Message::GetBlock(id) => {
                    self.send(&Message::NotFound(id));
                    blocks_asked += 1;
                }
                Message::Ping(nonce) => self.send(&Message::Pong(nonce)),
                Message::Refused(reason) => return End::Refused(reason.to_owned()),
                // The node answers in order: what it had to ask came before.
                Message::Pong(LAST) if asked_before == Some((headers_asked, blocks_asked)) => {
                    return End::Settled { headers_asked, blocks_asked };
                }
                Message::Pong(LAST) => {
                    asked_before = Some((headers_asked, blocks_asked));
                    self.send(&Message::Ping(LAST));
                }
                _ => {}
            }
        }
        End::Closed
    }

    /// Makes a write that the node does not read end soon.
    pub fn shorten_patience(&mut self, patience: std::time::Duration) {
        self.socket.get_ref().set_write_timeout(Some(patience)).expect("a time-out");
    }

    /// Asks a node a question whose answer comes at once, so that everything before it was dealt with.
    #[track_caller]
    pub fn settle(&mut self) {
        self.send(&Message::Ping(77));
        while let Some(bytes) = self.receive() {
            match decode::<Message<'_>>(&bytes).expect("a node sends messages") {
                Message::Pong(77) => return,
                Message::Refused(reason) => panic!("refused: {reason}"),
                _ => {}
            }
        }
        panic!("the node closes");
    }

    /// Follows the node's headers from genesis on and asks for the last block; its id.
    #[track_caller]
    pub fn fetch_tip(mut self, params: &Params) -> Hash32 {
        let mut tip = params.genesis_id();
        loop {
            list(&[tip], &mut Vec::new(), |locator| self.send(&Message::GetHeaders { locator, limit: 512 }));
            let last = self.find(|message| match message {
                Message::Headers(headers) => {
                    Some(headers.iter().last().map(|header| header.expect("headers")))
                }
                _ => None,
            });
            let Some(last) = last else { break };
            tip = last.id();
        }
        if tip == params.genesis_id() {
            return tip;
        }
        self.send(&Message::GetBlock(tip));
        self.find(|message| match message {
            Message::Block(bytes) => Some(decode::<VecBlock>(bytes).expect("a block").header.id()),
            _ => None,
        })
    }

    /// The first thing of a kind that the node says.
    #[track_caller]
    pub fn find<T>(&mut self, want: impl Fn(Message<'_>) -> Option<T>) -> T {
        while let Some(bytes) = self.receive() {
            match decode::<Message<'_>>(&bytes).expect("a node sends messages") {
                Message::Ping(nonce) => self.send(&Message::Pong(nonce)),
                Message::Refused(reason) => panic!("refused: {reason}"),
                message => {
                    if let Some(found) = want(message) {
                        return found;
                    }
                }
            }
        }
        panic!("the node closes the connection of an honest peer");
    }
}
