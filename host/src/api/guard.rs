//! Who may do what. The wallet, the miner and the list of peers obey only the operator: a page of
//! another origin, a name that was bent to this address, and a stranger on the network must not get
//! through. Reading the chain is for everybody who reaches the node.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{Code, Problem};
use super::token::Token;

/// What kind of route a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Pages and the chain, for everybody.
    Public,
    /// The wallet, the miner and the peers, for the operator.
    Private,
    /// Making and unlocking a wallet, for the operator at the node's own computer.
    LoopbackOnly,
}

/// Whom a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever may use the private routes.
    Operator,
    /// Anybody.
    Stranger,
}

/// When the token is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenPolicy {
    /// From anywhere but this computer.
    #[default]
    Remote,
    /// From everywhere.
    Always,
}

/// The access rules of one node.
#[derive(Debug)]
pub struct Guard {
    bind: SocketAddr,
    policy: TokenPolicy,
    token: Token,
}

/// The host that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Localhost,
    Ip(IpAddr),
    Name,
}

/// The host that a request names, as it spells it.
struct Named<'a> {
    host: &'a str,
    /// The name, of the header or of the target, that leads to public routes alone.
    foreign: Option<&'a str>,
}

impl Guard {
    /// The rules of a node that listens at `bind`, with the port that it got.
    pub fn new(bind: SocketAddr, policy: TokenPolicy, token: Token) -> Self {
        Self { bind, policy, token }
    }

    /// Judges a request for a route of `class` and says whom it comes from. `remote` is `None` where it
    /// is not known, which is never taken for this computer.
    pub fn check(
        &self,
        class: Class,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        remote: Option<SocketAddr>,
    ) -> Result<Caller, Problem> {
        let Named { host, foreign } = self.check_host(uri, headers)?;
        let as_operator = || {
            if let Some(foreign) = foreign {
                return Err(self.foreign_host(foreign));
            }
            check_origin(host, headers)?;
            self.check_token(headers, remote)
        };
        match class {
            Class::Public => {
                if !method.is_safe() {
                    check_origin(host, headers)?;
                }
                Ok(as_operator().map_or(Caller::Stranger, |()| Caller::Operator))
            }
            Class::Private => as_operator().map(|()| Caller::Operator),
            Class::LoopbackOnly => {
                as_operator()?;
                if is_loopback(headers, remote) {
                    return Ok(Caller::Operator);
                }
                let detail = "use the page or the command line on that computer, without a proxy between";
                Err(Problem::new(Code::LoopbackOnly, detail))
            }
        }
    }

    /// Checks the host that the request names.
    fn check_host<'a>(&self, uri: &'a Uri, headers: &'a HeaderMap) -> Result<Named<'a>, Problem> {
        let refuse = |detail: &str| Problem::new(Code::ForeignHost, detail);
        let authority = uri.authority().map(|host| host.as_str());
        let mut named = headers.get_all(header::HOST).iter();
        let host = match (named.next(), named.next()) {
            (Some(host), None) => host.to_str().map_err(|_| refuse("the Host header is no text"))?,
            (None, _) => authority.ok_or_else(|| refuse("there is no Host header"))?,
            (Some(_), Some(_)) => return Err(refuse("there is more than one Host header")),
        };
        let mut foreign = None;
        // An absolute target counts for more than the header (RFC 9112 section 3.2.2).
        for text in [Some(host), authority].into_iter().flatten() {
            match self.class_of(text) {
                Some(Class::Public) => foreign = Some(text),
                Some(Class::Private | Class::LoopbackOnly) => {}
                None => return Err(self.foreign_host(text)),
            }
        }
        Ok(Named { host, foreign })
    }

    fn foreign_host(&self, host: &str) -> Problem {
        let got: String = host.chars().take(80).collect();
        let expected = self.bind.port();
        Problem::new(
            Code::ForeignHost,
            format_args!("expected localhost or an address of this node with port {expected}, got {got:?}"),
        )
    }

