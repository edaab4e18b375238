//! Threads that judge a share of the signatures each, and wait for the next.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::batch::{self, Claim};
use super::kernel::Kernel;

/// A share and where its verdict goes.
type Share = (Vec<Claim>, Sender<bool>);

/// The threads. They end when this is dropped.
pub struct Workers {
    shares: Sender<Share>,
}

/// A verdict to come.
pub struct Answer(Receiver<bool>);

impl Workers {
    /// Starts up to `count` threads; fewer where the system has no room for more.
    pub fn start(kernel: Kernel, count: usize) -> Self {
        let (shares, taken) = channel();
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..count {
            let taken = taken.clone();
            // Without a thread the shares are refused here, and judged by whoever asked.
            let _ = thread::Builder::new().name("signatures".to_owned()).spawn(move || work(kernel, &taken));
        }
        Self { shares }
    }

    /// Hands a share on. The verdict is `false` also where no thread is there to judge it.
    pub fn judge(&self, claims: Vec<Claim>) -> Answer {
        let (verdict, answer) = channel();
        // Whoever has lost its thread has lost the sender with it, and is told so below.
        let _ = self.shares.send((claims, verdict));
        Answer(answer)
    }
}

impl Answer {
    /// Waits for the verdict.
    pub fn wait(self) -> bool {
        self.0.recv().unwrap_or(false)
    }
}

fn work(kernel: Kernel, shares: &Mutex<Receiver<Share>>) {
    loop {
        let next = shares.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((claims, verdict)) = next else { return };
        // Whoever asked may have left.
        let _ = verdict.send(batch::are_valid(kernel, &claims));
    }
}
