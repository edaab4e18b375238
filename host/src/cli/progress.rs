//! How far something that takes long is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown of what is over within this time.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// How far something is.
pub struct Progress {
    what: &'static str,
    started: Instant,
    shown: Instant,
    /// What was done when it began, once that is known.
    first: Option<u64>,
    /// What is done, and since when.
    last: (u64, Instant),
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Something begins now.
    pub fn new(what: &'static str) -> Self {
        let started = Instant::now();
        Self { what, started, shown: started, first: None, last: (0, started), bar: None }
    }

    /// It is at `done` of `total`; `detail` says more, such as a rate.
    pub fn update(&mut self, done: u64, total: u64, detail: &str) {
        let first = *self.first.get_or_insert(done);
        if done != self.last.0 {
            self.last = (done, Instant::now());
        }
        if self.started.elapsed() < PATIENCE {
            return;
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| new_bar(self.what, self.started.elapsed()));
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(detail.to_owned());
        } else if self.shown.elapsed() >= LINE_INTERVAL {
            self.shown = Instant::now();
            let pace = match self.last.1.elapsed() {
                still if still >= LINE_INTERVAL => Pace::Still(still),
                _ => Pace::Gains(done.saturating_sub(first), self.started.elapsed()),
            };
            eprintln!("{}", line(self.what, done, total, detail, pace));
        }
    }

    /// It took this long so far.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// It is over.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How many of something were done a second.
pub fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(0.001)
}

fn new_bar(what: &'static str, elapsed: Duration) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let template = "{prefix} [{bar:30}] {percent:>3}%  {msg}  {eta} left";
    // The template is fixed, so it is either always right or never.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("=> ")).with_prefix(what).with_elapsed(elapsed)
}

/// How something goes on.
enum Pace {
    /// So much was done in this time.
    Gains(u64, Duration),
    /// Nothing was done for this long.
    Still(Duration),
}

fn line(what: &str, done: u64, total: u64, detail: &str, pace: Pace) -> String {
    let percent = if total == 0 { 100 } else { u128::from(done) * 100 / u128::from(total) };
    let left = match pace {
        Pace::Gains(0, _) => String::new(),
        Pace::Gains(gained, time) => {
            let rest = total.saturating_sub(done) as f64;
            format!(", {:.0} s left", time.as_secs_f64() * rest / gained as f64)
        }
        Pace::Still(time) => format!(", nothing new for {} s", time.as_secs()),
    };
    let detail = if detail.is_empty() { String::new() } else { format!(", {detail}") };
    format!("{what}: {percent}%{detail}{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_is_left() {
        let time = Duration::from_secs(10);
        let line = |done, total, pace| line("import", done, total, "9 blocks/s", pace);
        assert_eq!(line(25, 100, Pace::Gains(25, time)), "import: 25%, 9 blocks/s, 30 s left");
        // What was there before counts for nothing.
        assert_eq!(line(60, 100, Pace::Gains(10, time)), "import: 60%, 9 blocks/s, 40 s left");
        assert_eq!(line(0, 100, Pace::Gains(0, time)), "import: 0%, 9 blocks/s");
        assert_eq!(line(0, 0, Pace::Gains(0, time)), "import: 100%, 9 blocks/s");
        assert_eq!(line(44, 100, Pace::Still(time)), "import: 44%, 9 blocks/s, nothing new for 10 s");
    }
}
