//! What a process takes of the computer, as Linux tells.

use std::fs;

/// What a process takes.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory that is in use, in kibibytes.
    pub resident_kib: u64,
    /// The most memory that was ever in use, in kibibytes.
    pub peak_kib: u64,
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
        Self { resident_kib: field("VmRSS:"), peak_kib: field("VmHWM:"), threads: field("Threads:"), files }
    }
}
