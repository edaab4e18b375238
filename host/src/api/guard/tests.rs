use super::*;

const LOOPBACK: &str = "127.0.0.1:5000";
const STRANGER: &str = "192.0.2.9:5000";

struct Asked {
    class: Class,
    method: Method,
    remote: &'static str,
    headers: Vec<(&'static str, String)>,
}

fn guard(bind: &str, policy: TokenPolicy) -> (Guard, String) {
    let folder = tempfile::tempdir().unwrap();
    let token = Token::create(folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join(super::super::token::TOKEN_FILE)).unwrap();
    (Guard::new(bind.parse().unwrap(), policy, token), text.trim_end().to_owned())
}

fn ask(class: Class, host: &str) -> Asked {
    let headers = vec![("host", host.to_owned())];
    Asked { class, method: Method::GET, remote: LOOPBACK, headers }
}

impl Asked {
    fn from(mut self, remote: &'static str) -> Self {
        self.remote = remote;
        self
    }

    fn posting(mut self) -> Self {
        self.method = Method::POST;
        self
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn at(&self, guard: &Guard) -> Result<Caller, Code> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let uri = Uri::from_static("/api/v1/wallet");
        let remote = Some(self.remote.parse().unwrap());
        guard.check(self.class, &self.method, &uri, &headers, remote).map_err(|problem| problem.code())
    }
}

#[test]
fn a_loopback_node_answers_to_its_own_names_only() {
    let (guard, _) = guard("127.0.0.1:7700", TokenPolicy::Remote);
    for class in [Class::Public, Class::Private, Class::LoopbackOnly] {
        for host in ["localhost:7700", "LOCALHOST:7700", "127.0.0.1:7700", "[::1]:7700"] {
            assert_eq!(ask(class, host).at(&guard), Ok(Caller::Operator), "{class:?} {host}");
        }
        let foreign = [
            "evil.example:7700",
            "localhost",
            "localhost:7701",
            "localhost.evil.example:7700",
            "127.0.0.1",
            "127.0.0.1:7700@evil.example",
            "evil.example",
            "",
            ":7700",
            "[::1",
            "[::1]x:7700",
            "localhost:+7700",
            "localhost:77000",
            "192.0.2.1:7700",
            "localhost:7700:7700",
            "user@localhost:7700",
        ];
        for host in foreign {
            assert_eq!(ask(class, host).at(&guard), Err(Code::ForeignHost), "{class:?} {host}");
        }
        let twice = ask(class, "localhost:7700").with("host", "evil.example");
        assert_eq!(twice.at(&guard), Err(Code::ForeignHost));
        let none = Asked { headers: Vec::new(), ..ask(class, "") };
        assert_eq!(none.at(&guard), Err(Code::ForeignHost));
    }
}

#[test]
fn an_absolute_target_must_name_the_node_too() {
    let (guard, _) = guard("127.0.0.1:7700", TokenPolicy::Remote);
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost:7700"));
    let uri = Uri::from_static("http://evil.example/api/v1/wallet");
    let remote = Some(LOOPBACK.parse().unwrap());
    let checked = guard.check(Class::Private, &Method::GET, &uri, &headers, remote);
    assert_eq!(checked.map_err(|problem| problem.code()), Err(Code::ForeignHost));
}

#[test]
fn an_open_node_shows_the_chain_under_any_name_and_nothing_else() {
    let (guard, token) = guard("0.0.0.0:7700", TokenPolicy::Remote);
    let bearer = format!("Bearer {token}");
    for host in ["node.example.org", "192.0.2.1:7700"] {
        assert_eq!(ask(Class::Public, host).from(STRANGER).at(&guard), Ok(Caller::Stranger), "{host}");
    }
    let named = ask(Class::Private, "node.example.org:7700").with("authorization", &bearer);
    assert_eq!(named.at(&guard), Err(Code::ForeignHost), "a name can be bent to this address");
    let direct = || ask(Class::Private, "192.0.2.1:7700").from(STRANGER);
    assert_eq!(direct().at(&guard), Err(Code::TokenRequired));
    assert_eq!(direct().with("authorization", &bearer).at(&guard), Ok(Caller::Operator));
    assert_eq!(direct().with("authorization", &format!("bearer {token}")).at(&guard), Ok(Caller::Operator));
    for wrong in ["", "Bearer", "Bearer ", "Basic x", &token, &bearer[..70], &format!("{bearer}0")] {
        assert_eq!(direct().with("authorization", wrong).at(&guard), Err(Code::TokenRequired), "{wrong}");
    }
    let secret = ask(Class::LoopbackOnly, "192.0.2.1:7700").from(STRANGER).with("authorization", &bearer);
    assert_eq!(secret.at(&guard), Err(Code::LoopbackOnly));
}

#[test]
fn what_was_forwarded_is_never_from_here() {
    let (guard, token) = guard("127.0.0.1:7700", TokenPolicy::Remote);
    for name in
        ["forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-anything", "x-real-ip"]
    {
        let forwarded = |class| ask(class, "localhost:7700").with(name, "for=127.0.0.1");
        assert_eq!(forwarded(Class::Private).at(&guard), Err(Code::TokenRequired), "{name}");
        assert_eq!(forwarded(Class::Public).at(&guard), Ok(Caller::Stranger), "{name}");
        let bearer = format!("Bearer {token}");
        let known = |class| forwarded(class).with("authorization", &bearer);
        assert_eq!(known(Class::Private).at(&guard), Ok(Caller::Operator), "{name}");
        assert_eq!(known(Class::LoopbackOnly).at(&guard), Err(Code::LoopbackOnly), "{name}");
    }
}

#[test]
fn the_operator_can_ask_for_the_token_everywhere() {
    let (guard, token) = guard("127.0.0.1:7700", TokenPolicy::Always);
    let local = || ask(Class::LoopbackOnly, "localhost:7700");
    assert_eq!(local().at(&guard), Err(Code::TokenRequired));
    assert_eq!(local().with("authorization", &format!("Bearer {token}")).at(&guard), Ok(Caller::Operator));
}

#[test]
fn an_unknown_address_is_not_this_computer() {
    let (guard, _) = guard("127.0.0.1:7700", TokenPolicy::Remote);
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost:7700"));
    let checked = guard.check(Class::Private, &Method::GET, &Uri::from_static("/"), &headers, None);
    assert_eq!(checked.map_err(|problem| problem.code()), Err(Code::TokenRequired));
    assert_eq!(
        ask(Class::Private, "localhost:7700").from("[::ffff:127.0.0.1]:9").at(&guard),
        Ok(Caller::Operator)
    );
}

#[test]
fn pages_of_other_origins_are_refused() {
    let (guard, _) = guard("127.0.0.1:7700", TokenPolicy::Remote);
    let private = || ask(Class::Private, "localhost:7700");
    assert_eq!(private().with("origin", "http://localhost:7700").at(&guard), Ok(Caller::Operator));
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:7701",
        "http://127.0.0.1:7700",
        "localhost:7700",
        "",
    ] {
        assert_eq!(private().with("origin", origin).at(&guard), Err(Code::ForeignOrigin), "{origin}");
        let public = ask(Class::Public, "localhost:7700").with("origin", origin);
        assert_eq!(public.at(&guard), Ok(Caller::Stranger), "reading is for everybody");
        assert_eq!(public.posting().at(&guard), Err(Code::ForeignOrigin), "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(private().with("sec-fetch-site", site).at(&guard), Err(Code::ForeignOrigin));
    }
    for site in ["same-origin", "none"] {
        assert_eq!(private().with("sec-fetch-site", site).at(&guard), Ok(Caller::Operator));
    }
}
