//! The doors of a node that are reached over HTTP, each with its kind.

use mote_tests::fixtures::account;
use serde_json::{Value, json};

use super::super::http::Request;
use super::super::node::Node;

/// What is behind a door, and so who may go through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pages and the chain.
    Read,
    /// What anybody may hand in or have computed, but for pages of others.
    HandIn,
    /// The wallet, the miner and the peers.
    Operators,
    /// The making of keys, and passphrases.
    Keys,
    /// Connections of peers.
    Peers,
}

use Kind::{HandIn, Keys, Operators, Peers, Read};

/// One door.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    pub kind: Kind,
    pub method: &'static str,
    /// As the API's description has it.
    pub route: &'static str,
    /// Something that is there, or could be.
    pub path: &'static str,
}

/// What a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Something that the node would do.
    Real,
    /// Something that it would refuse whoever says it.
    Nonsense,
}

/// Every door whose route has no variable part.
const PLAIN: [(Kind, &str, &str); 50] = [
    (Read, "GET", "/"),
    (Read, "GET", "/start"),
    (Read, "GET", "/blocks"),
    (Read, "GET", "/mempool"),
    (Read, "GET", "/forks"),
    (Read, "GET", "/mining"),
    (Read, "GET", "/network"),
    (Read, "GET", "/wallet"),
    (Read, "GET", "/browser-wallet"),
    (Read, "GET", "/laboratory"),
    (Read, "GET", "/offline-wallet.html"),
    (Read, "GET", "/docs"),
    (Read, "GET", "/healthz"),
    (Read, "GET", "/metrics"),
    (Read, "GET", "/api/v1/openapi.json"),
    (Read, "GET", "/api/v1/status"),
    (Read, "GET", "/api/v1/card"),
    (Read, "GET", "/api/v1/search"),
    (Read, "GET", "/api/v1/qr"),
    (Read, "GET", "/api/v1/charts"),
    (Read, "GET", "/api/v1/blocks"),
    (Read, "GET", "/api/v1/branches"),
    (Read, "GET", "/api/v1/checkpoints"),
    (Read, "GET", "/api/v1/mempool"),
    (Read, "GET", "/api/v1/events"),
    (HandIn, "POST", "/api/v1/transactions"),
    (HandIn, "POST", "/api/v1/laboratory/hash"),
    (HandIn, "POST", "/api/v1/laboratory/block"),
    (HandIn, "POST", "/api/v1/laboratory/block/mine"),
    (HandIn, "POST", "/api/v1/laboratory/chain"),
    (HandIn, "POST", "/api/v1/laboratory/peers"),
    (HandIn, "POST", "/api/v1/laboratory/proofs"),
    (HandIn, "POST", "/api/v1/laboratory/difficulty"),
    (Operators, "GET", "/api/v1/wallet"),
    (Operators, "GET", "/api/v1/wallet/addresses"),
    (Operators, "POST", "/api/v1/wallet/addresses"),
    (Operators, "POST", "/api/v1/wallet/send"),
    (Operators, "POST", "/api/v1/wallet/lock"),
    (Operators, "GET", "/api/v1/mining"),
    (Operators, "POST", "/api/v1/mining"),
    (Operators, "POST", "/api/v1/mining/block"),
    (Operators, "GET", "/api/v1/peers"),
    (Operators, "POST", "/api/v1/peers"),
    (Operators, "POST", "/api/v1/resolve"),
    (Operators, "POST", "/api/v1/checkpoints"),
    (Operators, "POST", "/api/v1/checkpoints/sign"),
    (Keys, "POST", "/api/v1/wallet"),
    (Keys, "POST", "/api/v1/wallet/restore"),
    (Keys, "POST", "/api/v1/wallet/unlock"),
    (Peers, "GET", "/peer"),
];

/// The others, with something in the place of the variable part.
const VARIABLE: [(Kind, &str, &str, &str); 15] = [
    (Read, "GET", "/block/{block}", "/block/0"),
    (Read, "GET", "/transaction/{id}", "/transaction/0"),
    (Read, "GET", "/address/{address}", "/address/0"),
    (Read, "GET", "/laboratory/{experiment}", "/laboratory/hash"),
    (Read, "GET", "/web/{path}", "/web/app.js"),
    (Read, "GET", "/api/v1/blocks/{block}", "/api/v1/blocks/0"),
    (Read, "GET", "/api/v1/blocks/{block}/header", "/api/v1/blocks/0/header"),
    (Read, "GET", "/api/v1/blocks/{block}/raw", "/api/v1/blocks/0/raw"),
    (Read, "GET", "/api/v1/blocks/{block}/siblings", "/api/v1/blocks/0/siblings"),
    (Read, "GET", "/api/v1/transactions/{id}", "/api/v1/transactions/0"),
    (Read, "GET", "/api/v1/transactions/{id}/proof", "/api/v1/transactions/0/proof"),
    (Read, "GET", "/api/v1/accounts/{address}", "/api/v1/accounts/0"),
    (Read, "GET", "/api/v1/accounts/{address}/history", "/api/v1/accounts/0/history"),
    (Read, "GET", "/api/v1/accounts/{address}/proof", "/api/v1/accounts/0/proof"),
    (Operators, "DELETE", "/api/v1/peers/{peer}", "/api/v1/peers/127.0.0.1:9"),
];

/// Every door.
pub fn doors() -> impl Iterator<Item = Door> {
    let plain = PLAIN.iter().map(|&(kind, method, route)| Door { kind, method, route, path: route });
    let variable = VARIABLE.iter().map(|&(kind, method, route, path)| Door { kind, method, route, path });
    plain.chain(variable)
}

/// Every door that is the operator's, with a body that the node would take.
pub fn private_routes(node: &Node) -> Vec<(&'static str, &'static str, Value)> {
    let private = doors().filter(|door| matches!(door.kind, Operators | Keys));
    private.map(|door| (door.method, door.path, door.body(node))).collect()
}

impl Door {
    /// A request with a body where the method has one.
    pub fn request(&self, node: &Node, body: Body) -> Request {
        let request = Request::new(self.method, self.path);
        match (self.method, body) {
            ("POST", Body::Real) => request.json(&self.body(node)),
            // Where there is no body, this is none; everywhere else no field has this name.
            ("POST", Body::Nonsense) => request.json(&json!({"no such field": 1})),
            _ => request,
        }
    }

    /// A body that the node would take from whoever may send it.
    fn body(&self, node: &Node) -> Value {
        match (self.method, self.route) {
            ("POST", "/api/v1/wallet/restore") => json!({"words": "abandon ".repeat(23) + "art"}),
            ("POST", "/api/v1/wallet/unlock") => json!({"passphrase": "x"}),
            ("POST", "/api/v1/wallet/send") => json!({"to": node.text(account(3)), "amount": "1"}),
            ("POST", "/api/v1/mining") => json!({"enabled": true}),
            ("POST", "/api/v1/checkpoints/sign") => json!({"height": 1}),
            ("POST", "/api/v1/peers") => json!({"peer": "127.0.0.1:9"}),
            ("POST", _) => json!({}),
            _ => Value::Null,
        }
    }
}
