//! Devices, as far as a computer deals with them: the images of their cards, and the emulator that one
//! can be run in. No node logic, and nothing that is printed.
//!
//! | file | purpose |
//! | --- | --- |
//! | `image` | files with what stands on a card |
//! | `secrets` | the key and the entropy of a new device |
//! | `emulator` | QEMU, with the firmware and a card |

pub mod emulator;
pub mod image;
pub mod secrets;
