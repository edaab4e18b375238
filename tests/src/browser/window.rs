//! A window and the page in it. Whatever is looked for is waited for: pages fill themselves when the node
//! has answered.

use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::control::{Control, FIND};
use super::session::{Element, Session};
use super::{Browser, origin};
use crate::processes::{PATIENCE, wait_until};

/// Light letters on a dark page, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A bright page.
    Light,
    /// A dark page.
    Dark,
}

/// A window of a browser.
pub struct Window<'a> {
    browser: &'a Browser,
    name: String,
}

impl<'a> Window<'a> {
    pub(super) fn new(browser: &'a Browser, name: String) -> Self {
        Self { browser, name }
    }

    /// The session, with this window as the one that is meant.
    fn session(&self) -> Result<&'a Session, String> {
        self.browser.switch(&self.name)?;
        Ok(self.browser.session())
    }

    fn must<T>(&self, act: impl FnOnce(&Session) -> Result<T, String>) -> T {
        self.session().and_then(act).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// Opens an address; its origin counts as one under test.
    pub fn open(&self, url: &str) {
        if let Some(origin) = origin(url) {
            self.browser.opened.borrow_mut().insert(origin.to_owned());
        }
        // Now and then, as what the driver answers at once is limited.
        self.browser.gather();
        self.must(|session| session.navigate(url));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.must(Session::reload);
    }

    /// Closes the window.
    pub fn close(self) {
        // What it said and did would be lost with it.
        self.browser.gather();
        self.must(Session::close_window);
        self.browser.current.take();
    }

    /// The path, query and fragment of the address.
    pub fn place(&self) -> String {
        let url = self.must(Session::url);
        let from = origin(&url).map_or(0, str::len);
        url[from..].to_owned()
    }

    /// Clicks into the middle of a control, once it is there.
    pub fn click(&self, control: &Control) {
        wait_until(&format!("{control:?} can be clicked"), PATIENCE, || {
            let session = self.session()?;
            session.click(&self.find(control)?)
        });
    }

    /// Replaces what stands in a field.
    pub fn fill(&self, control: &Control, text: &str) {
        wait_until(&format!("{control:?} can be filled"), PATIENCE, || {
            let session = self.session()?;
            let element = self.find(control)?;
            session.clear(&element)?;
            session.write(&element, text)
        });
    }

    /// Presses keys, one after the other.
    pub fn press(&self, keys: impl IntoIterator<Item = char>) {
        self.must(|session| session.press(keys));
    }

    /// Waits until a control is there.
    pub fn wait_for(&self, control: &Control) {
        wait_until(&format!("{control:?} is there"), PATIENCE, || self.find(control).map(|_| ()));
    }

    fn find(&self, control: &Control) -> Result<Element, String> {
        let found = self.session()?.execute(FIND, &control.arguments())?;
        Element::of(&found).ok_or_else(|| format!("at {}: {found}", self.place()))
    }

    /// Runs the body of a function in the page, and waits for what it promises.
    pub fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.must(|session| session.execute(script, arguments))
    }

    /// Waits until a script returns something that is neither null nor false, and returns that.
    pub fn wait_for_script(&self, what: &str, script: &str, arguments: &[Value]) -> Value {
        wait_until(what, PATIENCE, || {
            let value = self.session()?.execute(script, arguments)?;
            let is_there = !value.is_null() && value != json!(false);
            if is_there { Ok(value) } else { Err(format!("{}: {}", self.place(), self.try_text("body")?)) }
        })
    }

    /// Waits until this text is seen in the part of the page that the selector picks.
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        wait_until(&format!("`{text}` is seen in {selector}"), PATIENCE, || {
            let seen = self.try_text(selector)?;
            if seen.contains(text) { Ok(()) } else { Err(format!("{}: {seen}", self.place())) }
        });
    }

    /// The text that is seen in the first element that the selector picks.
    pub fn text(&self, selector: &str) -> String {
        self.try_text(selector).unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn try_text(&self, selector: &str) -> Result<String, String> {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        let text = self.session()?.execute(script, &[json!(selector)])?;
        text.as_str().map(str::to_owned).ok_or_else(|| format!("expected text, got {text}"))
    }

    /// Shows pages in light or in dark from now on.
    pub fn set_scheme(&self, scheme: Scheme) {
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        self.emulate("prefers-color-scheme", scheme);
    }

    /// Asks pages to keep still from now on.
    pub fn reduce_motion(&self) {
        self.emulate("prefers-reduced-motion", "reduce");
    }

    fn emulate(&self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.must(|session| session.devtools("Emulation.setEmulatedMedia", features));
    }

    /// Shows pages in a frame of this size from now on.
    pub fn set_size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.must(|session| session.devtools("Emulation.setDeviceMetricsOverride", size));
    }

    /// Saves what is seen as a PNG.
    pub fn picture(&self, path: &Path) {
        let text = self.must(Session::screenshot);
        let mut buffer = vec![0; text.len()];
        let picture = Base64::decode(&text, &mut buffer).expect("the driver encodes pictures so");
        std::fs::write(path, picture).expect("the picture can be written");
    }
}
