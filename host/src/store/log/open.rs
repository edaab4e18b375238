//! Opening a log: which files there are, where the last one ends, and what to think of a bad end.

use std::sync::OnceLock;

use super::{Coverage, Log, LogError, Opened, Position, TornTail};
use crate::store::disk::Disk;
use crate::store::segment::{self, Found, Segment};

impl<D: Disk> Log<D> {
    /// Notes which segments there are and checks that the row has no gap. Other files are none of the
    /// log's business.
    pub(super) fn list(&mut self) -> Result<(), LogError> {
        let names = self.disk.list().map_err(|source| self.io_error("list", "", source))?;
        let numbers = names.iter().filter_map(|name| segment::number(&self.prefix, name));
        self.segments = numbers.map(|number| (number, OnceLock::new())).collect();
        let first = match self.options.coverage {
            Coverage::Whole => 0,
            Coverage::Recent => self.first(),
        };
        let missing = (first..).zip(self.segments.keys()).find(|(expected, got)| expected != *got);
        match missing {
            Some((expected, _)) => Err(LogError::MissingSegment { path: self.path(expected) }),
            None => Ok(()),
        }
    }

    /// Opens the last segment, or makes the first, and cuts off a torn tail.
    pub(super) fn open_last(&mut self, trusted: Position) -> Result<Opened, LogError> {
        self.remove_unfinished(trusted)?;
        let Some((last, _)) = self.segments.last_key_value() else {
            let number = match self.options.coverage {
                Coverage::Whole => {
                    self.check_reaches(Position::START, trusted)?;
                    0
                }
                // Somebody took the files away; what comes now stands behind what they had.
                Coverage::Recent if trusted > Position::START => trusted.segment().saturating_add(1),
                Coverage::Recent => 0,
            };
            self.create(number, 0)?;
            return Ok(Opened { cut: None, is_missing: trusted > Position::START });
        };
        self.last = *last;
        let segment = self.segment(self.last)?;
        let length = segment.length()?;
        self.check_reaches(Position::new(self.last, length), trusted)?;
        let from = if trusted.segment() == self.last { trusted.offset() } else { 0 };
        let from = from.max(segment.first_record());

        let (mut end, mut window) = (from, Segment::<D::File>::scan_window());
        let problem = loop {
            match segment.record(&mut window, end, length)? {
                Ok(Some(frame)) => end += segment::record_bytes(frame.payload.len()) as u32,
                Ok(None) => break None,
                Err(problem) => break Some(problem),
            }
        };
        let mut cut = None;
        if let Some(problem) = problem {
            let path = segment.path().to_owned();
            if let Some(behind) = segment.write_behind(end, length)? {
                return Err(LogError::DamagedWithin { path, offset: end, problem, behind });
            }
            let position = Position::new(self.last, end);
            cut = Some(TornTail { path, position, bytes: length - end, problem });
        }
        segment.settle(from, end)?;
        self.synced = end;
        Ok(Opened { cut, is_missing: false })
    }

    /// Makes the segment that becomes the last one, behind one of the length `before`.
    pub(super) fn create(&mut self, number: u32, before: u32) -> Result<(), LogError> {
        let salt = self.options.salt;
        let segment = Segment::create(&self.disk, &self.prefix, number, &self.identity, salt, before)?;
        (self.last, self.synced) = (number, segment.first_record());
        self.segments.insert(number, OnceLock::from(segment));
        Ok(())
    }

    /// Removes the last segment if the power failed while it was made: nothing was ever in it.
    fn remove_unfinished(&mut self, trusted: Position) -> Result<(), LogError> {
        let Some((&last, _)) = self.segments.last_key_value() else { return Ok(()) };
        match Segment::open(&self.disk, &self.prefix, last, &self.identity)? {
            Found::Segment(segment) => {
                self.segments.insert(last, OnceLock::from(segment));
            }
            Found::Unfinished(_) => {
                self.check_reaches(Position::new(last, 0), trusted)?;
                let name = segment::name(&self.prefix, last);
                let removed = self.disk.remove(&name).and_then(|()| self.disk.sync_folder());
                removed.map_err(|source| self.io_error("remove", &name, source))?;
                self.segments.remove(&last);
            }
        }
        Ok(())
    }

    pub(super) fn check_reaches(&self, got: Position, expected: Position) -> Result<(), LogError> {
        if got >= expected {
            return Ok(());
        }
        Err(LogError::Shorter { path: self.path(got.segment()), got, expected })
    }
}
