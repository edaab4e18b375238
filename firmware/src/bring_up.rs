//! Shows that the board works: a lease by DHCP, an echo on port 7 and a sink on port 9, an echo on the
//! console, a sector of the card, a picture, the buttons.

use core::fmt;

use heapless::String;
use mote_firmware::board::{Board, Pixels, SECTOR_BYTES, Sectors};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::{dhcpv4, tcp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};

fn say(board: &mut impl Board, text: fmt::Arguments<'_>) {
    let mut line = String::<160>::new();
    // A line that is too long is left out.
    let _ = fmt::Write::write_fmt(&mut line, text);
    board.write_console(line.as_bytes());
    board.write_console(b"\r\n");
}

fn try_card(board: &mut impl Board) {
    let Some(card) = board.card() else {
        return say(board, format_args!("no card"));
    };
    let (count, mut sector, mut again) = (card.count(), [0; SECTOR_BYTES], [0; SECTOR_BYTES]);
    let last = count.saturating_sub(1);
    let read = card.read(last, &mut sector);
    let bytes = sector.iter_mut().zip(0_u8..=u8::MAX);
    bytes.for_each(|(byte, place)| *byte = byte.wrapping_add(place).wrapping_add(1));
    let written = card.write(last, &sector);
    let read_again = card.read(last, &mut again);
    let same = sector == again;
    say(board, format_args!("card: {count} sectors, {read:?} {written:?} {read_again:?}, same: {same}"));
}

fn try_display(board: &mut impl Board) {
    let mut pixels: Pixels = [0; size_of::<Pixels>()];
    let rows = pixels.chunks_exact_mut(16);
    for (row, bytes) in rows.enumerate() {
        let frame = row == 0 || row == 63;
        bytes.fill(if frame { 0xFF } else { 0 });
        let diagonal = bytes.get_mut(row / 4).into_iter();
        diagonal.for_each(|byte| *byte |= 0xF0 >> (row % 4));
    }
    board.show(&pixels);
}

fn lease(interface: &mut Interface, sockets: &mut SocketSet<'_>, handle: SocketHandle) -> Option<IpCidr> {
    let event = sockets.get_mut::<dhcpv4::Socket<'_>>(handle).poll()?;
    let dhcpv4::Event::Configured(config) = event else {
        return None;
    };
    let address = IpCidr::Ipv4(config.address);
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        addresses.extend([address]);
    });
    Some(address)
}

/// Runs for ever.
pub fn run(board: &mut impl Board) -> ! {
    let (memory, address) = (board.memory(), board.hardware_address());
    say(board, format_args!("{memory:?}, address {address:x?}"));
    try_card(board);
    try_display(board);

    let mut config = Config::new(EthernetAddress(address).into());
    config.random_seed = 1;
    let mut interface = Interface::new(config, board.ethernet(), Instant::ZERO);
    let (mut received, mut sent, mut sunk) = ([0; 2_048], [0; 2_048], [0; 4_096]);
    let mut storage = [SocketStorage::EMPTY; 3];
    let mut sockets = SocketSet::new(storage.as_mut_slice());
    let dhcp = sockets.add(dhcpv4::Socket::new());
    let mut socket = |received, sent| {
        let (received, sent) = (tcp::SocketBuffer::new(received), tcp::SocketBuffer::new(sent));
        let mut socket = tcp::Socket::new(received, sent);
        socket.set_ack_delay(None);
        socket.set_nagle_enabled(false);
        sockets.add(socket)
    };
    let (echo, sink) = (socket(&mut received[..], &mut sent[..]), socket(&mut sunk[..], &mut [][..]));

    loop {
        let now = board.now().millis();
        interface.poll(Instant::from_millis(now as i64), board.ethernet(), &mut sockets);
        if let Some(address) = lease(&mut interface, &mut sockets, dhcp) {
            say(board, format_args!("lease {address} at {now} ms"));
        }
        for (handle, port) in [(echo, 7), (sink, 9)] {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
            if !socket.is_open() {
                // A closed socket can listen.
                let _ = socket.listen(port);
            }
            if socket.may_send() && !socket.may_recv() {
                socket.close();
            }
        }
        let socket = sockets.get_mut::<tcp::Socket<'_>>(echo);
        let mut chunk = [0; 512];
        let room = (socket.send_capacity() - socket.send_queue()).min(chunk.len());
        if let Some(chunk) = chunk.get_mut(..room)
            && let Ok(length) = socket.recv_slice(chunk)
        {
            // There is room for as much as was read.
            let _ = socket.send_slice(chunk.get(..length).unwrap_or_default());
        }
        // A sink passes over what it reads.
        let _ = sockets.get_mut::<tcp::Socket<'_>>(sink).recv(|bytes| (bytes.len(), ()));
        while let Some(byte) = board.read_console() {
            board.write_console(&[byte]);
        }
        while let Some(button) = board.pressed() {
            say(board, format_args!("pressed {button:?}"));
        }
        let time = Instant::from_millis(board.now().millis() as i64);
        if interface.poll_delay(time, &sockets).is_none_or(|delay| delay.total_millis() > 0) {
            board.sleep();
        }
    }
}
