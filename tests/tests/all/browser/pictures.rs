//! Pictures of the main pages, for those who have not started a node yet.

use std::path::Path;

use mote_tests::browser::Browser;

use super::stages::Stage;

/// Tells the test to keep the pictures, below `pictures/`.
const PICTURES: &str = "MOTE_PICTURES";

#[test]
fn the_main_pages_can_be_pictured() {
    let stage = Stage::recent();
    let browser = Browser::start();
    let window = browser.window();
    window.reduce_motion();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, path, height) in
        [("home", "/", 1_180), ("wallet", "/wallet", 1_000), ("laboratory", "/laboratory/block", 1_500)]
    {
        window.set_size(1280, height);
        stage.open(&window, path);
        let are_charts_drawn =
            "return [...document.querySelectorAll('figure.chart')].every((chart) => chart.firstChild)";
        window.wait_for_script("the charts are drawn", are_charts_drawn, &[]);
        let file = folder.path().join(format!("{name}.png"));
        window.picture(&file);
        let length = file.metadata().expect("the picture is there").len();
        assert!(length > 10_000, "{name} is nearly empty: {length} bytes");
        if std::env::var_os(PICTURES).is_some() {
            let kept =
                Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../pictures")).join(format!("{name}.png"));
            std::fs::copy(&file, kept).expect("the checkout is writable");
        }
    }
}
