//! The device: a super-loop that gives everything its turn, none of them longer than the check of one
//! transaction, and sleeps when there is nothing to do.

mod card_slot;
mod outside;
mod owner;
mod start;

use core::net::SocketAddrV4;

use mote_core::units::Moment;

use crate::board::{Board, Button};
use crate::command::{Command, Mining};
use crate::console::Console;
use crate::display::{Pages, View};
use crate::event::Event;
use crate::meter::Meter;
use crate::net::random::Random;
use crate::net::{Buffers, Network, NetworkEvent, Sockets};
use crate::node::Node;
use crate::report::{Fault, Load, Memory, PEERS, PeerReport, PeerState, Refused, Report, Stage};
use card_slot::{CardSlot, Remembered};
use outside::Outside;

/// How often the picture is drawn anew, in milliseconds.
const DRAW_MS: u64 = 500;

/// How often the state is saved at the most, in milliseconds, while blocks come fast.
const SAVE_MS: u64 = 10_000;

/// A device.
pub struct Device<B: Board> {
    board: B,
    name: heapless::String<{ mote_core::card::NAME_MAX_BYTES }>,
    node: Node,
    network: Network,
    card: CardSlot,
    pages: Pages,
    console: Console,
    has_address: bool,
    needs_router: bool,
    refused: Option<Refused>,
    fault: Option<Fault>,
    pace: Meter,
    pace_tenths: u32,
    drawn: Moment,
    saved: Moment,
    work: Work,
    memory: Memory,
}

/// Where the processor's work went.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    checks: u64,
    mining: u64,
    before: u64,
    all: u64,
}

