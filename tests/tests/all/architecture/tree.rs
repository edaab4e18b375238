//! The project's files as text, and the few questions that the rules ask of text.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A text file, by its path from the project's root.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// All text files of the project.
pub struct Tree(Vec<Source>);

impl Tree {
    /// The tracked files of a checkout; without git, all files but build products.
    pub fn of_project() -> Self {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut paths = tracked(root);
        if paths.is_empty() {
            walk(root, "", &mut paths);
        }
        // What is not UTF-8 is no source, and a tracked file may just have been deleted.
        let read = |path: String| {
            let text = fs::read_to_string(root.join(&path)).ok()?;
            Some(Source { path, text })
        };
        Self(paths.into_iter().filter_map(read).collect())
    }

    /// A tree planted by a test.
    pub fn planted(files: &[(&str, &str)]) -> Self {
        let source = |&(path, text): &(&str, &str)| Source { path: path.to_owned(), text: text.to_owned() };
        Self(files.iter().map(source).collect())
    }

    pub fn get(&self, path: &str) -> Option<&Source> {
        self.files().find(|source| source.path == path)
    }

    pub fn files(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    pub fn rust_in<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a Source> {
        self.files().filter(move |source| source.path.starts_with(folder) && source.path.ends_with(".rs"))
    }

    pub fn manifests(&self) -> impl Iterator<Item = &Source> {
        self.files().filter(|source| source.path == "Cargo.toml" || source.path.ends_with("/Cargo.toml"))
    }
}

fn tracked(root: &Path) -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
    let Ok(listed) = listed else {
        return Vec::new();
    };
    String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(str::to_owned).collect()
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(folder)).expect("the project's folders are readable") {
        let entry = entry.expect("the project's folders are readable");
        let name = entry.file_name().into_string().unwrap_or_default();
        let path = format!("{folder}{name}");
        if path == ".git" || path == "target" {
            continue;
        }
        if entry.path().is_dir() {
            walk(root, &format!("{path}/"), paths);
        } else {
            paths.push(path);
        }
    }
}

impl Source {
    /// The numbered lines of the code alone: comments and literals are blanked.
    pub fn code_lines(&self) -> Vec<(usize, String)> {
        numbered(&code(&self.text)).collect()
    }

    /// The numbered lines as they stand.
    pub fn lines(&self) -> impl Iterator<Item = (usize, String)> {
        numbered(&self.text)
    }

    pub fn violation(&self, line: usize, reason: &str) -> String {
        format!("{}:{line}: {reason}", self.path)
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, String)> + use<> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.into_iter().enumerate().map(|(i, line)| (i + 1, line))
}

pub fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in `line` with no letter, digit or underscore against its own ones.
pub fn has_word(line: &str, word: &str) -> bool {
    let joins = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(is_word_character) && outer.is_some_and(is_word_character)
    };
    line.match_indices(word).any(|(at, found)| {
        let (before, after) = (&line[..at], &line[at + found.len()..]);
        !joins(word.chars().next(), before.chars().next_back())
            && !joins(word.chars().next_back(), after.chars().next())
    })
}

/// Rust text with comments, strings and character literals blanked and all lines kept.
pub fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = code.chars().next_back().is_some_and(is_word_character);
        let skipped = comment(rest).or_else(|| string(rest, in_word)).or_else(|| character(rest));
        let Some(length) = skipped else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (blanked, after) = rest.split_at(length);
        code.extend(blanked.chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = after;
    }
    code
}

/// The length of the comment that `text` starts with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let Some(next) = text[at..].find(['/', '*']).map(|found| at + found) else {
            return Some(text.len());
        };
        match text.get(next..next + 2) {
            Some("/*") => depth += 1,
            Some("*/") => depth -= 1,
            _ => {
                at = next + 1;
                continue;
            }
        }
        at = next + 2;
    }
    Some(at)
}

/// The length of the string literal that `text` starts with, raw or not.
fn string(text: &str, in_word: bool) -> Option<usize> {
    if let Some(inner) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = inner.find(|c| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        return Some(end.map_or(text.len(), |end| end + 2));
    }
    let prefix = ["r", "br", "cr"].into_iter().find(|p| text.starts_with(p));
    let (Some(prefix), false) = (prefix, in_word) else {
        return None;
    };
    let marks = text[prefix.len()..].split('"').next()?;
    let open = prefix.len() + marks.len() + 1;
    if open > text.len() || marks.chars().any(|c| c != '#') {
        return None;
    }
    let close = format!("\"{marks}");
    let end = text[open..].find(&close);
    Some(end.map_or(text.len(), |end| open + end + close.len()))
}

/// The length of the character literal that `text` starts with; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let escaped = escape.chars().next()?.len_utf8();
        return escape[escaped..].find('\'').map(|end| end + escaped + 3);
    }
    let length = inner.chars().next()?.len_utf8();
    inner[length..].starts_with('\'').then_some(length + 2)
}

#[test]
fn code_is_what_is_left() {
    for (text, left) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ \n d */ e", "a              \n      e"),
        (r#"f("a\"b", c)"#, "f(      , c)"),
        (r##"r#"a"b"# c"##, "         c"),
        ("br\"\\\" c", "      c"),
        ("for\"a\" r#type", "for    r#type"),
        ("'\\'' '\"' 'a: &'a", "         'a: &'a"),
        ("\"open", "     "),
    ] {
        assert_eq!(code(text), left, "{text}");
    }
}

#[test]
fn words_end_where_identifiers_do() {
    assert!(has_word("use sha2::Sha256;", "sha2"));
    assert!(!has_word("use my_sha2;", "sha2"));
    assert!(!has_word("unsafe_code", "unsafe"));
    assert!(has_word("a.b!(c)", "b!"));
}

#[test]
fn a_folder_without_git_is_walked() {
    let root = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(root.path().join("a/b")).expect("a folder");
    fs::create_dir(root.path().join("target")).expect("a folder");
    fs::write(root.path().join("a/b/c.rs"), "").expect("a file");
    fs::write(root.path().join("target/d.rs"), "").expect("a file");
    let mut paths = Vec::new();
    walk(root.path(), "", &mut paths);
    assert_eq!(paths, ["a/b/c.rs"]);
}
