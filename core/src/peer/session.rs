//! The state machine of one connection.

use super::limits::{
    GREETING_TIMEOUT_MS, PING_AFTER_MS, REQUEST_TIMEOUT_MS, REQUESTS_IN_FLIGHT_MAX, SILENCE_MAX_MS,
    TIMEOUTS_MAX,
};
use crate::block::Header;
use crate::codec::{DecodeError, decode, decode_prefix};
use crate::hash::Hash32;
use crate::keys::AccountKey;
use crate::params::BLOCK_TRANSACTIONS_MAX;
use crate::rules::RuleError;
use crate::units::Moment;
use crate::wire::{Hello, MESSAGE_MAX_BYTES, MESSAGE_MIN_BYTES, Message, PROTOCOL_VERSION};

/// Something that this side asked for and that an answer is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Headers after a locator.
    Headers,
    /// A block.
    Block(Hash32),
    /// Some transactions of a block.
    BlockTransactions(Hash32),
    /// Addresses of other nodes.
    Addresses,
    /// The proof of an account at a block.
    Account {
        /// The block.
        block: Hash32,
        /// The account.
        key: AccountKey,
    },
    /// The proof that a transaction was mined.
    Inclusion(Hash32),
    /// The witness of a block, or of a template on this tip.
    Witness(Hash32),
}

/// What a peer did that no honest peer does, or that makes talking to it pointless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Offence {
    /// A message is larger than this side said it takes.
    #[error("message of {got} bytes, expected at most {limit}")]
    TooLarge {
        /// Its size.
        got: usize,
        /// What was said in the greeting.
        limit: usize,
    },
    /// A message is not the encoding of one.
    #[error("malformed message: {0}")]
    Malformed(DecodeError),
    /// Another message came before the greeting.
    #[error("expected a greeting first")]
    NoGreeting,
    /// A second greeting.
    #[error("greeted twice")]
    GreetedTwice,
    /// The peer speaks another version.
    #[error("expected protocol version {expected}, got {got}")]
    Version {
        /// The peer's version.
        got: u16,
        /// The version of this side.
        expected: u16,
    },
    /// The peer belongs to another network.
    #[error("expected the network with genesis {expected}, got {got}")]
    Network {
        /// The peer's genesis.
        got: Hash32,
        /// The genesis of this side.
        expected: Hash32,
    },
    /// The peer takes messages that are too small to talk at all.
    #[error("expected a peer that takes messages of at least {expected} bytes, got {got}")]
    MessageMax {
        /// What the peer takes.
        got: usize,
        /// What is needed.
        expected: usize,
    },
    /// The connection leads back to this node.
    #[error("this is a connection to itself")]
    Itself,
    /// An answer to nothing that was asked.
    #[error("unrequested {0}")]
    Unrequested(&'static str),
    /// What the peer sent breaks a rule of consensus.
    #[error("broke rule {0}")]
    Rule(RuleError),
    /// More items than one message may have.
    #[error("{got} items in one message, expected at most {limit}")]
    TooMany {
        /// How many there are.
        got: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A place in a block that there is not, or that is not behind the one named before it.
    #[error("place {got} in a block, expected one from {least} on and below {limit}")]
    Place {
        /// The place.
        got: u32,
        /// The least that it may be.
        least: u32,
        /// How many transactions the block has.
        limit: usize,
    },
}

/// What this side says of itself, for the session to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Greeting {
    /// Genesis of this side's network.
    pub genesis: Hash32,
    /// This side's random number.
    pub nonce: u64,
    /// The largest message that this side takes, in bytes.
    pub message_max: usize,
}

/// What a message is to the session whose checks it passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer greeted; from now on everything may be sent.
    Greeting,
    /// The answer to a request, which is no longer waited for; [`Message::NotFound`] where the peer does not
    /// have it.
    Answer(Asked),
    /// A request to answer, or news.
    News,
    /// A sign of life that needs no attention.
    Alive,
}

/// What is due on a connection at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send this ping.
    Ping(u64),
    /// A request was not answered in time and should be made elsewhere.
    Expired(Asked),
    /// Close: the peer never greeted, went silent, or is too slow to be of use.
    Close(&'static str),
}

/// The most messages of a witness before its last one: its start, and one a transaction.
const WITNESS_PARTS_MAX: u32 = BLOCK_TRANSACTIONS_MAX as u32 + 1;

#[derive(Clone, Copy, Debug)]
struct InFlight {
    asked: Asked,
    deadline: Moment,
}

/// One connection, on which at most `N` requests wait for their answers.
#[derive(Debug)]
pub struct Session<const N: usize = REQUESTS_IN_FLIGHT_MAX> {
    greeting: Greeting,
    remote: Option<Hello>,
    opened: Moment,
    last_heard: Moment,
    /// The oldest first: peers answer in order, and one id may have been asked about twice.
    in_flight: heapless::Vec<InFlight, N>,
    ping: Option<(u64, Moment)>,
    pings_sent: u64,
    latency_ms: Option<u64>,
    timeouts: u8,
    /// Requests that expired: their answers may still come and are no offence then.
    late: u32,
    /// Parts of witnesses that expired, but for the last of each: they may still come as well.
    late_parts: u32,
}

