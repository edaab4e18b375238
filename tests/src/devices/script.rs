//! What a host says otherwise than an honest one would.

use std::sync::Arc;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::wire::{Hello, Message};

use super::branch::with_list;
use crate::fixtures::wire;

/// Something that a host does on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Sends one binary message.
    Message(Vec<u8>),
    /// Sends one text message.
    Text(&'static str),
    /// Writes bytes past the WebSocket.
    Raw(Vec<u8>),
    /// Sends one binary message in frames of at most so many bytes.
    Pieces(Vec<u8>, usize),
    /// Closes the connection, as a program does that ends.
    End,
    /// Says nothing any more, and leaves the connection open.
    Silence,
}

/// How a host answers a request to open a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// As RFC 6455 says.
    Honest,
    /// As RFC 6455 says, but for the subprotocol.
    Subprotocol(Option<&'static str>),
    /// With these bytes.
    Bytes(Vec<u8>),
    /// Not at all; the connection is closed.
    Closed,
    /// Not at all; the connection stays open.
    Silent,
}

type Change<T> = Arc<dyn Fn(T) -> Vec<Out> + Send + Sync>;

/// What a host says; all of it is honest unless something is replaced.
#[derive(Clone)]
pub struct Script {
    pub(super) upgrade: Upgrade,
    pub(super) greeting: Change<Hello>,
    pub(super) greeted: Vec<Out>,
    pub(super) headers: Change<Vec<Header>>,
    pub(super) witness: Change<(Hash32, Vec<Vec<u8>>)>,
    pub(super) template: Change<Vec<Vec<u8>>>,
    pub(super) accounts: Accounts,
}

/// Whether a host has the accounts of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// All of them.
    Known,
    /// It says of each that it is not there.
    Unknown,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            upgrade: Upgrade::Honest,
            greeting: Arc::new(|hello| vec![say(&Message::Hello(hello))]),
            greeted: Vec::new(),
            headers: Arc::new(|headers| vec![show(&headers)]),
            witness: Arc::new(|(_, messages)| all(messages)),
            template: Arc::new(all),
            accounts: Accounts::Known,
        }
    }
}

impl Script {
    /// A host that is honest.
    pub fn honest() -> Self {
        Self::default()
    }

    /// A host that answers the request to open a WebSocket in its own way.
    pub fn upgrade(upgrade: Upgrade) -> Self {
        Self { upgrade, ..Self::default() }
    }

    /// A host that says something else instead of its greeting.
    pub fn greeting(change: impl Fn(Hello) -> Vec<Out> + Send + Sync + 'static) -> Self {
        Self { greeting: Arc::new(change), ..Self::default() }
    }

    /// A host that greets with something that is not so.
    pub fn claiming(change: impl Fn(&mut Hello) + Send + Sync + 'static) -> Self {
        Self::greeting(move |mut hello| {
            change(&mut hello);
            vec![say(&Message::Hello(hello))]
        })
    }

    /// A host that says something of itself once both sides have greeted.
    pub fn greeted(outs: Vec<Out>) -> Self {
        Self { greeted: outs, ..Self::default() }
    }

    /// A host that answers a request for headers in its own way.
    pub fn headers(change: impl Fn(Vec<Header>) -> Vec<Out> + Send + Sync + 'static) -> Self {
        Self { headers: Arc::new(change), ..Self::default() }
    }

    /// A host that shows the witness of this block in its own way, and every other one as it is.
    pub fn witness(of: Hash32, change: impl Fn(Vec<Vec<u8>>) -> Vec<Out> + Send + Sync + 'static) -> Self {
        let change = move |(id, messages)| if id == of { change(messages) } else { all(messages) };
        Self { witness: Arc::new(change), ..Self::default() }
    }

    /// A host that shows headers, and falls silent once it is asked for a witness.
    pub fn without_witnesses() -> Self {
        Self { witness: Arc::new(|_| vec![Out::Silence]), ..Self::default() }
    }

    /// A host that has nobody's account.
    pub fn without_accounts() -> Self {
        Self { accounts: Accounts::Unknown, ..Self::default() }
    }

    /// A host that answers a request for the witness of a template in its own way.
    pub fn template(change: impl Fn(Vec<Vec<u8>>) -> Vec<Out> + Send + Sync + 'static) -> Self {
        Self { template: Arc::new(change), ..Self::default() }
    }
}

/// Sends a message.
pub fn say(message: &Message<'_>) -> Out {
    Out::Message(wire(message))
}

/// Sends headers.
pub fn show(headers: &[Header]) -> Out {
    with_list(headers, |list| say(&Message::Headers(list)))
}

/// Sends messages as they are.
pub fn all(messages: Vec<Vec<u8>>) -> Vec<Out> {
    messages.into_iter().map(Out::Message).collect()
}

/// The first bytes of a frame of a server, whatever they claim: the first byte, and the length.
pub fn frame_head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..=125 => head.push(length as u8),
        126..=0xffff => {
            head.push(126);
            head.extend((length as u16).to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend(length.to_be_bytes());
        }
    }
    head
}
