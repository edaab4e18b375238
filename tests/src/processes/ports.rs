//! Ports for nodes that tests start, stop and start again.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Where to look: below the ports that systems give to outgoing connections, which could otherwise take
/// the port of a node while it is down.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A TCP port that no other test uses as long as this value lives. The UDP port of the same number is
/// held meanwhile, so that tests of other processes see that it is taken while no node listens.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _held: UdpSocket,
}

impl Port {
    /// Reserves a port.
    pub fn reserve() -> Self {
        static TRIED: AtomicU16 = AtomicU16::new(0);
        // Processes begin at different places.
        let start = std::process::id().wrapping_mul(7_919) as u16;
        for _ in 0..COUNT {
            let offset = start.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let number = FIRST + offset;
            let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            let is_free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).is_ok();
            if is_free {
                return Self { number, _held: held };
            }
        }
        panic!("no port from {FIRST} to {} is free", FIRST + COUNT - 1)
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.number
    }
}
