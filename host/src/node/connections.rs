//! Connections from their first moment to their last: who gets a place, whom this node calls, and parting from
//! those that misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use mote_core::peer::{Asked, Due, Offence};
use mote_core::units::Height;
use mote_core::wire::{Hello, Message, PROTOCOL_VERSION, Services};

use super::addresses::{
    GROUP_MAX, INBOUND_MAX, KEPT_MAX, LASTING_MS, OUTBOUND_MAX, Origin, caller_group, group,
};
use super::peers::{Peer, PeerId};
use super::request::PeerAddress;
use super::status::{Direction, Event, PeerState};
use super::sync::Lack;
use super::{Node, Now, Output};
use crate::store::disk::Disk;

impl<D: Disk> Node<D> {
    /// A connection was opened.
    pub(super) fn opened(&mut self, now: Now, peer: PeerId, direction: Direction, address: PeerAddress) {
        if direction == Direction::Inbound
            && (self.addresses.is_discouraged(&address, now.moment) || !self.has_room_for(now, &address))
        {
            return self.hang_up(peer, "no room for this connection");
        }
        let tip = self.ledger.tip().id();
        let state = Peer::new(self.greeting, tip, direction, address.clone(), now.moment);
        self.peers.insert(peer, state);
        self.tell_of_peer(&address, PeerState::Greeting, None);
        let tip = self.ledger.tip();
        let hello = Hello {
            version: PROTOCOL_VERSION,
            genesis: self.params.genesis_id(),
            tip: tip.id(),
            height: tip.height(),
            work: tip.work(),
            time: now.time,
            services: Services::FULL.and(Services::WITNESS).and(Services::COMPACT),
            witness_from: Height::GENESIS.next(),
            message_max: self.greeting.message_max as u32,
            nonce: self.greeting.nonce,
            port: self.port,
        };
        self.send(peer, &Message::Hello(hello));
    }

    /// Whether there is room for one more connection from this address. Of those that compete with it for a
    /// place, the one that has kept this node waiting for its greeting for the longest makes room; where all
    /// have greeted, somebody of the network that has most places.
    fn has_room_for(&mut self, now: Now, address: &PeerAddress) -> bool {
        let group_of = address.ip().and_then(caller_group);
        let is_inbound = |state: &Peer| state.direction == Direction::Inbound;
        let is_of_group =
            |state: &Peer| is_inbound(state) && state.remote.ip().and_then(caller_group) == group_of;
        let count =
            |is_one: &dyn Fn(&Peer) -> bool| self.peers.values().filter(|state| is_one(state)).count();
        let is_crowded = group_of.is_some() && count(&is_of_group) >= GROUP_MAX;
        if !is_crowded && count(&is_inbound) < INBOUND_MAX {
            return true;
        }
        let is_rival = |state: &Peer| if is_crowded { is_of_group(state) } else { is_inbound(state) };
        // They are in the order in which they were opened.
        let silent = self.peers.iter().find(|(_, state)| is_rival(state) && !state.is_greeted());
        let silent = silent.map(|(peer, _)| *peer);
        let leaver = silent.or_else(|| if is_crowded { None } else { self.surplus(group_of) });
        let Some(leaver) = leaver else { return false };
        let reason = match silent {
            Some(_) => "makes room for a connection that greets",
            None => "makes room for another network",
        };
        self.close_now(now, leaver, reason);
        true
    }

    /// Of the callers the youngest of the network that has most places, where that of the newcomer has fewer
    /// even with the new one: whoever is the only one of a network stays.
    fn surplus(&self, newcomer: Option<IpAddr>) -> Option<PeerId> {
        let mut groups: BTreeMap<Option<IpAddr>, Vec<PeerId>> = BTreeMap::new();
        for (peer, state) in self.peers.iter().filter(|(_, state)| state.direction == Direction::Inbound) {
            groups.entry(state.remote.ip().and_then(caller_group)).or_default().push(*peer);
        }
        let own = groups.get(&newcomer).map_or(0, Vec::len);
        let largest = groups.into_values().max_by_key(Vec::len)?;
        largest.last().copied().filter(|_| largest.len() > own + 1)
    }

    /// A connection ended.
    pub(super) fn closed(&mut self, now: Now, peer: PeerId, reason: &str) {
        let Some(state) = self.peers.remove(&peer) else { return };
        self.sync.forget(peer);
        self.resolving.iter_mut().for_each(|resolving| resolving.forget(peer));
        // Another connection with the same peer may be the one that stays.
        let is_connected = self.peers.values().any(|other| other.address() == state.address());
        if !is_connected {
            if now.moment.since(state.session.opened()) >= LASTING_MS {
                self.addresses.lasted(state.address());
            }
            self.addresses.failed(state.address(), reason, now.moment);
            self.tell_of_peer(state.address(), PeerState::Waiting, Some(reason.to_owned()));
        }
        self.schedule(now);
    }

