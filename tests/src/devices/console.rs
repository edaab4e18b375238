//! What an emulated board says on its serial line.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that a board has said, and more that come.
#[derive(Clone, Debug, Default)]
pub struct Console {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    lines: Vec<String>,
    /// Where lines are looked for next.
    cursor: usize,
    /// How many processes speak.
    speakers: usize,
}

impl Console {
    /// Listens to one more process, whose lines follow on those of the last one.
    pub fn listen(&self, output: ChildStdout) {
        let shared = self.shared.clone();
        look(&shared).speakers += 1;
        thread::spawn(move || {
            let mut reader = BufReader::new(output);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                look(&shared).lines.push(text);
                shared.more.notify_all();
            }
            look(&shared).speakers -= 1;
            shared.more.notify_all();
        });
    }

    /// Everything that was said, in lines.
    pub fn lines(&self) -> Vec<String> {
        look(&self.shared).lines.clone()
    }

    /// Whether nobody is left to say anything.
    pub fn is_over(&self) -> bool {
        look(&self.shared).speakers == 0
    }

    /// Looks for lines from here on: what was said before is passed over.
    pub fn pass_over(&self) {
        let mut said = look(&self.shared);
        said.cursor = said.lines.len();
    }

    /// How many lines were said so far.
    pub fn count(&self) -> usize {
        look(&self.shared).lines.len()
    }

    /// Waits until a line from this one on `is_it`; whether it comes in time.
    pub fn hears(&self, from: usize, patience: Duration, is_it: impl Fn(&str) -> bool) -> bool {
        let said = look(&self.shared);
        let still =
            |said: &mut Said| said.speakers > 0 && !said.lines.iter().skip(from).any(|line| is_it(line));
        let waited = self.shared.more.wait_timeout_while(said, patience, still);
        let said = waited.map_or_else(|held| held.into_inner().0, |waited| waited.0);
        said.lines.iter().skip(from).any(|line| is_it(line))
    }

    /// The next line of which `find` makes something, from behind the last one that was found on; none
    /// where it does not come in time.
    pub fn find<T>(&self, patience: Duration, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut said = look(&self.shared);
        loop {
            while let Some(line) = said.lines.get(said.cursor) {
                let found = find(line);
                said.cursor += 1;
                if found.is_some() {
                    return found;
                }
            }
            if said.speakers == 0 {
                return None;
            }
            let rest = deadline.checked_duration_since(Instant::now())?;
            said = self
                .shared
                .more
                .wait_timeout(said, rest)
                .map_or_else(|held| held.into_inner().0, |woken| woken.0);
        }
    }
}

fn look(shared: &Shared) -> MutexGuard<'_, Said> {
    shared.said.lock().unwrap_or_else(|held| held.into_inner())
}
