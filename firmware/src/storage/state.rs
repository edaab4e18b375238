//! The state: two copies, written in turn, so that one is whole at any moment.

use mote_core::card::{self, STATE_END_KIND, STATE_LENGTH, STATE_SECTORS, STATE_START_KIND};
use mote_core::codec;
use mote_core::frame::{self, Passed, ReadError, WriteError};
use serde::Serialize;

use super::Card;
use super::error::{CardError, Part};
use super::stream::{self, Area, Inlet, Outlet};
use crate::board::Sectors;

/// Bytes that the encoding of a generation takes at the most.
const GENERATION_MAX_BYTES: usize = 5;

/// One of the two copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    First,
    Second,
}

impl Which {
    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    fn area(self) -> Area {
        let [first, second] = STATE_SECTORS;
        Area { first: if self == Self::First { first } else { second }, sectors: STATE_LENGTH }
    }
}

/// What a copy is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// Nothing was ever written there.
    Blank,
    /// It is torn or damaged.
    Broken,
    /// A sector of it cannot be read.
    Unreadable { sector: u32 },
    /// All of it is there.
    Whole { generation: u32 },
}

/// Both copies.
#[derive(Clone, Copy, Debug)]
pub struct Copies {
    first: Condition,
    second: Condition,
}

impl Copies {
    /// The newest whole copy and its generation. Generations are compared like serial numbers, so they
    /// may wrap around.
    fn newest(self) -> Option<(Which, u32)> {
        match (self.first, self.second) {
            (Condition::Whole { generation: one }, Condition::Whole { generation: two }) => {
                let is_second = two.wrapping_sub(one).cast_signed() > 0;
                Some(if is_second { (Which::Second, two) } else { (Which::First, one) })
            }
            (Condition::Whole { generation }, _) => Some((Which::First, generation)),
            (_, Condition::Whole { generation }) => Some((Which::Second, generation)),
            _ => None,
        }
    }

    fn set(&mut self, which: Which, condition: Condition) {
        match which {
            Which::First => self.first = condition,
            Which::Second => self.second = condition,
        }
    }
}

impl Card {
    /// Writes the state that `write` hands over, and returns its generation once it is durable. After
    /// an error the card holds the state as it was or, where only the last write failed, this one.
    pub fn save<D: Sectors>(
        &mut self,
        medium: &mut D,
        write: impl FnOnce(&mut Writer<'_, D>) -> Result<(), CardError>,
    ) -> Result<u32, CardError> {
        let mut copies = match self.copies {
            Some(copies) => copies,
            None => self.inspect_both(medium)?,
        };
        let newest = copies.newest();
        let (target, generation) = match newest {
            Some((which, generation)) => (which.other(), generation.wrapping_add(1)),
            None => (Which::First, 1),
        };
        copies.set(target, Condition::Broken);
        self.copies = Some(copies);

        let outlet = Outlet::new(medium, &mut self.sector, target.area());
        let mut writer = Writer { outlet, salt: 0 };
        writer.append(STATE_START_KIND, &generation)?;
        write(&mut writer)?;
        writer.append(STATE_END_KIND, &())?;
        let length = writer.outlet.finish()?;
        copies.set(target, Condition::Whole { generation });
        self.copies = Some(copies);

        // The first state of all goes to both copies. So from then on a blank copy says that none was
        // ever saved, and two bad ones that the card is damaged.
        if newest.is_none() && copies.second == Condition::Blank {
            copies.set(target.other(), Condition::Broken);
            self.copies = Some(copies);
            for index in 0..length {
                stream::read(medium, target.area().first.saturating_add(index), &mut self.sector)?;
                stream::write(medium, target.other().area().first.saturating_add(index), &self.sector)?;
            }
            copies.set(target.other(), Condition::Whole { generation });
            self.copies = Some(copies);
        }
        Ok(generation)
    }

    /// Hands the records of the newest whole state to `read`, in the order in which they were written, and
    /// returns its generation; none where none was ever saved. `buffer` must hold the longest record.
    pub fn load<D: Sectors>(
        &mut self,
        medium: &mut D,
        buffer: &mut [u8],
        mut read: impl FnMut(u8, &[u8]) -> Result<(), CardError>,
    ) -> Result<Option<u32>, CardError> {
        let copies = self.inspect_both(medium)?;
        self.copies = Some(copies);
        let Some((which, generation)) = copies.newest() else {
            return match (copies.first, copies.second) {
                (Condition::Unreadable { sector }, _) | (_, Condition::Unreadable { sector }) => {
                    Err(CardError::Read { sector })
                }
                (Condition::Blank, _) | (_, Condition::Blank) => Ok(None),
                _ => Err(CardError::Damaged { part: Part::State }),
            };
        };
        let mut chain = Chain { inlet: Inlet::new(medium, &mut self.sector, which.area()), salt: 0 };
        chain.read(buffer)?;
        loop {
            match chain.read(buffer)? {
                (STATE_END_KIND, _) => return Ok(Some(generation)),
                (kind, payload) => read(kind, payload)?,
            }
        }
    }

    fn inspect_both<D: Sectors>(&mut self, medium: &mut D) -> Result<Copies, CardError> {
        Ok(Copies {
            first: self.inspect(medium, Which::First)?,
            second: self.inspect(medium, Which::Second)?,
        })
    }

    fn inspect<D: Sectors>(&mut self, medium: &mut D, which: Which) -> Result<Condition, CardError> {
        match self.check(medium, which) {
            Err(CardError::Read { sector }) => Ok(Condition::Unreadable { sector }),
            Err(CardError::Damaged { .. } | CardError::TooLong { .. } | CardError::Content(_)) => {
                Ok(Condition::Broken)
            }
            condition => condition,
        }
    }

    fn check<D: Sectors>(&mut self, medium: &mut D, which: Which) -> Result<Condition, CardError> {
        let area = which.area();
        stream::read(medium, area.first, &mut self.sector)?;
        if card::is_blank(&self.sector) {
            return Ok(Condition::Blank);
        }
        let mut chain = Chain { inlet: Inlet::new(medium, &mut self.sector, area), salt: 0 };
        let mut start = [0; GENERATION_MAX_BYTES];
        let (STATE_START_KIND, payload) = chain.read(&mut start)? else { return Ok(Condition::Broken) };
        let generation = codec::decode(payload)?;
        loop {
            match chain.skip()? {
                Passed { kind: STATE_END_KIND, length: 0, .. } => return Ok(Condition::Whole { generation }),
                Passed { kind: STATE_START_KIND | STATE_END_KIND, .. } => return Ok(Condition::Broken),
                Passed { .. } => {}
            }
        }
    }
}

/// Takes the records of a state, one after the other.
pub struct Writer<'s, D> {
    outlet: Outlet<'s, D>,
    salt: u32,
}

