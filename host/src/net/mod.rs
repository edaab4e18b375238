//! Sockets: the one listener, the peers behind it and those that are dialled. Nothing here knows what a
//! message means. What happens goes to the driver as [`Arrival`]s, over one bounded channel on which a
//! peer has only so many bytes at a time; what is to be sent comes back through each peer's [`Outbox`].
//!
//! | module | what it is |
//! | --- | --- |
//! | [`server`] | the listener, its limits and its end |
//! | [`admission`] | how many connections may be open, and from where |
//! | [`alarm`] | the deadlines of one connection |
//! | [`stall`] | gives up on a socket that takes no more bytes |
//! | [`peer_route`] | `GET /peer`: from a request to a peer's connection |
//! | [`dialer`] | from an address to a peer's connection |
//! | [`connection`] | one peer's WebSocket |
//! | [`outbox`] | what waits to be sent to one peer |

pub mod admission;
pub mod alarm;
pub mod connection;
pub mod dialer;
pub mod outbox;
pub mod peer_route;
pub mod server;
pub mod stall;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mote_core::peer::limits::REQUESTS_IN_FLIGHT_MAX;
use mote_core::wire::MESSAGE_MAX_BYTES;
use tokio::runtime::Handle as Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::node::PeerId;
use crate::node::request::PeerAddress;
use crate::node::status::Direction;
use outbox::Outbox;

/// Something that a socket has for the node.
pub enum Arrival {
    /// A peer's WebSocket is open.
    Opened {
        /// The connection.
        peer: PeerId,
        /// Who opened it.
        direction: Direction,
        /// Where it leads to or comes from.
        address: PeerAddress,
        /// The way to send to it.
        outbox: Outbox,
    },
    /// A peer sent a message.
    Frame {
        /// The connection.
        peer: PeerId,
        /// The message.
        bytes: Vec<u8>,
        /// The peer's turn: as long as this is held, so much less of it is read.
        turn: OwnedSemaphorePermit,
    },
    /// A connection is over.
    Closed {
        /// The connection.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// No connection came of a dialled address.
    DialFailed {
        /// The address.
        address: PeerAddress,
        /// Why.
        reason: String,
    },
}

/// Limits of peers' connections.
#[derive(Clone, Debug)]
pub struct PeerLimits {
    /// How many there may be that others opened, those that are about to end included.
    pub inbound_max: usize,
    /// How many there may be that this node dials, those included that are not open yet.
    pub outbound_max: usize,
    /// How many bytes may wait to be sent to one peer before it is closed as too slow. Above an eighth of
    /// it, nothing more is read from the peer.
    pub queue_max_bytes: usize,
    /// How many bytes of one peer may wait for the node.
    pub turn_max_bytes: usize,
    /// How long a peer may take no bytes while some wait for it.
    pub stall_timeout: Duration,
    /// How long a connection may take to end in good order.
    pub close_timeout: Duration,
    /// How long resolving the name of a peer, or one attempt to connect, may take.
    pub connect_timeout: Duration,
    /// How long dialling may take until the WebSocket is open.
    pub dial_timeout: Duration,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            inbound_max: 128,
            outbound_max: 96,
            queue_max_bytes: 4 * 1024 * 1024,
            turn_max_bytes: MESSAGE_MAX_BYTES,
            stall_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            dial_timeout: Duration::from_secs(10),
        }
    }
}

impl PeerLimits {
    /// What a message of so many bytes takes of its peer's turn: small ones count for more than they
    /// are, so that a batch has no more of them than a peer may have requests in flight.
    fn turn(&self, message_bytes: usize) -> u32 {
        let most = u32::try_from(self.turn_max_bytes).unwrap_or(u32::MAX).max(1);
        let least = (most / REQUESTS_IN_FLIGHT_MAX as u32).max(1);
        u32::try_from(message_bytes).unwrap_or(u32::MAX).clamp(least, most)
    }
}

/// How many arrivals may wait for the driver.
const ARRIVALS_MAX: usize = 256;

/// The driver is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DriverGone;

/// What connections share; clones are the same network.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

struct Shared {
    arrivals: mpsc::Sender<Arrival>,
    runtime: Runtime,
    limits: PeerLimits,
    /// Origins from which a page in a browser may connect as a peer.
    origins: Vec<String>,
    /// Room in each direction: what others open never keeps this node from dialling.
    inbound: Arc<Semaphore>,
    outbound: Arc<Semaphore>,
    next_peer: AtomicU64,
}

impl Network {
    /// A network whose connections live on `runtime`, and the end at which their arrivals come out.
    pub fn new(
        runtime: Runtime,
        limits: PeerLimits,
        origins: Vec<String>,
    ) -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, receiver) = mpsc::channel(ARRIVALS_MAX);
        let [inbound, outbound] =
            [limits.inbound_max, limits.outbound_max].map(|max| Arc::new(Semaphore::new(max)));
        let next_peer = AtomicU64::new(1);
        let shared = Shared { arrivals, runtime, limits, origins, inbound, outbound, next_peer };
        (Self { shared: Arc::new(shared) }, receiver)
    }

    /// Connects to a peer. What comes of it arrives.
    pub fn dial(&self, address: PeerAddress) {
        self.shared.runtime.spawn(dialer::dial(self.clone(), address));
    }

    fn limits(&self) -> &PeerLimits {
        &self.shared.limits
    }

    fn is_allowed_origin(&self, origin: &str) -> bool {
        self.shared.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }

    fn next_peer(&self) -> PeerId {
        PeerId(self.shared.next_peer.fetch_add(1, Ordering::Relaxed))
    }

    /// Room for one more connection, unless there are too many.
    fn room(&self, direction: Direction) -> Option<OwnedSemaphorePermit> {
        let room = match direction {
            Direction::Inbound => &self.shared.inbound,
            Direction::Outbound => &self.shared.outbound,
        };
        room.clone().try_acquire_owned().ok()
    }

    async fn arrive(&self, arrival: Arrival) -> Result<(), DriverGone> {
        self.shared.arrivals.send(arrival).await.map_err(|_| DriverGone)
    }
}
