//! The pages in a real browser, as people meet them.

mod explore;
mod harness;
mod home;
mod live;
mod pages;
mod pictures;
mod stages;
mod walkthrough;