    /// What is due on all connections: pings, time-outs, new dials.
    pub(super) fn attend_to_peers(&mut self, now: Now) {
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in peers {
            while let Some(due) = self.peers.get_mut(&peer).and_then(|state| state.session.poll(now.moment)) {
                match due {
                    Due::Ping(nonce) => self.send(peer, &Message::Ping(nonce)),
                    Due::Expired(Asked::Block(id) | Asked::BlockTransactions(id)) => {
                        self.lacks_block(now, peer, id, Lack::TooSlow);
                    }
                    Due::Expired(_) => {}
                    Due::Close(reason) => {
                        self.close_now(now, peer, reason);
                        break;
                    }
                }
            }
            self.follow(now, peer);
        }
        self.keep_best(now);
        self.dial(now);
    }

    /// Notes which outbound peers to call first after the next start: those that have been connected longest.
    fn keep_best(&mut self, now: Now) {
        let has_lasted = |state: &&Peer| {
            state.direction == Direction::Outbound
                && state.is_greeted()
                && now.moment.since(state.session.opened()) >= LASTING_MS
        };
        let mut lasting: Vec<&Peer> = self.peers.values().filter(has_lasted).collect();
        lasting.sort_by_key(|state| state.session.opened());
        let longest: Vec<PeerAddress> =
            lasting.iter().take(KEPT_MAX).map(|state| state.address().clone()).collect();
        self.addresses.keep(&longest);
    }

    fn dial(&mut self, now: Now) {
        let outbound = self.peers.values().filter(|state| state.direction == Direction::Outbound).count();
        let mut room = OUTBOUND_MAX.saturating_sub(outbound);
        loop {
            let connected: BTreeSet<PeerAddress> =
                self.peers.values().map(|state| state.address().clone()).collect();
            let in_group = |address: &PeerAddress| {
                let group_of = address.ip().and_then(group);
                // Callers do not count: they come unasked, and would keep this node from calling others.
                let called = self.peers.values().filter(|state| state.direction == Direction::Outbound);
                let same = called.filter(|state| state.remote.ip().and_then(group) == group_of);
                if group_of.is_some() { same.count() } else { 0 }
            };
            let is_wanted = |address: &PeerAddress, origin: Origin| {
                !connected.contains(address)
                    && (origin >= Origin::Kept || (room > 0 && in_group(address) < GROUP_MAX))
            };
            let Some(address) = self.addresses.next_to_dial(now.moment, is_wanted) else { return };
            room = room.saturating_sub(1);
            self.outputs.push_back(Output::Dial(address));
        }
    }

    /// Ends a connection because of what the peer did.
    pub(super) fn punish(&mut self, now: Now, peer: PeerId, offence: &Offence) {
        let Some(state) = self.peers.get(&peer) else { return };
        let address = state.address().clone();
        if *offence == Offence::Itself {
            self.addresses.is_own(&address);
        } else {
            self.addresses.discourage(&address, now.moment);
        }
        let reason = offence.to_string();
        tracing::info!(peer = %address, %reason, "closing a connection");
        let cut = reason.floor_char_boundary(mote_core::wire::REFUSAL_MAX_BYTES);
        self.send(peer, &Message::Refused(reason.get(..cut).unwrap_or_default()));
        self.close_now(now, peer, &reason);
    }

    /// Notes what a peer refused this node for.
    pub(super) fn note_refusal(&mut self, peer: PeerId, reason: &str) {
        let shown: String = reason.chars().filter(|letter| !letter.is_control()).take(200).collect();
        self.hang_up(peer, &format!("refused by the peer: {shown}"));
    }

    /// Asks for a connection to be closed; it counts until it is.
    pub(super) fn hang_up(&mut self, peer: PeerId, reason: &str) {
        self.outputs.push_back(Output::Close { peer, reason: reason.to_owned() });
    }

    /// Closes a connection and deals with it no more.
    pub(super) fn close_now(&mut self, now: Now, peer: PeerId, reason: &str) {
        self.hang_up(peer, reason);
        self.closed(now, peer, reason);
    }

    pub(super) fn tell_of_peer(&mut self, address: &PeerAddress, state: PeerState, reason: Option<String>) {
        self.outputs.push_back(Output::Event(Event::Peer { address: address.clone(), state, reason }));
    }
}
