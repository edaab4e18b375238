//! The connections of a device: opened again for ever, and how messages come to its node.

use std::net::{IpAddr, SocketAddrV4};

use mote_core::peer::Offence as PeerOffence;
use mote_core::units::Moment;
use mote_core::wire::stream::{Piece, WITNESS_MESSAGE_MAX_BYTES, Window, WitnessReader};
use mote_firmware::net::link::{
    ACCOUNT_INDEX, BACKOFF_MAX_MS, BACKOFF_MIN_MS, DISCOURAGED_MAX_MS, DISCOURAGED_MIN_MS,
    HAVE_TRANSACTIONS_INDEX, LASTING_MS, WINDOW_BYTES,
};
use mote_firmware::node::{Node, SEND_MAX_BYTES};
use mote_firmware::report::Offence;

use super::{Action, Outside};
use crate::encoding::encoded;
use crate::node::PeerId;
use crate::simulation::place::address;

/// The way to one full node.
#[derive(Debug)]
pub struct Link {
    /// The node's number.
    pub to: usize,
    /// How far its connection is.
    pub stage: LinkStage,
    /// Since when, in milliseconds of the world.
    pub since: u64,
    /// Failures and offences in a row.
    failures: u32,
    offences: u32,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStage {
    /// It is opened then, in milliseconds of the world.
    Waiting {
        /// When.
        until: u64,
    },
    /// It is being opened.
    Dialling,
    /// It is open.
    Open(PeerId),
}

impl Link {
    /// The way to this node, to be opened at once.
    pub fn new(to: usize) -> Self {
        Self { to, stage: LinkStage::Waiting { until: 0 }, since: 0, failures: 0, offences: 0 }
    }

    /// Opens the connection where that is due, and says what there is to say.
    pub(super) fn turn(
        &mut self,
        peer: usize,
        node: &mut Node<'_>,
        outside: &mut Outside<'_>,
        (millis, now): (u64, Moment),
        actions: &mut Vec<Action>,
    ) {
        match self.stage {
            LinkStage::Waiting { until } if millis >= until => {
                (self.stage, self.since) = (LinkStage::Dialling, millis);
                actions.push(Action::Dial(self.to));
            }
            LinkStage::Waiting { .. } | LinkStage::Dialling => {}
            LinkStage::Open(id) => {
                if millis - self.since >= LASTING_MS {
                    (self.failures, self.offences) = (0, 0);
                }
                let mut scratch = [0; WINDOW_BYTES];
                loop {
                    match node.say(peer, SEND_MAX_BYTES, &mut scratch, now, outside) {
                        Ok(Some(message)) => actions.push(Action::Send(id, encoded(&message))),
                        Ok(None) => return,
                        Err(_) => break,
                    }
                }
                node.closed(peer);
                self.wait(millis, None);
                actions.push(Action::Close(id, None));
            }
        }
    }

    /// The connection is over; the next one is opened after a while, after an offence a longer one.
    pub fn wait(&mut self, millis: u64, offence: Option<&Offence>) {
        let (first, longest, failures) = match offence {
            None => (BACKOFF_MIN_MS, BACKOFF_MAX_MS, &mut self.failures),
            Some(_) => (DISCOURAGED_MIN_MS, DISCOURAGED_MAX_MS, &mut self.offences),
        };
        let until = millis + (first << (*failures).min(16)).min(longest);
        *failures += 1;
        self.stage = LinkStage::Waiting { until };
    }
}

/// Hands a message to the node as a connection does: whole where it fits the window, a part of a witness piece
/// by piece, and what is too long for the window not at all.
pub(super) fn take_message(
    node: &mut Node<'_>,
    peer: usize,
    bytes: &[u8],
    now: Moment,
    outside: &mut Outside<'_>,
) -> Result<(), Offence> {
    let too_large = |limit| Offence::Peer(PeerOffence::TooLarge { got: bytes.len(), limit });
    let Some((index, payload)) = bytes.split_first() else { return node.receive(peer, bytes, now, outside) };
    if bytes.len() > WITNESS_MESSAGE_MAX_BYTES {
        return Err(too_large(WITNESS_MESSAGE_MAX_BYTES));
    }
    let Some(mut reader) = WitnessReader::new(*index) else {
        return match *index {
            _ if bytes.len() <= WINDOW_BYTES => node.receive(peer, bytes, now, outside),
            HAVE_TRANSACTIONS_INDEX | ACCOUNT_INDEX => Ok(()),
            _ => Err(too_large(WINDOW_BYTES)),
        };
    };
    node.begin_pieces(peer, *index, now)?;
    let mut rest = payload;
    loop {
        let length = rest.len().min(WINDOW_BYTES);
        let window = if length == rest.len() { Window::Rest } else { Window::Beginning };
        let next = reader.next(rest.get(..length).unwrap_or_default(), window);
        let next = next.map_err(|error| Offence::Peer(PeerOffence::Malformed(error)))?;
        // A window holds every piece.
        let Some((piece, size)) = next else { return Ok(()) };
        rest = rest.get(size..).unwrap_or_default();
        node.receive_piece(peer, *index, &piece, now, outside)?;
        if piece == Piece::End {
            return Ok(());
        }
    }
}

/// Where a node listens, as a device writes it.
pub fn socket_address(place: usize) -> Option<SocketAddrV4> {
    let address = address(place);
    match address.ip()? {
        IpAddr::V4(ip) => Some(SocketAddrV4::new(ip, address.port())),
        IpAddr::V6(_) => None,
    }
}
