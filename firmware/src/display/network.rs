//! Where the device is: its network, address and clock, and its peers.

use core::net::SocketAddrV4;

use super::Title;
use super::screen::{Font, Line, Screen, WIDTH};
use crate::report::{PeerReport, PeerState, Report};
use crate::text::Date;

/// Draws the page.
pub fn draw(screen: &mut Screen, report: &Report<'_>) -> Title {
    let network = Line::new(format_args!("{}", report.params.network()));
    if network.width() <= 17 {
        screen.left(Font::Small, (0, 12), WIDTH, Line::new(format_args!("network")));
    }
    screen.right(Font::Small, (WIDTH, 12), 0, network);
    screen.left(Font::Small, (0, 21), WIDTH, Line::new(format_args!("ip")));
    let ip = match report.ip {
        Some(ip) => Line::new(format_args!("{ip}")),
        None => Line::new(format_args!("none yet")),
    };
    screen.right(Font::Small, (WIDTH, 21), 0, ip);
    screen.left(Font::Small, (0, 30), WIDTH, Line::new(format_args!("clock")));
    let clock = match report.clock {
        Some(clock) => Line::new(format_args!("{}", Date(clock))),
        None => Line::new(format_args!("not set yet")),
    };
    screen.right(Font::Small, (WIDTH, 30), 30, clock);
    screen.fill(0, 41, WIDTH, 1);
    if report.peers.iter().all(|peer| peer.address.is_none()) {
        screen.left(Font::Small, (0, 45), WIDTH, Line::new(format_args!("no peer on the card")));
    }
    let known = report.peers.iter().filter_map(|peer| Some((peer.address?, peer)));
    for (y, (address, peer)) in (45..).step_by(10).zip(known) {
        row(screen, y, address, peer);
    }
    Title::new("NETWORK")
}

/// A mark that is full once the peer has greeted, its address, and its latency or state.
fn row(screen: &mut Screen, y: i32, address: SocketAddrV4, peer: &PeerReport) {
    screen.fill(0, y + 1, 5, 5);
    if peer.state != PeerState::Connected {
        screen.clear(1, y + 2, 3, 3);
    }
    let state = match (peer.state, peer.latency_ms) {
        (PeerState::Connected, Some(ms @ 0..10_000)) => Line::new(format_args!("{ms} ms")),
        (PeerState::Connected, Some(ms)) => Line::new(format_args!("{} s", (ms / 1_000).min(9_999))),
        (state, _) => Line::new(format_args!("{}", state.name())),
    };
    let right = screen.right(Font::Small, (WIDTH, y), 8, state) - 3;
    screen.left(Font::Small, (8, y), right, endpoint(address, right - 8));
}

/// An address with its port, or without where that does not fit.
pub fn endpoint(address: SocketAddrV4, width: i32) -> Line {
    let whole = Line::new(format_args!("{address}"));
    let fits = whole.width() * Font::Small.width() <= width;
    if fits { whole } else { Line::new(format_args!("{}", address.ip())) }
}
