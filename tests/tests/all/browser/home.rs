//! The first page: small, soon there, and still while the chain grows.

use mote_tests::browser::{Browser, Window};
use serde_json::Value;

use super::stages::Stage;

/// How much of the network the first page may take.
const BYTES_MAX: u64 = 150_000;

/// What it took to show the page: bytes, and milliseconds until it could be seen and used.
const COST: &str = "
const [page] = performance.getEntriesByType('navigation');
const parts = [page, ...performance.getEntriesByType('resource')];
const [painted] = performance.getEntriesByName('first-contentful-paint');
return {
  bytes: parts.reduce((sum, part) => sum + part.transferSize, 0),
  requests: parts.length,
  painted: painted?.startTime ?? null,
  usable: page.domContentLoadedEventEnd,
};
";

/// Adds up from now on how far things jump.
const WATCH_SHIFTS: &str = "
window.shifts = [];
const note = (list) => list.getEntries().forEach((entry) => window.shifts.push([entry.value,
  entry.sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? 'gone').slice(0, 80))]));
window.shiftObserver = new PerformanceObserver(note);
window.shiftObserver.observe({ type: 'layout-shift', buffered: arguments[0] });
";

/// What has jumped, once all that was drawn has been judged.
const SHIFTS: &str = "
for (let i = 0; i < 3; i += 1) await new Promise((done) => requestAnimationFrame(done));
window.shiftObserver.takeRecords().forEach((entry) => window.shifts.push([entry.value, []]));
return JSON.stringify(window.shifts);
";

fn wait_for_block(window: &Window, height: u64) {
    let is_shown = "return document.querySelector(`main .strip a[href='/block/${arguments[0]}']`) !== null
      && document.getElementById('state').textContent.startsWith(`Height ${arguments[0]} `)";
    window.wait_for_script(&format!("block {height} is shown"), is_shown, &[height.into()]);
}

#[test]
fn the_first_page_is_small_and_soon_there() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/");
    window.wait_for_script(
        "the charts are drawn",
        "return document.querySelectorAll('.chart svg').length > 0",
        &[],
    );
    let cost: Value = window.script(COST, &[]);
    window.script(WATCH_SHIFTS, &[true.into()]);
    println!("the first page: {cost}, and what jumps while it is filled: {}", window.script(SHIFTS, &[]));
    let bytes = cost["bytes"].as_f64().expect("a number") as u64;
    assert!((10_000..BYTES_MAX).contains(&bytes), "{cost}");
}

#[test]
fn the_first_page_keeps_still_while_blocks_arrive() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/");
    let api = stage.node.api();
    wait_for_block(&window, api.status().height);
    window.script(WATCH_SHIFTS, &[false.into()]);
    for _ in 0..3 {
        api.send(&stage.address, "0.5");
        wait_for_block(&window, api.mine().height);
    }
    assert_eq!(window.script(SHIFTS, &[]), "[]");
}

#[test]
fn who_asks_for_stillness_sees_nothing_move() {
    let stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    window.reduce_motion();
    stage.open(&window, "/");
    window.script(
        "window.moved = []; for (const name of ['transitionrun', 'animationstart'])
          document.addEventListener(name, (event) => window.moved.push(event.target.outerHTML.slice(0, 80)));",
        &[],
    );
    wait_for_block(&window, stage.node.api().mine().height);
    assert_eq!(window.script("return JSON.stringify(window.moved)", &[]), "[]");
}
