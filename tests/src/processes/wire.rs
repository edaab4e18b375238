//! A network that can be cut.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// The way to a node: whoever dials its port at 127.0.0.1 is connected to the address at which the node
/// really listens. While it is cut, connections through it are reset and new ones refused.
pub struct Wire {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    way: Way,
    /// Both ends of every connection.
    open: Vec<TcpStream>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Whole,
    /// For nobody new.
    Closed,
    /// The wire is gone, and its thread is to end.
    Gone,
}

impl Wire {
    /// A wire from this port to that address.
    pub fn new(port: u16, to: (&str, u16)) -> Self {
        let to = SocketAddr::new(to.0.parse().expect("an IP address"), to.1);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is reserved");
        let state = Arc::new(Mutex::new(State { way: Way::Whole, open: Vec::new() }));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                match look(&shared).way {
                    Way::Whole => {}
                    Way::Closed => continue,
                    Way::Gone => return,
                }
                // A node that does not run refuses, and so the other side hears nothing either.
                if let Ok(far) = TcpStream::connect(to) {
                    join(&shared, stream, far);
                }
            }
        });
        Self { port, state }
    }

    /// Ends all connections through the wire and lets no new ones through.
    pub fn cut(&self) {
        self.end(Way::Closed);
    }

    /// Lets no new connections through and leaves those that are open.
    pub fn close(&self) {
        look(&self.state).way = Way::Closed;
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        look(&self.state).way = Way::Whole;
    }

    fn end(&self, way: Way) {
        let mut state = look(&self.state);
        state.way = way;
        for stream in state.open.drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end(Way::Gone);
        // Wakes the thread that listens.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Carries bytes both ways until one side ends or the wire is cut.
fn join(state: &Arc<Mutex<State>>, near: TcpStream, far: TcpStream) {
    let (Ok(near_again), Ok(far_again)) = (near.try_clone(), far.try_clone()) else { return };
    let (Ok(near_held), Ok(far_held)) = (near.try_clone(), far.try_clone()) else { return };
    let mut state = look(state);
    if state.way == Way::Whole {
        state.open.extend([near_held, far_held]);
        thread::spawn(move || carry(near, far));
        thread::spawn(move || carry(far_again, near_again));
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    let mut pass = || -> io::Result<bool> {
        let count = from.read(&mut buffer)?;
        to.write_all(&buffer[..count])?;
        Ok(count > 0)
    };
    while pass().unwrap_or(false) {}
    // What one side has ended is over for both; it may be already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn look(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no thread of a wire panics with the lock held")
}
