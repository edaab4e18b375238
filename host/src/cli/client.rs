//! HTTP to the running node.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::error::CliError;
use super::output::plain;
use crate::api::token::{self, TOKEN_FILE};
use crate::config::Config;

/// How long an answer may take that needs no work: the node may be busy checking a block.
const ANSWER_SECONDS: u64 = 30;

/// How long mining a block or asking every peer may take.
const WORK_SECONDS: u64 = 3_600;

/// The longest answer, a full block in JSON being below.
const ANSWER_MAX_BYTES: u64 = 16 << 20;

/// A way to the node.
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<Zeroizing<String>>,
}

/// Why the node did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there.
    #[error(
        "no node answers at {base} ({reason}); start one with `mote`, or name another with --host and --port"
    )]
    NoNode {
        /// Where it was looked for.
        base: String,
        /// What the system says.
        reason: String,
    },
    /// The node refused.
    #[error("{detail}{}", if detail.starts_with(code.as_str()) { String::new() } else { format!(" ({code})") })]
    Refused {
        /// What a program can match.
        code: String,
        /// What people read.
        detail: String,
    },
    /// What answers is no node of this version.
    #[error("{base} does not answer as a node does: {reason}")]
    Strange {
        /// Where it is.
        base: String,
        /// What is strange.
        reason: String,
    },
}

impl ClientError {
    /// The code with which the node refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It is there already.
    Answer,
    /// It has to be worked for.
    Work,
}

impl Client {
    /// The way to the node of these settings. Whether there is one shows with the first request.
    pub fn new(config: &Config) -> Result<Self, CliError> {
        let host = reachable(&config.host);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        // What the environment names as proxy is for the web, not for a node nearby.
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(5)))
            .build();
        let token = if is_here(&config.host) { read_token(&config.folder)? } else { None };
        Ok(Self { agent: settings.into(), base: format!("http://{host}:{}", config.port), token })
    }

    /// The start of the node's URLs.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks for something.
    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.json("GET", path, None, Patience::Answer)
    }

    /// Asks for bytes.
    pub fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        self.send("GET", path, None, Patience::Answer)
    }

    /// Asks for something to be done.
    pub fn post(&self, path: &str, body: &Value, patience: Patience) -> Result<Value, ClientError> {
        self.json("POST", path, Some(body), patience)
    }

    /// Asks for something to be removed.
    pub fn delete(&self, path: &str) -> Result<Value, ClientError> {
        self.json("DELETE", path, None, Patience::Answer)
    }

    fn json(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Patience,
    ) -> Result<Value, ClientError> {
        let bytes = self.send(method, path, body, patience)?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| self.strange(format!("the answer is no JSON: {error}")))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Patience,
    ) -> Result<Vec<u8>, ClientError> {
        let seconds = match patience {
            Patience::Answer => ANSWER_SECONDS,
            Patience::Work => WORK_SECONDS,
        };
        let mut request = Request::builder().method(method).uri(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.as_str()));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(body).map_err(|error| self.strange(error.to_string()))?;
        let request =
            self.agent.configure_request(request).timeout_global(Some(Duration::from_secs(seconds)));
        let response = self.agent.run(request.build()).map_err(|error| self.no_answer(&error))?;
        self.read(response)
    }

    fn read(&self, mut response: Response<Body>) -> Result<Vec<u8>, ClientError> {
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_vec();
        let body = body.map_err(|error| self.no_answer(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(plain);
        match (text("code"), text("detail").or_else(|| text("title"))) {
            (Some(code), Some(detail)) => Err(ClientError::Refused { code, detail }),
            _ => Err(self.strange(format!("status {status}"))),
        }
    }

    fn no_answer(&self, error: &ureq::Error) -> ClientError {
        match error {
            ureq::Error::Timeout(_) => self.strange(format!("it takes too long ({error})")),
            ureq::Error::Io(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                ClientError::NoNode { base: self.base.clone(), reason: error.to_string() }
            }
            _ => self.strange(error.to_string()),
        }
    }

    fn strange(&self, reason: String) -> ClientError {
        ClientError::Strange { base: self.base.clone(), reason }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

/// The address at which a node that listens on `host` is reached from this computer.
fn reachable(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.to_string(),
        _ => host.to_owned(),
    }
}

/// Whether `host` is this computer: a token of its data folder is for nobody else to see. The system
/// binds only addresses of its own.
fn is_here(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => UdpSocket::bind((ip, 0)).is_ok(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn read_token(folder: &Path) -> Result<Option<Zeroizing<String>>, CliError> {
    let path = folder.join(TOKEN_FILE);
    match token::read(&path) {
        Ok(token) => Ok(Some(token)),
        // Without it most of a node on this computer can still be used; the node says what cannot.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(source) => Err(CliError::File { action: "read", path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_here() {
        assert!(is_here("127.0.0.1") && is_here("0.0.0.0") && is_here("localhost"));
        assert!(!is_here("192.0.2.1") && !is_here("example.org"));
    }

    #[test]
    fn a_node_that_listens_everywhere_is_reached_here() {
        assert_eq!(reachable("0.0.0.0"), "127.0.0.1");
        assert_eq!(reachable("::"), "::1");
        assert_eq!(reachable("192.0.2.1"), "192.0.2.1");
    }
}
