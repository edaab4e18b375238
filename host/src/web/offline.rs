//! The browser wallet as one file that is opened from a disk: its modules in one script, with a policy that
//! lets it reach nobody.

use std::fmt::Write;
use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use mote_core::hash::sha256;

use super::asset;

/// The modules, each behind those that it imports.
const MODULES: [&str; 10] = [
    "sha256.js",
    "dom.js",
    "format.js",
    "address.js",
    "codec.js",
    "words.js",
    "keys.js",
    "payment.js",
    "keyring.js",
    "offline.js",
];

/// The file.
pub fn wallet() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(page);
    &PAGE
}

fn page() -> String {
    let style = asset("style.css").map_or("", |asset| asset.text);
    let script = script();
    let allow =
        |text: &str| format!("'sha256-{}'", Base64::encode_string(sha256(text.as_bytes()).as_bytes()));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {}; style-src {}; \
         form-action 'none'; base-uri 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Mote wallet</title>\n\
         <style>{style}</style>\n</head>\n<body>\n<p id=\"alert\" class=\"alert\" role=\"alert\" hidden></p>\n\
         <main id=\"main\"></main>\n<p id=\"live\" class=\"hidden\" role=\"status\" aria-live=\"polite\"></p>\n\
         <script>{script}</script>\n</body>\n</html>\n",
        allow(&script),
        allow(style),
    )
}

/// All modules as one script: each is a function that returns what it exports.
fn script() -> String {
    let mut script = String::from("\"use strict\";\nconst modules = {};\n");
    for path in MODULES {
        let text = asset(path).map_or("", |asset| asset.text);
        let mut names = Vec::new();
        // Writing to a string cannot fail.
        let _ = writeln!(script, "modules[\"{path}\"] = (() => {{");
        for line in text.lines() {
            if let Some((names, from)) = imported(line) {
                let _ = writeln!(script, "const {names} = modules[\"{from}\"];");
                continue;
            }
            let own = line.strip_prefix("export ");
            names.extend(own.and_then(exported));
            let _ = writeln!(script, "{}", own.unwrap_or(line));
        }
        let _ = writeln!(script, "return {{ {} }};\n}})();", names.join(", "));
    }
    script.push_str("modules[\"offline.js\"].start();\n");
    script
}

/// What a line imports, as the left side of an assignment, and from which module.
fn imported(line: &str) -> Option<(String, &str)> {
    let (names, from) = line.strip_prefix("import ")?.split_once(" from \"./")?;
    let names = names.strip_prefix("* as ").map_or_else(|| names.replace(" as ", ": "), str::to_owned);
    Some((names, from.strip_suffix("\";")?))
}

/// The name of what is exported.
fn exported(declaration: &str) -> Option<&str> {
    let kinds = ["const ", "async function ", "function "];
    let rest = kinds.into_iter().find_map(|kind| declaration.strip_prefix(kind))?;
    rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_stand_behind_those_that_they_import() {
        for (place, path) in MODULES.into_iter().enumerate() {
            let text = asset(path).expect("every module is an asset").text;
            let imports = text.lines().filter(|line| line.starts_with("import "));
            for line in imports {
                let (_, from) = imported(line).unwrap_or_else(|| panic!("{path}: {line}"));
                assert!(MODULES[..place].contains(&from), "{path} stands before {from}");
            }
        }
    }

    #[test]
    fn nothing_ends_the_script_or_the_style_early() {
        let page = wallet();
        assert_eq!(page.matches("</script").count(), 1);
        assert_eq!(page.matches("</style").count(), 1);
        assert!(!script().lines().any(|line| line.starts_with("import ") || line.starts_with("export ")));
    }
}
