//! HTTP by hand: a client that sends what no library would.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::node::PATIENCE;

/// A request that is sent as it is written.
pub struct Request {
    method: String,
    path: String,
    host: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { method, path, host: None, headers: Vec::new(), body: None }
    }

    /// Names another host than the one that is connected to.
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a body of no type.
    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// Sets a body in JSON.
    pub fn json(self, value: &Value) -> Self {
        self.header("Content-Type", "application/json").body(&value.to_string())
    }

    /// Sends the request and reads the answer.
    #[track_caller]
    pub fn send(self, to: SocketAddr) -> Answer {
        let text = self.text(to);
        exchange(to, text.as_bytes()).unwrap_or_else(|| panic!("no answer to {} {}", self.method, self.path))
    }

    /// Sends the request and reads no more of the answer than its head, and the body where that is an error:
    /// some bodies never end.
    #[track_caller]
    pub fn send_for_head(self, to: SocketAddr) -> Answer {
        let mut socket = open(to);
        // A node may answer and close before it has read everything.
        let _ = socket.write_all(self.text(to).as_bytes());
        let mut bytes = Vec::new();
        let mut buffer = [0; 4 * 1024];
        loop {
            let count = socket.read(&mut buffer).unwrap_or_else(|error| panic!("{}: {error}", self.path));
            bytes.extend_from_slice(&buffer[..count]);
            let answer = parse(&bytes);
            let lacks_body = |answer: &Answer| {
                let is_error = answer.header("content-type") == Some("application/problem+json");
                is_error && self.method != "HEAD" && !answer.body.ends_with('}')
            };
            match answer {
                Some(answer) if count == 0 || !lacks_body(&answer) => return answer,
                None if count == 0 => panic!("no answer to {} {}", self.method, self.path),
                _ => {}
            }
        }
    }

    fn text(&self, to: SocketAddr) -> String {
        let host = self.host.clone().unwrap_or_else(|| to.to_string());
        let mut text =
            format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(self.body.as_deref().unwrap_or_default());
        text
    }
}

/// Sends bytes and reads the answer; none where the node closes instead.
pub fn exchange(to: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut socket = open(to);
    // A node may answer and close before it has read everything.
    let _ = socket.write_all(bytes);
    read_answer(&mut socket)
}

/// A connection on which reading and writing end at some time.
pub fn open(to: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect_timeout(&to, PATIENCE).expect("the node listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    socket.set_write_timeout(Some(PATIENCE)).expect("a time-out");
    socket
}

/// Reads an answer up to the end of the connection.
pub fn read_answer(socket: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("the node neither answers nor closes")
            }
            Err(_) => break,
        }
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Some(Answer { status, headers, body: body.to_owned() })
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The answer is this error.
    #[track_caller]
    pub fn is_refused(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!((self.status, &body["code"]), (status, &Value::from(code)), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["status"], Value::from(status));
    }
}