impl<B: Board> Device<B> {
    /// Switches the device on: reads the card, if there is one, and starts from what it holds.
    pub fn start(mut board: B, memory: (&'static mut Sockets, &'static mut Buffers)) -> Self {
        let (mut card, identity) = CardSlot::open(&mut board);
        let now = board.now();
        let mut random = Random::new(&[
            &identity.entropy,
            &card.starts().to_le_bytes(),
            &board.hardware_address(),
            &board.work().to_le_bytes(),
        ]);
        let mut node = Node::new(start::settings(&identity, random.number()));
        let hardware_address = board.hardware_address();
        let mut network = Network::new(board.ethernet(), memory, hardware_address, random, now);
        card.restore(&mut board, &mut node, network.window());
        for (peer, endpoint) in identity.peers.iter().enumerate() {
            network.aim(peer, SocketAddrV4::new(endpoint.ip.into(), endpoint.port));
        }
        let work = Work { before: board.work(), ..Work::default() };
        let mut device = Self {
            board,
            name: identity.name.clone(),
            node,
            network,
            card,
            pages: Pages::new(),
            console: Console::new(),
            has_address: false,
            needs_router: identity.peers.is_empty(),
            refused: None,
            fault: None,
            pace: Meter::new(),
            pace_tenths: 0,
            drawn: Moment::default(),
            saved: now,
            work,
            memory: Memory::default(),
        };
        let tip = device.node.tip();
        device.tell(Event::Started { height: tip.height, id: tip.id, state_root: tip.state_root });
        device
    }

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
        self.node.tick(now);
        self.node.follow_somebody(now);
        is_busy |= self.turn_of_peers(now);
        is_busy |= self.turn_of_page(now);
        is_busy |= self.turn_of_owner(now);
        is_busy |= self.turn_of_miner(now);
        self.turn_of_card(now);
        if now.since(self.drawn) >= DRAW_MS {
            self.draw(now);
        }
        let work = self.board.work();
        self.work.all += work - self.work.before;
        self.work.before = work;
        is_busy
    }

    fn turn_of_peers(&mut self, now: Moment) -> bool {
        let Self { board, card, node, network, work, .. } = self;
        let mut outside = Outside { board, card, checks: &mut work.checks };
        let (is_busy, refused) = network.turn(node, &mut outside, now);
        if let Some((peer, offence)) = refused {
            let refused = Refused { peer, offence, at: now };
            self.refused = Some(refused);
            self.tell(Event::Refused(refused));
        }
        is_busy
    }

    fn turn_of_page(&mut self, now: Moment) -> bool {
        if !self.network.has_visitor() {
            return false;
        }
        let Self {
            name, node, network, card, refused, fault, pace_tenths, has_address, work, memory, ..
        } = self;
        let memory = *memory;
        let peers = core::array::from_fn(|peer| peer_report(node, network, peer));
        let shown = Shown { name, node, peers, ip: network.ip(), memory, card, refused, fault };
        let load = work.load();
        let (pace, has_address) = (*pace_tenths, *has_address);
        network.serve(now, || shown.report(now, pace, has_address, load))
    }

    fn turn_of_miner(&mut self, now: Moment) -> bool {
        if !self.node.is_mining() {
            return false;
        }
        let before = self.board.work();
        let Self { board, card, node, work, .. } = self;
        node.mine(now, &mut Outside { board, card, checks: &mut work.checks });
        self.work.mining += self.board.work() - before;
        true
    }

    fn turn_of_card(&mut self, now: Moment) {
        let is_due = self.node.stage() == Stage::AtTip || now.since(self.saved) >= SAVE_MS;
        if self.node.is_changed() && is_due {
            self.save(now);
        }
    }

    /// Saves the state, where there is a card.
    fn save(&mut self, now: Moment) -> Remembered {
        self.saved = now;
        let remembered = self.card.save(&mut self.board, &self.node);
        self.node.note_saved();
        if remembered == Remembered::Yes {
            self.tell(Event::Saved { height: self.node.tip().height });
        }
        remembered
    }

    fn take_address(&mut self, event: NetworkEvent) {
        self.has_address = matches!(event, NetworkEvent::Address { .. });
        if let NetworkEvent::Address { ip, router } = event {
            if let (true, Some(router)) = (self.needs_router, router) {
                // A device that was told of no node tries the way out: so QEMU's host is found.
                self.network.aim(0, SocketAddrV4::new(router, start::DEFAULT_PORT));
            }
            self.tell(Event::Address(ip));
        }
    }

    fn tell(&mut self, event: Event) {
        outside::print_event(&mut self.board, &event);
    }

    fn press(&mut self, button: Button, now: Moment) {
        let is_prepared = self.pages.view() == View::Prepared;
        let command = match button {
            Button::Up => return self.pages.previous(),
            Button::Down => return self.pages.next(),
            Button::Select if is_prepared => Command::Confirm,
            Button::Select => return,
            Button::Left if is_prepared => Command::Decline,
            Button::Left => Command::Mine(Mining::Off),
            Button::Right => Command::Mine(Mining::On),
        };
        let outcome = self.carry_out(command, now);
        self.print_outcome(&outcome);
    }

    fn draw(&mut self, now: Moment) {
        self.drawn = now;
        self.watch_faults();
        let height = match self.node.stage() {
            Stage::Judging { height, .. } | Stage::Validating { height, .. } => height.get(),
            _ => 0,
        };
        self.pace_tenths = self.pace.observe(now, height);
        self.memory = self.board.memory();
        let memory = self.memory;
        let Self { name, node, network, card, refused, fault, pages, .. } = self;
        let peers = core::array::from_fn(|peer| peer_report(node, network, peer));
        let shown = Shown { name, node, peers, ip: network.ip(), memory, card, refused, fault };
        let report = shown.report(now, self.pace_tenths, self.has_address, self.work.load());
        if pages.draw(&report) {
            self.board.show(self.pages.pixels());
        }
    }

    fn watch_faults(&mut self) {
        let states =
            core::array::from_fn::<_, PEERS, _>(|peer| peer_report(&self.node, &self.network, peer).state);
        let is_alone = !states.contains(&PeerState::Connected);
        let fault = self.card.fault().or(self.node.fault());
        let fault = fault.or((is_alone && self.refused.is_some()).then_some(Fault::NoHonestPeer));
        if fault != self.fault {
            self.fault = fault;
            self.tell(fault.map_or(Event::FaultCleared, Event::Fault));
        }
    }
}

impl Work {
    fn load(&self) -> Load {
        let permille = |part: u64| (part.saturating_mul(1_000) / self.all.max(1)).min(1_000) as u16;
        let (checks, mining) = (permille(self.checks), permille(self.mining));
        Load { checks, mining, other: 1_000_u16.saturating_sub(checks + mining) }
    }
}

fn peer_report(node: &Node, network: &Network, peer: usize) -> PeerReport {
    let report = node.peer_report(peer);
    if report.address.is_some() { report } else { network.peer_report(peer) }
}

/// What a report is made of.
struct Shown<'a> {
    name: &'a str,
    node: &'a Node,
    peers: [PeerReport; PEERS],
    ip: Option<core::net::Ipv4Addr>,
    memory: Memory,
    card: &'a CardSlot,
    refused: &'a Option<Refused>,
    fault: &'a Option<Fault>,
}

impl<'a> Shown<'a> {
    fn report(&self, now: Moment, pace_tenths: u32, has_address: bool, load: Load) -> Report<'a> {
        let node = self.node;
        Report {
            name: self.name,
            params: node.params(),
            uptime: now,
            clock: node.time(now),
            ip: self.ip,
            tip: node.tip(),
            stage: if has_address { node.stage() } else { Stage::NoNetwork },
            pace_tenths,
            peers: self.peers,
            refused: *self.refused,
            mining: node.mining(),
            key: node.key(),
            account: node.account(),
            prepared: node.prepared(),
            payments: node.payments(),
            fault: *self.fault,
            memory: self.memory,
            load,
            card: self.card.report(),
        }
    }
}