    /// What kind of routes a host leads to: the private ones, too, where it is one of this node's own; none where it
    /// is not and the node is not open to everybody.
    fn class_of(&self, text: &str) -> Option<Class> {
        let (host, port) = parse_host(text)?;
        let is_own = port.unwrap_or(80) == self.bind.port()
            && match host {
                Host::Localhost => true,
                Host::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST) | IpAddr::V6(Ipv6Addr::LOCALHOST)) => true,
                // A name can be bent to another address, an address cannot. So where the node listens
                // on all of them, each is as good as the one that the connection was made to.
                Host::Ip(ip) => self.bind.ip().is_unspecified() || self.bind.ip().to_canonical() == ip,
                Host::Name => false,
            };
        if is_own {
            return Some(Class::Private);
        }
        // Where the node listens for others, the operator offers the chain to everybody, under whatever name leads
        // here.
        let is_open = !self.bind.ip().to_canonical().is_loopback();
        is_open.then_some(Class::Public)
    }

    fn check_token(&self, headers: &HeaderMap, remote: Option<SocketAddr>) -> Result<(), Problem> {
        if self.policy == TokenPolicy::Remote && is_loopback(headers, remote) {
            return Ok(());
        }
        let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        let (scheme, token) = given.split_at_checked(7).unwrap_or_default();
        if scheme.eq_ignore_ascii_case(b"bearer ") && self.token.is(token) {
            return Ok(());
        }
        let detail =
            "send \"Authorization: Bearer\" with the content of the file api-token in the node's data folder";
        Err(Problem::new(Code::TokenRequired, detail))
    }
}

/// Refuses what a page of another origin has sent.
fn check_origin(host: &str, headers: &HeaderMap) -> Result<(), Problem> {
    for origin in headers.get_all(header::ORIGIN) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !from.is_some_and(|from| from.eq_ignore_ascii_case(host)) {
            let got: String = origin.chars().take(80).collect();
            return Err(Problem::new(
                Code::ForeignOrigin,
                format_args!("expected origin http://{host}, got {got:?}"),
            ));
        }
    }
    // Browsers say this also where they send no Origin, and no page can change it.
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Problem::new(Code::ForeignOrigin, "the browser says that another site sends this")),
    }
}

/// Whether the request was made on this computer. Behind a proxy nobody can tell.
fn is_loopback(headers: &HeaderMap, remote: Option<SocketAddr>) -> bool {
    let is_forwarding = |name: &HeaderName| {
        let name = name.as_str();
        matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded")
    };
    remote.is_some_and(|remote| remote.ip().to_canonical().is_loopback())
        && !headers.keys().any(is_forwarding)
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`, and nothing else.
fn parse_host(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            (
                Host::Ip(IpAddr::V6(ip.parse().ok()?).to_canonical()),
                port.strip_prefix(':').or(port.is_empty().then_some("")),
            )
        }
        None => {
            let (name, port) = text.split_once(':').unwrap_or((text, ""));
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_name) {
                return None;
            }
            let host = match name.parse() {
                Ok(ip) => Host::Ip(IpAddr::V4(ip)),
                Err(_) if name.eq_ignore_ascii_case("localhost") => Host::Localhost,
                Err(_) => Host::Name,
            };
            (host, Some(port))
        }
    };
    match port? {
        "" => Some((host, None)),
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        _ => None,
    }
}

/// Refuses bodies that are not declared as JSON: a form of another site can post everything else. Nothing is
/// ever decompressed, so that no body is larger than what was sent.
fn check_body(request: &Request) -> Result<(), Problem> {
    if let Some(coding) = request.headers().get(header::CONTENT_ENCODING) {
        return Err(Problem::new(
            Code::MediaType,
            format_args!("expected no content coding, got {coding:?}"),
        ));
    }
    let is_json = |value: &HeaderValue| {
        let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    match request.headers().get(header::CONTENT_TYPE) {
        Some(kind) if is_json(kind) => Ok(()),
        Some(kind) => {
            Err(Problem::new(Code::MediaType, format_args!("expected application/json, got {kind:?}")))
        }
        None if request.body().size_hint().exact() == Some(0) => Ok(()),
        None => Err(Problem::new(Code::MediaType, "expected application/json, got a body without a type")),
    }
}

/// Judges a request for a route of `class`; its handler finds the [`Caller`] as an extension.
pub fn admit(guard: &Guard, class: Class, request: &mut Request) -> Result<(), Problem> {
    let remote = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let caller = guard.check(class, request.method(), request.uri(), request.headers(), remote)?;
    if !request.method().is_safe() {
        check_body(request)?;
    }
    request.extensions_mut().insert(caller);
    Ok(())
}

/// The middleware of a class of routes, where that is not the public one.
pub async fn guard(
    State((guard, class)): State<(Arc<Guard>, Class)>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&guard, class, &mut request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests;
