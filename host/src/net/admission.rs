//! How many connections may be open, from where, and which of them make room for others. Connections from
//! this computer have a budget of their own, so that nobody outside can lock its owner out.
//!
//! Where a budget is used up, a newcomer takes the place of the connection that has kept the server waiting
//! for the longest: one that has not sent its request or taken its answer yet, or that rests between two
//! requests. Whoever asks at once and reads what it gets therefore always finds room, however many others
//! hold a connection and say nothing. Requests that are being worked on, streams and peers are left alone.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// From anywhere but this computer.
    pub remote_max: usize,
    /// From one network: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one.
    pub network_max: usize,
    /// From this computer.
    pub loopback_max: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self { remote_max: 512, network_max: 64, loopback_max: 1_280 }
    }
}

/// How many files a node needs besides its connections: the peers', the store's and the program's own.
const OTHER_FILES: usize = 256;

impl AdmissionLimits {
    /// The same where the process may have so many files open and no more, an eighth at least for this computer.
    pub fn within(self, files_max: usize) -> Self {
        let left = files_max.saturating_sub(OTHER_FILES);
        let loopback_max = self.loopback_max.min(left.saturating_sub(self.remote_max).max(left / 8)).max(1);
        let remote_max = self.remote_max.min(left.saturating_sub(loopback_max)).max(1);
        Self { remote_max, loopback_max, ..self }
    }
}

/// Counts open connections; clones count together.
#[derive(Clone, Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    places: Arc<Mutex<Places>>,
    /// Grows with each connection, and with each turn of a client.
    number: Arc<AtomicU64>,
    /// A place became free. Only one task admits.
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Places {
    remote: usize,
    origins: HashMap<Origin, usize>,
    taken: HashMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    origin: Origin,
    turn: Arc<Turn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Loopback,
    V4([u8; 3]),
    V6([u16; 3]),
}

/// Whose turn it is on a connection. Each request changes it twice, and need not wait for those of other
/// connections to do so.
#[derive(Debug)]
struct Turn {
    /// The number of its [`Stage`].
    stage: AtomicU64,
    leave: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client's, since this number was drawn: a lower one has waited for longer.
    Client(u64),
    /// The server's.
    Server,
    /// Nobody's: it was told to make room.
    Leaving,
}

/// The connection was told to make room, and nothing may be begun on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection makes room for another one")]
pub struct MakingRoom;

/// Room for one connection, until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Slot {
    occupied: Arc<Occupied>,
}

#[derive(Debug)]
struct Occupied {
    admission: Admission,
    number: u64,
    turn: Arc<Turn>,
}

/// What came of asking for room.
enum Asked {
    Room(Slot),
    /// Another connection was told to make room.
    Soon,
    None,
}

impl Admission {
    /// An admission that has let nobody in yet.
    pub fn new(limits: AdmissionLimits) -> Self {
        Self { limits, places: Arc::default(), number: Arc::default(), freed: Arc::default() }
    }

    /// Room for one more connection from this address, if there is any or one that waits for its client can
    /// make some. The connection begins with its client's turn.
    pub async fn admit(&self, address: IpAddr) -> Option<Slot> {
        let origin = Origin::of(address);
        loop {
            match self.ask(origin) {
                Asked::Room(slot) => return Some(slot),
                Asked::Soon => self.freed.notified().await,
                Asked::None => return None,
            }
        }
    }

    fn ask(&self, origin: Origin) -> Asked {
        let mut places = self.places();
        if places.has_room(&self.limits, origin) {
            let number = self.next_number();
            let turn = Arc::new(Turn {
                stage: AtomicU64::new(Stage::Client(number).number()),
                leave: Notify::new(),
            });
            places.take(origin, number, turn.clone());
            return Asked::Room(Slot {
                occupied: Arc::new(Occupied { admission: self.clone(), number, turn }),
            });
        }
        if places.make_room(&self.limits, origin) { Asked::Soon } else { Asked::None }
    }

    fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing under the lock can stop half-way, so the content is whole even after a panic.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn here(&self, origin: Origin) -> usize {
        self.origins.get(&origin).copied().unwrap_or(0)
    }

    fn has_room(&self, limits: &AdmissionLimits, origin: Origin) -> bool {
        match origin {
            Origin::Loopback => self.here(origin) < limits.loopback_max,
            _ => self.here(origin) < limits.network_max && self.remote < limits.remote_max,
        }
    }

    fn take(&mut self, origin: Origin, number: u64, turn: Arc<Turn>) {
        *self.origins.entry(origin).or_default() += 1;
        self.remote += usize::from(origin != Origin::Loopback);
        self.taken.insert(number, Place { origin, turn });
    }

    /// Whether a place that this origin could have will be free soon. Where a network has used up its share,
    /// it is one of its own; otherwise one of the network that has most.
    fn make_room(&mut self, limits: &AdmissionLimits, origin: Origin) -> bool {
        let is_shared = origin != Origin::Loopback && self.here(origin) < limits.network_max;
        let is_rival = |place: &Place| match is_shared {
            true => place.origin != Origin::Loopback,
            false => place.origin == origin,
        };
        let rivals = || self.taken.values().filter(|place| is_rival(place));
        if rivals().any(|place| place.turn.stage() == Stage::Leaving) {
            return true;
        }
        loop {
            let waiting = rivals().filter_map(|place| match place.turn.stage() {
                Stage::Client(since) => Some((self.here(place.origin), Reverse(since), &place.turn)),
                Stage::Server | Stage::Leaving => None,
            });
            let longest = waiting.max_by_key(|(here, since, _)| (*here, *since));
            let Some((_, Reverse(since), turn)) = longest else { return false };
            // Its client may have asked at this very moment.
            if turn.pass(Stage::Client(since), Stage::Leaving) {
                turn.leave.notify_one();
                return true;
            }
        }
    }

    fn give_back(&mut self, number: u64) {
        let Some(place) = self.taken.remove(&number) else { return };
        self.remote -= usize::from(place.origin != Origin::Loopback);
        match self.here(place.origin) {
            0 | 1 => drop(self.origins.remove(&place.origin)),
            here => drop(self.origins.insert(place.origin, here - 1)),
        }
    }
}

impl Turn {
    fn stage(&self) -> Stage {
        Stage::of(self.stage.load(Ordering::Relaxed))
    }

    /// Passes from one stage to another; whether it was in the first.
    fn pass(&self, from: Stage, to: Stage) -> bool {
        let (from, to) = (from.number(), to.number());
        self.stage.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Stage {
    const SERVER: u64 = 0;
    const LEAVING: u64 = u64::MAX;

    /// Numbers are drawn from 1 on, and there are more than will ever be.
    fn number(self) -> u64 {
        match self {
            Self::Client(since) => since,
            Self::Server => Self::SERVER,
            Self::Leaving => Self::LEAVING,
        }
    }

    fn of(number: u64) -> Self {
        match number {
            Self::SERVER => Self::Server,
            Self::LEAVING => Self::Leaving,
            since => Self::Client(since),
        }
    }
}

impl Slot {
    /// From now on the server waits for its client.
    pub fn is_clients_turn(&self) {
        // Where it is told to make room, it stays so.
        self.occupied.turn.pass(Stage::Server, Stage::Client(self.occupied.admission.next_number()));
    }

    /// From now on the server works for its client, and the connection is left alone.
    pub fn is_servers_turn(&self) -> Result<(), MakingRoom> {
        loop {
            match self.occupied.turn.stage() {
                Stage::Leaving => return Err(MakingRoom),
                stage if self.occupied.turn.pass(stage, Stage::Server) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Waits until the connection is told to make room. One task may wait.
    pub async fn told_to_leave(&self) {
        self.occupied.turn.leave.notified().await;
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.admission.places().give_back(self.number);
        self.admission.freed.notify_one();
    }
}

impl Origin {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Self::V6([a, b, c])
            }
        }
    }
}

#[cfg(test)]
mod tests;
