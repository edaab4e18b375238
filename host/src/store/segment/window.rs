//! Reading records of a file through a part of it in memory.

use std::io;

use mote_core::frame::{self, Frame};

use crate::store::disk::DiskFile;
use crate::store::log_error::Problem;

/// A part of a file in memory, so that reading many records takes few calls.
pub struct Window {
    start: u32,
    bytes: Vec<u8>,
    step: usize,
}

impl Window {
    /// An empty window that reads at least `step` bytes at a time.
    pub fn new(step: usize) -> Self {
        Self { start: 0, bytes: Vec::new(), step }
    }

    /// Forgets what was read, so that the window can be used for another file.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The frame at `offset`. It is looked for in what is in memory; where that ends inside the frame
    /// but the file goes on, as many bytes are read as the frame says that it needs, and at least a
    /// step.
    pub fn frame<F: DiskFile>(
        &mut self,
        file: &F,
        offset: u32,
        end: u32,
        salt: u32,
    ) -> io::Result<Result<Option<Frame<'_>>, Problem>> {
        loop {
            let have = self.from(offset);
            let in_file = end.saturating_sub(offset) as usize;
            let needed = frame::claimed_bytes(have);
            if have.len() >= needed.min(in_file) {
                return Ok(super::parse(self.from(offset), salt));
            }
            self.bytes.resize(in_file.min(needed.max(self.step)), 0);
            self.start = offset;
            file.read_at(offset.into(), &mut self.bytes)?;
        }
    }

    fn from(&self, offset: u32) -> &[u8] {
        let skip = offset.checked_sub(self.start).unwrap_or(u32::MAX);
        self.bytes.get(skip as usize..).unwrap_or_default()
    }
}
