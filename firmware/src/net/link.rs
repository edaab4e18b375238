//! The connection to one full node: opened again for ever, messages in and out, pieces of witnesses as
//! they arrive.

use core::net::SocketAddrV4;

use mote_core::codec::{encode_into, encoded_len};
use mote_core::peer::Offence as PeerOffence;
use mote_core::units::Moment;
use mote_core::wire::stream::{Piece, WITNESS_MESSAGE_MAX_BYTES, Window, WitnessReader};
use mote_core::wire::{Message, REFUSAL_MAX_BYTES};
use smoltcp::iface::Context;
use smoltcp::socket::tcp::{Socket, State};

use super::random::Random;
use super::websocket::{self, Head, Key, Mask, Opcode, Upgrade};
use crate::event::Event;
use crate::node::{Node, SEND_MAX_BYTES, Surroundings};
use crate::report::{Offence, PeerState};

/// Bytes of the buffer in which both connections read messages and write lists.
pub const WINDOW_BYTES: usize = 1_904;

/// Bytes that a connection takes in before they are read.
pub const RECEIVE_BYTES: usize = 2_304;

/// Bytes that a connection holds until they were acknowledged: some requests may be among them while
/// there is still room for the largest message.
pub const SEND_BYTES: usize = SEND_MAX_BYTES + websocket::HEAD_MAX_BYTES + 512;

const _: () = assert!(WINDOW_BYTES >= SEND_MAX_BYTES && RECEIVE_BYTES >= WINDOW_BYTES + 10);
const _: () = assert!(WINDOW_BYTES >= mote_core::wire::stream::WINDOW_MIN_BYTES);
const _: () = assert!(WINDOW_BYTES >= websocket::RESPONSE_MAX_BYTES);

/// Index of a message of ids on the wire; a device can do without the rest of a long one.
pub const HAVE_TRANSACTIONS_INDEX: u8 = 6;

/// Index of the proof of an account; one whose path is too long for the window is done without.
pub const ACCOUNT_INDEX: u8 = 14;

/// How long a connection may take to open, in milliseconds.
const OPEN_TIMEOUT_MS: u64 = 8_000;

/// The first wait before a connection is opened again, in milliseconds; it doubles every time.
pub const BACKOFF_MIN_MS: u64 = 500;

/// The longest wait before a connection is opened again, in milliseconds.
pub const BACKOFF_MAX_MS: u64 = 30_000;

/// The first wait after an offence, in milliseconds; it doubles every time.
pub const DISCOURAGED_MIN_MS: u64 = 5_000;

/// The longest wait after an offence, in milliseconds.
pub const DISCOURAGED_MAX_MS: u64 = 600_000;

/// A connection that held for so long, in milliseconds, starts the waits anew.
pub const LASTING_MS: u64 = 60_000;

/// The connection to one full node.
pub struct Link {
    peer: usize,
    address: Option<SocketAddrV4>,
    stage: Stage,
    since: Moment,
    /// Failures and offences in a row.
    failures: u32,
    offences: u32,
    next_port: u16,
}

enum Stage {
    Waiting { until: Moment },
    Opening,
    Upgrading { key: Key, is_sent: bool },
    Open { frame: Option<Frame>, pong: Option<heapless::Vec<u8, { websocket::CONTROL_MAX_BYTES }>> },
}

/// A frame of which bytes are still to come.
struct Frame {
    left: usize,
    reading: Reading,
}

enum Reading {
    /// It is taken in whole.
    Whole(Opcode),
    /// It is part of a witness, and taken in piece by piece.
    Pieces { index: u8, reader: WitnessReader },
    /// It is done without.
    Skipping,
}

/// What came of a turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing more can be done now.
    Idle,
    /// There may be more to do.
    Busy,
    /// The peer was dropped.
    Refused(Offence),
}

/// Why a connection ends.
enum End {
    Offence(Offence),
    Useless(&'static str),
}

impl From<Offence> for End {
    fn from(offence: Offence) -> Self {
        Self::Offence(offence)
    }
}

impl Link {
    /// The connection number `peer`, closed.
    pub fn new(peer: usize, random: &mut Random) -> Self {
        let next_port = 49_152 + (random.number() % 8_192) as u16;
        let stage = Stage::Waiting { until: Moment::default() };
        Self { peer, address: None, stage, since: Moment::default(), failures: 0, offences: 0, next_port }
    }

    /// Where the node is.
    pub fn address(&self) -> Option<SocketAddrV4> {
        self.address
    }

    /// Says where the node is, once that is known.
    pub fn aim(&mut self, address: SocketAddrV4) {
        self.address = Some(address);
    }

