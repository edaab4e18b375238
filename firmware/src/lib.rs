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
#![no_std]

#[cfg(test)]
extern crate std;

pub mod board;
pub mod command;
pub mod event;
pub mod report;
