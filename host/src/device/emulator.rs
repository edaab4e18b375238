//! QEMU as a device: which firmware, with which card, on which network, until it is stopped.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use mote_core::card::Endpoint;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The emulator.
const PROGRAM: &str = "qemu-system-arm";

/// Where the emulated network has this computer's loopback.
pub const HOST_SEEN_BY_GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// How long the emulator may take to end once it is asked to.
const STOP: Duration = Duration::from_secs(5);

/// Folders in which Cargo leaves the firmware, below its target folder.
const BUILDS: [&str; 2] = ["thumbv7m-none-eabi/firmware", "thumbv7m-none-eabi/release"];

/// Why no device runs.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The emulator is not installed.
    #[error("{PROGRAM} is not installed: on Debian it is in the package {PROGRAM}")]
    NotInstalled,
    /// The emulator does not start.
    #[error("cannot start {PROGRAM}: {0}")]
    Start(io::Error),
    /// The emulator ended with an error, which it has printed.
    #[error("{PROGRAM} ended with {0}")]
    Ended(ExitStatus),
    /// There is no firmware.
    #[error(
        "there is no firmware{}: build it with `cargo build -p mote-firmware --profile firmware --target \
         thumbv7m-none-eabi` (once before: `rustup target add thumbv7m-none-eabi`), or name it with --firmware",
        at.as_ref().map(|path| format!(" at {}", path.display())).unwrap_or_default()
    )]
    NoFirmware {
        /// Where it should have been.
        at: Option<PathBuf>,
    },
    /// The port of the device's page cannot be had.
    #[error("--http {port}: {source}")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The device cannot reach an address.
    #[error(
        "the device cannot reach {0}: it speaks IPv4, and finds of this computer's loopback addresses \
         only 127.0.0.1"
    )]
    Unreachable(SocketAddr),
}

/// Where the guest finds what this computer finds at `address`.
pub fn seen_by_guest(address: SocketAddr) -> Result<Endpoint, EmulatorError> {
    let ip = match address.ip().to_canonical() {
        std::net::IpAddr::V4(ip) if ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST => HOST_SEEN_BY_GUEST,
        std::net::IpAddr::V4(ip) if !ip.is_loopback() => ip,
        // A node that listens everywhere also does so at 127.0.0.1.
        std::net::IpAddr::V6(ip) if ip.is_unspecified() => HOST_SEEN_BY_GUEST,
        _ => return Err(EmulatorError::Unreachable(address)),
    };
    Ok(Endpoint { ip: ip.octets(), port: address.port() })
}

/// The firmware: the named file, else what Cargo has built beside `program`.
pub fn firmware(named: Option<&Path>, program: &Path) -> Result<PathBuf, EmulatorError> {
    if let Some(path) = named {
        let missing = EmulatorError::NoFirmware { at: Some(path.to_owned()) };
        return if path.is_file() { Ok(path.to_owned()) } else { Err(missing) };
    }
    let places = program.ancestors().skip(1).flat_map(|folder| BUILDS.map(|build| folder.join(build)));
    let mut files = places.map(|folder| folder.join("mote-firmware"));
    files.find(|file| file.is_file()).ok_or(EmulatorError::NoFirmware { at: None })
}

/// A TCP port of this computer that is free: `port`, or any one for 0.
pub fn free_port(port: u16) -> Result<u16, EmulatorError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|source| EmulatorError::Port { port, source })
}

/// What is emulated.
#[derive(Debug)]
pub struct Machine {
    /// The program of the board.
    pub firmware: PathBuf,
    /// The image of the card.
    pub card: PathBuf,
    /// Where this computer finds the device's page.
    pub http: u16,
    /// Further arguments for the emulator.
    pub arguments: Vec<OsString>,
}

