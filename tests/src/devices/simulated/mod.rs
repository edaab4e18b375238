//! The portable device on a simulated board: its clock, card, cable and console belong to the test, and its
//! peers live in the same thread, so that every run is the same.

mod board;
mod bridge;
mod cable;
mod dhcp;
mod medium;
mod peer;
mod router;
mod running;
mod socket;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use mote_core::card::{Endpoint, Identity, Mines};
use mote_core::params::GENESIS_SECONDS;
use mote_core::units::Timestamp;
use mote_firmware::device::{Memory, with_device};
use mote_firmware::net::Sockets;

use super::branch::Branch;
use super::card::{identity, seed};
use board::{Desk, Simulated};
use bridge::Bridge;
use cable::{Cable, End, Side};
pub use medium::{Fault, Medium};
pub use peer::{Parting, Peer};
pub use router::{Pipe, SharedPipe};
use router::{ROUTER_IP, Router};
pub use running::Running;
pub use socket::{Cut, CutHow};

/// What the clocks of honest peers show at power-on: long after every block of a branch was made.
pub const START: Timestamp = Timestamp::from_seconds(GENESIS_SECONDS + 1_000_000);

/// The port of the first peer; the others' follow.
const FIRST_PORT: u16 = 7_700;

/// Everything around a device.
pub struct Bench {
    /// The card; none where the device has none.
    pub card: Option<Rc<RefCell<Medium>>>,
    desk: Rc<RefCell<Desk>>,
    cable: Rc<RefCell<Cable>>,
    router: Router,
    places: Vec<Place>,
    /// A turn takes so long where there is something to do, in milliseconds.
    pub busy_ms: u64,
    /// Since when time passes by itself; none where the test moves it.
    real: Option<Instant>,
}

/// Who is at a port.
enum Place {
    Peer(Box<Peer>),
    Bridge(Bridge),
}

/// Who a device is that knows so many peers: with the seed of this number.
pub fn device(number: u8, peers: usize, mines: Mines) -> Identity {
    let endpoint = |index| Endpoint { ip: ROUTER_IP.octets(), port: FIRST_PORT + index as u16 };
    let mut identity = identity("regtest", number, &[], mines);
    identity.peers = (0..peers).map(endpoint).collect();
    identity
}

/// The seed of a device's key, by its number.
pub fn device_seed(number: u8) -> [u8; 32] {
    seed(number)
}

impl Bench {
    /// A device with this card, and nobody to talk to.
    pub fn new(identity: &Identity) -> Self {
        Self::with_card(Some(Medium::provisioned(identity)))
    }

    /// A device with this card, or without one.
    pub fn with_card(card: Option<Medium>) -> Self {
        let cable = Rc::new(RefCell::new(Cable::new()));
        Self {
            card: card.map(|card| Rc::new(RefCell::new(card))),
            desk: Rc::default(),
            router: Router::new(End::new(cable.clone(), Side::Router)),
            cable,
            places: Vec::new(),
            busy_ms: 1,
            real: None,
        }
    }

    /// A device that knows one honest peer that shows this branch.
    pub fn beside(branch: Branch, mines: Mines) -> Self {
        let mut bench = Self::new(&device(1, 1, mines));
        bench.add_peer(branch);
        bench
    }

    /// A device that knows two honest peers that show these branches.
    pub fn between(first: Branch, second: Branch, mines: Mines) -> Self {
        let mut bench = Self::new(&device(1, 2, mines));
        bench.add_peer(first);
        bench.add_peer(second);
        bench
    }

    /// Puts an honest peer at the next port.
    pub fn add_peer(&mut self, branch: Branch) -> &mut Peer {
        self.listen(self.places.len(), true);
        self.places.push(Place::Peer(Box::new(Peer::new(branch))));
        self.peer(self.places.len() - 1)
    }

    /// Connects the next port with a node that really runs. From now on time passes by itself.
    pub fn add_bridge(&mut self, to: SocketAddr) {
        self.listen(self.places.len(), true);
        self.places.push(Place::Bridge(Bridge::new(to)));
        self.real = Some(Instant::now());
    }

    /// A peer by its number.
    pub fn peer(&mut self, number: usize) -> &mut Peer {
        match &mut self.places[number] {
            Place::Peer(peer) => peer,
            Place::Bridge(_) => panic!("place {number} is a node that really runs"),
        }
    }

    /// Says whether a peer takes new connections.
    pub fn listen(&mut self, number: usize, is_listening: bool) {
        self.router.listen(FIRST_PORT + number as u16, is_listening);
    }

    /// Lets the cable lose one frame of so many.
    pub fn lose_one_in(&mut self, frames: u64) {
        self.cable.borrow_mut().lose_one_in(frames);
    }

    /// Says whether somebody hands out addresses.
    pub fn set_addresses(&mut self, has_addresses: bool) {
        self.cable.borrow_mut().set_addresses(has_addresses);
    }

    /// Opens a connection to a port of the device.
    pub fn dial(&mut self, port: u16) -> SharedPipe {
        self.router.dial(port)
    }

    /// What the clock of an honest peer shows.
    pub fn now(&self) -> Timestamp {
        START.plus(self.desk.borrow().millis / 1_000)
    }

    /// Everything that was printed, line by line.
    pub fn lines(&self) -> Vec<String> {
        let desk = self.desk.borrow();
        let text = String::from_utf8_lossy(&desk.printed);
        text.replace("\r\x1b[K", "\n").lines().map(str::to_owned).collect()
    }

    /// Switches the device on, and off again at the end.
    pub fn switch_on<R>(&mut self, run: impl FnOnce(&mut Running<'_>) -> R) -> R {
        self.desk.borrow_mut().printed.clear();
        self.cable.borrow_mut().clear();
        let mut memory = Box::new(Memory::new());
        // Sockets borrow each other's room until their end, so that is left to the end of the tests.
        let sockets = Box::leak(Box::new(Sockets::new()));
        let mut board = Simulated {
            desk: self.desk.clone(),
            ethernet: End::new(self.cable.clone(), Side::Device),
            card: self.card.clone().map(medium::Slot),
        };
        let result =
            with_device(&mut board, sockets, &mut memory, |device| run(&mut Running::new(device, self)));
        self.cable.borrow_mut().clear();
        for place in &mut self.places {
            if let Place::Peer(peer) = place {
                peer.hang_up();
            }
        }
        self.turn();
        self.cable.borrow_mut().clear();
        result
    }

    fn is_cut(&self) -> bool {
        self.card.as_ref().is_some_and(|card| card.borrow().is_cut())
    }

    fn pass(&mut self, millis: u64) {
        let mut desk = self.desk.borrow_mut();
        match self.real {
            None => desk.millis += millis,
            Some(since) => desk.millis = since.elapsed().as_millis() as u64,
        }
        desk.work += 1_000 * millis;
    }

    fn turn(&mut self) -> bool {
        let millis = self.desk.borrow().millis;
        let time = START.plus(millis / 1_000);
        let mut is_busy = self.router.turn(millis);
        for (port, pipe) in self.router.accepted() {
            match &mut self.places[usize::from(port - FIRST_PORT)] {
                Place::Peer(peer) => peer.accept(pipe, millis),
                Place::Bridge(bridge) => bridge.accept(pipe),
            }
        }
        for place in &mut self.places {
            is_busy |= match place {
                Place::Peer(peer) => peer.turn(time, millis),
                Place::Bridge(bridge) => bridge.turn(),
            };
        }
        is_busy
    }
}
