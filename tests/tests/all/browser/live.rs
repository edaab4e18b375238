//! Pages show what happens as it happens: over one stream for all tabs, and again after the node was away.

use mote_tests::browser::{Browser, Window};
use mote_tests::processes::Node;

use super::stages::Stage;

fn wait_for_height(window: &Window, height: u64) {
    window.wait_for_text("#state", &format!("Height {height} "));
    let is_listed = "return document.querySelector(`main a[href='/block/${arguments[0]}']`) !== null";
    window.wait_for_script(&format!("block {height} is listed"), is_listed, &[height.into()]);
}

/// How many streams of events the node has begun.
fn streams(node: &Node) -> u64 {
    let metrics = node.api().try_send("GET", "/metrics", None).expect("the node answers").body;
    let metrics = metrics.as_str().expect("metrics are text");
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with("mote_http_requests") && line.contains("/api/v1/events"));
    line.map_or(0, |line| line.rsplit(' ').next().and_then(|count| count.parse().ok()).expect("a count"))
}

#[test]
fn tabs_share_one_stream() {
    let stage = Stage::lively();
    let node = &stage.node;
    let browser = Browser::start();
    let tabs = [browser.window(), browser.new_tab(), browser.new_tab()];
    for tab in &tabs {
        stage.open(tab, "/blocks");
        wait_for_height(tab, node.api().status().height);
    }
    let mined = node.api().mine();
    for tab in &tabs {
        wait_for_height(tab, mined.height);
    }
    assert_eq!(streams(node), 1, "{} tabs", tabs.len());
    // The stream does not end with the tab that was first.
    let [first, second, third] = tabs;
    first.close();
    let mined = node.api().mine();
    for tab in [&second, &third] {
        wait_for_height(tab, mined.height);
    }
    assert_eq!(streams(node), 1);
}

#[test]
fn pages_go_on_when_the_node_is_back() {
    let mut stage = Stage::lively();
    let browser = Browser::start();
    let window = browser.window();
    stage.open(&window, "/blocks");
    wait_for_height(&window, stage.node.api().status().height);
    window.script("window.isTheSamePage = true", &[]);
    browser.expect_complaint("net::ERR_");
    stage.node.terminate();
    window.wait_for_text("#state", "The node does not answer");
    stage.node.start();
    let mined = stage.node.api().mine();
    wait_for_height(&window, mined.height);
    assert_eq!(window.script("return window.isTheSamePage", &[]), true, "the page was loaded again");
}
