//! The card as the device uses it: read at the start, written while it runs, done without where there is
//! none or where it fails.

use mote_core::card::{Identity, Mines};
use mote_core::chain::Tip;
use mote_core::codec::decode_prefix;
use mote_core::hash::Hash32;
use mote_core::units::Height;
use serde::Serialize;

use crate::board::Sectors;
use crate::node::{Node, RECORD_MAX_BYTES, Records};
use crate::report::{CardReport, Fault};
use crate::storage::{Card, CardError, Writer};

/// Whether the state will be there after a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It will.
    Yes,
    /// There is no card: nothing ever is.
    NoCard,
    /// The card failed.
    No,
}

/// The card, and what became of it.
pub struct CardSlot {
    card: Card,
    report: CardReport,
    fault: Option<Fault>,
    starts: u32,
}

impl CardSlot {
    /// Looks at the card and returns who the device is; nobody in particular where there is none.
    #[inline(never)]
    pub fn open<D: Sectors>(medium: Option<&mut D>) -> (Self, Identity) {
        let mut slot = Self { card: Card::new(), report: CardReport::None, fault: None, starts: 0 };
        let nobody = Identity {
            network: heapless::String::new(),
            name: heapless::String::new(),
            seed: None,
            entropy: [0; 32],
            peers: heapless::Vec::new(),
            mines: Mines::WhenTold,
        };
        let Some(medium) = medium else { return (slot, nobody) };
        let identity = match slot.card.identity(medium) {
            Ok(identity) => identity,
            Err(error) => {
                slot.fail(error);
                return (slot, nobody);
            }
        };
        match slot.card.count_start(medium) {
            Ok(starts) => {
                slot.starts = starts;
                slot.report = CardReport::Present { saved: Height::GENESIS, boots: starts };
            }
            Err(error) => slot.fail(error),
        }
        (slot, identity)
    }

    /// How often the device was switched on with this card, this time included.
    pub fn starts(&self) -> u32 {
        self.starts
    }

    /// What is known of the card.
    pub fn report(&self) -> CardReport {
        self.report
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Gives the node the state that was saved last. One that cannot be read, or is of no use, is as good as
    /// none: the node checks everything from the start again.
    #[inline(never)]
    pub fn restore<D: Sectors>(&mut self, medium: Option<&mut D>, node: &mut Node<'_>, buffer: &mut [u8]) {
        let (Some(medium), CardReport::Present { boots, .. }) = (medium, self.report) else { return };
        let mut is_useless = false;
        let loaded = self.card.load(medium, buffer, |kind, payload| {
            is_useless |= !is_useless && node.restore(kind, payload).is_err();
            Ok(())
        });
        match loaded {
            Ok(Some(_)) if !is_useless => {
                node.note_restored();
                self.report = CardReport::Present { saved: node.tip().height, boots };
            }
            Ok(None) => {}
            Ok(Some(_)) => node.forget(),
            Err(error) => {
                node.forget();
                self.fail(error);
            }
        }
    }

    /// Saves the node's state.
    #[inline(never)]
    pub fn save<D: Sectors>(&mut self, medium: Option<&mut D>, node: &Node<'_>) -> Remembered {
        let CardReport::Present { boots, .. } = self.report else {
            return if self.report == CardReport::None { Remembered::NoCard } else { Remembered::No };
        };
        let Some(medium) = medium else { return Remembered::NoCard };
        match self.card.save(medium, |writer| node.save(writer)) {
            Ok(_) => {
                self.report = CardReport::Present { saved: node.tip().height, boots };
                Remembered::Yes
            }
            Err(error) => {
                self.fail(error);
                Remembered::No
            }
        }
    }

    /// Keeps a snapshot.
    pub fn keep_snapshot<D: Sectors>(&mut self, medium: Option<&mut D>, tip: &Tip) {
        let (Some(medium), CardReport::Present { .. }) = (medium, self.report) else { return };
        if let Err(error) = self.card.put_snapshot(medium, tip.height(), tip) {
            self.fail(error);
        }
    }

    /// Reads the snapshot at a height; `false` where there is none. One that cannot be read is as good as
    /// none: an older one serves.
    pub fn load_snapshot<D: Sectors>(
        &mut self,
        medium: Option<&mut D>,
        height: Height,
        into: &mut Tip,
    ) -> bool {
        let mut buffer = [0; RECORD_MAX_BYTES];
        let encoded = self.read_snapshot(medium, height, &mut buffer);
        encoded.is_some_and(|encoded| into.decode_from(encoded).is_ok() && into.is_consistent())
    }

    /// The id of the snapshot at a height, which stands first in it.
    pub fn snapshot_id<D: Sectors>(&mut self, medium: Option<&mut D>, height: Height) -> Option<Hash32> {
        let mut buffer = [0; RECORD_MAX_BYTES];
        let encoded = self.read_snapshot(medium, height, &mut buffer)?;
        decode_prefix(encoded).ok().map(|(id, _)| id)
    }

    fn read_snapshot<'b, D: Sectors>(
        &mut self,
        medium: Option<&mut D>,
        height: Height,
        buffer: &'b mut [u8],
    ) -> Option<&'b [u8]> {
        let (medium, CardReport::Present { .. }) = (medium?, self.report) else { return None };
        self.card.snapshot(medium, height, buffer).ok()?
    }

    fn fail(&mut self, error: CardError) {
        let is_unreadable =
            matches!(error, CardError::Blank | CardError::Damaged { .. } | CardError::Content(_));
        self.fault = Some(if is_unreadable { Fault::CardUnreadable } else { Fault::CardFailed });
        self.report = CardReport::Failed;
    }
}

impl<D: Sectors> Records for Writer<'_, D> {
    type Error = CardError;

    fn record<T: Serialize>(&mut self, kind: u8, value: &T) -> Result<(), CardError> {
        Writer::record(self, kind, value)
    }
}
