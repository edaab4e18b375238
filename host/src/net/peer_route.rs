//! `GET /peer`: from a request to a peer's connection.

use std::net::SocketAddr;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::TokioIo;
use mote_core::wire::SUBPROTOCOL;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tracing::debug;

use super::admission::Slot;
use super::{Network, connection};
use crate::node::request::PeerAddress;
use crate::node::status::Direction;

/// The route at which peers connect.
pub fn router(network: Network) -> Router {
    Router::new().route("/peer", get(peer_route)).with_state(network)
}

/// Turns a request into a peer's connection, or says why not.
pub async fn peer_route(
    State(network): State<Network>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    slot: Option<Extension<Slot>>,
    mut request: Request,
) -> Result<Response, Refusal> {
    let accept = check(&network, &request)?;
    let room = network.room(Direction::Inbound).ok_or(Refusal::Full)?;
    let upgrade = hyper::upgrade::on(&mut request);
    let address = PeerAddress::from_ip(client.ip(), client.port());
    let runtime = network.shared.runtime.clone();
    runtime.spawn(async move {
        // Taken until the connection has ended.
        let _slot = slot;
        match upgrade.await {
            Ok(socket) => {
                let config = Some(connection::config());
                let socket =
                    WebSocketStream::from_raw_socket(TokioIo::new(socket), Role::Server, config).await;
                connection::serve(network, room, socket, Direction::Inbound, address).await;
            }
            Err(error) => debug!(%error, %address, "a peer left before its connection was open"),
        }
    });
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
        (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Why a request does not become a peer's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no WebSocket handshake.
    #[error("peers connect by a WebSocket handshake: Connection: upgrade, Upgrade: websocket")]
    NotWebSocket,
    /// It has a body.
    #[error("a WebSocket handshake has no body")]
    Body,
    /// It is of another version of the WebSocket protocol.
    #[error("the version of the WebSocket protocol must be 13")]
    Version,
    /// Its key is not 16 bytes in Base64.
    #[error("Sec-WebSocket-Key must be 16 bytes in Base64")]
    Key,
    /// It does not offer the subprotocol.
    #[error("Sec-WebSocket-Protocol must offer mote.v1")]
    Subprotocol,
    /// It comes from a web page that the operator has not allowed.
    #[error("pages of this origin may not connect as peers")]
    Origin,
    /// There are too many peers.
    #[error("there are too many peers")]
    Full,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let text = format!("{self}\n");
        match self {
            Self::NotWebSocket => {
                let headers = [(UPGRADE, "websocket"), (CONNECTION, "upgrade")];
                (StatusCode::UPGRADE_REQUIRED, headers, text).into_response()
            }
            Self::Version => {
                (StatusCode::UPGRADE_REQUIRED, [(SEC_WEBSOCKET_VERSION, "13")], text).into_response()
            }
            // The client may take what comes next for something else than this server does.
            Self::Body => (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], text).into_response(),
            Self::Key | Self::Subprotocol => (StatusCode::BAD_REQUEST, text).into_response(),
            Self::Origin => (StatusCode::FORBIDDEN, text).into_response(),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, text).into_response(),
        }
    }
}

/// Checks a handshake; returns the answer to its key.
fn check(network: &Network, request: &Request) -> Result<HeaderValue, Refusal> {
    let headers = request.headers();
    // Only browsers send an origin. What is not readable as one is not on the list either.
    let is_allowed = |origin: &HeaderValue| origin.to_str().is_ok_and(|text| network.is_allowed_origin(text));
    if !headers.get_all(ORIGIN).iter().all(is_allowed) {
        return Err(Refusal::Origin);
    }
    let is_upgrade = has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket");
    // HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
    if !is_upgrade || request.version() != Version::HTTP_11 {
        return Err(Refusal::NotWebSocket);
    }
    // What stands behind the request must be frames and nothing else.
    if !request.body().is_end_stream() {
        return Err(Refusal::Body);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::Version);
    }
    if !tokens(headers, &SEC_WEBSOCKET_PROTOCOL).any(|token| token == SUBPROTOCOL) {
        return Err(Refusal::Subprotocol);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).ok_or(Refusal::Key)?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| Refusal::Key)
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

/// Whether this is the Base64 form of 16 bytes.
fn is_key(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(text, [digits @ .., b'=', b'='] if digits.len() == 22 && digits.iter().all(is_digit))
}

#[cfg(test)]
mod tests;
