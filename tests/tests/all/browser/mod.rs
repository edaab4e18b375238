//! The pages in a real browser, as people meet them.

mod explore;
mod guest;
mod harness;
mod home;
mod laboratory;
mod live;
mod pages;
mod pictures;
mod stages;
mod walkthrough;
