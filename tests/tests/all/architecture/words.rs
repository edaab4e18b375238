//! What no file may contain, be called, or grow to.

use super::tree::{Source, Tree, has_word};

/// Longer than this, a file is seldom one room with one purpose.
const LINES_MAX: usize = 500;

/// Files that may be longer, each with its reason.
const LONG: [&str; 0] = [];

/// Names of drawers: what is in there belongs somewhere.
const DRAWERS: [&str; 3] = ["utils", "helpers", "misc"];

/// Marks of unfinished work. Assembled, so that this file does not contain them.
const UNFINISHED: [&str; 6] = [
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Folders of one machine, and the hosts of package registries.
const FOLDERS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const REGISTRIES: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

/// Written by tools or by others.
fn is_foreign(source: &Source) -> bool {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    name == "Cargo.lock" || name == "package-lock.json" || name.starts_with("LICENSE")
}

fn is_program(source: &Source) -> bool {
    [".rs", ".js", ".css", ".html", ".sh", "/run"].iter().any(|ending| source.path.ends_with(ending))
}

pub fn long_files(tree: &Tree) -> Vec<String> {
    tree.files()
        .filter(|source| is_program(source) && !LONG.contains(&source.path.as_str()))
        .filter(|source| source.text.lines().count() > LINES_MAX)
        .map(|source| source.violation(LINES_MAX + 1, "the file goes on after the longest allowed"))
        .collect()
}

pub fn drawers(tree: &Tree) -> Vec<String> {
    let mut violations = Vec::new();
    for source in tree.files() {
        let mut parts = source.path.split('/').filter_map(|part| part.split('.').next());
        if parts.any(|part| DRAWERS.contains(&part)) {
            violations.push(source.violation(1, "name it after its purpose"));
        }
    }
    for source in tree.rust_in("") {
        for (line, code) in source.code_lines() {
            if DRAWERS.iter().any(|name| has_word(&code, &format!("mod {name}"))) {
                violations.push(source.violation(line, "name it after its purpose"));
            }
        }
    }
    violations
}

pub fn unfinished(tree: &Tree) -> Vec<String> {
    matching(tree, |line| {
        let mark = UNFINISHED.iter().find(|mark| has_word(line, mark))?;
        Some(format!("{mark} marks unfinished work"))
    })
}

pub fn machine_names(tree: &Tree) -> Vec<String> {
    matching(tree, |line| {
        let folder = FOLDERS.iter().find(|folder| has_absolute_path(line, folder));
        let registry = REGISTRIES.iter().find(|host| line.contains(*host));
        let name = folder.or(registry)?;
        Some(format!("{name} is not the same everywhere"))
    })
}

/// Whether a path starts with `folder`, as opposed to one that has it in its middle.
fn has_absolute_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || ".-_})]*".contains(c))
    })
}

fn matching(tree: &Tree, reason: impl Fn(&str) -> Option<String>) -> Vec<String> {
    tree.files()
        .filter(|source| !is_foreign(source))
        .flat_map(|source| source.lines().map(move |(line, text)| (source, line, text)))
        .filter_map(|(source, line, text)| Some(source.violation(line, &reason(&text)?)))
        .collect()
}

#[test]
fn finds_long_files() {
    let (allowed, long) = ("\n".repeat(LINES_MAX), "\n".repeat(LINES_MAX + 1));
    let files = [("a.rs", allowed.as_str()), ("b.rs", long.as_str()), ("c.md", long.as_str())];
    let found = long_files(&Tree::planted(&files));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("b.rs:501: "));
}

#[test]
fn finds_drawers() {
    let inline = format!("\nmod {} {{}}", DRAWERS[1]);
    let file = format!("a/{}.rs", DRAWERS[0]);
    let tree = Tree::planted(&[(&file, ""), ("a/miscellany.rs", ""), ("b.rs", &inline)]);
    let found = drawers(&tree);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("b.rs:2: "), "{found:?}");
}

#[test]
fn finds_unfinished_work() {
    for mark in UNFINISHED {
        let text = format!("fn f() {{\n    {mark}()\n}}");
        let tree = Tree::planted(&[("README.md", &text), ("LICENSE-MIT", &text)]);
        assert_eq!(unfinished(&tree), [format!("README.md:2: {mark} marks unfinished work")]);
    }
}

#[test]
fn finds_machine_names() {
    let check = |text: &str| machine_names(&Tree::planted(&[("a.sh", text)])).len();
    for folder in FOLDERS {
        assert_eq!(check(&format!("cd {folder}a")), 1);
        assert_eq!(check(&format!("\"{folder}\"")), 1);
        assert_eq!(check(&format!("GET /api{folder}a")), 0);
    }
    for host in REGISTRIES {
        assert_eq!(check(&format!("https://index.{host}/a")), 1);
    }
}
