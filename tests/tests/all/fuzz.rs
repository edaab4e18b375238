//! Every input that the fuzzer found worth keeping, and what the targets begin with. `tests/fuzz/run` finds more.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use mote_tests::fuzz::{TARGETS, Target, kept};

/// What may be kept in all, in bytes.
const KEPT_MAX_BYTES: u64 = 1_000_000;

/// The inputs of all targets, each behind its own.
fn inputs() -> Vec<(&'static Target, Vec<u8>)> {
    let of = |target: &'static Target| {
        let kept =
            kept(target.name).unwrap_or_else(|error| panic!("what is kept of {}: {error}", target.name));
        let all = (target.seeds)().into_iter().chain(kept);
        all.map(move |input| (target, input))
    };
    TARGETS.iter().flat_map(of).collect()
}

#[test]
fn every_kept_input_holds() {
    let inputs = Mutex::new(inputs());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = inputs.lock().expect("nobody panics here").pop();
                    let Some((target, input)) = next else { return };
                    if catch_unwind(|| (target.run)(&input)).is_err() {
                        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
                        failed.lock().expect("nobody panics here").push(format!("{} {hex}", target.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics here");
    assert!(failed.is_empty(), "these inputs fail:\n{}", failed.join("\n"));
}

#[test]
fn what_is_kept_belongs_to_a_target_and_is_little() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets of one name");
    let mut total = 0;
    for entry in fs::read_dir(folder.join("corpus")).expect("there is a corpus") {
        let entry = entry.expect("the corpus can be read");
        let name = entry.file_name().into_string().expect("targets have plain names");
        assert!(names.contains(name.as_str()), "{name} is no target");
        total += entry.metadata().expect("the corpus can be read").len();
    }
    assert!(total <= KEPT_MAX_BYTES, "{total} bytes are kept");
    let failures = fs::read_to_string(folder.join("failures")).expect("there is a list of failures");
    for line in failures.lines().filter(|line| !line.starts_with('#')) {
        let (name, _) = line.split_once(' ').expect("a target and an input");
        assert!(names.contains(name), "{name} is no target");
    }
}
