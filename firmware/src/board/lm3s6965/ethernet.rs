//! The Ethernet controller: a queue of 31 frames on the way in, one frame on the way out.

use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::register::Register;

const INTERRUPT_STATUS: Register = Register::at(0x4004_8000);
const ALL_INTERRUPTS: u32 = 0x7F;
const INTERRUPT_MASK: Register = Register::at(0x4004_8004);
const FRAME_RECEIVED: u32 = 1;
const RECEIVE_CONTROL: Register = Register::at(0x4004_8008);
const QUEUE_RESET: u32 = 1 << 4;
/// On, and frames to groups are received.
const RECEIVER_ON: u32 = 0b11;
const TRANSMIT_CONTROL: Register = Register::at(0x4004_800C);
/// On, full duplex; short frames are padded, check sums appended.
const SENDER_ON: u32 = 0b1_0111;
const DATA: Register = Register::at(0x4004_8010);
const ADDRESS_0: Register = Register::at(0x4004_8014);
const ADDRESS_1: Register = Register::at(0x4004_8018);
const FRAMES_WAITING: Register = Register::at(0x4004_8034);
const FRAMES_WAITING_MASK: u32 = 0x3F;
const TRANSMISSION: Register = Register::at(0x4004_8038);
const TRANSMIT: u32 = 1;

/// Where the maker of the board left its address.
const USER_0: Register = Register::at(0x400F_E1E0);
const USER_1: Register = Register::at(0x400F_E1E4);
const USER_UNSET: u32 = 0x00FF_FFFF;

/// The longest frame that comes: header and 1,500 bytes, without the check sum.
const FRAME_MAX_BYTES: usize = 1_514;
/// The longest frame that is sent, which needs not be as long: it has a buffer of its own.
const SENT_MAX_BYTES: usize = 1_014;
/// The first word of a frame in either queue starts with its length.
const LENGTH_BYTES: usize = 2;
/// A received frame ends with its check sum.
const CHECK_BYTES: usize = 4;
/// The header of a frame, which the length of one to send leaves out.
const HEADER_BYTES: usize = 14;
const BUFFER_BYTES: usize = (LENGTH_BYTES + FRAME_MAX_BYTES + CHECK_BYTES).next_multiple_of(4);
const SEND_BYTES: usize = (LENGTH_BYTES + SENT_MAX_BYTES).next_multiple_of(4);

/// Frames that are thrown away in one call: as many as the queue holds.
const QUEUE_FRAMES: u32 = 31;

/// How often the sender is asked whether the frame before has left: 1,014 bytes at 10 Mbit/s take
/// 41,000 cycles.
const SEND_POLLS: u32 = 20_000;

/// An address for a board that has none: locally administered, of one station.
const DEFAULT_ADDRESS: [u8; 6] = [0x02, b'm', b'o', b't', b'e', 0x01];

/// The controller with a buffer for each direction.
pub struct Ethernet {
    received: [u8; BUFFER_BYTES],
    sent: [u8; SEND_BYTES],
}

impl Ethernet {
    /// Empty buffers, for a static variable.
    pub const EMPTY: Self = Self { received: [0; BUFFER_BYTES], sent: [0; SEND_BYTES] };
}

/// Brings up the controller and returns its address.
pub fn start() -> [u8; 6] {
    INTERRUPT_MASK.write(0);
    RECEIVE_CONTROL.write(QUEUE_RESET);
    INTERRUPT_STATUS.write(ALL_INTERRUPTS);
    TRANSMIT_CONTROL.write(SENDER_ON);
    let address = address();
    let [a, b, c, d, e, f] = address;
    ADDRESS_0.write(u32::from_le_bytes([a, b, c, d]));
    ADDRESS_1.write(u32::from_le_bytes([e, f, 0, 0]));
    RECEIVE_CONTROL.write(RECEIVER_ON);
    address
}

