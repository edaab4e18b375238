//! The architecture, held by tests: what may depend on what, which file owns which foreign crate,
//! and what no file may contain. Every violation is listed as `path:line: reason`.

mod boundaries;
mod manifests;
mod modules;
mod supply;
mod tree;
mod words;

use tree::Tree;

#[track_caller]
fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn the_tree_is_seen() {
    let tree = Tree::of_project();
    for path in ["Cargo.toml", "core/src/lib.rs", "host/src/lib.rs", "tests/run"] {
        assert!(tree.get(path).is_some(), "{path} is not in the tree");
    }
}

#[test]
fn packages_depend_downwards_only() {
    assert_none(manifests::forbidden_dependencies(&Tree::of_project()));
}

#[test]
fn the_firmware_depends_on_what_it_may() {
    assert_none(manifests::foreign_in_firmware(&Tree::of_project()));
}

#[test]
fn code_stands_in_the_known_folders() {
    assert_none(manifests::code_outside_packages(&Tree::of_project()));
}

#[test]
fn foreign_crates_have_one_owner() {
    assert_none(boundaries::named_outside_owner(&Tree::of_project()));
}

#[test]
fn core_and_firmware_have_neither_std_nor_alloc() {
    assert_none(boundaries::std_or_alloc_in_bare(&Tree::of_project()));
}

#[test]
fn only_a_board_and_kernels_have_unsafe() {
    assert_none(boundaries::unsafe_elsewhere(&Tree::of_project()));
}

#[test]
fn every_file_is_a_module() {
    assert_none(modules::orphans(&Tree::of_project()));
}

#[test]
fn no_file_is_too_long() {
    assert_none(words::long_files(&Tree::of_project()));
}

#[test]
fn no_module_is_a_drawer() {
    assert_none(words::drawers(&Tree::of_project()));
}

#[test]
fn nothing_is_left_unfinished() {
    assert_none(words::unfinished(&Tree::of_project()));
}

#[test]
fn nothing_names_one_machine() {
    assert_none(words::machine_names(&Tree::of_project()));
}
