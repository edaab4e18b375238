//! The planted mistakes of `tests/mutations` and `tests/fuzz/planted`: each still applies to the tree, so that the
//! world, or the kept inputs of a fuzz target, can be shown to find it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).canonicalize().expect("the project's folder")
}

fn patches() -> Vec<PathBuf> {
    let listed = |folder| root().join(folder).read_dir().expect("the folder of mistakes");
    let listed = ["tests/mutations", "tests/fuzz/planted"].into_iter().flat_map(listed);
    let paths = listed.map(|entry| entry.expect("a readable folder").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "patch")).collect()
}

#[test]
fn every_patch_applies_and_says_what_it_breaks() {
    let patches = patches();
    assert!(patches.len() >= 20, "{}", patches.len());
    for patch in patches {
        let text = std::fs::read_to_string(&patch).expect("a patch is text");
        let first = text.lines().next().unwrap_or_default();
        assert!(!first.is_empty() && !first.starts_with("diff "), "{} says nothing", patch.display());
        // In a folder of another repository nothing would be applied, without a word.
        let root = root();
        let above = root.parent().unwrap_or(&root);
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(arguments).arg(&patch).current_dir(&root).env("GIT_CEILING_DIRECTORIES", above);
            command.output().expect("git is installed")
        };
        let checked = git(&["apply", "--check"]);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{} does not apply any more: {said}", patch.display());
        assert!(!git(&["apply", "--numstat"]).stdout.is_empty(), "{} changes nothing", patch.display());
    }
}
