//! The least server of addresses (RFC 2131): it gives the one client its one address.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol,
    Ipv4Address, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::router::{DEVICE_IP, ROUTER_ETHERNET, ROUTER_IP};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

/// How long an address is lent, in seconds.
const LEASE_SECONDS: u32 = 86_400;

/// What the server answers to this frame; none where it is not for it.
pub fn answer(frame: &[u8]) -> Option<Vec<u8>> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
    if ip.next_header() != IpProtocol::Udp {
        return None;
    }
    let udp = UdpPacket::new_checked(ip.payload()).ok().filter(|udp| udp.dst_port() == SERVER_PORT)?;
    let packet = DhcpPacket::new_checked(udp.payload()).ok()?;
    let request = DhcpRepr::parse(&packet).ok()?;
    let message_type = match request.message_type {
        DhcpMessageType::Discover => DhcpMessageType::Offer,
        DhcpMessageType::Request => DhcpMessageType::Ack,
        _ => return None,
    };
    let reply = DhcpRepr {
        message_type,
        your_ip: DEVICE_IP,
        server_ip: ROUTER_IP,
        router: Some(ROUTER_IP),
        subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
        server_identifier: Some(ROUTER_IP),
        lease_duration: Some(LEASE_SECONDS),
        requested_ip: None,
        client_identifier: None,
        parameter_request_list: None,
        max_size: None,
        ..request.clone()
    };
    Some(wrap(&reply, &request))
}

fn wrap(reply: &DhcpRepr<'_>, request: &DhcpRepr<'_>) -> Vec<u8> {
    let sums = ChecksumCapabilities::default();
    let udp = UdpRepr { src_port: SERVER_PORT, dst_port: CLIENT_PORT };
    let udp_length = udp.header_len() + reply.buffer_len();
    let ip = Ipv4Repr {
        src_addr: ROUTER_IP,
        dst_addr: Ipv4Address::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: udp_length,
        hop_limit: 64,
    };
    let ethernet = EthernetRepr {
        src_addr: ROUTER_ETHERNET,
        dst_addr: request.client_hardware_address,
        ethertype: EthernetProtocol::Ipv4,
    };
    let mut bytes = vec![0; ethernet.buffer_len() + ip.buffer_len() + udp_length];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    ethernet.emit(&mut frame);
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip.emit(&mut packet, &sums);
    let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
    let fill = |payload: &mut [u8]| {
        reply.emit(&mut DhcpPacket::new_unchecked(payload)).expect("the buffer is as long as the reply");
    };
    let (from, to) = (ip.src_addr.into(), ip.dst_addr.into());
    udp.emit(&mut datagram, &from, &to, reply.buffer_len(), fill, &sums);
    bytes
}
