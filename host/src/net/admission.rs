//! How many connections may be open, and from where. Connections from this computer have a budget of
//! their own, so that nobody outside can lock its owner out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        Self { remote_max: 512, network_max: 64, loopback_max: 256 }
    }
}

/// Counts open connections; clones count together.
#[derive(Clone, Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    remote: usize,
    origins: HashMap<Origin, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Loopback,
    V4([u8; 3]),
    V6([u16; 3]),
}

/// Room for one connection, until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Slot {
    _occupied: Arc<Occupied>,
}

#[derive(Debug)]
struct Occupied {
    admission: Admission,
    origin: Origin,
}

impl Admission {
    /// An admission that has let nobody in yet.
    pub fn new(limits: AdmissionLimits) -> Self {
        Self { limits, counts: Arc::default() }
    }

    /// Room for one more connection from this address, if there is any.
    pub fn admit(&self, address: IpAddr) -> Option<Slot> {
        let origin = Origin::of(address);
        let mut counts = self.counts();
        let here = counts.origins.get(&origin).copied().unwrap_or(0);
        let has_room = match origin {
            Origin::Loopback => here < self.limits.loopback_max,
            _ => here < self.limits.network_max && counts.remote < self.limits.remote_max,
        };
        if !has_room {
            return None;
        }
        counts.origins.insert(origin, here + 1);
        counts.remote += usize::from(origin != Origin::Loopback);
        Some(Slot { _occupied: Arc::new(Occupied { admission: self.clone(), origin }) })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing under the lock can stop half-way, so the content is whole even after a panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.remote -= usize::from(self.origin != Origin::Loopback);
        let here = counts.origins.get(&self.origin).copied().unwrap_or(0);
        if here <= 1 {
            counts.origins.remove(&self.origin);
        } else {
            counts.origins.insert(self.origin, here - 1);
        }
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
mod tests {
    use super::*;

    fn admission() -> Admission {
        Admission::new(AdmissionLimits { remote_max: 5, network_max: 2, loopback_max: 3 })
    }

    fn admit(admission: &Admission, addresses: &[&str]) -> Vec<Option<Slot>> {
        addresses.iter().map(|address| admission.admit(address.parse().unwrap())).collect()
    }

    fn admitted(slots: &[Option<Slot>]) -> Vec<bool> {
        slots.iter().map(Option::is_some).collect()
    }

    #[test]
    fn a_network_has_its_share() {
        let admission = admission();
        let slots = admit(&admission, &["192.0.2.1", "::ffff:192.0.2.2", "192.0.2.3", "192.0.3.1"]);
        assert_eq!(admitted(&slots), [true, true, false, true]);
        let slots = admit(&admission, &["2001:db8:1::1", "2001:db8:1:2::1", "2001:db8:1::3"]);
        assert_eq!(admitted(&slots), [true, true, false]);
    }

    #[test]
    fn a_full_house_still_lets_its_owner_in() {
        let admission = admission();
        let slots = admit(&admission, &["1.0.0.1", "1.0.1.1", "1.0.2.1", "1.0.3.1", "1.0.4.1", "1.0.5.1"]);
        assert_eq!(admitted(&slots), [true, true, true, true, true, false]);
        let own = admit(&admission, &["127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"]);
        assert_eq!(admitted(&own), [true, true, true, false]);
        drop(slots);
        assert!(admission.admit("1.0.5.1".parse().unwrap()).is_some());
    }

    #[test]
    fn a_connection_counts_until_its_last_part_is_gone() {
        let admission = admission();
        let first = admission.admit("192.0.2.1".parse().unwrap());
        let part = first.clone();
        let _second = admission.admit("192.0.2.1".parse().unwrap());
        drop(first);
        assert!(admission.admit("192.0.2.1".parse().unwrap()).is_none());
        drop(part);
        assert!(admission.admit("192.0.2.1".parse().unwrap()).is_some());
    }
}
