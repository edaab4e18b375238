//! What nodes are given, what they want done, and the look at them that follows upon each turn.

use mote_core::hash::Hash32;

use super::adversary::{ECLIPSE, is_attackers};
use super::checker::Violation;
use super::disk::SimulatedDisk;
use super::network::{DIAL_MS, End, Fate};
use super::place::{Place, address, place_at};
use super::world::{Happening, World};
use crate::node::request::{PeerAddress, Reply, Request};
use crate::node::status::{Direction, Event};
use crate::node::{Input, Node, Now, Output, Ticket};

/// A block of the regtest network takes two attempts on average; so many without success do not happen.
const ATTEMPTS_MAX: u64 = 1 << 12;

/// The work of a block at the easiest target.
const EASIEST_WORK: u64 = 2;

impl World {
    pub(super) fn input(&mut self, number: usize, input: Input) -> Result<(), Violation> {
        match self.device_at(number) {
            Some(device) => self.device_input(device, input),
            None => self.serve(number, |node, now| node.handle(now, input)),
        }
    }

    pub(super) fn request(&mut self, number: usize, request: Request) -> Result<u64, Violation> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if let Request::Submit(transaction) = &request {
            self.submitted.insert(ticket, (number, transaction.clone()));
        }
        self.input(number, Input::Request(Ticket(ticket), request))?;
        Ok(ticket)
    }

    /// Has a node do something, carries out what it wants done, and looks at it.
    pub(super) fn serve(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Node<SimulatedDisk>, Now),
    ) -> Result<(), Violation> {
        let millis = self.millis;
        let Some(place) = self.places.get_mut(number) else { return Ok(()) };
        let now = place.now(millis);
        let Some(node) = &mut place.node else { return Ok(()) };
        act(node, now);
        let outputs: Vec<Output> = node.commit(now).collect();
        if place.disk.is_off() {
            // Whatever it wanted to say, it did not get to it.
            self.count_power_cut();
            self.power_off(number);
            return Ok(());
        }
        outputs.into_iter().for_each(|output| self.carry_out(number, output));
        if let Some(violation) = self.unfair.take() {
            return Err(violation);
        }
        self.check_bounds(number)?;
        let Some(node) = self.places.get(number).and_then(|place| place.node.as_ref()) else { return Ok(()) };
        let before = self.checker.tip(number);
        let looked = self.checker.look(millis, number, node);
        let tip = self.checker.tip(number);
        if tip != before {
            self.tally.tip_is(millis, number, Some(tip));
        }
        looked.or_else(|violation| self.forgive(number, violation))
    }

    fn carry_out(&mut self, number: usize, output: Output) {
        let millis = self.millis;
        match output {
            Output::Send { peer, message } => {
                let end = End { place: number, peer };
                self.notice_refusal(end, &message);
                let messages = match self.liars.get_mut(&number) {
                    Some(liar) => liar.tamper(peer.0, message),
                    None => vec![message],
                };
                messages.into_iter().for_each(|message| self.send(end, message));
            }
            Output::Close { peer, reason } => {
                let end = End { place: number, peer };
                if let Some((other, then)) = self.network.close(millis, end) {
                    self.queue.add(then, Happening::Closed(other, "closed by the peer".to_owned()));
                }
                self.queue.add(millis, Happening::Closed(end, reason));
            }
            Output::Dial(to) => {
                let then = millis + self.network.latency();
                if let Some(life) = self.places.get(number).map(|place| place.life) {
                    self.queue.add(then, Happening::Dialled(number, life, to));
                }
            }
            Output::Reply(ticket, reply) => self.replied(ticket, reply),
            Output::Event(event) => self.told(number, event),
            Output::Mine(order) => {
                if let Some(place) = self.places.get_mut(number) {
                    place.order = order;
                }
            }
        }
    }

    pub(super) fn send(&mut self, from: End, message: Vec<u8>) {
        match self.network.send(self.millis, from, message.len()) {
            Fate::Arrives(to, then) => self.queue.add(then, Happening::Frame(to, message)),
            Fate::Breaks(then) => self.queue.add(then, Happening::Breaks(from)),
            Fate::Lost => {}
        }
    }

    fn replied(&mut self, ticket: Ticket, reply: Reply) {
        let Some((number, transaction)) = self.submitted.remove(&ticket.0) else { return };
        if let Reply::Submitted(Ok(id)) = reply {
            self.tally.payments += 1;
            self.checker.payment_acknowledged(number, id, transaction);
        }
    }

    fn told(&mut self, number: usize, event: Event) {
        let Some(node) = self.places.get(number).and_then(|place| place.node.as_ref()) else { return };
        match event {
            Event::Block { id, .. } => self.checker.block_acknowledged(number, id, node, self.tally.steps),
            Event::Reorganisation { depth, .. } => {
                *self.tally.reorganisations.entry(depth).or_default() += 1;
            }
            Event::Transaction { id, transaction } => {
                self.checker.payment_prevails(number, &id, &transaction);
            }
            Event::Peer { .. } | Event::Mining(_) => {}
        }
    }

    pub(super) fn dialled(&mut self, number: usize, life: u64, to: PeerAddress) -> Result<(), Violation> {
        let millis = self.millis;
        let is_caller = |place: &Place| place.life == life && place.node.is_some();
        if !self.places.get(number).is_some_and(is_caller) {
            return Ok(());
        }
        if is_attackers(&to) {
            let (near, far) = self.network.connect(number, ECLIPSE);
            let direction = Direction::Outbound;
            self.input(number, Input::Opened { peer: near.peer, direction, address: to })?;
            self.called(far);
            return Ok(());
        }
        let target = place_at(&to, self.places.len());
        let target =
            target.filter(|target| self.places.get(*target).is_some_and(|place| place.node.is_some()));
        let target = target.filter(|target| !self.network.is_blocked(millis, number, *target));
        let Some(target) = target else {
            self.queue.add(millis + DIAL_MS, Happening::DialFailed(number, life, to));
            return Ok(());
        };
        let (near, far) = self.network.connect(number, target);
        self.tally.connections += 1;
        let Some(ip) = address(number).ip() else { return Ok(()) };
        let caller = PeerAddress::from_ip(ip, 40_000 + (near.peer.0 % 20_000) as u16);
        let direction = Direction::Inbound;
        self.input(target, Input::Opened { peer: far.peer, direction, address: caller })?;
        let direction = Direction::Outbound;
        self.input(number, Input::Opened { peer: near.peer, direction, address: to })
    }

    pub(super) fn found(&mut self, number: usize, changes: u64) -> Result<(), Violation> {
        if let Some(device) = self.device_at(number) {
            return self.device_found(device, changes);
        }
        let Some(place) = self.places.get_mut(number) else { return Ok(()) };
        if place.rate_changes != changes {
            return Ok(());
        }
        let tip = self.checker.tip(number);
        let is_lucky = self.is_lucky(&tip);
        let order = self.places.get(number).and_then(|place| place.order.as_ref()).filter(|_| is_lucky);
        let found = order.and_then(|order| Some((order.id, order.job.search(0..ATTEMPTS_MAX)?)));
        self.plan_block(number);
        let Some((job, nonce)) = found else { return Ok(()) };
        self.input(number, Input::Found { job, nonce })
    }

    /// Whether a miner who comes upon what would be a block at the easiest target has found a child of `tip`.
    fn is_lucky(&mut self, tip: &Hash32) -> bool {
        let work = self.checker.replay().child_work(tip);
        work <= EASIEST_WORK || self.random.below(work) < EASIEST_WORK
    }
}