    /// How far the connection is.
    pub fn state(&self) -> PeerState {
        match self.stage {
            Stage::Waiting { .. } => PeerState::Waiting,
            Stage::Opening | Stage::Upgrading { .. } => PeerState::Connecting,
            Stage::Open { .. } => PeerState::Connected,
        }
    }

    /// Does what can be done now, at most one transaction's worth of checks.
    #[expect(clippy::too_many_arguments, reason = "everything is lent for the turn")]
    pub fn turn(
        &mut self,
        socket: &mut Socket<'_>,
        context: &mut Context,
        window: &mut [u8],
        random: &mut Random,
        node: &mut Node<'_>,
        outside: &mut impl Surroundings,
        now: Moment,
    ) -> Turn {
        match self.advance(socket, context, window, random, node, outside, now) {
            Ok(true) => Turn::Busy,
            Ok(false) => Turn::Idle,
            Err(End::Useless(reason)) => {
                if let Some(peer) = self.address {
                    outside.tell(Event::Disconnected { peer, reason });
                }
                self.end(socket, node, now);
                Turn::Idle
            }
            Err(End::Offence(offence)) => {
                node.distrust(self.peer, &offence);
                self.refuse(socket, random, &offence);
                self.end(socket, node, now);
                self.offences = self.offences.saturating_add(1);
                let wait = DISCOURAGED_MIN_MS << (self.offences - 1).min(16);
                self.stage = Stage::Waiting { until: now.plus(wait.min(DISCOURAGED_MAX_MS)) };
                Turn::Refused(offence)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "everything is lent for the turn")]
    fn advance(
        &mut self,
        socket: &mut Socket<'_>,
        context: &mut Context,
        window: &mut [u8],
        random: &mut Random,
        node: &mut Node<'_>,
        outside: &mut impl Surroundings,
        now: Moment,
    ) -> Result<bool, End> {
        match &mut self.stage {
            Stage::Waiting { until } => {
                let (Some(address), true) = (self.address, now >= *until) else { return Ok(false) };
                if socket.state() != State::Closed {
                    // The peer had time enough to end its side of the last connection.
                    socket.abort();
                    return Ok(true);
                }
                self.next_port = self.next_port.checked_add(1).unwrap_or(49_152);
                socket.set_nagle_enabled(false);
                socket.set_ack_delay(None);
                self.since = now;
                self.stage = Stage::Opening;
                let remote = (*address.ip(), address.port());
                socket
                    .connect(context, remote, self.next_port)
                    .map_err(|_| End::Useless("no way to the peer"))?;
                Ok(true)
            }
            Stage::Opening => match socket.state() {
                State::Established => {
                    let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = random.bytes();
                    self.stage = Stage::Upgrading { key: Key::new(&key), is_sent: false };
                    Ok(true)
                }
                State::SynSent | State::SynReceived if now.since(self.since) < OPEN_TIMEOUT_MS => Ok(false),
                _ => Err(End::Useless("the peer cannot be reached")),
            },
            Stage::Upgrading { key, is_sent } => {
                if now.since(self.since) >= OPEN_TIMEOUT_MS || !socket.may_recv() {
                    return Err(End::Useless("no answer to the upgrade"));
                }
                if !*is_sent {
                    let address = self.address.ok_or(End::Useless("no address"))?;
                    websocket::write_request(socket, address, key)
                        .map_err(|_| End::Useless("the connection ended"))?;
                    *is_sent = true;
                    return Ok(true);
                }
                let length = socket.peek_slice(window).map_err(|_| End::Useless("the connection ended"))?;
                match websocket::read_response(window.get(..length).unwrap_or_default(), key) {
                    Upgrade::Incomplete => Ok(false),
                    Upgrade::Done(size) => {
                        consume(socket, size)?;
                        node.opened(self.peer, self.address.ok_or(End::Useless("no address"))?, now);
                        self.stage = Stage::Open { frame: None, pong: None };
                        Ok(true)
                    }
                    Upgrade::Declined => Err(End::Useless("the peer declined the upgrade")),
                    Upgrade::Wrong(what) => Err(Offence::WebSocket(what).into()),
                }
            }
            Stage::Open { frame, pong } => {
                if now.since(self.since) >= LASTING_MS {
                    (self.failures, self.offences) = (0, 0);
                }
                // Whatever is to be said is said before more is heard, so that nothing piles up.
                let room = socket.send_capacity() - socket.send_queue();
                let room = room.saturating_sub(websocket::HEAD_MAX_BYTES);
                if let Some(payload) = pong.take_if(|payload| payload.len() <= room) {
                    send(socket, random, Opcode::Pong, payload.len(), |sink| sink(&payload));
                    return Ok(true);
                }
                if say(self.peer, room, socket, window, random, node, outside, now)? {
                    return Ok(true);
                }
                if room < SEND_MAX_BYTES {
                    return if socket.may_send() {
                        Ok(false)
                    } else {
                        Err(End::Useless("the connection ended"))
                    };
                }
                let heard = hear(self.peer, frame, pong, socket, window, node, outside, now)?;
                // What came before the end of a connection is heard, and then it is over.
                let is_over = !(heard || socket.may_recv() && socket.may_send());
                if is_over { Err(End::Useless("the connection ended")) } else { Ok(heard) }
            }
        }
    }

    /// Tells the peer why it is dropped, where that is possible.
    #[inline(never)]
    fn refuse(&self, socket: &mut Socket<'_>, random: &mut Random, offence: &Offence) {
        let mut text = heapless::String::<REFUSAL_MAX_BYTES>::new();
        // A reason that is too long ends where it does not fit.
        let _ = core::fmt::Write::write_fmt(&mut text, format_args!("{offence}"));
        let room = socket.send_capacity() - socket.send_queue();
        if matches!(self.stage, Stage::Open { .. }) && room > REFUSAL_MAX_BYTES + 16 {
            send_message(socket, random, &Message::Refused(&text));
        }
    }

    /// The connection is over; the next one is opened after a while.
    #[inline(never)]
    fn end(&mut self, socket: &mut Socket<'_>, node: &mut Node<'_>, now: Moment) {
        if matches!(self.stage, Stage::Open { .. }) && socket.may_send() {
            socket.close();
        } else {
            socket.abort();
        }
        node.closed(self.peer);
        let wait = BACKOFF_MIN_MS << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        self.stage = Stage::Waiting { until: now.plus(wait.min(BACKOFF_MAX_MS)) };
    }
}

/// Says what there is to say, one message; `false` where there is nothing.
#[expect(clippy::too_many_arguments, reason = "everything is lent for the turn")]
#[inline(never)]
fn say(
    peer: usize,
    room: usize,
    socket: &mut Socket<'_>,
    window: &mut [u8],
    random: &mut Random,
    node: &mut Node<'_>,
    outside: &mut impl Surroundings,
    now: Moment,
) -> Result<bool, End> {
    let said = node.say(peer, room, window, now, outside).map_err(|useless| End::Useless(useless.0))?;
    said.iter().for_each(|message| send_message(socket, random, message));
    Ok(said.is_some())
}

/// Takes in what has come, up to one message or one transaction; `false` where there is nothing.
#[expect(clippy::too_many_arguments, reason = "everything is lent for the turn")]
#[inline(never)]
fn hear(
    peer: usize,
    frame: &mut Option<Frame>,
    pong: &mut Option<heapless::Vec<u8, { websocket::CONTROL_MAX_BYTES }>>,
    socket: &mut Socket<'_>,
    window: &mut [u8],
    node: &mut Node<'_>,
    outside: &mut impl Surroundings,
    now: Moment,
) -> Result<bool, End> {
    // A frame without a payload has nothing more to wait for.
    if !socket.can_recv() && frame.as_ref().is_none_or(|frame| frame.left > 0) {
        return Ok(false);
    }
    let Some(Frame { left, reading }) = frame else {
        let mut head = [0; 11];
        let length = socket.peek_slice(&mut head).map_err(|_| End::Useless("the connection ended"))?;
        let head = head.get(..length).unwrap_or_default();
        let read = websocket::read_head(head).map_err(Offence::WebSocket)?;
        let Some(Head { opcode, length, size }) = read else { return Ok(false) };
        // Behind a frame without a payload stands the next frame.
        let index = head.get(size).copied().filter(|_| length > 0);
        if opcode == Opcode::Binary && length > 0 && index.is_none() {
            return Ok(false);
        }
        let reading = begin(peer, opcode, length, index, node, now)?;
        // The index of a message that is read in pieces is read with its head.
        let is_split = matches!(reading, Reading::Pieces { .. });
        consume(socket, size + usize::from(is_split))?;
        *frame = Some(Frame { left: length - usize::from(is_split), reading });
        return Ok(true);
    };
    let length = socket.peek_slice(window).map_err(|_| End::Useless("the connection ended"))?.min(*left);
    let payload = window.get(..length).unwrap_or_default();
    let is_rest = length == *left;
    let taken = match reading {
        Reading::Whole(_) if !is_rest => return Ok(false),
        Reading::Whole(Opcode::Binary) => {
            let before = outside.work();
            let received = node.receive(peer, payload, now, outside);
            outside.count_checks(before);
            received?;
            length
        }
        Reading::Whole(Opcode::Ping) => {
            *pong = heapless::Vec::from_slice(payload).ok();
            length
        }
        Reading::Whole(Opcode::Pong) => length,
        Reading::Whole(Opcode::Close) => return Err(End::Useless("the peer closed the connection")),
        Reading::Skipping => length,
        Reading::Pieces { index, reader } => {
            let window = if is_rest { Window::Rest } else { Window::Beginning };
            let before = outside.work();
            let taken = take_pieces(peer, *index, reader, payload, window, node, outside, now);
            outside.count_checks(before);
            taken?
        }
    };
    consume(socket, taken)?;
    *left -= taken;
    let is_over = *left == 0 && (!matches!(reading, Reading::Pieces { .. }) || is_rest);
    if is_over {
        *frame = None;
    }
    Ok(taken > 0 || is_over)
}

/// Decides how a frame is read.
fn begin(
    peer: usize,
    opcode: Opcode,
    length: usize,
    index: Option<u8>,
    node: &mut Node<'_>,
    now: Moment,
) -> Result<Reading, End> {
    let too_large = |limit| Offence::Peer(PeerOffence::TooLarge { got: length, limit });
    if length > WITNESS_MESSAGE_MAX_BYTES {
        return Err(too_large(WITNESS_MESSAGE_MAX_BYTES).into());
    }
    let pieces = index
        .filter(|_| opcode == Opcode::Binary)
        .and_then(|index| Some((index, WitnessReader::new(index)?)));
    if let Some((index, reader)) = pieces {
        node.begin_pieces(peer, index, now)?;
        return Ok(Reading::Pieces { index, reader });
    }
    match index {
        _ if length <= WINDOW_BYTES => Ok(Reading::Whole(opcode)),
        Some(HAVE_TRANSACTIONS_INDEX | ACCOUNT_INDEX) => Ok(Reading::Skipping),
        _ => Err(too_large(WINDOW_BYTES).into()),
    }
}

/// Takes in pieces of a message until the window has no whole one left, or the message is over.
#[expect(clippy::too_many_arguments, reason = "everything is lent for the turn")]
#[inline(never)]
fn take_pieces(
    peer: usize,
    index: u8,
    reader: &mut WitnessReader,
    payload: &[u8],
    window: Window,
    node: &mut Node<'_>,
    outside: &mut impl Surroundings,
    now: Moment,
) -> Result<usize, End> {
    let mut taken = 0;
    loop {
        let rest = payload.get(taken..).unwrap_or_default();
        // A piece is large, and there are dozens to a payment: it is read where it stands.
        let read = reader.next(rest, window);
        let (piece, size) = match &read {
            Ok(Some((piece, size))) => (piece, *size),
            Ok(None) => return Ok(taken),
            Err(error) => return Err(Offence::Peer(PeerOffence::Malformed(*error)).into()),
        };
        taken += size;
        node.receive_piece(peer, index, piece, now, outside)?;
        if *piece == Piece::End {
            return Ok(taken);
        }
    }
}

fn consume(socket: &mut Socket<'_>, size: usize) -> Result<(), End> {
    let mut left = size;
    while left > 0 {
        // A ring's content comes in at most two parts.
        let part = socket
            .recv(|part| (left.min(part.len()), left.min(part.len())))
            .map_err(|_| End::Useless("the connection ended"))?;
        if part == 0 {
            return Err(End::Useless("the connection ended"));
        }
        left -= part;
    }
    Ok(())
}

#[inline(never)]
fn send_message(socket: &mut Socket<'_>, random: &mut Random, message: &Message<'_>) {
    let length = encoded_len(message);
    send(socket, random, Opcode::Binary, length, |sink| encode_into(message, sink));
}

/// Sends one frame, for which there is room; `payload` hands it over piece by piece.
fn send(
    socket: &mut Socket<'_>,
    random: &mut Random,
    opcode: Opcode,
    length: usize,
    payload: impl FnOnce(&mut dyn FnMut(&[u8])),
) {
    let [a, b, c, d, ..] = random.bytes();
    let mut head = [0; websocket::HEAD_MAX_BYTES];
    let size = websocket::write_head(&mut head, opcode, length as u16, [a, b, c, d]);
    let mut mask = Mask::new([a, b, c, d]);
    // The caller saw to it that there is room; a connection that just ended takes nothing, which shows.
    let _ = socket.send_slice(head.get(..size).unwrap_or_default());
    payload(&mut |piece| {
        for part in piece.chunks(64) {
            let mut masked = heapless::Vec::<u8, 64>::new();
            let _ = masked.extend_from_slice(part);
            mask.apply(&mut masked);
            let _ = socket.send_slice(&masked);
        }
    });
}
