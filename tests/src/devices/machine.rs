//! A device as it is switched on: the linked image on an emulated board, with or without a card.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use mote_core::card::Identity;
use mote_firmware::board::Button;
use serde_json::Value;
use tempfile::TempDir;

use super::card::CardFile;
use super::console::Console;
use super::image;
use super::monitor::Monitor;
use super::screen::Screen;
use super::seats::Seat;
use crate::processes::{Answer, PATIENCE, Port};

/// The emulator.
const EMULATOR: &str = "qemu-system-arm";

/// How long one request over HTTP may take before it is made again.
const REQUEST: Duration = Duration::from_secs(10);

/// How much of what the emulator says of itself is shown where something fails, in bytes.
const LOG_SHOWN: usize = 2_000;

/// How long nobody asks the device between two questions: it answers one at a time.
const GLANCE: Duration = Duration::from_millis(20);

/// Lines of the emulator about what a guest did wrong that say nothing about the image.
const HARMLESS: [&str; 0] = [];

/// What is in the slot for the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Empty,
    Card,
    /// A card that says that it has written what it has not.
    WornOut,
}

/// How the emulated board's clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With the computer's clock, as fast as the computer can.
    Free,
    /// One nanosecond an instruction, so that time counts instructions.
    Counted,
}

/// A block that a device says it has validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockLine {
    /// The height.
    pub height: u64,
    /// The id.
    pub id: String,
    /// The root of the accounts after it.
    pub state_root: String,
}

impl BlockLine {
    /// Reads a line of the console (`block HEIGHT ID … state ROOT`), if it is one of these.
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("block ")?.split_whitespace();
        let (height, id) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        let state_root = words.skip_while(|word| *word != "state").nth(1)?.to_owned();
        Some(Self { height, id, state_root })
    }
}

/// A device.
pub struct Machine {
    folder: TempDir,
    port: Port,
    slot: Slot,
    pace: Pace,
    console: Console,
    /// How many lines the console had when the device was switched on.
    begins: usize,
    running: Option<Running>,
    _seat: Seat,
}

struct Running {
    child: Child,
    input: ChildStdin,
    monitor: Monitor,
}

impl Machine {
    /// Switches on a device that has a card.
    pub fn with_card(identity: &Identity) -> Self {
        let mut machine = Self::new(Pace::Free);
        machine.provision(identity);
        machine.switch_on();
        machine
    }

    /// A device without a card that is switched off.
    pub fn new(pace: Pace) -> Self {
        // First of all, so that a missing image is told at once.
        image::path();
        let seat = Seat::take();
        let folder = tempfile::Builder::new().prefix("mote-device-").tempdir().expect("a temporary folder");
        let (port, console) = (Port::reserve(), Console::default());
        Self { folder, port, slot: Slot::Empty, pace, console, begins: 0, running: None, _seat: seat }
    }

    /// Puts a card into a device that is switched off, or gives its card another identity.
    pub fn provision(&mut self, identity: &Identity) {
        assert!(self.running.is_none(), "a card is changed while the device is off");
        self.slot = Slot::Card;
        CardFile::open(&self.card()).provision(identity);
    }

    /// From now on, nothing that is written stays on the card of a device that is switched off.
    pub fn wear_out_card(&mut self) {
        assert_eq!((self.running.is_none(), self.slot), (true, Slot::Card), "it has a card and is off");
        self.slot = Slot::WornOut;
    }

    /// Puts a card into a device that is switched off on which nothing stands but this.
    pub fn put_in_new_card(&mut self, identity: &Identity) {
        // There may be none yet.
        let _ = std::fs::remove_file(self.card());
        self.provision(identity);
    }

    /// The card's image.
    pub fn card(&self) -> PathBuf {
        self.folder.path().join("card.img")
    }

