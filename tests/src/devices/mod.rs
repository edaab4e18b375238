//! Devices as users have them: the linked image on an emulated board, its card as a file, its console,
//! display and buttons; and hosts for it to talk to of which the test owns every word.

pub(crate) mod answers;
pub mod branch;
pub mod card;
mod console;
pub mod crowd;
pub mod host;
pub mod image;
pub mod lies;
mod machine;
mod monitor;
mod screen;
pub mod script;
mod seats;
pub mod simulated;
mod websocket;

pub use console::Console;
pub use machine::{BlockLine, Machine, Pace};
pub use monitor::Monitor;
pub use mote_firmware::board::Button;
pub use screen::Screen;
pub use seats::Seat;
