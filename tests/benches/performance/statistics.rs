//! What many measurements come to.

use std::time::{Duration, Instant};

/// The middle of some values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that so many percent are not above.
pub fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// How long something takes.
pub fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// The middle of how long something takes, done so many times, in seconds.
pub fn median_time(times: usize, mut work: impl FnMut()) -> f64 {
    median((0..times).map(|_| time(&mut work).as_secs_f64()).collect())
}

/// How often something can be done in a second: `batch` times at once, again and again for `span`.
pub fn rate(span: Duration, batch: u64, mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < span {
        work();
        done += batch;
    }
    done as f64 / begun.elapsed().as_secs_f64()
}
