//! A device that is switched on.

use mote_firmware::board::{Button, Pixels};
use mote_firmware::device::Device;
use serde_json::Value;

use super::board::Simulated;
use super::peer::Peer;
use super::{Bench, Branch};

/// How long anything may take that is bound to happen, in milliseconds of the device's clock.
const PATIENCE_MS: u64 = 120_000;

/// A device sleeps so long where there is nothing to do, in milliseconds.
const IDLE_MS: u64 = 5;

/// Something that takes turns.
trait Turns {
    fn turn(&mut self) -> bool;
}

impl Turns for Device<'_, '_, Simulated> {
    fn turn(&mut self) -> bool {
        Device::turn(self)
    }
}

/// A device that is switched on, and everything around it.
pub struct Running<'a> {
    /// Everything around it.
    pub bench: &'a mut Bench,
    device: &'a mut dyn Turns,
    /// The time at which the last one to wait would have given up.
    turns: u64,
}

impl<'a> Running<'a> {
    pub(super) fn new(device: &'a mut Device<'_, '_, Simulated>, bench: &'a mut Bench) -> Self
    where
        Self: 'a,
    {
        // Whatever the device borrows outlives this.
        let device: &mut dyn Turns = device;
        Self { bench, device, turns: 0 }
    }

    /// A peer by its number.
    pub fn peer(&mut self, number: usize) -> &mut Peer {
        self.bench.peer(number)
    }

    /// How many turns the device has taken.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// The device's clock, in milliseconds.
    pub fn millis(&self) -> u64 {
        self.bench.desk.borrow().millis
    }

    /// Whether the device lost power by itself.
    pub fn is_cut(&self) -> bool {
        self.bench.is_cut()
    }

    /// Gives everybody a turn.
    pub fn step(&mut self) {
        if self.is_cut() {
            self.bench.pass(IDLE_MS);
            return;
        }
        let is_busy = self.device.turn() | self.bench.turn() | self.bench.cable.borrow().is_busy();
        self.turns += 1;
        if self.bench.real.is_some() && !is_busy {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let busy = self.bench.busy_ms;
        self.bench.pass(if is_busy { busy } else { IDLE_MS });
    }

    /// Lets time pass.
    pub fn pass(&mut self, millis: u64) {
        let until = self.millis() + millis;
        while self.millis() < until {
            self.step();
        }
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let until = self.millis() + PATIENCE_MS;
        while !is_so(self) {
            assert!(self.millis() < until, "waited until {what}, and saw:\n{}", self.seen());
            self.step();
        }
    }

    /// What was printed last.
    pub fn seen(&self) -> String {
        let lines = self.bench.lines();
        let last = lines.iter().filter(|line| !line.starts_with(['{', 's'])).rev().take(30);
        let mut last: Vec<&str> = last.map(String::as_str).collect();
        last.reverse();
        last.join("\n")
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.bench.desk.borrow_mut().typed.extend(line.bytes().chain([b'\n']));
    }

    /// Types a line and waits for a line of the answer that begins like this; the line.
    #[track_caller]
    pub fn ask(&mut self, line: &str, beginning: &str) -> String {
        let before = self.bench.desk.borrow().printed.len();
        self.type_line(line);
        let mut answer = None;
        self.until(&format!("{line} is answered with {beginning}"), |running| {
            answer = running.line_since(before, beginning);
            answer.is_some()
        });
        answer.unwrap_or_default()
    }

    fn line_since(&self, start: usize, beginning: &str) -> Option<String> {
        let desk = self.bench.desk.borrow();
        let text = String::from_utf8_lossy(&desk.printed[start..]);
        let whole = text.replace("\r\x1b[K", "\n");
        let (whole, _) = whole.rsplit_once('\n')?;
        whole.lines().find(|line| line.starts_with(beginning)).map(str::to_owned)
    }

    /// Whether a line that begins like this was printed since power-on.
    pub fn has_printed(&self, beginning: &str) -> bool {
        self.bench.lines().iter().any(|line| line.starts_with(beginning))
    }

    /// The lines that begin like this, since power-on.
    pub fn printed(&self, beginning: &str) -> Vec<String> {
        let lines = self.bench.lines().into_iter();
        lines.filter(|line| line.starts_with(beginning)).collect()
    }

    /// How many bytes were printed since power-on, to look at what follows.
    pub fn forget_lines(&mut self) {
        self.bench.desk.borrow_mut().printed.clear();
    }

    /// The status that the device prints.
    #[track_caller]
    pub fn status(&mut self) -> Value {
        let line = self.ask("status json", "{");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Waits until the status is like this; the status.
    #[track_caller]
    pub fn until_status(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = self.millis() + PATIENCE_MS;
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(self.millis() < until, "waited until {what}, and saw {status:#}\n{}", self.seen());
            self.pass(20);
        }
    }

    /// Waits until the device has validated the last block of a branch; the status.
    #[track_caller]
    pub fn until_tip(&mut self, branch: &Branch) -> Value {
        let tip = branch.tip().id().to_string();
        let what = format!("the tip is {} at height {}", tip, branch.height());
        let status = self.until_status(&what, |status| status["tip"] == tip.as_str());
        assert_eq!(status["state_root"], branch.tip().state_root.to_string().as_str());
        assert_eq!(status["work"], branch.work().to_string().as_str());
        status
    }

    /// Waits until the device has validated the last block of a branch, and perhaps more.
    #[track_caller]
    pub fn until_tip_or_later(&mut self, branch: &Branch) {
        let beginning = format!("block {} {} ", branch.height(), branch.tip().id());
        self.until(&beginning, |running| running.has_printed(&beginning));
    }

    /// Presses a button.
    pub fn press(&mut self, button: Button) {
        self.bench.desk.borrow_mut().pressed.push_back(button);
        self.step();
    }

    /// The picture on the display.
    pub fn picture(&self) -> Option<Pixels> {
        self.bench.desk.borrow().picture
    }
}
