//! What pages said on the console and whom they asked for something, as the browser itself noted it.

use serde_json::Value;

/// A request that a page made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it asked for.
    pub url: String,
    /// The page that made it.
    pub document: String,
}

/// Everything since the browser was started.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Errors and warnings: of scripts, of the network, of policies.
    pub complaints: Vec<String>,
    /// Requests over the network, in their order.
    pub requests: Vec<Request>,
}

impl Record {
    /// Takes in entries of the log `browser`.
    pub fn note_messages(&mut self, entries: &[Value]) {
        for entry in entries {
            let level = entry["level"].as_str().unwrap_or_default();
            if ["SEVERE", "WARNING"].contains(&level) {
                let message = entry["message"].as_str().unwrap_or_default();
                self.complaints.push(format!("{level}: {message}"));
            }
        }
    }

    /// Takes in entries of the log `performance`.
    pub fn note_events(&mut self, entries: &[Value]) {
        for entry in entries {
            let text = entry["message"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(text).unwrap_or_default();
            let (method, parameters) = (&event["message"]["method"], &event["message"]["params"]);
            let request = match method.as_str() {
                Some("Network.requestWillBeSent") => {
                    (&parameters["request"]["url"], &parameters["documentURL"])
                }
                // Whoever opened it is not told.
                Some("Network.webSocketCreated") => (&parameters["url"], &Value::Null),
                _ => continue,
            };
            let [url, document] = [request.0, request.1].map(|value| value.as_str().unwrap_or_default());
            if origin(url).is_some() {
                self.requests.push(Request { url: url.to_owned(), document: document.to_owned() });
            }
        }
    }
}

/// `scheme://host:port` of an address that is reached over the network.
pub fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let is_network = ["http", "https", "ws", "wss", "ftp"].contains(&scheme);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    is_network.then(|| &url[..scheme.len() + 3 + end])
}
