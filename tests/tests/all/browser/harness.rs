//! The browser tests would notice: pages with every fault that they are to find.

use mote_tests::browser::{Browser, Control, Site, Window, broken_rules, keyboard_faults, overflow};
use mote_tests::processes::{PATIENCE, wait_until};

/// A page with this in its body.
fn page(body: &str) -> String {
    let head =
        "<link rel=icon href='data:,'><meta name=viewport content='width=device-width'><title>Page</title>";
    format!("<!doctype html><html lang=en>{head}<body><main><h1>Page</h1>{body}</main></body></html>")
}

#[test]
fn what_pages_do_is_noticed() {
    let other = Site::serve(vec![("/", page("")), ("/data", "1".to_owned())]);
    let asks = format!("<script>console.warn('a warning'); fetch('{}')</script>", other.url("/data"));
    let throws = "<script>fetch('/missing'); Promise.reject(new Error('thrown'))</script>";
    let loads = format!("<img alt=x src='{}'>", other.url("/image"));
    let away = format!("<a href='{}'>Away</a>", other.url("/"));
    let site = Site::serve(vec![
        ("/asks", page(&asks)),
        ("/throws", page(throws)),
        ("/loads", page(&loads)),
        ("/away", page(&away)),
        ("/calm", page("<script>console.log('nothing')</script>")),
    ]);
    let browser = Browser::start();
    let window = browser.window();
    let is_noticed = |path: &str, parts: &[String]| {
        window.open(&site.url(path));
        if path == "/away" {
            window.click(&Control::link("Away"));
        }
        wait_until(&format!("the faults of {path} are noticed"), PATIENCE, || {
            let faults = browser.faults().join("\n");
            if parts.iter().all(|part| faults.contains(part)) { Ok(()) } else { Err(faults) }
        });
        browser.forgive();
    };
    let asked = |path: &str| format!("asked {}", other.url(path));
    is_noticed("/asks", &["a warning".to_owned(), asked("/data"), "blocked by CORS policy".to_owned()]);
    is_noticed("/throws", &["Error: thrown".to_owned(), "/missing".to_owned()]);
    is_noticed("/loads", &[asked("/image")]);
    is_noticed("/away", &[asked("/")]);
    window.open(&site.url("/calm"));
    assert_eq!(browser.faults().join("\n"), "");
}

#[test]
fn what_pages_lack_is_noticed() {
    let dark = "<style>@media (prefers-color-scheme: dark) { p { color: #333; background: #111 } }</style>";
    let dark = format!("{dark}<p>text</p>");
    let trap = "<button onkeydown='event.preventDefault()'>a</button><button>b</button>";
    let site = Site::serve(vec![
        ("/label", page("<input>")),
        ("/faint", page("<p style='color: #aaa; background: #fff'>text</p>")),
        ("/dark", page(&dark)),
        ("/trap", page(trap)),
        ("/unseen", page("<style>button:focus { outline: none }</style><button>a</button>")),
        ("/wide", page("<div style='width: 400px'>wide</div>")),
        ("/scrolls", page("<div style='overflow-x: auto'><div style='width: 400px'>wide</div></div>")),
    ]);
    let browser = Browser::start();
    let window = browser.window();
    let found = |path: &str, look: fn(&Window) -> Vec<String>| {
        window.open(&site.url(path));
        look(&window).join("\n")
    };
    for (path, look, part) in [
        ("/label", broken_rules as fn(&Window) -> Vec<String>, "Light: label: input"),
        ("/faint", broken_rules, "Light: color-contrast: p"),
        ("/dark", broken_rules, "Dark: color-contrast: p"),
        ("/trap", keyboard_faults, "is not reached: <button>b"),
        ("/unseen", keyboard_faults, "is not seen: <button>a"),
        ("/wide", overflow, "wide</div> ends at 4"),
    ] {
        let said = found(path, look);
        assert!(said.contains(part), "{path}: {said}");
    }
    for look in [broken_rules as fn(&Window) -> Vec<String>, keyboard_faults, overflow] {
        assert_eq!(found("/scrolls", look), "");
    }
}