    /// A path for a file that lives as long as the device.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Switches the device on.
    pub fn switch_on(&mut self) {
        assert!(self.running.is_none(), "the device is on already");
        let monitor = self.file("monitor");
        // It is still there after a power cut.
        let _ = std::fs::remove_file(&monitor);
        let said = File::options().create(true).append(true).open(self.file("emulator.log"));
        let mut command = Command::new(EMULATOR);
        command.args(["-M", "lm3s6965evb", "-display", "none", "-serial", "stdio", "-no-user-config"]);
        // A device that gives up says so on the console and ends the emulator by this.
        command.args(["-semihosting-config", "enable=on,target=native"]);
        command.arg("-kernel").arg(image::path());
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", monitor.display()));
        let forward = format!("hostfwd=tcp:127.0.0.1:{}-:80", self.port.number());
        command.arg("-nic").arg(format!("user,model=stellaris,{forward}"));
        command.args(["-d", "guest_errors", "-D"]).arg(self.file("guest.log"));
        let card = self.card().display().to_string();
        match self.slot {
            Slot::Empty => {}
            Slot::Card => {
                command.arg("-drive").arg(format!("if=sd,format=raw,file={card}"));
            }
            // The emulator tells the board of no failure, as many a card does.
            Slot::WornOut => {
                let failing = "inject-error.0.event=write_aio,file.inject-error.0.iotype=write";
                let file = format!("file.driver=blkdebug,file.image.driver=file,file.image.filename={card}");
                command.arg("-drive").arg(format!("if=sd,format=raw,{file},file.{failing}"));
            }
        }
        if self.pace == Pace::Counted {
            command.args(["-icount", "shift=0"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said.expect("the folder is writable"));
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{EMULATOR}: {error}"));
        self.console.pass_over();
        self.begins = self.console.count();
        self.console.listen(child.stdout.take().expect("the output is piped"));
        let input = child.stdin.take().expect("the input is piped");
        let monitor = Monitor::connect(&monitor, || self.console.is_over());
        let monitor = monitor.unwrap_or_else(|| panic!("{}", self.explain("the emulator has given up")));
        self.running = Some(Running { child, input, monitor });
    }

    /// Cuts the power.
    pub fn cut_power(&mut self) {
        let mut running = self.running.take().expect("the device is on");
        let ended = running.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "{}", self.explain("the emulator has given up"));
        running.child.kill().expect("a child can be killed");
        running.child.wait().expect("a child can be waited for");
        self.assert_no_guest_error();
    }

    /// Cuts the power and switches the device on again.
    pub fn restart(&mut self) {
        self.cut_power();
        self.switch_on();
    }

    /// Fails where the image did something that a board does not have.
    pub fn assert_no_guest_error(&self) {
        let log = std::fs::read_to_string(self.file("guest.log")).unwrap_or_default();
        let is_harmless = |line: &&str| HARMLESS.iter().any(|known| line.contains(known));
        let lines: Vec<&str> = log.lines().filter(|line| !is_harmless(line)).take(20).collect();
        assert!(lines.is_empty(), "the image did what the board does not know:\n{}", lines.join("\n"));
    }

    /// Types a line on the console.
    pub fn type_line(&mut self, line: &str) {
        let running = self.running.as_mut().expect("the device is on");
        // A serial line has no end of its own: what is typed while nobody listens is gone.
        running.input.write_all(format!("{line}\n").as_bytes()).expect("the emulator listens");
        running.input.flush().expect("the emulator listens");
    }

    /// The next line on the console of which `find` makes something, behind the last one that was found.
    #[track_caller]
    pub fn hear<T>(&self, what: &str, find: impl FnMut(&str) -> Option<T>) -> T {
        match self.console.find(PATIENCE, find) {
            Some(found) => found,
            None => panic!("waited {PATIENCE:?} for {what}; the console:\n{}", self.last_lines()),
        }
    }

    /// Passes over what the device has said so far.
    pub fn pass_over(&self) {
        self.console.pass_over();
    }

    /// What the device has said.
    pub fn lines(&self) -> Vec<String> {
        self.console.lines()
    }

    /// The blocks that the device says it has validated.
    pub fn blocks(&self) -> Vec<BlockLine> {
        self.lines().iter().filter_map(|line| BlockLine::read(line)).collect()
    }

    /// What the device said last.
    pub fn last_lines(&self) -> String {
        let lines = self.console.lines();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Presses a button.
    pub fn press(&mut self, button: Button) {
        let key = match button {
            Button::Up => "up",
            Button::Down => "down",
            Button::Left => "left",
            Button::Right => "right",
            Button::Select => "ctrl",
        };
        self.monitor().press(key);
    }

    /// What the display shows.
    pub fn screen(&mut self) -> Screen {
        let path = self.file("screen.ppm");
        self.monitor().screenshot(&path, "ppm");
        Screen::read(&path).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Writes what the display shows into a PNG file.
    pub fn picture(&mut self, path: &Path) {
        self.monitor().screenshot(path, "png");
    }

    /// Presses the reset button.
    pub fn reset(&mut self) {
        self.monitor().reset();
    }

    fn monitor(&mut self) -> &mut Monitor {
        &mut self.running.as_mut().expect("the device is on").monitor
    }

    /// The port at which the device's own port 80 is reached.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Opens a connection to the device's port 80.
    pub fn open(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port()))?;
        stream.set_read_timeout(Some(REQUEST))?;
        stream.set_write_timeout(Some(REQUEST))?;
        Ok(stream)
    }

    /// Fetches a path once; the reason where there is no answer.
    pub fn try_fetch(&self, path: &str) -> Result<Answer, String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        // What is sent to a device without an address is lost, and is sent again only after seconds.
        if !self.console.hears(self.begins, PATIENCE, |line| line.starts_with("address ")) {
            return Err(format!("GET {path}: the device has no address"));
        }
        let exchange = || -> std::io::Result<()> {
            let mut stream = self.open()?;
            stream.write_all(request.as_bytes())?;
            match stream.read_to_end(&mut answer) {
                // The board may end a connection with a reset once all is said.
                Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => Ok(()),
                read => read.map(|_| ()),
            }
        };
        let mut exchange = exchange;
        exchange().map_err(|error| format!("GET {path}: {error}"))?;
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").ok_or(format!("GET {path}: got {text:?}"))?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(format!("GET {path}: got {head:?}"))?;
        let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
        Ok(Answer { status, body })
    }

