//! Where the device is: its network, address and clock, and its peers.

use core::net::SocketAddrV4;

use super::Title;
use super::screen::{Font, Screen, WIDTH, width};
use crate::report::{PeerReport, PeerState, Report};
use crate::text::{Date, OrElse};

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    let network = report.params.network();
    // The longest name takes the line for itself.
    let name = if width(Font::Small, format_args!("{network}")) <= 85 { "network" } else { "" };
    screen.pair(12, name, format_args!("{network}"));
    screen.pair(21, "ip", format_args!("{}", OrElse(report.ip, "none yet")));
    screen.pair(30, "clock", format_args!("{}", OrElse(report.clock.map(Date), "not set yet")));
    screen.fill((0, 41), (WIDTH, 1));
    if report.peers.iter().all(|peer| peer.address.is_none()) {
        screen.paragraph(Font::Small, (0, 45), 1, format_args!("no peer on the card"));
    }
    let known = report.peers.iter().filter_map(|peer| Some((peer.address?, peer)));
    for (y, (address, peer)) in (45..).step_by(10).zip(known) {
        row(screen, y, address, peer);
    }
    Title::new("NETWORK")
}

/// A mark that is full once the peer has greeted, its address, and its latency or state.
fn row(screen: &mut Screen, y: i32, address: SocketAddrV4, peer: &PeerReport) {
    screen.fill((0, y + 1), (5, 5));
    if peer.state != PeerState::Connected {
        screen.clear((1, y + 2), (3, 3));
    }
    let right = match (peer.state, peer.latency_ms) {
        (PeerState::Connected, Some(ms)) => {
            screen.right(Font::Small, (WIDTH, y), 8, format_args!("{} ms", ms.min(99_999)))
        }
        (state, _) => screen.right(Font::Small, (WIDTH, y), 8, format_args!("{}", state.name())),
    };
    endpoint(screen, (8, y), right - 3, address);
}

/// Draws an address with its port, or without where that does not fit before `right`.
pub fn endpoint(screen: &mut Screen, at: (i32, i32), right: i32, address: SocketAddrV4) {
    let text = format_args!("{address}");
    if width(Font::Small, text) <= right - at.0 {
        screen.left(Font::Small, at, right, text);
    } else {
        screen.left(Font::Small, at, right, format_args!("{}", address.ip()));
    }
}
