//! The network: frames and addresses by smoltcp, connections to full nodes, and the page for people.

pub mod link;
pub mod page;
pub mod random;
mod sha1;
pub mod websocket;

use core::net::{Ipv4Addr, SocketAddrV4};

use mote_core::units::Moment;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::{dhcpv4, tcp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Cidr};

use crate::node::{Node, Surroundings};
use crate::report::{Offence, PEERS, PeerReport, Report};
use crate::settings::STATIC_ADDRESS;
use link::{Link, RECEIVE_BYTES, SEND_BYTES, Turn, WINDOW_BYTES};
use page::{PAGE_RECEIVE_BYTES, PAGE_SEND_BYTES, PAGES, Page};
use random::Random;

/// Frames that are taken in at one go: what a connection's window lets a peer send.
const FRAMES_MAX: usize = 4;

/// The buffers of all sockets, which live as long as the device.
pub struct Buffers {
    received: [[u8; RECEIVE_BYTES]; PEERS],
    sending: [[u8; SEND_BYTES]; PEERS],
    requests: [[u8; PAGE_RECEIVE_BYTES]; PAGES],
    responses: [[u8; PAGE_SEND_BYTES]; PAGES],
    window: [u8; WINDOW_BYTES],
}

impl Buffers {
    /// Empty buffers.
    pub const fn new() -> Self {
        Self {
            received: [[0; RECEIVE_BYTES]; PEERS],
            sending: [[0; SEND_BYTES]; PEERS],
            requests: [[0; PAGE_RECEIVE_BYTES]; PAGES],
            responses: [[0; PAGE_SEND_BYTES]; PAGES],
            window: [0; WINDOW_BYTES],
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// Room for the sockets themselves: at first none, which is all zeros and so no part of a device's image.
pub type Sockets<'m> = heapless::Vec<SocketStorage<'m>, { 1 + PEERS + PAGES }>;

/// The network.
pub struct Network<'m> {
    interface: Interface,
    sockets: SocketSet<'m>,
    dhcp: Option<SocketHandle>,
    peers: [(SocketHandle, Link); PEERS],
    pages: [(SocketHandle, Page); PAGES],
    window: &'m mut [u8; WINDOW_BYTES],
    random: Random,
    /// The peer whose turn is next.
    turn: usize,
}

/// What is to be seen of the network.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The device's own address.
    pub ip: Option<Ipv4Addr>,
    /// The connections.
    pub peers: [PeerReport; PEERS],
}

/// What happened on the network.
#[derive(Debug)]
pub enum NetworkEvent {
    /// The device has this address.
    Address {
        /// The address.
        ip: Ipv4Addr,
        /// The way out, where there is one.
        router: Option<Ipv4Addr>,
    },
    /// The device has no address any more.
    NoAddress,
}

impl<'m> Network<'m> {
    /// A network without an address over this controller.
    #[inline(never)]
    pub fn new<D: Device>(
        device: &mut D,
        (sockets, buffers): (&'m mut Sockets<'m>, &'m mut Buffers),
        hardware_address: [u8; 6],
        mut random: Random,
        now: Moment,
    ) -> Self {
        let mut config = Config::new(EthernetAddress(hardware_address).into());
        config.random_seed = random.number();
        let interface = Interface::new(config, device, instant(now));
        let Buffers { received, sending, requests, responses, window } = buffers;
        while sockets.push(SocketStorage::EMPTY).is_ok() {}
        let mut sockets = SocketSet::new(sockets.as_mut_slice());
        let [first, second] = received;
        let [third, fourth] = sending;
        let mut link = |peer, received: &'m mut [u8], sending: &'m mut [u8]| {
            (sockets.add(socket(received, sending)), Link::new(peer, &mut random))
        };
        let peers = [link(0, first, third), link(1, second, fourth)];
        let [first, second] = requests;
        let [third, fourth] = responses;
        let mut page = |received: &'m mut [u8], sending: &'m mut [u8]| {
            (sockets.add(socket(received, sending)), Page::new())
        };
        let pages = [page(first, third), page(second, fourth)];
        let dhcp = match STATIC_ADDRESS {
            Some(_) => None,
            None => Some(sockets.add(dhcpv4::Socket::new())),
        };
        Self { interface, sockets, dhcp, peers, pages, window, random, turn: 0 }
    }

    /// The buffer that both connections read in, for whatever else needs one between their turns.
    pub fn window(&mut self) -> &mut [u8] {
        &mut self.window[..]
    }

    /// Says where a full node is.
    pub fn aim(&mut self, peer: usize, address: SocketAddrV4) {
        if let Some((_, link)) = self.peers.get_mut(peer) {
            link.aim(address);
        }
    }

    /// Moves frames in and out; `true` where there may be more to do.
    #[inline(never)]
    pub fn exchange<D: Device>(&mut self, device: &mut D, now: Moment) -> bool {
        let now = instant(now);
        let mut is_busy = false;
        for _ in 0..FRAMES_MAX {
            match self.interface.poll_ingress_single(now, device, &mut self.sockets) {
                PollIngressSingleResult::None => break,
                _ => is_busy = true,
            }
        }
        self.interface.poll_egress(now, device, &mut self.sockets);
        self.interface.poll_maintenance(now);
        is_busy
    }

    /// Takes up an address, or gives it up.
    pub fn poll_address(&mut self) -> Option<NetworkEvent> {
        let Some(dhcp) = self.dhcp else {
            let (ip, length, router) = STATIC_ADDRESS?;
            let is_new = self.interface.ipv4_addr().is_none();
            return is_new.then(|| self.set_address(Ipv4Cidr::new(ip, length), router));
        };
        match self.sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll()? {
            dhcpv4::Event::Configured(config) => {
                let (address, router) = (config.address, config.router);
                Some(self.set_address(address, router))
            }
            dhcpv4::Event::Deconfigured => {
                self.interface.update_ip_addrs(|addresses| addresses.clear());
                self.interface.routes_mut().remove_default_ipv4_route();
                Some(NetworkEvent::NoAddress)
            }
        }
    }

    fn set_address(&mut self, address: Ipv4Cidr, router: Option<Ipv4Addr>) -> NetworkEvent {
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // There is room for one.
            let _ = addresses.push(IpCidr::Ipv4(address));
        });
        if let Some(router) = router {
            // There is room for one.
            let _ = self.interface.routes_mut().add_default_ipv4_route(router);
        }
        NetworkEvent::Address { ip: address.address(), router }
    }