impl<D: Sectors> Writer<'_, D> {
    /// Writes a record. `kind` says what it is, in the terms of whoever reads it, and is below
    /// [`STATE_START_KIND`].
    pub fn record<T: Serialize + ?Sized>(&mut self, kind: u8, value: &T) -> Result<(), CardError> {
        if kind >= STATE_START_KIND {
            return Err(CardError::Kind { kind, limit: STATE_START_KIND });
        }
        self.append(kind, value)
    }

    fn append<T: Serialize + ?Sized>(&mut self, kind: u8, value: &T) -> Result<(), CardError> {
        let limit = self.outlet.limit();
        let payload = |sink: &mut dyn FnMut(&[u8])| codec::encode_into(value, sink);
        match frame::write_pieces(&mut self.outlet, self.salt, kind, &payload) {
            Ok(checksum) => self.salt = checksum,
            Err(WriteError::Stream(error)) => return Err(error),
            Err(WriteError::TooLong { .. } | WriteError::Full) => return Err(CardError::TooLong { limit }),
        }
        Ok(())
    }
}

/// Reads the records of a copy, each of which counts only behind the one before.
struct Chain<'s, D> {
    inlet: Inlet<'s, D>,
    salt: u32,
}

impl<D: Sectors> Chain<'_, D> {
    /// Checks the next record.
    fn skip(&mut self) -> Result<Passed, CardError> {
        self.next(usize::MAX, |_| {})
    }

    /// Reads the next record into the front of `buffer`.
    fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Result<(u8, &'b [u8]), CardError> {
        let mut at = 0;
        let passed = self.next(buffer.len(), |piece| {
            let rest = buffer.get_mut(at..).unwrap_or_default();
            at += rest.iter_mut().zip(piece).map(|(into, from)| *into = *from).count();
        })?;
        Ok((passed.kind, buffer.get(..passed.length).unwrap_or_default()))
    }

    fn next(&mut self, limit: usize, sink: impl FnMut(&[u8])) -> Result<Passed, CardError> {
        let damaged = CardError::Damaged { part: Part::State };
        match frame::read_pieces(&mut self.inlet, self.salt, limit, sink) {
            Ok(Some(passed)) => {
                self.salt = passed.checksum;
                Ok(passed)
            }
            Err(ReadError::Stream(error)) => Err(error),
            Err(ReadError::TooLong { limit, .. }) => Err(CardError::TooLong { limit }),
            Ok(None) | Err(ReadError::Truncated { .. } | ReadError::Checksum { .. }) => Err(damaged),
        }
    }
}
