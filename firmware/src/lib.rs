//! A Mote node on a microcontroller: it checks every rule of every block instead of trusting a server.
//!
//! Everything here is portable and allocates nothing; what touches registers stands behind
//! [`board::Board`]. Data flows one way: frames -> network -> peer link -> node -> outputs, and the
//! node's [`report::Report`] -> display, console and page.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`board`] | what a board must offer; the registers of the LM3S6965EVB |
//! | [`device`] | the super-loop that puts everything together |
//! | [`net`] | frames, addresses, connections to full nodes, the page's sockets |
//! | [`node`] | what is true: headers of most work, every block checked, the miner, the wallet |
//! | [`storage`] | what is kept over a power cut, on a card |
//! | [`report`], [`event`] | what the node knows, and what happens, for whoever shows it |
//! | [`command`] | what its owner can tell it to do |
//! | [`display`], [`console`], [`http`] | what people see of the device |
//! | [`settings`] | what is fixed when the program is built |
//! | [`json`], [`meter`], [`text`] | the report as JSON; rates, and numbers as people read them |
#![no_std]

#[cfg(test)]
extern crate std;

pub mod board;
pub mod command;
pub mod console;
pub mod device;
pub mod display;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod http;
pub mod json;
pub mod meter;
pub mod net;
pub mod node;
pub mod report;
pub mod settings;
pub mod storage;
pub mod text;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
