//! The network between the nodes: what a transport that keeps connections makes of a bad one.
//!
//! Peers speak over connections that deliver bytes in order, once and unchanged, or not at all. So a lost
//! packet is not a lost message: the transport repeats it, and all that follows on the connection waits. A
//! packet that overtakes another waits for it, and one that comes twice is dropped. What a node can notice of
//! loss, duplication and reordering is delay, and after [`PATIENCE_MS`] a connection that breaks; the same goes
//! for a partition, in one direction or both. What does come late, and beside newer messages, is what was under
//! way on a connection that one side has given up and opened anew. Changed messages come from byzantine nodes
//! alone.

use std::collections::BTreeMap;

use mote_core::codec;
use mote_core::wire::{List, ListWriter};
use serde::{Deserialize, Serialize};

use super::random::Random;
use crate::node::PeerId;

/// A connection whose messages have not arrived for this long breaks, in milliseconds.
pub const PATIENCE_MS: u64 = 60_000;

/// A connection on which so many bytes are under way breaks, as a node's own queue does.
pub const UNDER_WAY_MAX_BYTES: usize = 8 * 1024 * 1024;

/// How long a dial waits for an answer, in milliseconds.
pub const DIAL_MS: u64 = 5_000;

/// The first time after which a lost message is repeated, in milliseconds; it doubles each time.
const REPEAT_MS: u64 = 200;

/// One side of a connection: a node, and how it names the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The node's number.
    pub place: usize,
    /// The connection.
    pub peer: PeerId,
}

/// How long messages take.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// The least time, in milliseconds.
    pub least_ms: u64,
    /// How much longer on average, in milliseconds.
    pub more_ms: u64,
    /// How many of a thousand are lost and repeated.
    pub loss_per_mille: u32,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives then.
    Arrives(End, u64),
    /// The connection breaks then.
    Breaks(u64),
    /// Nobody is at the other end.
    Lost,
}

/// The sending half of a connection.
#[derive(Debug)]
struct Half {
    other: End,
    last_arrival: u64,
    /// When the last byte that was sent has left.
    last_departure: u64,
    under_way: usize,
}

impl Half {
    fn to(other: End) -> Self {
        Self { other, last_arrival: 0, last_departure: 0, under_way: 0 }
    }
}

/// All connections, and what keeps nodes from reaching each other.
#[derive(Debug)]
pub struct Network {
    delays: Delays,
    random: Random,
    halves: BTreeMap<End, Half>,
    /// From when on the first can reach the second again.
    blocked_until: BTreeMap<(usize, usize), u64>,
    /// Bytes a second of those whose connections are slow.
    speeds: BTreeMap<usize, u64>,
    next_peer: u64,
}

impl Network {
    /// A network without connections.
    pub fn new(delays: Delays, random: Random) -> Self {
        Self {
            delays,
            random,
            halves: BTreeMap::new(),
            blocked_until: BTreeMap::new(),
            speeds: BTreeMap::new(),
            next_peer: 0,
        }
    }

    /// Lets each connection of a node pass so many bytes a second in each direction.
    pub fn slow_down(&mut self, place: usize, bytes_per_second: u64) {
        self.speeds.insert(place, bytes_per_second.max(1));
    }

    /// How long so many bytes take on their way between two nodes, in milliseconds.
    fn transmission_ms(&self, from: usize, to: usize, bytes: usize) -> u64 {
        let slowest = [from, to].iter().filter_map(|place| self.speeds.get(place)).min();
        slowest.map_or(0, |speed| (bytes as u64).saturating_mul(1_000) / speed)
    }

    /// Keeps what `from` sends from reaching `to` until then.
    pub fn block(&mut self, from: usize, to: usize, until: u64) {
        let end = self.blocked_until.entry((from, to)).or_default();
        *end = until.max(*end);
    }

    /// Whether either of two nodes cannot reach the other at `now`.
    pub fn is_blocked(&self, now: u64, a: usize, b: usize) -> bool {
        self.blocked(a, b) > now || self.blocked(b, a) > now
    }

    fn blocked(&self, from: usize, to: usize) -> u64 {
        self.blocked_until.get(&(from, to)).copied().unwrap_or_default()
    }

    /// How long a message takes that nothing keeps back.
    pub fn latency(&mut self) -> u64 {
        let mut latency = self.delays.least_ms + self.random.exponential(self.delays.more_ms);
        let mut repeat = REPEAT_MS;
        while repeat < PATIENCE_MS && self.random.chance(self.delays.loss_per_mille) {
            latency += repeat;
            repeat *= 2;
        }
        latency
    }

    /// Connects two nodes; the first end is the caller's.
    pub fn connect(&mut self, caller: usize, called: usize) -> (End, End) {
        let near = End { place: caller, peer: PeerId(self.next_peer) };
        let far = End { place: called, peer: PeerId(self.next_peer + 1) };
        self.next_peer += 2;
        self.halves.insert(near, Half::to(far));
        self.halves.insert(far, Half::to(near));
        (near, far)
    }

