//! The device: a super-loop that gives everything its turn, none of them longer than the check of one
//! transaction, and sleeps when there is nothing to do.

mod card_slot;
mod known;
mod outside;
mod owner;
mod start;

use core::net::SocketAddrV4;

use mote_core::units::Moment;

use crate::board::Board;
use crate::console::Console;
use crate::display::Pages;
use crate::event::Event;
use crate::net::random::Random;
use crate::net::{Buffers, Network, NetworkEvent, Sockets};
use crate::node::{Chains, Node};
use crate::report::{Refused, Report, Stage};
pub use card_slot::{CardSlot, Remembered};
use known::Known;
use outside::{Outside, Print};

/// How often the picture is drawn anew, in milliseconds.
const DRAW_MS: u64 = 500;

/// How often the state is saved at the most, in milliseconds, while blocks come fast.
pub const SAVE_MS: u64 = 10_000;

/// The memory of a device that is too large to be moved about, all zeros, so that it costs no flash.
pub struct Memory {
    buffers: Buffers,
    chains: Chains,
    pages: Pages,
    console: Console,
}

impl Memory {
    /// Memory that nothing was written to.
    pub const fn new() -> Self {
        Self { buffers: Buffers::new(), chains: Chains::new(), pages: Pages::new(), console: Console::new() }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// A device.
pub struct Device<'d, 'm, B: Board> {
    board: &'d mut B,
    network: &'d mut Network<'m>,
    known: Known<'d, 'm>,
    pages: &'m mut Pages,
    console: &'m mut Console,
    /// Whether the way out of the network is tried as a full node: the card names none.
    needs_router: bool,
    drawn: Moment,
    saved: Moment,
}

/// Switches the device on: reads the card, if there is one, starts from what it holds, and hands the device
/// to `run`. It stays where it was made, so that it is never in memory twice.
pub fn with_device<'m, B: Board, R>(
    board: &mut B,
    sockets: &'m mut Sockets<'m>,
    memory: &'m mut Memory,
    run: impl FnOnce(&mut Device<'_, 'm, B>) -> R,
) -> R {
    let Memory { buffers, chains, pages, console } = memory;
    let (mut card, identity) = CardSlot::open(board.card());
    let now = board.now();
    let hardware_address = board.hardware_address();
    let mut random = Random::new(&[
        &identity.entropy,
        &card.starts().to_le_bytes(),
        &hardware_address,
        &board.work().to_le_bytes(),
    ]);
    let mut node = Node::new(start::settings(&identity, random.number()), chains);
    let mut network = Network::new(board.ethernet(), (sockets, buffers), hardware_address, random, now);
    card.restore(board.card(), &mut node, network.window());
    for (peer, endpoint) in identity.peers.iter().enumerate() {
        network.aim(peer, SocketAddrV4::new(endpoint.ip.into(), endpoint.port));
    }
    let needs_router = identity.peers.is_empty();
    let known = Known::new(identity.name.clone(), &mut node, card, board.work());
    drop(identity);
    let (drawn, saved) = (Moment::default(), now);
    let network = &mut network;
    let mut device = Device { board, network, known, pages, console, needs_router, drawn, saved };
    let tip = device.known.node.tip();
    device.tell(Event::Started { height: tip.height, id: tip.id, state_root: tip.state_root });
    run(&mut device)
}

impl<B: Board> Device<'_, '_, B> {
    /// Gives everything its turn for ever.
    pub fn run(&mut self) -> ! {
        loop {
            if !self.turn() {
                self.board.sleep();
            }
        }
    }

    /// Gives everything its turn once; `false` where nothing is left to do for now.
    pub fn turn(&mut self) -> bool {
        let now = self.board.now();
        let mut is_busy = self.network.exchange(self.board.ethernet(), now);
        if let Some(event) = self.network.poll_address() {
            self.take_address(event);
        }
        self.known.node.tick(now);
        self.known.node.follow_somebody(now);
        is_busy |= self.turn_of_peers(now);
        if self.network.has_visitor() {
            let seen = self.network.seen(self.known.node);
            is_busy |= self.network.serve(now, || self.known.report(now, seen));
        }
        is_busy |= self.turn_of_owner(now);
        is_busy |= self.turn_of_miner(now);
        self.turn_of_card(now);
        if now.since(self.drawn) >= DRAW_MS {
            self.draw(now);
        }
        self.known.work.count(self.board.work());
        is_busy
    }

    #[inline(never)]
    fn turn_of_peers(&mut self, now: Moment) -> bool {
        let Self { board, network, known, console, .. } = self;
        let Known { node, card, work, .. } = known;
        let board = &mut **board;
        let mut outside = Outside { board, card, console, checks: &mut work.checks };
        let (is_busy, refused) = network.turn(node, &mut outside, now);
        if let Some((peer, offence)) = refused {
            let refused = Refused { peer, offence, at: now };
            self.known.refused = Some(refused);
            self.tell(Event::Refused(refused));
        }
        is_busy
    }

    #[inline(never)]
    fn turn_of_miner(&mut self, now: Moment) -> bool {
        if !self.known.node.is_mining() {
            return false;
        }
        let Self { board, known, console, .. } = self;
        let board = &mut **board;
        let before = board.work();
        let Known { node, card, work, .. } = known;
        node.mine(now, &mut Outside { board, card, console, checks: &mut work.checks });
        self.known.work.mining += self.board.work() - before;
        true
    }

    #[inline(never)]
    fn turn_of_card(&mut self, now: Moment) {
        let is_due = self.known.node.stage() == Stage::AtTip || now.since(self.saved) >= SAVE_MS;
        if self.known.node.is_changed() && is_due {
            self.save(now);
        }
    }

    /// Saves the state, where there is a card.
    #[inline(never)]
    fn save(&mut self, now: Moment) -> Remembered {
        self.saved = now;
        let Known { node, card, .. } = &mut self.known;
        let remembered = card.save(self.board.card(), node);
        node.note_saved();
        if remembered == Remembered::Yes {
            let height = node.tip().height;
            self.tell(Event::Saved { height });
        }
        remembered
    }

    #[inline(never)]
    fn take_address(&mut self, event: NetworkEvent) {
        self.known.has_address = matches!(event, NetworkEvent::Address { .. });
        if let NetworkEvent::Address { ip, router } = event {
            if let (true, Some(router)) = (self.needs_router, router) {
                self.network.aim(0, SocketAddrV4::new(router, start::DEFAULT_PORT));
            }
            self.tell(Event::Address(ip));
        }
    }

    fn tell(&mut self, event: Event) {
        // The console takes everything.
        let _ = self.console.write_event(&event, &mut Print(self.board));
    }

    #[inline(never)]
    fn draw(&mut self, now: Moment) {
        self.drawn = now;
        self.watch_faults();
        self.known.measure(now, self.board.memory());
        let report = self.known.report(now, self.network.seen(self.known.node));
        if self.pages.draw(&report) {
            self.board.show(self.pages.pixels());
        }
    }

    fn watch_faults(&mut self) {
        let fault = self.known.fault(&self.network.seen(self.known.node));
        if fault != self.known.told {
            self.known.told = fault;
            self.tell(fault.map_or(Event::FaultCleared, Event::Fault));
        }
    }

    /// Hands what is known to somebody who prints it.
    fn print_report(
        &mut self,
        now: Moment,
        write: impl FnOnce(&Report<'_>, &mut dyn core::fmt::Write) -> core::fmt::Result,
    ) -> core::fmt::Result {
        let report = self.known.report(now, self.network.seen(self.known.node));
        write(&report, &mut Print(self.board))
    }
}
