//! A Mote node on a microcontroller: it checks every rule of every block instead of trusting a server.
//!
//! Everything here is portable and allocates nothing; what touches registers stands behind
//! [`board::Board`]. Data flows one way: frames -> network -> peer link -> node -> outputs, and the
//! node's [`report::Report`] -> display, console and page.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`board`] | what a board must offer; the registers of the LM3S6965EVB |
//! | [`report`] | what the node knows, for whoever shows it |
//! | [`command`] | what its owner can tell it to do |
//! | [`event`] | what happened, for the console |
//! | [`meter`], [`text`] | rates, and numbers as people read them |
//! | [`json`] | the report as JSON, for console and page |
//! | [`display`], [`console`], [`http`] | what people see of the device |
#![no_std]

#[cfg(test)]
extern crate std;

pub mod board;
pub mod command;
pub mod console;
pub mod display;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod http;
pub mod json;
pub mod meter;
pub mod report;
pub mod text;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