    /// Fetches a path.
    #[track_caller]
    pub fn fetch(&self, path: &str) -> Answer {
        let begun = Instant::now();
        loop {
            match self.try_fetch(path) {
                Ok(answer) => return answer,
                Err(error) if begun.elapsed() > PATIENCE || self.console.is_over() => {
                    panic!("the device does not answer: {}", self.explain(&error))
                }
                Err(_) => std::thread::sleep(GLANCE),
            }
        }
    }

    /// What the device says of itself.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.fetch("/status").expect(200)
    }

    /// Waits until what the device says of itself `is_so`.
    #[track_caller]
    pub fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        match self.try_wait(PATIENCE, is_so) {
            Ok(status) => status,
            Err(seen) => panic!("waited {PATIENCE:?} until {what}, and last saw: {seen}"),
        }
    }

    /// The same; what was seen instead where it is not so in time.
    pub fn try_wait(&self, patience: Duration, is_so: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let begun = Instant::now();
        loop {
            let seen = match self.try_fetch("/status") {
                Ok(answer) if answer.status == 200 && is_so(&answer.body) => return Ok(answer.body),
                Ok(answer) => answer.body.to_string(),
                Err(error) => error,
            };
            if begun.elapsed() > patience || self.console.is_over() {
                return Err(self.explain(&seen));
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits until the device has validated this block and stands at it.
    #[track_caller]
    pub fn wait_for_tip(&self, id: &str) -> Value {
        self.wait(&format!("the device is at {id}"), |status| status["tip"] == id)
    }

    fn explain(&self, seen: &str) -> String {
        let log = std::fs::read_to_string(self.file("emulator.log")).unwrap_or_default();
        let log = log.get(log.len().saturating_sub(LOG_SHOWN)..).unwrap_or(&log);
        format!("{seen}\nthe console:\n{}\nthe emulator:\n{log}", self.last_lines())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            if self.running.is_some() {
                self.cut_power();
            }
            return self.assert_no_guest_error();
        }
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        eprintln!("{}", self.explain("what the device said last"));
    }
}
