//! Which peers to dial: those that were added, those that others told of, and when to try again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mote_core::peer::limits::DISCOURAGED_MS;
use mote_core::units::Moment;

use super::request::{PeerAddress, PeerError};

/// How many peers can be added by hand.
pub const ADDED_MAX: usize = 64;

/// How many addresses are known at the most.
pub const KNOWN_MAX: usize = 1_024;

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

/// After so many failures in a row an address that nobody added is forgotten.
const FAILURES_MAX: u32 = 12;

/// Where an address comes from, which decides how much it is cared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Somebody removed it here: neither dialled nor dealt with until it is added again.
    Removed,
    /// A peer told of it.
    Gossip,
    /// A connection with it worked.
    Proven,
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
}

/// A peer that committed an offence is avoided by its address; on loopback, where many nodes share
/// one, by its port too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum IpOrName {
    Ip(IpAddr),
    Address(PeerAddress),
}

impl Addresses {
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
        if is_plausible && !self.own.contains(&address) && self.known.len() < KNOWN_MAX {
            self.learn(address, Origin::Gossip);
        }
    }

    /// Notes that a connection with the peer works.
    pub fn works(&mut self, address: PeerAddress) {
        self.learn(address.clone(), Origin::Proven);
        if let Some(known) = self.known.get_mut(&address) {
            (known.is_busy, known.last_refusal) = (true, None);
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
        let longest = if known.origin == Origin::Added { PAUSE_ADDED_MAX_MS } else { PAUSE_MAX_MS };
        let pause = PAUSE_FIRST_MS.saturating_mul(1 << known.failures.min(20)).min(longest);
        known.failures += 1;
        known.next_try = now.plus(pause);
        let is_dear = matches!(known.origin, Origin::Added | Origin::Removed);
        if !is_dear && known.failures > FAILURES_MAX {
            self.forget(address);
        }
    }

    /// Avoids a peer for a while.
    pub fn discourage(&mut self, address: &PeerAddress, now: Moment) {
        if self.discouraged.len() < KNOWN_MAX {
            self.discouraged.insert(place(address), now.plus(DISCOURAGED_MS));
        }
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
        let discouraged = &self.discouraged;
        let candidates = self.known.iter_mut().filter(|(address, known)| {
            !known.is_busy
                && known.origin != Origin::Removed
                && known.next_try <= now
                && !discouraged.contains_key(&place(address))
                && is_wanted(address, known.origin)
        });
        let (address, known) =
            candidates.max_by_key(|(_, known)| (known.origin, u32::MAX - known.failures))?;
        known.is_busy = true;
        Some(address.clone())
    }

    /// Addresses to tell others of: those that worked.
    pub fn to_tell(&self) -> impl Iterator<Item = &PeerAddress> {
        self.known.iter().filter(|(_, known)| known.origin >= Origin::Proven).map(|(address, _)| address)
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
    /// before those that were added by hand and `-` before those that were removed.
    pub fn changes(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let mut text = String::new();
        for (address, known) in &self.known {
            let mark = match known.origin {
                Origin::Added => "+",
                Origin::Removed => "-",
                Origin::Proven => "",
                Origin::Gossip => continue,
            };
            text.push_str(&format!("{mark}{address}\n"));
        }
        Some(text)
    }

    /// Reads what was written down. A line that is no address costs that line and nothing else; how
    /// many there were is returned.
    pub fn restore(&mut self, text: &str) -> usize {
        let mut skipped = 0;
        for line in text.lines().take(KNOWN_MAX) {
            let (address, origin) = match line.split_at_checked(1) {
                Some(("+", address)) => (address, Origin::Added),
                Some(("-", address)) => (address, Origin::Removed),
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
}

/// What counts as one network when connections are capped: /16 of IPv4, /32 of IPv6; `None` for
/// loopback, which is not capped.
pub fn group(ip: IpAddr) -> Option<[u8; 4]> {
    match ip {
        _ if ip.is_loopback() => None,
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            Some([a, b, 0, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.octets();
            Some([a, b, c, d])
        }
    }
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
mod tests {
    use super::*;

    fn address(text: &str) -> PeerAddress {
        text.parse().unwrap()
    }

    #[test]
    fn nobody_sends_a_node_to_its_neighbours() {
        let mut addresses = Addresses::default();
        let told = [
            "127.0.0.1:1",
            "10.0.0.1:1",
            "0.0.0.0:1",
            "224.0.0.1:1",
            "8.8.8.8:1",
            "[::1]:1",
            "169.254.1.1:1",
        ];
        told.iter().for_each(|text| addresses.hear(address(text), &address("9.9.9.9:7700")));
        let dialled: Vec<_> =
            std::iter::from_fn(|| addresses.next_to_dial(Moment::default(), |_, _| true)).collect();
        assert_eq!(dialled, [address("8.8.8.8:1")]);
        addresses.hear(address("127.0.0.1:2"), &address("127.0.0.1:7700"));
        addresses.hear(address("10.0.0.2:2"), &address("10.0.9.9:7700"));
        addresses.hear(address("192.168.0.2:2"), &address("10.0.9.9:7700"));
        assert!(addresses.known.contains_key(&address("127.0.0.1:2")));
        assert!(addresses.known.contains_key(&address("10.0.0.2:2")));
        assert!(!addresses.known.contains_key(&address("192.168.0.2:2")));
    }

    #[test]
    fn what_was_added_is_tried_for_ever_and_written_down() {
        let mut addresses = Addresses::default();
        addresses.add(address("host.example:1")).unwrap();
        let mut now = Moment::default();
        for _ in 0..50 {
            assert_eq!(addresses.next_to_dial(now, |_, _| true), Some(address("host.example:1")));
            assert_eq!(addresses.next_to_dial(now, |_, _| true), None);
            addresses.failed(&address("host.example:1"), "refused", now);
            now = now.plus(PAUSE_ADDED_MAX_MS);
        }
        let text = addresses.changes().unwrap();
        assert_eq!(addresses.changes(), None);
        let mut restored = Addresses::default();
        assert_eq!(restored.restore(&format!("{text}http://x/\n\u{0}\n")), 2);
        assert_eq!(restored.changes().unwrap(), text);
    }
}
