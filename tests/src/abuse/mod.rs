//! Clients that abuse a node for as long as they are told to: for the tests that hold a node to its bounds, and
//! for the benchmark that says what others notice of it. They connect to this computer alone.

mod http;
mod peers;
pub mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, spawn};

use mote_core::params::Params;
use rustix::process::{Resource, getrlimit, setrlimit};

/// All abuses.
pub const ALL: &[Abuse] = &[
    Abuse { name: "10,000 connections that say nothing", threads: 4, strike: http::say_nothing },
    Abuse { name: "headers byte by byte", threads: 2, strike: http::drip_heads },
    Abuse { name: "bodies byte by byte", threads: 2, strike: http::drip_bodies },
    Abuse { name: "answers that nobody reads", threads: 2, strike: http::never_read_answers },
    Abuse { name: "streams of events that nobody reads", threads: 2, strike: http::never_read_events },
    Abuse { name: "headers without end", threads: 2, strike: http::endless_heads },
    Abuse { name: "bodies without end", threads: 2, strike: http::endless_bodies },
    Abuse { name: "bodies that are no request", threads: 2, strike: http::worthless_bodies },
    Abuse { name: "requests without a pause", threads: 2, strike: http::ask_without_pause },
    Abuse { name: "peers that never greet", threads: 2, strike: peers::never_greet },
    Abuse { name: "frames byte by byte", threads: 2, strike: peers::drip_frames },
    Abuse { name: "messages without end", threads: 2, strike: peers::endless_messages },
    Abuse { name: "messages that nobody asked for", threads: 2, strike: peers::unrequested },
    Abuse { name: "peers that ask and never read", threads: 2, strike: peers::ask_and_never_read },
];

/// A way to abuse a node.
#[derive(Clone, Copy)]
pub struct Abuse {
    /// What it is.
    pub name: &'static str,
    threads: usize,
    /// Goes on until it is told to stop.
    strike: fn(&Attack),
}

/// The node that is abused.
#[derive(Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// The network that it belongs to.
    pub params: Params,
}

/// What the threads of an abuse share.
struct Attack {
    target: Target,
    is_over: AtomicBool,
    blows: AtomicUsize,
}

impl Attack {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// Counts something that was done to the node.
    fn count(&self) {
        self.blows.fetch_add(1, Ordering::Relaxed);
    }
}

/// An abuse that goes on; dropping it ends it, and all of its connections.
pub struct Underway {
    attack: Arc<Attack>,
    threads: Vec<JoinHandle<()>>,
}

impl Abuse {
    /// Begins to abuse a node.
    pub fn begin(&self, target: &Target) -> Underway {
        let (is_over, blows) = (AtomicBool::new(false), AtomicUsize::new(0));
        let attack = Arc::new(Attack { target: target.clone(), is_over, blows });
        let strike = self.strike;
        let thread = |_| {
            let attack = attack.clone();
            spawn(move || strike(&attack))
        };
        let threads = (0..self.threads).map(thread).collect();
        Underway { attack, threads }
    }
}

impl Underway {
    /// How often the node was struck: connections opened, or messages sent, as the abuse has it.
    pub fn blows(&self) -> usize {
        self.attack.blows.load(Ordering::Relaxed)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.attack.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // What it may have failed for shows in what the node is asked next.
            let _ = thread.join();
        }
    }
}

/// Lets this process, and those that it starts, have as many files and connections as the system allows.
/// How many that is; `None` where there is no limit.
pub fn raise_file_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("a process may use what it is allowed");
    limit.current
}
