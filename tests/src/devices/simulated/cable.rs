//! An Ethernet cable between a device and a router. A test can let it lose frames.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use super::dhcp;
use crate::random::Random;

/// The longest frame on the cable, without a check sum.
const FRAME_MAX_BYTES: usize = 1_514;

/// The longest frame that the board of the device sends.
const DEVICE_FRAME_MAX_BYTES: usize = 1_014;

/// Frames that wait on one side; more are lost, as in the queue of a controller.
const QUEUE_FRAMES: usize = 31;

/// The cable.
pub struct Cable {
    to_device: VecDeque<Vec<u8>>,
    to_router: VecDeque<Vec<u8>>,
    /// Of how many frames one is lost; 0 for none.
    loses_one_in: u64,
    random: Random,
    has_addresses: bool,
}

impl Cable {
    /// A cable that loses nothing.
    pub fn new() -> Self {
        Self {
            to_device: VecDeque::new(),
            to_router: VecDeque::new(),
            loses_one_in: 0,
            random: Random::new(1),
            has_addresses: true,
        }
    }

    /// Lets the cable lose one frame of so many; none for 0.
    pub fn lose_one_in(&mut self, frames: u64) {
        self.loses_one_in = frames;
    }

    /// Says whether somebody hands out addresses.
    pub fn set_addresses(&mut self, has_addresses: bool) {
        self.has_addresses = has_addresses;
    }

    /// Drops all that is on its way.
    pub fn clear(&mut self) {
        self.to_device.clear();
        self.to_router.clear();
    }

    /// Whether a frame is on its way.
    pub fn is_busy(&self) -> bool {
        !self.to_device.is_empty() || !self.to_router.is_empty()
    }

    fn carry(&mut self, from: Side, frame: Vec<u8>) {
        if self.loses_one_in > 0 && self.random.next_u64().is_multiple_of(self.loses_one_in) {
            return;
        }
        if from == Side::Device
            && let Some(answer) = dhcp::answer(&frame)
        {
            if self.has_addresses {
                self.to_device.push_back(answer);
            }
            return;
        }
        let queue = if from == Side::Device { &mut self.to_router } else { &mut self.to_device };
        if queue.len() < QUEUE_FRAMES {
            queue.push_back(frame);
        }
    }
}

/// Who is at an end of the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The device.
    Device,
    /// The router.
    Router,
}

/// An end of the cable, as an Ethernet controller.
pub struct End {
    cable: Rc<RefCell<Cable>>,
    side: Side,
}

impl End {
    /// This end of that cable.
    pub fn new(cable: Rc<RefCell<Cable>>, side: Side) -> Self {
        Self { cable, side }
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let mut cable = self.cable.borrow_mut();
        let queue = if self.side == Side::Device { &mut cable.to_device } else { &mut cable.to_router };
        let frame = queue.pop_front()?;
        drop(cable);
        Some((Received(frame), Sending(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = match self.side {
            Side::Device => DEVICE_FRAME_MAX_BYTES,
            Side::Router => FRAME_MAX_BYTES,
        };
        capabilities
    }
}

/// A frame that came.
pub struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, use_it: F) -> R {
        use_it(&self.0)
    }
}

/// Room for a frame to send.
pub struct Sending<'a>(&'a End);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let filled = fill(&mut frame);
        self.0.cable.borrow_mut().carry(self.0.side, frame);
        filled
    }
}
