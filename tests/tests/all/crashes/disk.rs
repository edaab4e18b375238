//! Disks that take nothing more.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use mote_tests::processes::{Answer, Api, Launch, MinedBlock, Node, Sent};
use serde_json::json;

/// Lets the program ignore the signal that comes with a limit on the size of files, as programs do whose
/// parents ignore it; what is left is an error of the write.
const WITHOUT_SIGNAL: [&str; 4] = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

/// More than any of these disks has room for.
const WORK_MAX: usize = 2_000;

/// What a node acknowledged until it took nothing more.
struct Acknowledged {
    blocks: Vec<MinedBlock>,
    payments: Vec<Sent>,
    /// Its answer to what it could not keep.
    refusal: Answer,
}

fn work_until_refused(api: &Api, payee: &str) -> Acknowledged {
    let (mut blocks, mut payments) = (Vec::new(), Vec::new());
    for _ in 0..WORK_MAX {
        let mined = api.post("/mining/block", &json!({}));
        if mined.status != 201 {
            return Acknowledged { blocks, payments, refusal: mined };
        }
        blocks.push(mined.expect(201));
        let paid = api.try_pay(payee, "0.001", None);
        if paid.status != 201 {
            return Acknowledged { blocks, payments, refusal: paid };
        }
        payments.push(paid.expect(201));
    }
    panic!("nothing was refused after {} blocks and {} payments", blocks.len(), payments.len())
}

/// A node with a full disk says so and takes nothing more, but still shows what it has.
fn check_full(node: &Node, acknowledged: &Acknowledged) {
    let (api, refusal) = (node.api(), &acknowledged.refusal);
    assert_eq!((refusal.status, refusal.code()), (503, "read-only"), "{}", refusal.body);
    let status = api.status();
    assert!(status.read_only.is_some(), "{status:?}");
    assert!(!api.is_healthy());
    let again = api.post("/mining/block", &json!({}));
    assert_eq!((again.status, again.code()), (503, "read-only"), "{}", again.body);
    check_kept(&api, acknowledged);
}

fn check_kept(api: &Api, acknowledged: &Acknowledged) {
    for block in &acknowledged.blocks {
        let found = api.block(&block.id);
        assert!(found.on_main_chain && found.height == block.height, "of {block:?} is left {found:?}");
    }
    for payment in &acknowledged.payments {
        let status = api.transaction_status(&payment.id);
        assert!(status.is_some(), "{payment:?} is not known");
    }
}

#[test]
fn a_file_that_cannot_grow_ends_acknowledgements_and_loses_nothing() {
    let mut node = Launch::regtest().through(&WITHOUT_SIGNAL).start();
    let payee = node.api().create_wallet().address;
    node.api().mine_many(2);
    let log = std::fs::metadata(node.folder().join("log-00000000.seg")).expect("there is a log");
    // A record that is cut in two is the worst case.
    node.limit_files(Some(log.len() + 5_000));
    let acknowledged = work_until_refused(&node.api(), &payee);
    check_full(&node, &acknowledged);

    let ended = node.terminate();
    assert_eq!(ended.status.code(), Some(0), "{}", node.log());
    node.start();
    check_kept(&node.api(), &acknowledged);
    node.api().mine();
    node.terminate();
    node.cli(&["verify"]);
}

/// A small disk of its own in memory, which only processes that enter its namespace see. It ends with
/// the process that holds it, and that with this value.
struct SmallDisk {
    holder: Child,
    /// The holder ends when this does.
    _held: ChildStdin,
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of this size over a folder, where the system lets this process do so.
    fn mount(folder: &Path, kilobytes: usize) -> Option<Self> {
        let script = format!(
            "mount -t tmpfs -o size={kilobytes}k,mode=777 tmpfs '{}' && echo mounted && exec cat >/dev/null",
            folder.display()
        );
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let held = holder.stdin.take()?;
        let mut first = String::new();
        let said = std::io::BufReader::new(holder.stdout.take()?);
        std::io::BufRead::read_line(&mut { said }, &mut first).ok()?;
        let disk = Self { holder, _held: held, folder: folder.to_owned() };
        (first == "mounted\n").then_some(disk)
    }

    /// What runs a program where the disk is.
    fn entrance(&self) -> Vec<String> {
        let target = self.holder.id().to_string();
        let words = ["nsenter", "--target", &target, "--user", "--preserve-credentials", "--mount"];
        words.map(str::to_owned).to_vec()
    }

    fn run(&self, script: &str) {
        let (first, rest) = self
            .entrance()
            .split_first()
            .map(|(first, rest)| (first.clone(), rest.to_vec()))
            .expect("a program");
        let status = Command::new(first).args(rest).args(["sh", "-c", script]).current_dir("/").status();
        let status = status.expect("the program starts");
        assert!(status.success(), "{script}: {status}");
    }

    /// Takes all but a few kilobytes of what is free.
    fn fill(&self, kilobytes_left: usize) {
        let folder = self.folder.display();
        self.run(&format!(
            "free=$(df -k --output=avail '{folder}' | tail -n 1) && \
             head -c $(( (free - {kilobytes_left}) * 1024 )) /dev/zero > '{folder}/filler'"
        ));
    }

    fn empty(&self) {
        self.run(&format!("rm '{}/filler'", self.folder.display()));
    }

    fn set_writable(&self, is_writable: bool) {
        let way = if is_writable { "rw" } else { "ro" };
        self.run(&format!("mount -o remount,{way} '{}'", self.folder.display()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The disk and a node on it; `None` where the system does not let this process mount disks.
fn node_on_small_disk(mount_point: &Path) -> Option<(SmallDisk, Node)> {
    let Some(disk) = SmallDisk::mount(mount_point, 16 * 1024) else {
        eprintln!("not done: this system does not let the tests mount a disk");
        return None;
    };
    let entrance = disk.entrance();
    let entrance: Vec<&str> = entrance.iter().map(String::as_str).collect();
    let node = Launch::regtest().data(mount_point).through(&entrance).start();
    Some((disk, node))
}

#[test]
fn a_full_disk_ends_acknowledgements_and_loses_nothing() {
    let mount_point = tempfile::tempdir().expect("a temporary folder");
    let Some((disk, mut node)) = node_on_small_disk(mount_point.path()) else { return };
    let payee = node.api().create_wallet().address;
    node.api().mine_many(2);
    disk.fill(64);
    let acknowledged = work_until_refused(&node.api(), &payee);
    check_full(&node, &acknowledged);
    node.terminate();

    disk.empty();
    node.start();
    check_kept(&node.api(), &acknowledged);
    node.api().mine();
}

#[test]
fn a_disk_that_became_read_only_is_named_and_loses_nothing() {
    let mount_point = tempfile::tempdir().expect("a temporary folder");
    let Some((disk, mut node)) = node_on_small_disk(mount_point.path()) else { return };
    node.api().create_wallet();
    node.api().mine_many(2);
    let tip = node.api().status().tip;
    node.terminate();
    disk.set_writable(false);
    let failure = node.try_start().expect_err("a node cannot start where it can keep nothing");
    assert!(failure.contains(&*node.folder().to_string_lossy()), "{failure}");
    disk.set_writable(true);
    node.start();
    assert_eq!(node.api().status().tip, tip);
}
