//! Which peers to dial: those that were added, those that others told of, and when to try again.
//!
//! Whoever has many addresses must not drive out those that are known: what anybody can say without being
//! reachable there (hearsay, the port that a caller names) is kept in what room is left, is never written down
//! and is dialled after what worked.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mote_core::peer::limits::DISCOURAGED_MS;
use mote_core::units::Moment;

use super::request::{PeerAddress, PeerError};

/// How many peers can be added by hand.
pub const ADDED_MAX: usize = 64;

/// How many addresses are known at the most.
pub const KNOWN_MAX: usize = 1_024;

/// How many addresses that worked, and were not added by hand, are known at the most.
const PROVEN_MAX: usize = 256;

/// How many of the outbound peers are kept over restarts: those that have been connected longest.
pub const KEPT_MAX: usize = 2;

/// How many connections this node opens by itself.
pub const OUTBOUND_MAX: usize = 8;

/// How many connections of one network group are opened or taken, loopback excepted: whoever owns a
/// network must not own all of a node's peers.
pub const GROUP_MAX: usize = 4;

/// How many connections are taken in all.
pub const INBOUND_MAX: usize = 64;

/// The first pause after a failure, in milliseconds; it doubles each time.
const PAUSE_FIRST_MS: u64 = 500;

/// The longest pause before an added peer is tried again, in milliseconds.
const PAUSE_ADDED_MAX_MS: u64 = 5_000;

/// The longest pause before any other peer is tried again, in milliseconds.
const PAUSE_MAX_MS: u64 = 300_000;

/// A connection that lasted so long was a success, in milliseconds. One that is closed right after the
/// greeting was not: the other side does not want it.
pub const LASTING_MS: u64 = 10_000;

/// The longest pause before a peer that is kept over restarts is tried again, in milliseconds.
const PAUSE_KEPT_MAX_MS: u64 = 30_000;

/// After so many failures in a row, ten minutes of them, a peer that is kept over restarts is forgotten.
const FAILURES_KEPT_MAX: u32 = 24;

/// After so many failures in a row an address that nobody added is forgotten.
const FAILURES_MAX: u32 = 12;

/// Where an address comes from, which decides how much it is cared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Somebody removed it here: neither dialled nor dealt with until it is added again.
    Removed,
    /// A peer told of it.
    Gossip,
    /// Who connected from there says that it listens there.
    Caller,
    /// A connection to it worked.
    Proven,
    /// It is, or was last, one of the outbound peers that had been connected longest.
    Kept,
    /// Somebody added it here.
    Added,
}

/// How far from here an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Loopback,
    Private,
    Public,
    /// Multicast, unspecified and the like: never dialled.
    Useless,
}

#[derive(Clone, Debug)]
struct Known {
    origin: Origin,
    failures: u32,
    next_try: Moment,
    is_busy: bool,
    last_refusal: Option<String>,
}

/// The known addresses.
#[derive(Default)]
pub struct Addresses {
    known: BTreeMap<PeerAddress, Known>,
    discouraged: BTreeMap<IpOrName, Moment>,
    /// Addresses that turned out to be this node.
    own: Vec<PeerAddress>,
    /// Whether there is something to write down.
    has_changed: bool,
    /// A random number that puts equals into an order that nobody else knows.
    salt: u64,
}

/// A peer that committed an offence is avoided by its address; on loopback, where many nodes share
/// one, by its port too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum IpOrName {
    Ip(IpAddr),
    Address(PeerAddress),
}

impl Addresses {
    /// No addresses. `salt` is a random number that nobody else knows.
    pub fn new(salt: u64) -> Self {
        Self { salt, ..Self::default() }
    }

