//! A real browser, driven as people use one: pages are opened, read, clicked with a mouse and typed into.
//!
//! Whatever a test is about, no page may complain on its console or ask anybody but the node that it came
//! from: that is judged when the browser ends, and fails the test.

mod accessibility;
mod control;
mod process;
mod record;
mod session;
mod site;
mod window;

use std::cell::RefCell;
use std::collections::BTreeSet;

pub use accessibility::{broken_rules, keyboard_faults, overflow};
pub use control::Control;
pub use record::{Record, Request, origin};
pub use site::Site;
pub use window::{Scheme, Window};

use process::Running;
use session::Session;

/// A browser with a profile of its own, which ends with this value.
pub struct Browser {
    running: Running,
    current: RefCell<String>,
    record: RefCell<Record>,
    /// Origins that tests opened.
    opened: RefCell<BTreeSet<String>>,
    /// Origins whose pages may ask others: they are the attackers.
    hostile: RefCell<BTreeSet<String>>,
    /// Parts of complaints that a test provokes.
    expected: RefCell<Vec<String>>,
}

impl Default for Browser {
    fn default() -> Self {
        Self::start()
    }
}

impl Browser {
    /// Starts a browser with one empty window.
    pub fn start() -> Self {
        let browser = Self {
            running: Running::start(),
            current: RefCell::default(),
            record: RefCell::default(),
            opened: RefCell::default(),
            hostile: RefCell::default(),
            expected: RefCell::default(),
        };
        // The browser's own first page is none of ours.
        browser.session().navigate("about:blank").expect("an empty page opens");
        browser.gather();
        browser.record.take();
        browser
    }

    /// The first window.
    pub fn window(&self) -> Window<'_> {
        let names = self.session().windows().expect("the browser runs");
        Window::new(self, names[0].clone())
    }

    /// Another window, which is seen as well.
    pub fn new_window(&self) -> Window<'_> {
        Window::new(self, self.session().open_window("window").expect("a window opens"))
    }

    /// Another tab, which hides the others.
    pub fn new_tab(&self) -> Window<'_> {
        Window::new(self, self.session().open_window("tab").expect("a tab opens"))
    }

    /// Lets the pages of this origin ask others, as an attacker's do; the nodes have to refuse it.
    pub fn distrust(&self, url: &str) {
        self.hostile.borrow_mut().insert(origin(url).expect("a network address").to_owned());
    }

    /// Does not fail for complaints that contain this: the test provokes them.
    pub fn expect_complaint(&self, part: &str) {
        self.expected.borrow_mut().push(part.to_owned());
    }

    /// What all pages have said and done so far.
    pub fn record(&self) -> Record {
        self.gather();
        self.record.borrow().clone()
    }

    /// Forgives everything so far: it was the point of the test.
    pub fn forgive(&self) {
        self.gather();
        self.record.take();
    }

    fn session(&self) -> &Session {
        self.running.session()
    }

    fn switch(&self, window: &str) -> Result<(), String> {
        if *self.current.borrow() != window {
            self.session().switch(window)?;
            self.current.replace(window.to_owned());
        }
        Ok(())
    }

    /// Reads the logs. What a window did last is only in them once the window was asked.
    fn gather(&self) {
        let session = self.session();
        let mut record = self.record.borrow_mut();
        for window in session.windows().unwrap_or_default() {
            if self.switch(&window).is_ok() {
                record.note_messages(&session.log("browser").expect("the browser keeps a log"));
                record.note_events(&session.log("performance").expect("the browser keeps a log"));
            }
        }
    }

    /// What pages did that no page may, in words; there must be none when the browser ends.
    pub fn faults(&self) -> Vec<String> {
        let record = self.record();
        let (opened, hostile, expected) =
            (self.opened.borrow(), self.hostile.borrow(), self.expected.borrow());
        let complaints = record
            .complaints
            .into_iter()
            .filter(|complaint| !expected.iter().any(|part| complaint.contains(part.as_str())));
        let is_own = |request: &Request| {
            let (Some(to), from) = (origin(&request.url), origin(&request.document)) else { return false };
            let is_trusted = from == Some(to) && opened.contains(to);
            is_trusted || from.is_none_or(|from| hostile.contains(from)) && !hostile.is_empty()
        };
        let foreign = record.requests.iter().filter(|request| !is_own(request));
        let foreign = foreign.map(|request| format!("{} asked {}", request.document, request.url));
        complaints.chain(foreign).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let faults = self.faults();
            assert!(faults.is_empty(), "pages did what no page may:\n{}", faults.join("\n"));
        }
    }
}
