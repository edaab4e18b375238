//! A real folder whose every change is recorded, and what a power cut could have left of it.

mod image;
mod recording;

pub use image::{Files, left_after};
pub use recording::{Operation, RecordingDisk, RecordingFile};
