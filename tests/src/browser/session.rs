//! The W3C WebDriver protocol: commands as JSON over HTTP, a dozen of them. An error is what the driver
//! calls it, so that whoever waits can ask again.

use serde_json::{Value, json};

use crate::processes::Api;

/// How the protocol marks an element in what scripts take and return.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser that takes commands.
#[derive(Debug)]
pub struct Session {
    driver: Api,
    path: String,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Element(String);

impl Session {
    /// Asks the driver at this port for a browser, and says what it granted.
    pub fn start(port: u16, wanted: &Value) -> (Self, Value) {
        let driver = Api::new("127.0.0.1", port);
        let mut granted = ask(&driver, "POST", "/session", Some(wanted)).expect("the browser starts");
        let id = granted["sessionId"].as_str().expect("a session has an id");
        (Self { path: format!("/session/{id}"), driver }, granted["capabilities"].take())
    }

    /// Ends the browser.
    pub fn end(&self) -> Result<(), String> {
        self.command("DELETE", "", None).map(|_| ())
    }

    fn command(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        ask(&self.driver, method, &format!("{}{path}", self.path), body)
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        self.command("GET", path, None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.command("POST", path, Some(body))
    }

    /// The names of all windows.
    pub fn windows(&self) -> Result<Vec<String>, String> {
        let names = self.get("/window/handles")?;
        Ok(names.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Opens an empty window, or a tab in the current one.
    pub fn open_window(&self, kind: &str) -> Result<String, String> {
        text(self.post("/window/new", &json!({ "type": kind }))?["handle"].take())
    }

    /// Directs the commands that follow to this window.
    pub fn switch(&self, window: &str) -> Result<(), String> {
        self.post("/window", &json!({ "handle": window })).map(|_| ())
    }

    /// Closes the current window.
    pub fn close_window(&self) -> Result<(), String> {
        self.command("DELETE", "/window", None).map(|_| ())
    }

    /// Opens an address, and returns when it has loaded.
    pub fn navigate(&self, url: &str) -> Result<(), String> {
        self.post("/url", &json!({ "url": url })).map(|_| ())
    }

    /// Loads the page again.
    pub fn reload(&self) -> Result<(), String> {
        self.post("/refresh", &json!({})).map(|_| ())
    }

    /// The address of the page.
    pub fn url(&self) -> Result<String, String> {
        text(self.get("/url")?)
    }

    /// Runs the body of a function, and waits for what it promises.
    pub fn execute(&self, script: &str, arguments: &[Value]) -> Result<Value, String> {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Clicks with the mouse into the middle of an element.
    pub fn click(&self, element: &Element) -> Result<(), String> {
        self.post(&format!("/element/{}/click", element.0), &json!({})).map(|_| ())
    }

    /// Empties a field.
    pub fn clear(&self, element: &Element) -> Result<(), String> {
        self.post(&format!("/element/{}/clear", element.0), &json!({})).map(|_| ())
    }

    /// Types into an element.
    pub fn write(&self, element: &Element, text: &str) -> Result<(), String> {
        self.post(&format!("/element/{}/value", element.0), &json!({ "text": text })).map(|_| ())
    }

    /// Presses and releases these keys, one after the other.
    pub fn press(&self, keys: impl IntoIterator<Item = char>) -> Result<(), String> {
        let strokes: Vec<Value> = keys
            .into_iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", &json!({ "actions": [keyboard] })).map(|_| ())
    }

    /// The window as a picture, a PNG in base 64.
    pub fn screenshot(&self) -> Result<String, String> {
        text(self.get("/screenshot")?)
    }

    /// A command of Chromium's own protocol.
    pub fn devtools(&self, command: &str, parameters: Value) -> Result<Value, String> {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What was logged since the last time: `browser` for what pages say, `performance` for what they do.
    pub fn log(&self, kind: &str) -> Result<Vec<Value>, String> {
        match self.post("/se/log", &json!({ "type": kind }))? {
            Value::Array(entries) => Ok(entries),
            other => Err(format!("expected entries, got {other}")),
        }
    }
}

impl Element {
    /// The element that a script returned.
    pub fn of(value: &Value) -> Option<Self> {
        Some(Self(value[ELEMENT].as_str()?.to_owned()))
    }
}

fn ask(driver: &Api, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let mut answer = driver.try_send(method, path, body)?;
    let value = answer.body.get_mut("value").map(Value::take).unwrap_or_default();
    if answer.status == 200 {
        return Ok(value);
    }
    let part = |name| value.get(name).and_then(Value::as_str).unwrap_or_default();
    // Behind the first line stand the driver's version and its stack.
    let said = part("message").lines().next().unwrap_or_default();
    Err(format!("{method} {path}: {} {}: {said}", answer.status, part("error")))
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("expected text, got {other}")),
    }
}