    /// Sends a message of so many bytes.
    pub fn send(&mut self, now: u64, from: End, bytes: usize) -> Fate {
        let latency = self.latency();
        let Some(half) = self.halves.get(&from) else { return Fate::Lost };
        let departure = now.max(self.blocked(from.place, half.other.place)).max(half.last_departure)
            + self.transmission_ms(from.place, half.other.place, bytes);
        let Some(half) = self.halves.get_mut(&from) else { return Fate::Lost };
        half.under_way += bytes;
        half.last_departure = departure;
        half.last_arrival = half.last_arrival.max(departure + latency);
        match half.last_arrival {
            _ if half.under_way > UNDER_WAY_MAX_BYTES => Fate::Breaks(now),
            arrival if arrival - now > PATIENCE_MS => Fate::Breaks(now + PATIENCE_MS),
            arrival => Fate::Arrives(half.other, arrival),
        }
    }

    /// A message of so many bytes arrives; whether the connection is still there.
    pub fn arrive(&mut self, to: End, bytes: usize) -> bool {
        let Some(other) = self.other(to) else { return false };
        if let Some(half) = self.halves.get_mut(&other) {
            half.under_way = half.under_way.saturating_sub(bytes);
        }
        true
    }

    /// The other end of a connection.
    pub fn other(&self, end: End) -> Option<End> {
        self.halves.get(&end).map(|half| half.other)
    }

    /// Ends one side of a connection: the other side, and when that will notice, behind what was sent.
    pub fn close(&mut self, now: u64, end: End) -> Option<(End, u64)> {
        let latency = self.latency();
        let half = self.halves.remove(&end)?;
        Some((half.other, half.last_arrival.max(now + latency).min(now + PATIENCE_MS)))
    }

    /// The bytes that are under way on the fullest of a node's connections.
    pub fn under_way_from(&self, place: usize) -> usize {
        let ends = self.ends_of(place);
        ends.iter().filter_map(|end| self.halves.get(end)).map(|half| half.under_way).max().unwrap_or(0)
    }

    /// The ends of all connections of a node.
    pub fn ends_of(&self, place: usize) -> Vec<End> {
        let (first, last) = (End { place, peer: PeerId(0) }, End { place, peer: PeerId(u64::MAX) });
        self.halves.range(first..=last).map(|(end, _)| *end).collect()
    }
}

/// The message around a list of these items.
pub fn listed<T: Serialize + for<'d> Deserialize<'d>>(
    items: &[T],
    message: impl FnOnce(List<'_, T>) -> Vec<u8>,
) -> Vec<u8> {
    let mut buffer = vec![0; items.iter().map(codec::encoded_len).sum()];
    let mut writer = ListWriter::new(&mut buffer);
    // The buffer has room for all of them.
    items.iter().all(|item| writer.push(item).is_ok());
    message(writer.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(loss_per_mille: u32) -> Network {
        Network::new(Delays { least_ms: 10, more_ms: 100, loss_per_mille }, Random::new(1))
    }

    #[test]
    fn messages_of_a_connection_keep_their_order() {
        let mut network = network(100);
        let (near, far) = network.connect(0, 1);
        let mut last = 0;
        for now in 0..1_000 {
            let Fate::Arrives(end, arrival) = network.send(now, near, 1) else {
                panic!("it breaks at {now}")
            };
            assert!(end == far && arrival >= last && arrival >= now + 10);
            last = arrival;
        }
    }

    #[test]
    fn a_slow_connection_passes_its_bytes_a_second() {
        let mut network = network(0);
        network.slow_down(1, 1_000);
        let (near, far) = network.connect(0, 1);
        let (fast, _) = network.connect(0, 2);
        assert!(matches!(network.send(0, near, 2_000), Fate::Arrives(_, 2_010..3_000)));
        assert!(matches!(network.send(0, near, 2_000), Fate::Arrives(_, 4_010..5_000)));
        assert!(matches!(network.send(0, far, 500), Fate::Arrives(_, 510..2_000)));
        assert!(matches!(network.send(0, fast, 2_000), Fate::Arrives(_, ..1_000)));
        assert_eq!(network.send(0, near, 60_000), Fate::Breaks(PATIENCE_MS));
    }

    #[test]
    fn a_partition_holds_messages_up_and_a_long_one_breaks_the_connection() {
        let mut network = network(0);
        let (near, far) = network.connect(0, 1);
        network.block(0, 1, 5_000);
        assert!(network.is_blocked(0, 1, 0) && !network.is_blocked(5_000, 0, 1));
        assert!(matches!(network.send(0, near, 1), Fate::Arrives(_, 5_010..)));
        assert!(matches!(network.send(0, far, 1), Fate::Arrives(_, ..5_000)));
        network.block(0, 1, 100_000);
        assert_eq!(network.send(1, near, 1), Fate::Breaks(1 + PATIENCE_MS));
        assert_eq!(network.close(1, near).map(|(end, _)| end), Some(far));
        assert!(!network.arrive(near, 1) && network.send(2, near, 1) == Fate::Lost);
    }
}