impl Machine {
    /// The emulator's arguments.
    fn arguments(&self) -> Vec<OsString> {
        // Within an option a comma ends a value, and two stand for one.
        let mut drive = OsString::from("if=sd,format=raw,file=");
        drive.push(doubled_commas(&self.card));
        let nic = format!("user,model=stellaris,hostfwd=tcp:127.0.0.1:{}-:80", self.http);
        let fixed = ["-M", "lm3s6965evb", "-display", "none", "-monitor", "none", "-serial", "stdio", "-nic"];
        let mut arguments: Vec<OsString> = fixed.map(OsString::from).into();
        arguments.extend([
            nic.into(),
            "-drive".into(),
            drive,
            "-kernel".into(),
            self.firmware.clone().into(),
        ]);
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }

    /// Switches it on. The device's console is this process's terminal.
    pub fn start(&self) -> Result<Emulator, EmulatorError> {
        let started = Command::new(PROGRAM)
            .args(self.arguments())
            .stdin(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => EmulatorError::NotInstalled,
                _ => EmulatorError::Start(error),
            })?;
        Ok(Emulator(started))
    }
}

fn doubled_commas(path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let double = |byte: &u8| std::iter::repeat_n(*byte, if *byte == b',' { 2 } else { 1 });
    OsString::from_vec(path.as_os_str().as_bytes().iter().flat_map(double).collect())
}

/// A device that is switched on.
pub struct Emulator(Child);

impl Emulator {
    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Result<(), EmulatorError> {
        let status = self.0.wait().await.map_err(EmulatorError::Start)?;
        if status.success() { Ok(()) } else { Err(EmulatorError::Ended(status)) }
    }

    /// Switches it off, so that what it has written to its card is in the image.
    pub async fn stop(mut self) -> Result<(), EmulatorError> {
        let pid = self.0.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            // A process that has just ended needs no signal.
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(STOP, self.0.wait()).await.is_err() {
            self.0.kill().await.map_err(EmulatorError::Start)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_finds_this_computer() {
        let seen =
            |text: &str| seen_by_guest(text.parse().unwrap()).ok().map(|e| (Ipv4Addr::from(e.ip), e.port));
        for text in ["127.0.0.1:7", "0.0.0.0:7", "[::]:7", "[::ffff:127.0.0.1]:7"] {
            assert_eq!(seen(text), Some((HOST_SEEN_BY_GUEST, 7)), "{text}");
        }
        assert_eq!(seen("192.0.2.7:7"), Some((Ipv4Addr::new(192, 0, 2, 7), 7)));
        for text in ["127.0.0.2:7", "[::1]:7", "[2001:db8::7]:7"] {
            assert_eq!(seen(text), None, "{text}");
        }
    }

    #[test]
    fn firmware_is_found_beside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("target/release/mote");
        let error = firmware(None, &program).unwrap_err().to_string();
        assert!(error.contains("cargo build -p mote-firmware --profile firmware"), "{error}");
        for build in ["release", "firmware"] {
            let built = folder.path().join("target/thumbv7m-none-eabi").join(build);
            std::fs::create_dir_all(&built).unwrap();
            std::fs::write(built.join("mote-firmware"), "").unwrap();
            assert_eq!(firmware(None, &program).unwrap(), built.join("mote-firmware"));
        }
        assert_eq!(
            firmware(Some(folder.path()), &program).unwrap_err().to_string().matches(" at ").count(),
            1
        );
    }

    #[test]
    fn a_card_may_have_a_comma_in_its_name() {
        let machine =
            Machine { firmware: "f".into(), card: "a,b.img".into(), http: 1, arguments: vec!["-S".into()] };
        let arguments = machine.arguments();
        assert!(arguments.contains(&"if=sd,format=raw,file=a,,b.img".into()));
        assert_eq!(arguments.last(), Some(&"-S".into()));
    }

    #[test]
    fn a_taken_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(free_port(port).unwrap_err().to_string().starts_with(&format!("--http {port}: ")));
        assert_ne!(free_port(0).unwrap(), 0);
    }
}