    /// Adds a peer by hand.
    pub fn add(&mut self, address: PeerAddress) -> Result<(), PeerError> {
        if self.own.contains(&address) {
            return Err(PeerError::Itself(address));
        }
        let added = self.known.values().filter(|known| known.origin == Origin::Added).count();
        let is_added = self.known.get(&address).is_some_and(|known| known.origin == Origin::Added);
        if added >= ADDED_MAX && !is_added {
            return Err(PeerError::Full { limit: ADDED_MAX });
        }
        self.discouraged.remove(&place(&address));
        self.learn(address, Origin::Added);
        Ok(())
    }

    /// Keeps away from a peer until it is added again; whether it was known.
    pub fn remove(&mut self, address: &PeerAddress) -> bool {
        let Some(known) = self.known.get_mut(address).filter(|known| known.origin != Origin::Removed) else {
            return false;
        };
        (known.origin, known.is_busy) = (Origin::Removed, false);
        self.has_changed = true;
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether a peer was removed.
    pub fn is_removed(&self, address: &PeerAddress) -> bool {
        self.known.get(address).is_some_and(|known| known.origin == Origin::Removed)
    }

    fn forget(&mut self, address: &PeerAddress) {
        self.has_changed |= self.known.remove(address).is_some();
    }

    /// Takes note of an address that `teller` told of: a private or loopback one only from a peer of
    /// the same range, so that nobody can send this node to its own neighbours.
    pub fn hear(&mut self, address: PeerAddress, teller: &PeerAddress) {
        let (Some(ip), Some(teller)) = (address.ip(), teller.ip()) else { return };
        let is_plausible = match range(ip) {
            Range::Useless => false,
            Range::Public => true,
            Range::Loopback => range(teller) == Range::Loopback,
            Range::Private => group(ip) == group(teller),
        };
        if is_plausible && !self.own.contains(&address) {
            self.learn(address, Origin::Gossip);
        }
    }

    /// Notes that a connection with the peer works: `Proven` where this node opened it, `Caller` where the peer did.
    pub fn works(&mut self, address: PeerAddress, origin: Origin) {
        self.learn(address.clone(), origin);
        if let Some(known) = self.known.get_mut(&address) {
            (known.is_busy, known.last_refusal) = (true, None);
        }
    }

    /// Fills the places of the peers to keep over restarts with those that have been connected longest. Whoever has
    /// a place keeps it while it can be reached at times: else attackers would take it while its owner restarts.
    pub fn keep(&mut self, longest: &[PeerAddress]) {
        let kept = self.known.values().filter(|known| known.origin == Origin::Kept).count();
        let is_new = |address: &&PeerAddress| {
            self.known.get(address).is_some_and(|known| known.origin == Origin::Proven)
        };
        let new: Vec<PeerAddress> =
            longest.iter().filter(is_new).take(KEPT_MAX.saturating_sub(kept)).cloned().collect();
        new.iter().for_each(|address| self.set_origin(address, Origin::Kept));
    }

    fn set_origin(&mut self, address: &PeerAddress, origin: Origin) {
        if let Some(known) = self.known.get_mut(address) {
            known.origin = origin;
            self.has_changed = true;
        }
    }

    /// Notes that a connection lasted, so that its end is no failure in a row of them.
    pub fn lasted(&mut self, address: &PeerAddress) {
        if let Some(known) = self.known.get_mut(address) {
            known.failures = 0;
        }
    }

    /// Notes that a dial failed or a connection ended, and when to try again.
    pub fn failed(&mut self, address: &PeerAddress, reason: &str, now: Moment) {
        let Some(known) = self.known.get_mut(address) else { return };
        known.is_busy = false;
        known.last_refusal = Some(reason.to_owned());
        let longest = match known.origin {
            Origin::Added => PAUSE_ADDED_MAX_MS,
            Origin::Kept => PAUSE_KEPT_MAX_MS,
            _ => PAUSE_MAX_MS,
        };
        let pause = PAUSE_FIRST_MS.saturating_mul(1 << known.failures.min(20)).min(longest);
        known.failures += 1;
        known.next_try = now.plus(pause);
        let failures_max = match known.origin {
            Origin::Added | Origin::Removed => u32::MAX,
            Origin::Kept => FAILURES_KEPT_MAX,
            _ => FAILURES_MAX,
        };
        if known.failures > failures_max {
            self.forget(address);
        }
    }

    /// Avoids a peer for a while.
    pub fn discourage(&mut self, address: &PeerAddress, now: Moment) {
        if self.discouraged.len() >= KNOWN_MAX {
            // The one that would be dealt with again first.
            let first = self.discouraged.iter().min_by_key(|(_, until)| **until);
            if let Some(place) = first.map(|(place, _)| place.clone()) {
                self.discouraged.remove(&place);
            }
        }
        self.discouraged.insert(place(address), now.plus(DISCOURAGED_MS));
    }

    /// Whether a peer is avoided now.
    pub fn is_discouraged(&mut self, address: &PeerAddress, now: Moment) -> bool {
        self.discouraged.retain(|_, until| *until > now);
        self.discouraged.contains_key(&place(address))
    }

    /// Notes that an address leads to this node.
    pub fn is_own(&mut self, address: &PeerAddress) {
        self.forget(address);
        if !self.own.contains(address) && self.own.len() < KNOWN_MAX {
            self.own.push(address.clone());
        }
    }

    /// The next peer to dial, added ones first, which then counts as busy.
    pub fn next_to_dial(
        &mut self,
        now: Moment,
        is_wanted: impl Fn(&PeerAddress, Origin) -> bool,
    ) -> Option<PeerAddress> {
        self.discouraged.retain(|_, until| *until > now);
        let (discouraged, salt) = (&self.discouraged, self.salt);
        let candidates = self.known.iter_mut().filter(|(address, known)| {
            !known.is_busy
                && known.origin != Origin::Removed
                && known.next_try <= now
                && !discouraged.contains_key(&place(address))
                && is_wanted(address, known.origin)
        });
        let (address, known) = candidates.max_by_key(|(address, known)| {
            (known.origin, u32::MAX - known.failures, place_in_line(salt, address))
        })?;
        known.is_busy = true;
        Some(address.clone())
    }

    /// Addresses to tell others of: those that worked.
    pub fn to_tell(&self) -> impl Iterator<Item = &PeerAddress> {
        self.known.iter().filter(|(_, known)| known.origin >= Origin::Caller).map(|(address, _)| address)
    }

    /// All that deserve a line in a list of peers: the added ones.
    pub fn added(&self) -> impl Iterator<Item = (&PeerAddress, bool, Option<&str>)> {
        let added = self.known.iter().filter(|(_, known)| known.origin == Origin::Added);
        added.map(|(address, known)| (address, known.is_busy, known.last_refusal.as_deref()))
    }

    /// What the peer was last refused for, or why its connection ended.
    pub fn last_refusal(&self, address: &PeerAddress) -> Option<&str> {
        self.known.get(address)?.last_refusal.as_deref()
    }

    /// What to write down, if anything has changed since the last call: one address a line, with `+`
    /// before those that were added by hand, `-` before those that were removed and `*` before those to keep.
    pub fn changes(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let mut text = String::new();
        for (address, known) in &self.known {
            let mark = match known.origin {
                Origin::Added => "+",
                Origin::Removed => "-",
                Origin::Kept => "*",
                Origin::Proven => "",
                Origin::Caller | Origin::Gossip => continue,
            };
            text.push_str(&format!("{mark}{address}\n"));
        }
        Some(text)
    }

    /// Reads what was written down, what bears a mark first. A line that is no address costs that line and nothing else; how
    /// many there were is returned.
    pub fn restore(&mut self, text: &str) -> usize {
        let mut skipped = 0;
        let is_marked = |line: &&str| line.starts_with(['+', '-', '*']);
        let marked = text.lines().filter(is_marked);
        for line in marked.chain(text.lines().filter(|line| !is_marked(line))).take(KNOWN_MAX) {
            let (address, origin) = match line.split_at_checked(1) {
                Some(("+", address)) => (address, Origin::Added),
                Some(("-", address)) => (address, Origin::Removed),
                Some(("*", address)) => (address, Origin::Kept),
                _ => (line, Origin::Proven),
            };
            match address.parse() {
                Ok(address) => self.learn(address, origin),
                Err(_) => skipped += 1,
            }
        }
        self.has_changed = skipped > 0;
        skipped
    }

    fn learn(&mut self, address: PeerAddress, origin: Origin) {
        if !self.known.contains_key(&address) && !self.make_room(origin) {
            return;
        }
        let new =
            Known { origin, failures: 0, next_try: Moment::default(), is_busy: false, last_refusal: None };
        let known = self.known.entry(address).or_insert_with(|| {
            self.has_changed = true;
            new
        });
        if origin == Origin::Added || (origin > known.origin && known.origin != Origin::Removed) {
            self.has_changed |= origin != known.origin;
            known.origin = origin;
        }
        if origin == Origin::Added {
            (known.failures, known.next_try) = (0, Moment::default());
        }
    }

    /// Sees to it that there is room for one more address of this origin; whether there is. What is cared for
    /// less goes first, and of equals what failed more often, while no connection uses it.
    fn make_room(&mut self, origin: Origin) -> bool {
        let proven = self.known.values().filter(|known| known.origin == Origin::Proven).count();
        let has_room = match origin {
            // What a person says is bounded elsewhere, or by that person's patience.
            Origin::Added | Origin::Removed | Origin::Kept => true,
            Origin::Proven => proven < PROVEN_MAX,
            Origin::Caller | Origin::Gossip => self.known.len() < KNOWN_MAX,
        };
        if has_room {
            return true;
        }
        let rank = |known: &Known| (known.origin, u32::MAX - known.failures);
        let is_dispensable = |known: &Known| match origin {
            Origin::Proven => known.origin == Origin::Proven,
            // Hearsay never drives out what has not failed yet: it would be replaced by the next.
            _ => known.origin < origin || (known.origin == origin && known.failures > 0),
        };
        let salt = self.salt;
        let idle = self
            .known
            .iter()
            .filter(|(_, known)| !known.is_busy && known.origin != Origin::Removed && is_dispensable(known));
        let least = idle.min_by_key(|(address, known)| (rank(known), place_in_line(salt, address)));
        let Some(least) = least.map(|(address, _)| address.clone()) else { return false };
        self.forget(&least);
        true
    }
}

/// Where an address stands among its equals.
fn place_in_line(salt: u64, address: &PeerAddress) -> u64 {
    let mut hasher = DefaultHasher::new();
    (salt, address).hash(&mut hasher);
    hasher.finish()
}

/// What counts as one network when connections are capped, by its first address: /16 of IPv4, /32 of IPv6;
/// `None` for loopback, which is not capped.
pub fn group(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        _ if ip.is_loopback() => None,
        IpAddr::V4(ip) => Some(Ipv4Addr::from(u32::from(ip) & (u32::MAX << 16)).into()),
        IpAddr::V6(ip) => Some(Ipv6Addr::from(u128::from(ip) & (u128::MAX << 96)).into()),
    }
}

/// The same for those who call: in a house all come from one network, and each address counts by itself.
pub fn caller_group(ip: IpAddr) -> Option<IpAddr> {
    if range(ip) == Range::Private { Some(ip) } else { group(ip) }
}

fn place(address: &PeerAddress) -> IpOrName {
    match address.ip() {
        Some(ip) if !ip.is_loopback() => IpOrName::Ip(ip),
        _ => IpOrName::Address(address.clone()),
    }
}

fn range(ip: IpAddr) -> Range {
    let is_local = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if ip.is_loopback() {
        Range::Loopback
    } else if ip.is_unspecified() || ip.is_multicast() || is_broadcast {
        Range::Useless
    } else if is_local {
        Range::Private
    } else {
        Range::Public
    }
}

#[cfg(test)]
mod tests;
