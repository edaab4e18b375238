//! What a process takes of the computer, as Linux tells.

use std::fs;

/// What a process takes.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory that is in use, in kibibytes.
    pub resident_kib: u64,
    /// The most memory that was ever in use, in kibibytes.
    pub peak_kib: u64,
    /// The time that its threads have spent on processors, the system's work for them included, in seconds.
    pub cpu_seconds: f64,
    /// Threads.
    pub threads: u64,
    /// Open files, sockets among them.
    pub files: usize,
}

impl Usage {
    /// What the process with this number takes.
    pub fn of(pid: u32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux has it");
            line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
        };
        let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is our own").count();
        let (resident_kib, peak_kib, threads) = (field("VmRSS:"), field("VmHWM:"), field("Threads:"));
        Self { resident_kib, peak_kib, cpu_seconds: cpu_seconds(pid), threads, files }
    }
}

/// Linux counts it in hundredths of a second, whatever its own clock does.
fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The name of the program stands in brackets, and may have anything in it.
    let (_, behind) = text.rsplit_once(") ").expect("Linux writes it so");
    let ticks = behind.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    ticks as f64 / 100.0
}