    /// Gives one of the connections its turn; says which peer was dropped for what, and whether there may
    /// be more to do.
    pub fn turn(
        &mut self,
        node: &mut Node<'_>,
        outside: &mut impl Surroundings,
        now: Moment,
    ) -> (bool, Option<(SocketAddrV4, Offence)>) {
        let mut is_busy = false;
        if self.interface.ipv4_addr().is_none() {
            return (false, None);
        }
        for _ in 0..PEERS {
            self.turn = (self.turn + 1) % PEERS;
            let Some((handle, link)) = self.peers.get_mut(self.turn) else { continue };
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*handle);
            let context = self.interface.context();
            match link.turn(socket, context, &mut self.window[..], &mut self.random, node, outside, now) {
                Turn::Idle => {}
                Turn::Busy => is_busy = true,
                Turn::Refused(offence) => {
                    return (true, link.address().map(|address| (address, offence)));
                }
            }
        }
        (is_busy, None)
    }

    /// What is to be seen of the network.
    pub fn seen(&self, node: &Node<'_>) -> Seen {
        let peer = |peer| {
            let known = node.peer_report(peer);
            let link = self.peers.get(peer).filter(|_| known.address.is_none()).map(|(_, link)| link);
            link.map_or(known, |link| PeerReport { address: link.address(), state: link.state(), ..known })
        };
        Seen { ip: self.interface.ipv4_addr(), peers: core::array::from_fn(peer) }
    }

    /// Whether somebody asks for the page, or a socket of it has to be made ready.
    pub fn has_visitor(&self) -> bool {
        self.pages
            .iter()
            .any(|(handle, _)| self.sockets.get::<tcp::Socket<'_>>(*handle).state() != tcp::State::Listen)
    }

    /// Serves the page; `report` is only made where somebody asks.
    #[inline(never)]
    pub fn serve<'r>(&mut self, now: Moment, report: impl Fn() -> Report<'r>) -> bool {
        let mut is_busy = false;
        for (handle, page) in &mut self.pages {
            is_busy |= page.turn(self.sockets.get_mut::<tcp::Socket<'_>>(*handle), now, &report);
        }
        is_busy
    }
}

fn socket<'m>(received: &'m mut [u8], sending: &'m mut [u8]) -> tcp::Socket<'m> {
    tcp::Socket::new(tcp::SocketBuffer::new(received), tcp::SocketBuffer::new(sending))
}

fn instant(now: Moment) -> Instant {
    Instant::from_millis(i64::try_from(now.millis()).unwrap_or(i64::MAX))
}
