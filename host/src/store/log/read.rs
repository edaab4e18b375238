//! Reading a log: one record, or all from a position on.

use super::{Log, LogError, Position, Record};
use crate::store::disk::Disk;
use crate::store::segment::{Found, Segment, Window, record_bytes};

/// Goes through the records of a log; see [`Log::scan`]. After an error it is at its end.
pub struct Scan<'l, D: Disk> {
    pub(super) log: &'l Log<D>,
    pub(super) window: Window,
    pub(super) next: Option<Position>,
}

impl<D: Disk> Iterator for Scan<'_, D> {
    type Item = Result<(Position, Record), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.next.take()?;
        let found = self.log.record(&mut self.window, from).transpose()?;
        if let Ok((position, record)) = &found {
            let end = position.offset() + record_bytes(record.payload.len()) as u32;
            self.next = Some(Position::new(position.segment(), end));
        }
        Some(found)
    }
}

impl<D: Disk> Log<D> {
    /// The record at `from`, or the next one where a segment ends there; `None` at the end of the log.
    /// The window must have been used for this segment alone, or for records before it.
    pub(super) fn record(
        &self,
        window: &mut Window,
        from: Position,
    ) -> Result<Option<(Position, Record)>, LogError> {
        let segment = self.segment(from.segment())?;
        let offset = from.offset().max(segment.first_record());
        let is_last = from.segment() == self.last;
        let end = if is_last { self.synced } else { segment.length()? };
        let read = match offset.checked_sub(end) {
            Some(pending) if is_last => {
                let behind = self.pending.get(pending as usize..);
                let behind = behind.ok_or_else(|| self.no_record(from))?;
                segment.decode(behind)
            }
            Some(0) => {
                let next = from.segment() + 1;
                let expected = Position::new(from.segment(), self.segment(next)?.before());
                self.check_reaches(Position::new(from.segment(), end), expected)?;
                window.clear();
                return self.record(window, Position::new(next, 0));
            }
            Some(_) => return Err(self.no_record(from)),
            None => segment.record(window, offset, end)?,
        };
        match read {
            Ok(None) => Ok(None),
            Ok(Some(frame)) => Ok(Some((Position::new(from.segment(), offset), frame.into()))),
            Err(problem) => Err(LogError::Damaged { path: segment.path().to_owned(), offset, problem }),
        }
    }

    /// The segment with this number, which is opened where it was not needed before.
    pub(super) fn segment(&self, number: u32) -> Result<&Segment<D::File>, LogError> {
        let Some(cell) = self.segments.get(&number) else {
            return Err(self.no_record(Position::new(number, 0)));
        };
        if let Some(segment) = cell.get() {
            return Ok(segment);
        }
        match Segment::open(&self.disk, &self.prefix, number, &self.identity)? {
            // Two readers may open the file at once; one of the two is kept.
            Found::Segment(segment) => Ok(cell.get_or_init(|| segment)),
            Found::Unfinished(problem) => {
                Err(LogError::Damaged { path: self.path(number), offset: 0, problem })
            }
        }
    }

    pub(super) fn no_record(&self, position: Position) -> LogError {
        LogError::NoRecord { position, start: self.start(), end: self.end() }
    }
}