/// The address that the controller has, or the board, or none does.
fn address() -> [u8; 6] {
    let [a, b, c, d] = ADDRESS_0.read().to_le_bytes();
    let [e, f, ..] = ADDRESS_1.read().to_le_bytes();
    let set = [a, b, c, d, e, f];
    if set != [0; 6] {
        return set;
    }
    let (low, high) = (USER_0.read(), USER_1.read());
    if [low, high].iter().any(|half| half & USER_UNSET == USER_UNSET || *half == 0) {
        return DEFAULT_ADDRESS;
    }
    let ([a, b, c, _], [d, e, f, _]) = (low.to_le_bytes(), high.to_le_bytes());
    [a, b, c, d, e, f]
}

/// Whether a frame waits to be received.
pub fn is_waiting() -> bool {
    FRAMES_WAITING.read() & FRAMES_WAITING_MASK != 0
}

/// Lets the next frame wake the processor.
pub fn wake_on_frame() {
    INTERRUPT_MASK.write(FRAME_RECEIVED);
}

/// Handles the controller's interrupt, which stays off until the loop has emptied the queue.
pub fn interrupt() {
    INTERRUPT_MASK.write(0);
    INTERRUPT_STATUS.write(ALL_INTERRUPTS);
}

/// Takes the next frame out of the queue, and returns its bytes, or none where it is longer than any.
fn receive_into(buffer: &mut [u8; BUFFER_BYTES]) -> Option<&[u8]> {
    let first = DATA.read();
    let length = (first & 0xFFFF) as usize;
    // All words must be read, also those of a frame that is too long.
    let rest = length.div_ceil(4).saturating_sub(1);
    let (words, _) = buffer.as_chunks_mut::<4>();
    let mut words = words.iter_mut();
    if let Some(word) = words.next() {
        *word = first.to_le_bytes();
    }
    for _ in 0..rest {
        let word = DATA.read().to_le_bytes();
        if let Some(place) = words.next() {
            *place = word;
        }
    }
    buffer.get(LENGTH_BYTES..length.checked_sub(CHECK_BYTES)?)
}

/// Sends the frame of `length` bytes that stands in the buffer behind two bytes for its length.
fn send(buffer: &mut [u8; SEND_BYTES], length: usize) {
    for _ in 0..SEND_POLLS {
        if TRANSMISSION.read() & TRANSMIT == 0 {
            break;
        }
    }
    let [low, high, ..] = (length.saturating_sub(HEADER_BYTES) as u32).to_le_bytes();
    [buffer[0], buffer[1]] = [low, high];
    let (words, _) = buffer.as_chunks::<4>();
    for word in words.iter().take((LENGTH_BYTES + length).div_ceil(4)) {
        DATA.write(u32::from_le_bytes(*word));
    }
    TRANSMISSION.write(TRANSMIT);
}

impl phy::Device for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sending<'_>)> {
        let mut length = None;
        for _ in 0..QUEUE_FRAMES {
            if !is_waiting() {
                return None;
            }
            length = receive_into(&mut self.received).map(<[u8]>::len);
            if length.is_some() {
                break;
            }
        }
        let frame = self.received.get(LENGTH_BYTES..LENGTH_BYTES + length?)?;
        Some((Received(frame), Sending(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = SENT_MAX_BYTES;
        capabilities
    }
}

/// A frame that came.
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, consumer: F) -> R {
        consumer(self.0)
    }
}

/// Room for a frame to send.
pub struct Sending<'a>(&'a mut [u8; SEND_BYTES]);

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, producer: F) -> R {
        // The stack never asks for more than the capabilities say, so nothing is cut here.
        let length = length.min(SENT_MAX_BYTES);
        let (_, frame) = self.0.split_at_mut(LENGTH_BYTES);
        let (frame, _) = frame.split_at_mut(length);
        let produced = producer(frame);
        send(self.0, length);
        produced
    }
}
