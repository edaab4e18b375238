//! libFuzzer around the target that `MOTE_FUZZ_TARGET` names. `tests/fuzz/run` builds and starts it.
#![no_main]

use std::env;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mote_tests::fuzz::{TARGETS, Target, kept};

static TARGET: OnceLock<&Target> = OnceLock::new();

/// Finds the target, and writes what there is to begin with where libFuzzer is told to look for it.
fn begin() {
    let name = env::var("MOTE_FUZZ_TARGET").unwrap_or_default();
    let target = TARGETS.iter().find(|target| target.name == name);
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let target = target.unwrap_or_else(|| panic!("there is no target {name:?}, only {names:?}"));
    if let Some(folder) = env::var_os("MOTE_FUZZ_SEEDS") {
        fs::create_dir_all(&folder).expect("the folder for seeds can be made");
        let kept = kept(target.name).expect("the kept inputs can be read");
        for (number, seed) in (target.seeds)().iter().chain(&kept).enumerate() {
            fs::write(Path::new(&folder).join(number.to_string()), seed).expect("a seed can be written");
        }
    }
    TARGET.get_or_init(|| target);
}

fuzz_target!(
    init: begin(),
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(data);
        }
    }
);
