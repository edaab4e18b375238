//! Who may stand before a door, and what is said to them there.

use super::House::{self, Asking, Closed, Open};
use super::routes::Kind;

/// Where a visitor's connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The loopback interface.
    Here,
    /// Another address of this computer, which a node cannot tell from another computer's.
    Outside,
}

/// The token that a visitor shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    None,
    Right,
    Wrong,
}

/// What is said to a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is judged for what it says.
    Through,
    /// 401 `token-required`.
    Token,
    /// 403 `foreign-origin`.
    Origin,
    /// 403 `loopback-only`.
    Here,
    /// 421 `foreign-host`.
    Host,
}

/// Somebody before a door.
pub struct Visitor {
    pub name: &'static str,
    pub house: House,
    pub from: From,
    /// The host that the request names, where it is not the one that it goes to; `PORT` is the node's.
    pub host: Option<&'static str>,
    pub headers: &'static [(&'static str, &'static str)],
    pub token: Token,
    /// What is said at doors of each kind: reading, handing in, the operator's, keys, peers.
    verdicts: [Verdict; 5],
}

impl Visitor {
    pub fn verdict(&self, kind: Kind) -> Verdict {
        let [read, hand_in, operators, keys, peers] = self.verdicts;
        match kind {
            Kind::Read => read,
            Kind::HandIn => hand_in,
            Kind::Operators => operators,
            Kind::Keys => keys,
            Kind::Peers => peers,
        }
    }

    const fn new(name: &'static str, house: House, verdicts: [Verdict; 5]) -> Self {
        Self { name, house, from: From::Here, host: None, headers: &[], token: Token::None, verdicts }
    }

    const fn outside(self) -> Self {
        Self { from: From::Outside, ..self }
    }

    const fn naming(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }

    const fn saying(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    const fn with(self, token: Token) -> Self {
        Self { token, ..self }
    }
}

use Verdict::{Here as H, Host as N, Origin as O, Through as Y, Token as T};

const EVIL: &[(&str, &str)] = &[("Origin", "http://evil.example")];
const NOBODY: &[(&str, &str)] = &[("Origin", "null")];
const OTHER_PORT: &[(&str, &str)] = &[("Origin", "http://127.0.0.1:1")];
const OTHER_SITE: &[(&str, &str)] = &[("Sec-Fetch-Site", "cross-site")];
const OWN: &[(&str, &str)] = &[("Origin", "http://127.0.0.1:PORT"), ("Sec-Fetch-Site", "same-origin")];
const FORWARDED: &[(&str, &str)] = &[("Forwarded", "for=127.0.0.1")];
const FORWARDED_FOR: &[(&str, &str)] = &[("X-Forwarded-For", "127.0.0.1")];
const FORWARDED_HOST: &[(&str, &str)] = &[("X-Forwarded-Host", "localhost:PORT")];
const VIA: &[(&str, &str)] = &[("Via", "1.1 proxy")];
const REAL_IP: &[(&str, &str)] = &[("X-Real-IP", "127.0.0.1")];
const REBOUND: &[(&str, &str)] = &[("Origin", "http://evil.example:PORT"), ("Sec-Fetch-Site", "same-origin")];

/// Everybody. The columns: reading, handing in, what is the operator's, keys, peers. A WebSocket always
/// shows its origin, so the door of peers looks at nothing else of where a visitor comes from.
#[rustfmt::skip]
pub const VISITORS: &[Visitor] = &[
    Visitor::new("somebody at this computer",              Closed, [Y, Y, Y, Y, Y]),
    Visitor::new("somebody here with a wrong token",       Closed, [Y, Y, Y, Y, Y]).with(Token::Wrong),
    Visitor::new("somebody here who says localhost",       Closed, [Y, Y, Y, Y, Y]).naming("localhost:PORT"),
    Visitor::new("somebody here who says ::1",             Closed, [Y, Y, Y, Y, Y]).naming("[::1]:PORT"),
    Visitor::new("the node's own page",                    Closed, [Y, Y, Y, Y, O]).saying(OWN),
    Visitor::new("a page of another origin",               Closed, [Y, O, O, O, O]).saying(EVIL),
    Visitor::new("that page with the token",               Closed, [Y, O, O, O, O]).saying(EVIL).with(Token::Right),
    Visitor::new("a page without an origin",               Closed, [Y, O, O, O, O]).saying(NOBODY),
    Visitor::new("a page of another port",                 Closed, [Y, O, O, O, O]).saying(OTHER_PORT),
    Visitor::new("a page whose browser says another site", Closed, [Y, O, O, O, Y]).saying(OTHER_SITE),
    Visitor::new("a name that was bent to here",           Closed, [N, N, N, N, Y]).naming("evil.example:PORT"),
    Visitor::new("that name with the token",               Closed, [N, N, N, N, Y]).naming("evil.example:PORT").with(Token::Right),
    Visitor::new("a page of that name",                    Closed, [N, N, N, N, O]).naming("evil.example:PORT").saying(REBOUND),
    Visitor::new("somebody behind Forwarded",              Closed, [Y, Y, T, T, Y]).saying(FORWARDED),
    Visitor::new("somebody behind X-Forwarded-For",        Closed, [Y, Y, T, T, Y]).saying(FORWARDED_FOR),
    Visitor::new("somebody behind X-Forwarded-Host",       Closed, [Y, Y, T, T, Y]).saying(FORWARDED_HOST),
    Visitor::new("somebody behind Via",                    Closed, [Y, Y, T, T, Y]).saying(VIA),
    Visitor::new("somebody behind X-Real-IP",              Closed, [Y, Y, T, T, Y]).saying(REAL_IP),
    Visitor::new("a proxy with a wrong token",             Closed, [Y, Y, T, T, Y]).saying(VIA).with(Token::Wrong),
    Visitor::new("a proxy with the token",                 Closed, [Y, Y, Y, H, Y]).saying(VIA).with(Token::Right),
    Visitor::new("somebody at this computer",              Open,   [Y, Y, Y, Y, Y]),
    Visitor::new("somebody of the network",                Open,   [Y, Y, T, T, Y]).outside(),
    Visitor::new("they with a wrong token",                Open,   [Y, Y, T, T, Y]).outside().with(Token::Wrong),
    Visitor::new("they with the token",                    Open,   [Y, Y, Y, H, Y]).outside().with(Token::Right),
    Visitor::new("they who say localhost",                 Open,   [Y, Y, T, T, Y]).outside().naming("localhost:PORT"),
    Visitor::new("they who claim to be forwarded",         Open,   [Y, Y, T, T, Y]).outside().saying(FORWARDED_FOR),
    Visitor::new("a page of another origin",               Open,   [Y, O, O, O, O]).saying(EVIL),
    Visitor::new("that page, seen from the network",       Open,   [Y, O, O, O, O]).outside().saying(EVIL),
    Visitor::new("a name that was bent to here",           Open,   [Y, Y, N, N, Y]).naming("evil.example:PORT"),
    Visitor::new("that name with the token",               Open,   [Y, Y, N, N, Y]).naming("evil.example:PORT").with(Token::Right),
    Visitor::new("a page of that name",                    Open,   [Y, Y, N, N, O]).naming("evil.example:PORT").saying(REBOUND),
    Visitor::new("somebody behind a proxy",                Open,   [Y, Y, T, T, Y]).saying(FORWARDED),
    Visitor::new("somebody at this computer",              Asking, [Y, Y, T, T, Y]),
    Visitor::new("they with a wrong token",                Asking, [Y, Y, T, T, Y]).with(Token::Wrong),
    Visitor::new("they with the token",                    Asking, [Y, Y, Y, Y, Y]).with(Token::Right),
    Visitor::new("the node's own page without it",         Asking, [Y, Y, T, T, O]).saying(OWN),
    Visitor::new("a page of another origin with it",       Asking, [Y, O, O, O, O]).saying(EVIL).with(Token::Right),
    Visitor::new("a proxy with it",                        Asking, [Y, Y, Y, H, Y]).saying(VIA).with(Token::Right),
];