impl<const N: usize> Session<N> {
    /// A connection that was opened at `now`.
    pub fn new(greeting: Greeting, now: Moment) -> Self {
        Self {
            greeting,
            remote: None,
            opened: now,
            last_heard: now,
            in_flight: heapless::Vec::new(),
            ping: None,
            pings_sent: 0,
            latency_ms: None,
            timeouts: 0,
            late: 0,
            late_parts: 0,
        }
    }

    /// When the connection was opened.
    pub fn opened(&self) -> Moment {
        self.opened
    }

    /// What the peer said of itself, once it has.
    pub fn remote(&self) -> Option<&Hello> {
        self.remote.as_ref()
    }

    /// How long the last ping took there and back, in milliseconds.
    pub fn latency_ms(&self) -> Option<u64> {
        self.latency_ms
    }

    /// How many more requests may be made now.
    pub fn free_requests(&self) -> usize {
        if self.remote.is_some() { self.in_flight.capacity() - self.in_flight.len() } else { 0 }
    }

    /// Whether this is being waited for.
    pub fn is_asked(&self, asked: &Asked) -> bool {
        self.in_flight.iter().any(|request| request.asked == *asked)
    }

    /// What is being waited for.
    pub fn asked(&self) -> impl Iterator<Item = Asked> {
        self.in_flight.iter().map(|request| request.asked)
    }

    /// When what is being waited for is given up.
    pub fn deadlines(&self) -> impl Iterator<Item = Moment> {
        self.in_flight.iter().map(|request| request.deadline)
    }

    /// The largest message that both sides take, in bytes.
    pub fn message_max(&self) -> usize {
        let theirs = self.remote.as_ref().map_or(MESSAGE_MIN_BYTES, |hello| hello.message_max as usize);
        theirs.min(MESSAGE_MAX_BYTES)
    }

    /// Remembers that a request is being sent. `false`, and nothing to send, where too many wait or the
    /// same is waited for.
    #[must_use]
    pub fn ask(&mut self, asked: Asked, now: Moment) -> bool {
        let deadline = now.plus(REQUEST_TIMEOUT_MS);
        self.free_requests() > 0
            && !self.is_asked(&asked)
            && self.in_flight.push(InFlight { asked, deadline }).is_ok()
    }

