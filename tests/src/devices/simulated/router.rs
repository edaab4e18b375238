//! The network outside of the device: one TCP/IP stack whose connections are pipes of bytes.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use super::cable::End;

/// Where the device is.
pub const DEVICE_IP: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);

/// Where everybody else is.
pub const ROUTER_IP: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The hardware address of everybody else.
pub const ROUTER_ETHERNET: EthernetAddress = EthernetAddress([0x02, 0, 0, 0, 0, 2]);

/// Connections that can be open at once.
const SOCKETS: usize = 16;

/// Connections that may wait at one port.
const BACKLOG: usize = 2;

const BUFFER_BYTES: usize = 16 * 1_024;

/// The other end of a connection of the device.
#[derive(Debug, Default)]
pub struct Pipe {
    /// What came from the device and was not read.
    pub heard: VecDeque<u8>,
    /// What is still to be sent.
    pub said: VecDeque<u8>,
    /// Whether what comes is taken in at all.
    pub is_deaf: bool,
    /// How many bytes leave in a turn; all where there is no limit.
    pub pace: Option<usize>,
    /// Whether the connection is to end once everything was sent.
    pub is_closing: bool,
    /// Whether the connection is to be torn down.
    pub is_reset: bool,
    /// Whether the device has ended its side, or the whole of it.
    pub has_ended: bool,
    /// Whether nothing is left of it.
    pub is_gone: bool,
}

/// A pipe that both the network and its user hold.
pub type SharedPipe = Rc<RefCell<Pipe>>;

enum Role {
    Unused,
    Listening(u16),
    Joined(SharedPipe),
}

/// The network.
pub struct Router {
    end: End,
    interface: Interface,
    sockets: SocketSet<'static>,
    roles: Vec<(SocketHandle, Role)>,
    ports: BTreeSet<u16>,
    accepted: Vec<(u16, SharedPipe)>,
    next_port: u16,
}

impl Router {
    /// A network in which nobody listens.
    pub fn new(mut end: End) -> Self {
        let config = Config::new(ROUTER_ETHERNET.into());
        let mut interface = Interface::new(config, &mut end, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(ROUTER_IP, 24))).expect("there is room for one");
        });
        // Without an allocator the stack only borrows its memory; that of a simulation is never given back.
        let storage = Box::leak(Box::new([const { SocketStorage::EMPTY }; SOCKETS]));
        let mut sockets = SocketSet::new(&mut storage[..]);
        let buffer = || SocketBuffer::new(Box::leak(vec![0; BUFFER_BYTES].into_boxed_slice()));
        let roles = (0..SOCKETS)
            .map(|_| {
                let mut socket = Socket::new(buffer(), buffer());
                socket.set_nagle_enabled(false);
                socket.set_ack_delay(None);
                (sockets.add(socket), Role::Unused)
            })
            .collect();
        let (ports, accepted, next_port) = (BTreeSet::new(), Vec::new(), 40_000);
        Self { end, interface, sockets, roles, ports, accepted, next_port }
    }

    /// Says whether somebody listens at a port. Connections that are open stay.
    pub fn listen(&mut self, port: u16, is_listening: bool) {
        if is_listening {
            self.ports.insert(port);
        } else {
            self.ports.remove(&port);
        }
    }

    /// Connections that the device has opened since the last call, each with its port.
    pub fn accepted(&mut self) -> Vec<(u16, SharedPipe)> {
        std::mem::take(&mut self.accepted)
    }

    /// Opens a connection to a port of the device.
    pub fn dial(&mut self, port: u16) -> SharedPipe {
        let pipe = SharedPipe::default();
        self.next_port += 1;
        let unused = self.roles.iter_mut().find(|(_, role)| matches!(role, Role::Unused));
        let (handle, role) = unused.expect("a test keeps to as many connections as there are");
        let socket = self.sockets.get_mut::<Socket<'_>>(*handle);
        socket
            .connect(self.interface.context(), (DEVICE_IP, port), self.next_port)
            .expect("an unused socket connects");
        *role = Role::Joined(pipe.clone());
        pipe
    }

    /// Moves frames and bytes; `true` where there may be more to do.
    pub fn turn(&mut self, millis: u64) -> bool {
        let now = Instant::from_millis(millis as i64);
        let mut is_busy = self.interface.poll(now, &mut self.end, &mut self.sockets)
            == smoltcp::iface::PollResult::SocketStateChanged;
        for (handle, role) in &mut self.roles {
            let socket = self.sockets.get_mut::<Socket<'_>>(*handle);
            match role {
                Role::Unused => {}
                Role::Listening(port) if !self.ports.contains(port) && socket.state() == State::Listen => {
                    socket.abort();
                    *role = Role::Unused;
                }
                Role::Listening(port) => {
                    if socket.state() == State::Established {
                        let pipe = SharedPipe::default();
                        self.accepted.push((*port, pipe.clone()));
                        *role = Role::Joined(pipe);
                        is_busy = true;
                    } else if socket.state() == State::Closed {
                        *role = Role::Unused;
                    }
                }
                Role::Joined(pipe) => {
                    is_busy |= exchange(socket, &mut pipe.borrow_mut());
                    if socket.state() == State::Closed {
                        *role = Role::Unused;
                    }
                }
            }
        }
        self.listen_again();
        self.interface.poll_egress(now, &mut self.end, &mut self.sockets);
        is_busy
    }

    fn listen_again(&mut self) {
        for port in &self.ports {
            let listening = self
                .roles
                .iter()
                .filter(|(_, role)| matches!(role, Role::Listening(at) if at == port))
                .count();
            let unused = self.roles.iter_mut().filter(|(_, role)| matches!(role, Role::Unused));
            for (handle, role) in unused.take(BACKLOG.saturating_sub(listening)) {
                let socket = self.sockets.get_mut::<Socket<'_>>(*handle);
                socket.listen(*port).expect("an unused socket listens");
                *role = Role::Listening(*port);
            }
        }
    }
}

/// Moves bytes between a socket and its pipe.
fn exchange(socket: &mut Socket<'_>, pipe: &mut Pipe) -> bool {
    let mut is_busy = false;
    if pipe.is_reset {
        socket.abort();
    }
    if !pipe.is_deaf {
        while socket.can_recv() {
            let received = socket.recv(|bytes| {
                pipe.heard.extend(&*bytes);
                (bytes.len(), bytes.len())
            });
            is_busy |= received.is_ok_and(|count| count > 0);
        }
    }
    if !pipe.said.is_empty() && socket.can_send() {
        let (front, _) = pipe.said.as_slices();
        let count = front.len().min(pipe.pace.unwrap_or(usize::MAX));
        let sent = socket.send_slice(&front[..count]).unwrap_or_default();
        pipe.said.drain(..sent);
        is_busy |= sent > 0;
    }
    if pipe.is_closing && pipe.said.is_empty() {
        socket.close();
    }
    let is_open = matches!(socket.state(), State::SynSent | State::SynReceived) || socket.may_recv();
    if !is_open && !socket.can_recv() && !pipe.has_ended {
        pipe.has_ended = true;
        is_busy = true;
    }
    pipe.is_gone = socket.state() == State::Closed;
    is_busy
}
