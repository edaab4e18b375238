//! Proves that the drivers work: a lease by DHCP, an echo on port 7, a sink on port 9, an echo on the
//! console, a sector of the card, a picture.

use core::fmt::Write;

use heapless::String;
use mote_firmware::board::lm3s6965::Lm3s6965;
use mote_firmware::board::{Board, Sectors};
use smoltcp::iface::{Config, Interface, SocketSet, SocketStorage};
use smoltcp::socket::{dhcpv4, tcp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};

fn say(board: &mut Lm3s6965, text: core::fmt::Arguments<'_>) {
    let mut line = String::<160>::new();
    let _ = line.write_fmt(text);
    board.write_console(line.as_bytes());
    board.write_console(b"\r\n");
}

#[allow(clippy::infinite_iter)]
#[inline(never)]
fn deeper(n: u32) -> u32 {
    let a = [n; 64];
    core::hint::black_box(&a);
    if n == 0 { 0 } else { deeper(n.wrapping_add(1)) + a[(n % 64) as usize] }
}

/// Runs for ever.
pub fn run(board: &mut Lm3s6965) -> ! {
    let m = board.memory();
    let (up, address) = (board.now().millis(), board.hardware_address());
    say(board, format_args!("up at {up} ms, {m:?}, address {address:x?}"));

    let mut sector = [0; 512];
    let count = board.card().map(|card| card.count());
    say(board, format_args!("card: {count:?} sectors"));
    if let Some(card) = board.card() {
        let r = card.read(3, &mut sector);
        let first = sector[0];
        sector.iter_mut().enumerate().for_each(|(i, b)| *b = b.wrapping_add(i as u8).wrapping_add(1));
        let last = card.count() - 1;
        let w = card.write(3, &sector);
        let w2 = card.write(last, &sector);
        let mut again = [0; 512];
        let r2 = card.read(last, &mut again);
        let beyond = card.read(last + 1, &mut again);
        let same = again == sector;
        say(
            board,
            format_args!("read {r:?} {first} write {w:?} {w2:?} read {r2:?} same {same} beyond {beyond:?}"),
        );
    }
    let mut pixels = [0u8; 1024];
    for (i, b) in pixels.iter_mut().enumerate() {
        let (row, column) = (i / 16, i % 16);
        *b = if row < 2 || row > 61 {
            0xFF
        } else if column == 0 {
            0xC0
        } else if row == column * 4 {
            0x0F
        } else {
            0x80
        };
    }
    let before = board.work();
    board.show(&pixels);
    let took = board.work() - before;
    say(board, format_args!("shown in {took} cycles"));

    let hardware = EthernetAddress(board.hardware_address());
    let mut config = Config::new(hardware.into());
    config.random_seed = 1;
    let mut interface = Interface::new(config, board.ethernet(), Instant::ZERO);
    let (mut a, mut b) = ([0u8; 4096], [0u8; 2048]);
    let (mut c, mut d) = ([0u8; 4096], [0u8; 64]);
    let mut storage: [SocketStorage<'_>; 3] = [SocketStorage::EMPTY; 3];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let dhcp = sockets.add(dhcpv4::Socket::new());
    let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(&mut a[..]), tcp::SocketBuffer::new(&mut b[..]));
    socket.set_ack_delay(None);
    socket.set_nagle_enabled(false);
    let echo = sockets.add(socket);
    let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(&mut c[..]), tcp::SocketBuffer::new(&mut d[..]));
    socket.set_ack_delay(None);
    let sink = sockets.add(socket);
    let mut sunk = 0usize;
    let mut second = 0;
    loop {
        let now = Instant::from_millis(board.now().millis() as i64);
        interface.poll(now, board.ethernet(), &mut sockets);
        if let Some(event) = sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll() {
            if let dhcpv4::Event::Configured(config) = event {
                interface.update_ip_addrs(|addrs| {
                    addrs.clear();
                    let _ = addrs.push(IpCidr::Ipv4(config.address));
                });
                if let Some(router) = config.router {
                    let _ = interface.routes_mut().add_default_ipv4_route(router);
                }
                say(board, format_args!("lease {} at {} ms", config.address, now.total_millis()));
            }
        }
        let socket = sockets.get_mut::<tcp::Socket<'_>>(echo);
        if !socket.is_open() {
            let _ = socket.listen(7);
        }
        let mut busy = false;
        if socket.can_recv() && socket.can_send() {
            let mut buffer = [0; 512];
            let room = socket.send_capacity() - socket.send_queue();
            let n = room.min(512);
            let n = socket.recv_slice(&mut buffer[..n]).unwrap_or(0);
            let _ = socket.send_slice(&buffer[..n]);
            busy = n > 0;
        } else if !socket.may_recv() && socket.may_send() {
            socket.close();
        }
        let socket = sockets.get_mut::<tcp::Socket<'_>>(sink);
        if !socket.is_open() {
            let _ = socket.listen(9);
        }
        if socket.can_recv() {
            sunk += socket.recv(|bytes| (bytes.len(), bytes.len())).unwrap_or(0);
            busy = true;
        } else if !socket.may_recv() && socket.may_send() {
            socket.close();
            say(board, format_args!("sunk {sunk}"));
            sunk = 0;
        }
        while let Some(byte) = board.read_console() {
            match byte {
                b'!' => panic!("asked to"),
                b'#' => {
                    let n = deeper(1);
                    say(board, format_args!("{n}"));
                }
                b'$' => {
                    let start = board.now();
                    while board.now().since(start) < 3000 {}
                    say(board, format_args!("waited"));
                }
                byte => board.write_console(&[byte]),
            }
        }
        while let Some(button) = board.pressed() {
            say(board, format_args!("pressed {button:?}"));
        }
        if now.total_millis() / 1000 != second {
            second = now.total_millis() / 1000;
            let (work, memory) = (board.work(), board.memory());
            if second % 5 == 0 {
                say(board, format_args!("{second} s, work {work}, peak {}", memory.stack_peak));
            }
        }
        if !busy {
            board.sleep();
        }
    }
}