    /// Reads one frame and judges the message in it.
    pub fn receive<'a>(&mut self, bytes: &'a [u8], now: Moment) -> Result<(Verdict, Message<'a>), Offence> {
        let message = self.read(bytes)?;
        let verdict = self.judge(&message, now)?;
        Ok((verdict, message))
    }

    /// Reads the message in a frame, which [`Session::judge`] must see before anything follows from it.
    pub fn read<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, Offence> {
        let limit = self.greeting.message_max;
        if bytes.len() > limit {
            return Err(Offence::TooLarge { got: bytes.len(), limit });
        }
        decode(bytes).map_err(Offence::Malformed)
    }

    /// Judges a message that came.
    pub fn judge(&mut self, message: &Message<'_>, now: Moment) -> Result<Verdict, Offence> {
        self.last_heard = now;
        match (message, &self.remote) {
            (Message::Hello(hello), None) => self.greet(hello),
            (Message::Hello(_), Some(_)) => Err(Offence::GreetedTwice),
            // A peer that refuses may do so before it greets.
            (Message::Refused(_), _) => Ok(Verdict::News),
            (_, None) => Err(Offence::NoGreeting),
            (_, Some(_)) => self.sort(message, now),
        }
    }

    /// The next thing that is due at `now`; call until there is none.
    pub fn poll(&mut self, now: Moment) -> Option<Due> {
        if self.remote.is_none() {
            let is_late = now.since(self.opened) >= GREETING_TIMEOUT_MS;
            return is_late.then_some(Due::Close("no greeting in time"));
        }
        if now.since(self.last_heard) >= SILENCE_MAX_MS {
            return Some(Due::Close("silent for too long"));
        }
        if let Some(index) = self.in_flight.iter().position(|request| request.deadline <= now) {
            let request = self.in_flight.remove(index);
            self.timeouts = self.timeouts.saturating_add(1);
            self.late = self.late.saturating_add(1);
            if matches!(request.asked, Asked::Witness(_)) {
                self.late_parts = self.late_parts.saturating_add(WITNESS_PARTS_MAX);
            }
            return Some(Due::Expired(request.asked));
        }
        if self.timeouts >= TIMEOUTS_MAX {
            return Some(Due::Close("too many requests without an answer"));
        }
        let last_ping = self.ping.map_or(self.last_heard, |(_, sent)| sent.max(self.last_heard));
        if now.since(last_ping) >= PING_AFTER_MS || (self.pings_sent == 0 && self.ping.is_none()) {
            self.pings_sent += 1;
            self.ping = Some((self.pings_sent, now));
            return Some(Due::Ping(self.pings_sent));
        }
        None
    }

    fn greet(&mut self, hello: &Hello) -> Result<Verdict, Offence> {
        if hello.version != PROTOCOL_VERSION {
            return Err(Offence::Version { got: hello.version, expected: PROTOCOL_VERSION });
        }
        if hello.genesis != self.greeting.genesis {
            return Err(Offence::Network { got: hello.genesis, expected: self.greeting.genesis });
        }
        if hello.nonce == self.greeting.nonce {
            return Err(Offence::Itself);
        }
        if (hello.message_max as usize) < MESSAGE_MIN_BYTES {
            return Err(Offence::MessageMax { got: hello.message_max as usize, expected: MESSAGE_MIN_BYTES });
        }
        self.remote = Some(hello.clone());
        Ok(Verdict::Greeting)
    }

    /// Tells answers from the rest and matches them with what was asked.
    fn sort(&mut self, message: &Message<'_>, now: Moment) -> Result<Verdict, Offence> {
        let (asked, name) = match message {
            Message::Pong(nonce) => {
                if let Some((_, sent)) = self.ping.filter(|(expected, _)| expected == nonce) {
                    self.latency_ms = Some(now.since(sent));
                }
                // The answer to an earlier ping may be late.
                let was_asked = *nonce <= self.pings_sent;
                return if was_asked { Ok(Verdict::Alive) } else { Err(Offence::Unrequested("pong")) };
            }
            Message::Headers(_) => (Some(Asked::Headers), "headers"),
            Message::Block(bytes) => {
                let (header, _) = decode_prefix::<Header>(bytes).map_err(Offence::Malformed)?;
                (Some(Asked::Block(header.id())), "block")
            }
            Message::BlockTransactions { block, .. } => {
                (Some(Asked::BlockTransactions(*block)), "transactions of a block")
            }
            Message::Addresses(_) => (Some(Asked::Addresses), "addresses"),
            Message::Account { block, key, .. } => {
                (Some(Asked::Account { block: *block, key: *key }), "account")
            }
            Message::Inclusion { transaction, .. } => (Some(Asked::Inclusion(*transaction)), "inclusion"),
            Message::NotFound(id) => (self.asked_about(id), "not-found"),
            Message::WitnessStart(_) | Message::WitnessTransaction { .. } => {
                let asked = self.receive_witness_part(now)?;
                return Ok(asked.map_or(Verdict::Alive, Verdict::Answer));
            }
            Message::WitnessEnd(_) => (self.asked_witness(), "end of a witness"),
            _ => return Ok(Verdict::News),
        };
        let index = asked.and_then(|asked| self.in_flight.iter().position(|request| request.asked == asked));
        let Some(index) = index else { return self.late_or(name) };
        let request = self.in_flight.remove(index);
        self.timeouts = 0;
        Ok(Verdict::Answer(request.asked))
    }

    /// Notes that a part of a witness came, or a piece of one, and returns which of them it belongs to where
    /// it does not come late. For a reader that takes witnesses in smaller pieces than messages.
    pub fn receive_witness_part(&mut self, now: Moment) -> Result<Option<Asked>, Offence> {
        self.remote.as_ref().ok_or(Offence::NoGreeting)?;
        self.last_heard = now;
        let Some(asked) = self.asked_witness() else {
            let rest = self.late_parts.checked_sub(1);
            self.late_parts = rest.ok_or(Offence::Unrequested("witness"))?;
            return Ok(None);
        };
        // A witness is many messages, and witnesses come one after another.
        let waiting = self.in_flight.iter_mut().filter(|request| matches!(request.asked, Asked::Witness(_)));
        waiting.for_each(|request| request.deadline = now.plus(REQUEST_TIMEOUT_MS));
        Ok(Some(asked))
    }

    /// Notes that the last part of a witness came, for such a reader.
    pub fn receive_witness_end(&mut self) -> Result<(), Offence> {
        let asked = self.asked_witness();
        let index = self.in_flight.iter().position(|request| Some(request.asked) == asked);
        match index {
            Some(index) => {
                self.in_flight.remove(index);
                self.timeouts = 0;
                Ok(())
            }
            None => self.late_or("end of a witness").map(|_| ()),
        }
    }

    fn asked_witness(&self) -> Option<Asked> {
        self.asked().find(|asked| matches!(asked, Asked::Witness(_)))
    }

    /// An answer that is not waited for is late where a request expired, and else an offence.
    fn late_or(&mut self, name: &'static str) -> Result<Verdict, Offence> {
        self.late = self.late.checked_sub(1).ok_or(Offence::Unrequested(name))?;
        Ok(Verdict::Alive)
    }

    fn asked_about(&self, id: &Hash32) -> Option<Asked> {
        self.asked().find(|asked| match asked {
            Asked::Block(asked)
            | Asked::BlockTransactions(asked)
            | Asked::Inclusion(asked)
            | Asked::Witness(asked) => asked == id,
            Asked::Account { block, .. } => block == id,
            Asked::Headers | Asked::Addresses => false,
        })
    }
}

#[cfg(test)]
mod tests;
