//! The network: frames and addresses by smoltcp, connections to full nodes, and the page for people.

pub mod link;
pub mod random;
pub mod websocket;
