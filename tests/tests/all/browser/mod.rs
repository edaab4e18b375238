//! The pages in a real browser, as people meet them.

mod harness;
mod pages;
mod stages;
