//! Data folders that cannot be used, or are used already.

use mote_tests::processes::{Launch, program};
use std::process::{Command, Stdio};

#[test]
fn a_second_process_on_the_same_folder_is_refused_and_told_why() {
    let node = Launch::regtest().start();
    let output = node.run(&["run", "--log-level", "info"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let (folder, pid) = (node.folder().display().to_string(), node.pid().to_string());
    assert!(said.contains(&folder) && said.contains(&pid), "{said}");
    assert!(node.api().is_healthy(), "{}", node.log());
}

#[test]
fn a_file_in_place_of_the_data_folder_is_named() {
    let own = tempfile::tempdir().expect("a temporary folder");
    let path = own.path().join("data");
    std::fs::write(&path, "precious").expect("a file can be made");
    let (code, said) = Launch::regtest().data(&path).refused();
    // As any setting that cannot be meant.
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&*path.to_string_lossy()), "{said}");
    assert_eq!(std::fs::read_to_string(&path).expect("the file is there"), "precious");
}

#[test]
fn a_start_from_another_folder_finds_the_same_chain() {
    let own = tempfile::tempdir().expect("a temporary folder");
    let data_home = own.path().to_str().expect("a temporary folder has a plain name");
    let mut node = Launch::regtest().variable("XDG_DATA_HOME", data_home).current("/").start();
    node.api().create_wallet();
    node.api().mine_many(2);
    let (tip, wallet) = (node.api().status().tip, node.api().wallet());
    node.terminate();
    node.relaunch(|launch| launch.current(std::env::temp_dir()));
    node.start();
    assert_eq!((node.api().status().tip, node.api().wallet()), (tip, wallet));
}

#[test]
fn a_port_in_use_is_named_before_anything_is_touched() {
    let node = Launch::regtest().start();
    let port = node.address().rsplit(':').next().expect("an address has a port").to_owned();
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut other = Command::new(program());
    other.args(["--network", "regtest", "--port", &port, "--data"]).arg(data.path()).stdin(Stdio::null());
    let output = other.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("port {port} is in use")), "{said}");
}
