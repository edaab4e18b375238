//! The processes behind a browser: the driver, which the test starts, and Chromium, which the driver starts.
//! Both end with their value, by their numbers, whatever became of the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use super::session::Session;
use crate::processes::{PATIENCE, wait_until};

/// What Chromium is told: to show nothing, to ask nobody but this computer, and to offer nothing to its user.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    "--force-device-scale-factor=1",
    "--lang=en-US",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    // The one foreign name stands for an attacker's that leads to this computer.
    "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    // Role and name as a reader of the screen is told them.
    "--enable-blink-features=ComputedAccessibilityInfo",
];

/// A browser that runs, with a profile of its own.
pub struct Running {
    driver: Driver,
    chromium: Option<u32>,
    profile: TempDir,
    session: Session,
}

impl Running {
    /// Starts the driver, and Chromium by it.
    pub fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("mote-browser-").tempdir().expect("a temporary folder");
        let driver = Driver::start(profile.path());
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().join("profile").display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "binary": find("chromium"), "args": flags },
        } } });
        let (session, granted) = Session::start(driver.port, &wanted);
        let chromium = granted["goog:processID"].as_u64().and_then(|id| u32::try_from(id).ok());
        Self { driver, chromium, profile, session }
    }

    /// The way to give the browser commands.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the browser with this profile still runs; its number alone may be another process's by now.
    fn has_chromium(&self) -> Option<Pid> {
        let id = self.chromium?;
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let is_own = String::from_utf8_lossy(&command).contains(&*self.profile.path().to_string_lossy());
        is_own.then(|| Pid::from_raw(i32::try_from(id).ok()?)).flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whatever does not end when it is asked is ended.
        let _ = self.session.end();
        self.driver.end();
        let begun = Instant::now();
        while let Some(pid) = self.has_chromium()
            && begun.elapsed() < PATIENCE
        {
            let _ = kill_process(pid, Signal::KILL);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Starts a driver at a port that it finds itself.
fn launch(log: &Path) -> Child {
    let output = File::create(log).expect("the log can be made");
    let mut command = Command::new(find("chromedriver"));
    command.arg("--port=0").stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
    command.spawn().expect("the driver starts")
}

struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(folder: &Path) -> Self {
        let log = folder.join("driver.log");
        let mut driver = Self { child: launch(&log), port: 0 };
        driver.port = wait_until("the driver says where it listens", PATIENCE, || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let port =
                said.lines().find_map(|line| line.split_once("successfully on port ")?.1.split('.').next());
            // It takes a port of IPv6, and ends where another program has the same one of IPv4.
            if port.is_none() && driver.child.try_wait().is_ok_and(|status| status.is_some()) {
                driver.child = launch(&log);
            }
            port.and_then(|port| port.parse().ok()).ok_or(said)
        });
        driver
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where a program is.
fn find(program: &str) -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{program} is missing: tests/run installs it"))
}
